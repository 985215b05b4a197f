"""A site of sign-in alone: the real middleware, the real database, the bundled provider, and a browser's
cookies.
"""

from __future__ import annotations

import base64
import dataclasses
import re
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from fellesjournal import web
from fellesjournal.identity import (
    CanonicalHost,
    CurrentReader,
    Sessions,
    SignIn,
    bearer_reader,
    current_reader,
    demo_sign_in,
    number_hash,
    plain_visitor,
    refusal_handlers,
    require_reader,
    routes,
    system_hash,
)
from fellesjournal.identity.model import Reader
from fellesjournal.identity.test_provider import BundledProvider, DemoPerson
from fellesjournal.kit import db

BASE = "http://127.0.0.1:8000"
GP, NURSE, CITIZEN, ENDED, STRANGER = (
    "01816012345",
    "02816012345",
    "03816012345",
    "04816012345",
    "05816012345",
)
FOREVER = datetime(2999, 1, 1, tzinfo=UTC)

PEOPLE = [
    DemoPerson(name="Kari Lege", number=GP, kind="staff", group="Fastlege", description="To roller"),
    DemoPerson(name="Nils Sykepleier", number=NURSE, kind="staff", group="Legevakt"),
    DemoPerson(name="Siri Sluttet", number=ENDED, kind="staff"),
    DemoPerson(name="Fremmed Fjern", number=STRANGER, kind="staff"),
    DemoPerson(name="Ola Innbygger", number=CITIZEN, kind="citizen", group="Innbygger"),
    DemoPerson(name="Kari Lege", number=GP, kind="citizen"),
]


@dataclass
class Site:
    """The application, what it holds, and the people in its database."""

    app: Starlette
    sessions: Sessions
    sign_in: SignIn
    bundled: BundledProvider
    admin: db.Database
    people: dict[str, int]
    posts: dict[str, int]
    monotonic: list[float]

    def browser(self) -> Browser:
        """A new browser without cookies."""
        return Browser(self)


class Browser:
    """Follows redirects one by one and fills in forms; keeps every address that it was led to."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.client = httpx.AsyncClient(transport=httpx.ASGITransport(app=site.app), base_url=BASE)
        self.addresses: list[str] = []
        self.texts: list[str] = []

    async def get(self, url: str, **more: Any) -> httpx.Response:
        """Open an address, and whatever it leads to."""
        return await self.follow(await self.step("GET", url, **more))

    async def step(self, method: str, url: str, **more: Any) -> httpx.Response:
        """One request."""
        self.addresses.append(url)
        answer = await self.client.request(method, url, **more)
        self.texts.append(answer.text)
        return answer

    async def follow(self, answer: httpx.Response) -> httpx.Response:
        """Go where it leads, until it leads nowhere."""
        for _ in range(10):
            if not answer.is_redirect:
                return answer
            answer = await self.step("GET", answer.headers["location"])
        raise AssertionError("led in a circle")

    async def send(self, page: httpx.Response, action: str, **fields: str) -> httpx.Response:
        """Send the page's first form to `action`, with its hidden fields and these; not followed."""
        form = re.search(rf'<form[^>]*action="{re.escape(action)}".*?</form>', page.text, re.DOTALL)
        assert form, f"no form to {action}"
        hidden = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', form[0]))
        return await self.step("POST", action, data=hidden | fields)

    async def to_provider(self, who: str, *, back_to: str = "") -> httpx.Response:
        """From the sign-in page to the provider's."""
        page = await self.get("/logg-inn" + (f"?til={back_to}" if back_to else ""))
        forms = re.findall(r"<form.*?</form>", page.text, re.DOTALL)
        form = next(form for form in forms if f'value="{who}"' in form)
        hidden = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', form))
        return await self.follow(await self.step("POST", "/logg-inn", data=hidden | {"hvem": who}))

    async def pick(self, page: httpx.Response, name: str, *, level: str = "4") -> httpx.Response:
        """Choose a person at the provider, after a search by name; the answer is the way back, not
        followed.
        """
        face = urlsplit(str(page.url)).path.split("/")[2]
        page = await self.send(page, f"/test-idp/{face}/authorize", navn=name)
        key = re.search(rf'name="person" value="([0-9a-f]{{24}})">{re.escape(name)}<', page.text)
        assert key, f"{name} is not there"
        return await self.send(page, f"/test-idp/{face}/velg", person=key[1], level=level)

    async def sign_in(self, name: str, who: str = "helsepersonell", *, back_to: str = "") -> httpx.Response:
        """The whole way, to the first page after it."""
        page = await self.to_provider(who, back_to=back_to)
        return await self.follow(await self.pick(page, name))

    @property
    def secret(self) -> str:
        """What the session cookie holds; empty for none."""
        return self.client.cookies.get("fellesjournal") or ""


@pytest.fixture
async def site(module_database: Any) -> AsyncGenerator[Site, None]:
    """A site with five people in its database and nobody signed in."""
    async with open_site(module_database) as made:
        yield made


