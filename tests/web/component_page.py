"""A small application that shows every component, for the tests of the shared look alone."""

from __future__ import annotations

import base64
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from jinja2 import FileSystemLoader
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from fellesjournal import web
from fellesjournal.web import templating

NOW = datetime(2026, 11, 23, 13, 5, tzinfo=UTC)
DRAFT_KEY = base64.b64encode(bytes(range(32))).decode()
TYPES = (("bp", "Blodtrykk", "mmHg"), ("wt", "Vekt", "kg"))
DIAGNOSES = [
    {"code": "K86", "display": "Hypertensjon ukomplisert", "system": "urn:oid:2.16.578.1.12.4.1.1.7170"},
    {"code": "K87", "display": "Hypertensjon komplisert", "system": "urn:oid:2.16.578.1.12.4.1.1.7170"},
    {"code": "R74", "display": "Akutt øvre luftveisinfeksjon", "system": "urn:oid:2.16.578.1.12.4.1.1.7170"},
]


class SignIn:
    """Stands in for the room that knows the session: everyone is signed in unless the cookie says not."""

    def __init__(self, app: ASGIApp) -> None:
        """Wrap the application."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Set the visitor."""
        if scope["type"] == "http":
            anonymous = "utlogget=1" in Request(scope).headers.get("cookie", "")
            web.set_visitor(scope, None if anonymous else visitor(Request(scope)))
        await self._app(scope, receive, send)


def visitor(request: Request) -> web.Visitor:
    """The person at the screen."""
    return web.Visitor(
        name="Kari Nordmann Lege",
        csrf_secret=b"a session's secret" + request.cookies.get("sesjon", "").encode(),
        person=request.cookies.get("person", "Kari").encode(),
        role="Fastlege",
        unit="Havneby legesenter",
        home_url="/",
        switch_url="/bytt",
        sign_out_url="/ut",
        sign_in_url="/inn",
        expires_in_s=int(request.query_params.get("tid", "1800")),
        links=(web.Entry("Dagsliste", "/"), web.Entry("Innboks", "/innboks", "3 nye")),
        palette=web.Palette(
            (web.Entry("Bytt enhet", "/bytt", "g b"), web.Entry("Nytt notat", "/form")), "/sok"
        ),
    )


def storyboard() -> web.Storyboard:
    """A made-up patient."""
    return web.Storyboard(
        name="Ola Testesen",
        age="43 år",
        sex="male",
        born_on=date(1983, 4, 1),
        masked_id="018483 *****",
        reveal_url="/vis",
        chart_url="/",
        critical=(
            web.Allergy("Penicillin", "anafylaksi 2019"),
            web.Allergy("Pacemaker", critical=True),
            web.Allergy("Bjørkepollen", critical=False),
        ),
        gp=web.Service("Kari Nordmann", "Havneby legesenter", "55 50 10 10"),
        services=(web.Service("Hjemmetjenesten sone nord", "siden 03.02.2026"),),
        kin=(web.Kin("Eva Testesen", "ektefelle", "412 00 000"),),
        ground=web.AccessGround("Du er pasientens fastlege", "/logg", NOW + timedelta(days=30)),
        blocked=2,
    )


def lanes() -> tuple[web.Lane, ...]:
    """Three services' contacts."""
    gp = tuple(
        web.Event(
            NOW - timedelta(days=90 * i),
            "Konsultasjon",
            f"gp{i}",
            "K86 Hypertensjon",
            "Kontroll.\nBT fint.\n\nNy time.",
            "/n",
        )
        for i in range(5)
    )
    call = (
        web.Event(
            NOW - timedelta(days=40),
            "Legevaktkontakt",
            "lv1",
            "haster",
            "Vondt i magen.",
            "/n",
            ("usignert",),
        ),
    )
    return (
        web.Lane("gp", "Fastlege", gp),
        web.Lane("lv", "Legevakt", call),
        web.Lane("hj", "Hjemmetjeneste"),
    )


async def components(request: Request) -> Response:
    """Every component on one page."""
    errors = web.FieldErrors()
    errors.add("puls", "Skriv pulsen som et tall.")
    errors.add("hastegrad", "Velg hastegrad.")
    weights = [(NOW - timedelta(days=30 * i), Decimal("82.5") - i) for i in range(8)]
    return web.render(
        request, "test/components.html", story=storyboard(), errors=errors, weights=weights, lanes=lanes(),
        since=NOW - timedelta(days=720), until=NOW, now=NOW, types=TYPES,
    )  # fmt: skip


async def form(request: Request) -> Response:
    """A note with a draft; saved by POST, which fails when the text says so."""
    if request.method == "GET":
        return _form(request)
    sent = await web.read_form(request)
    if "krasj" in sent.text("tekst"):
        return web.error_page(request, 500, "Feil", "Noe skjedde.", "Kladden.", "Prøv igjen.")
    request.app.state.saved.append((sent.text("tekst"), sent.note_diagnoses(), sent.note_measurements()))
    return RedirectResponse("/form?lagret=1", status_code=303)


def _form(request: Request) -> Response:
    done = "kladd-1" if "lagret" in request.query_params else None
    return web.render(request, "test/form.html", key=DRAFT_KEY, done=done, types=TYPES)


async def citizen(request: Request) -> Response:
    """The calmer layout."""
    return web.render(request, "test/citizen.html", now=NOW)


async def search(request: Request) -> Response:
    """What the palette asks for."""
    sent = await web.read_form(request)
    return JSONResponse([{"label": f"Pasient {sent.text('q')}", "url": "/citizen", "hint": "pasient"}])


async def diagnoses(request: Request) -> Response:
    """Type-ahead over three codes."""
    query = (await web.read_form(request)).text("q").lower()
    return JSONResponse([row for row in DIAGNOSES if query in f"{row['code']} {row['display']}".lower()])


async def fail(request: Request) -> Response:
    """Fail as the address says."""
    code = int(request.path_params["code"])
    if code == 500:
        raise RuntimeError("unforeseen")
    raise HTTPException(code)


async def fhir(_request: Request) -> Response:
    """Outside of the cookie's world."""
    return PlainTextResponse("ok")


async def quiet(request: Request) -> Response:
    """Answer any POST."""
    return PlainTextResponse(str(len(await request.body())))


def build() -> Starlette:
    """The application, with the room's own middleware around it."""
    templating._LOADERS["test"] = FileSystemLoader(Path(__file__).parent / "templates")  # type: ignore[assignment]
    routes = [
        Route("/", components),
        Route("/form", form, methods=["GET", "POST"]),
        Route("/citizen", citizen),
        Route("/sok", search, methods=["POST"]),
        Route("/diagnoser", diagnoses, methods=["POST"]),
        Route("/feil/{code}", fail),
        Route("/fhir/Patient", fhir, methods=["POST"]),
        Route("/post", quiet, methods=["POST"]),
        *web.routes(),
    ]
    middleware = [Middleware(web.SecurityHeaders), Middleware(SignIn), Middleware(web.CsrfProtection)]
    app = Starlette(routes=routes, middleware=middleware, exception_handlers=web.exception_handlers())
    app.state.csrf_key = b"k" * 32
    app.state.saved = []
    return app