@asynccontextmanager
async def open_site(database: Any, *, port: int = 8000) -> AsyncGenerator[Site, None]:
    """The site of a database, at a port."""
    admin = await database.connect_admin()
    for table in ("identity.used_once", "access.identified", "identity.session"):
        await admin.execute(f"DELETE FROM {table}")
    signin, pages = await database.connect("fj_signin"), await database.connect("fj_web")
    monotonic = [0.0]
    settings = replace(database.settings, host="127.0.0.1", port=port)
    sessions = Sessions(
        signin=signin, web=pages, settings=settings, keys=database.keys, monotonic=lambda: monotonic[0]
    )
    people, posts = await _fill(admin, database.keys)

    async def read() -> list[DemoPerson]:
        return PEOPLE

    sign_in, bundled = demo_sign_in(
        read, settings=settings, sessions=sessions, is_demo=True, visitor_for=_visitor_for
    )
    yield Site(_app(sign_in, bundled, settings), sessions, sign_in, bundled, admin, people, posts, monotonic)
    for pool in (admin, signin, pages):
        await pool.close()


@pytest.fixture
def browser(site: Site) -> Browser:
    """One browser."""
    return site.browser()


def _visitor_for(reader: Reader) -> web.Visitor:
    return dataclasses.replace(plain_visitor(reader), home_url=f"/hjem/{reader.kind}")


def _app(sign_in: SignIn, bundled: BundledProvider, settings: Any) -> Starlette:
    app = Starlette(
        routes=[
            *routes(sign_in),
            bundled.mount(),
            Route("/hjem/{kind}", _home),
            Route("/side", _home),
            Route("/lagre", _home, methods=["POST"]),
            Route("/fhir/hvem", _fhir),
            *web.routes(),
        ],
        middleware=[
            Middleware(CanonicalHost, settings=settings),
            Middleware(web.SecurityHeaders),
            Middleware(CurrentReader, visitor_for=_visitor_for),
            Middleware(web.CsrfProtection),
        ],
        exception_handlers={**web.exception_handlers(), **refusal_handlers()},
    )
    app.state.sessions = sign_in.sessions
    app.state.csrf_key = sign_in.sessions.keys.versions("csrf")
    return app


async def _home(request: Request) -> Response:
    reader = require_reader(request)
    return PlainTextResponse(f"{reader.name} · {reader.role} · {reader.unit_name}")


async def _fhir(request: Request) -> Response:
    assert current_reader(request) is None
    reader = await bearer_reader(request)
    return JSONResponse({"name": reader.name if reader else None}, 200 if reader else 401)


async def _fill(admin: db.Database, keys: Any) -> tuple[dict[str, int], dict[str, int]]:
    for unit_id, (unit_name, unit_kind) in enumerate(
        [("Bjørkeli legesenter", "gp"), ("Fjordby legevakt", "legevakt")], 11
    ):
        await admin.execute("SELECT identity.put_unit($1, $2, $3, 1, '9999')", unit_id, unit_name, unit_kind)
    people = {}
    for name, number, patient, demo_name in [
        ("Kari Lege", GP, 901, "kari"),
        ("Nils Sykepleier", NURSE, None, "nils"),
        ("Siri Sluttet", ENDED, None, None),
        ("Ola Innbygger", CITIZEN, 902, "ola"),
    ]:
        people[name] = await admin.fetchval(
            "SELECT identity.put_person('human', $1, $2, NULL, $3, 1::smallint, $4)",
            number_hash(keys, number), name, patient, demo_name,
        )  # fmt: skip
    people["system"] = await admin.fetchval(
        "SELECT identity.put_person('system', $1, 'Prøvesystem', NULL, NULL, NULL, 'integration')",
        system_hash(keys, "integration"),
    )
    await admin.execute("SELECT identity.put_grant($1, 'INTEGRATION', $2, 'test')", people["system"], FOREVER)
    posts = {}
    past = datetime.now(UTC) - timedelta(days=1)
    for key, person, unit, role, until in [
        ("gp", "Kari Lege", 11, "lege", FOREVER),
        ("legevakt", "Kari Lege", 12, "lege", FOREVER),
        ("nurse", "Nils Sykepleier", 12, "sykepleier", FOREVER),
        ("ended", "Siri Sluttet", 12, "sykepleier", past),
        ("system", "system", 11, "system", FOREVER),
    ]:
        posts[key] = await admin.fetchval(
            "SELECT identity.put_post($1, $2, $3, NULL, NULL, NULL, '-infinity', $4)",
            people[person], unit, role, until,
        )  # fmt: skip
    return people, posts


def altered(text: str) -> str:
    """The same secret with one bit changed."""
    raw = bytearray(base64.urlsafe_b64decode(text + "="))
    raw[0] ^= 1
    return base64.urlsafe_b64encode(bytes(raw)).decode().rstrip("=")
