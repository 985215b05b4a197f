"""The site map: one list that mounts every room, and what a web process holds open."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Mount, Route

from fellesjournal import web
from fellesjournal.access.choices.model import SUPPORT
from fellesjournal.access.duty import LEADER
from fellesjournal.access.gate import gates_of, public
from fellesjournal.access.model import AccessError, SessionOver
from fellesjournal.access.review import REVIEWER
from fellesjournal.care.gp import routes as gp
from fellesjournal.care.gp.routes import routes as gp_routes
from fellesjournal.care.legevakt.routes import routes as legevakt_routes
from fellesjournal.citizen.routes import routes as citizen_routes
from fellesjournal.clinical.addresses.routes import routes as addresses_routes
from fellesjournal.clinical.apps.routes import routes as apps_routes
from fellesjournal.clinical.blocks.routes import routes as blocks_routes
from fellesjournal.clinical.corrections.routes import routes as corrections_routes
from fellesjournal.clinical.duty import routes as duty
from fellesjournal.clinical.grounds.refusal import refused_page
from fellesjournal.clinical.grounds.routes import SUPPORT_HOME
from fellesjournal.clinical.grounds.routes import routes as grounds_routes
from fellesjournal.clinical.identification.routes import routes as identification_routes
from fellesjournal.clinical.notes.routes import routes as notes_routes
from fellesjournal.clinical.overview.routes import routes as overview_routes
from fellesjournal.clinical.problems.routes import routes as problems_routes
from fellesjournal.clinical.representatives.routes import routes as representatives_routes
from fellesjournal.clinical.review import routes as review
from fellesjournal.clinical.sensitivity.routes import routes as sensitivity_routes
from fellesjournal.clinical.tasks.routes import routes as tasks_routes
from fellesjournal.demo import officers, story
from fellesjournal.demo.residents import read_people
from fellesjournal.identity import (
    PUBLIC,
    CanonicalHost,
    CurrentReader,
    NotSignedIn,
    Provider,
    Reader,
    Sessions,
    SignIn,
    canonical_url,
    demo_sign_in,
    plain_visitor,
    refusal_handlers,
    sign_in_with,
)
from fellesjournal.identity import routes as sign_in_routes
from fellesjournal.identity.apps import ADMINISTRATOR, discovery
from fellesjournal.identity.apps import routes as app_doors
from fellesjournal.identity.apps.routes import AppServer, app_server
from fellesjournal.identity.current import current_reader
from fellesjournal.identity.oidc.provider import helseid, idporten
from fellesjournal.identity.refusals import OVER_KEY, refused
from fellesjournal.identity.setup import read_client_key
from fellesjournal.identity.test_provider import BundledProvider
from fellesjournal.identity.test_provider.provider import BACK_CHANNEL
from fellesjournal.kit.db import ConnectionLost, Database
from fellesjournal.kit.health import Health
from fellesjournal.kit.http import HttpClient
from fellesjournal.kit.keys import Keys
from fellesjournal.kit.metrics import CONTENT_TYPE, metrics_text
from fellesjournal.kit.migrate import Installation, installation, pending
from fellesjournal.kit.settings import Settings
from fellesjournal.onboarding.administration import routes as administration
from fellesjournal.onboarding.administration.people import HOME as ADMINISTRATION
from fellesjournal.onboarding.scim.edge import as_scim
from fellesjournal.onboarding.scim.routes import routes as scim_routes
from fellesjournal.record.api.edge import as_outcomes
from fellesjournal.record.api.routes import routes as fhir_routes
from fellesjournal.record.api.sockets import Bell
from fellesjournal.record.errors import RecordError
from fellesjournal.record.journal import Vault
from fellesjournal.record.subscriptions.wish import Terms
from fellesjournal.web.cross_origin import CrossOrigin
from fellesjournal.web.metering import RequestMetrics


@dataclass(frozen=True)
class Open:
    """What a web process holds open."""

    settings: Settings
    keys: Keys
    web: Database
    signin: Database
    installed: Installation

    @classmethod
    async def connect(cls, settings: Settings, keys: Keys) -> "Open":
        """Connect as the roles of a web process. Raises DatabaseUnavailable."""
        web_db = await Database.connect(settings, keys, "fj_web")
        signin = await Database.connect(settings, keys, "fj_signin", max_size=3)
        async with web_db.acquire() as connection:
            installed = await installation(connection)
        return cls(settings, keys, web_db, signin, installed)

    async def close(self) -> None:
        """Close the pools."""
        await self.web.close()
        await self.signin.close()


def create_app(open_: Open) -> Starlette:
    """The application. Raises UndeclaredGate when a route says neither its gate nor why it is public."""
    sessions = Sessions(signin=open_.signin, web=open_.web, settings=open_.settings, keys=open_.keys)
    sign_in, provider = _sign_in(open_, sessions)
    apps = _apps(open_, sessions)
    routes = site_map(sign_in, provider, apps)
    list(gates_of(routes))

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        await open_.close()

    app = Starlette(
        routes=routes, middleware=_middleware(open_), exception_handlers=_handlers(), lifespan=lifespan
    )
    _set_state(app, open_, sessions)
    app.state.apps = apps
    return app


def site_map(sign_in: SignIn, provider: BundledProvider | None, apps: AppServer) -> list[BaseRoute]:
    """Every route of the site, in order: the record's come first, for most requests are theirs."""
    doors = _marked(app_doors.routes(apps), app_doors.PUBLIC)
    # Below the record's address, and not the record's.
    below = [route for route in doors if isinstance(route, Route) and route.path.startswith("/fhir/")]
    return [
        *below,
        *fhir_routes,
        *doors,
        *_marked(web.routes(), "layout, language and colours; nothing about anyone"),
        *_marked(sign_in_routes(sign_in), PUBLIC),
        *_marked([provider.mount()] if provider else [], "the demo's identity provider; people who do not exist"),
        *gp_routes,
        *legevakt_routes,
        *identification_routes,
        *overview_routes,
        *problems_routes,
        *blocks_routes,
        *notes_routes,
        *corrections_routes,
        *tasks_routes,
        *apps_routes,
        *review.routes,
        *duty.routes,
        *administration.routes,
        *scim_routes,
        *addresses_routes,
        *grounds_routes,
        *sensitivity_routes,
        *representatives_routes,
        *citizen_routes,
        *operations_routes(),
    ]


def visitor(reader: Reader) -> web.Visitor:
    """The reader as the layout shows them: where home is."""
    shown = replace(plain_visitor(reader), home_url=home_of(reader))
    if reader.role == REVIEWER:
        return replace(shown, links=review.LINKS)
    if reader.role == ADMINISTRATOR:
        return replace(shown, links=administration.LINKS)
    if reader.role == LEADER:
        return replace(shown, links=duty.LINKS)
    if reader.unit_kind == "gp" and reader.kind == "staff":
        return replace(shown, links=gp.LINKS, palette=gp.palette())
    return shown


def home_of(reader: Reader) -> str:
    """The first page of a workplace."""
    if reader.kind == "citizen":
        return "/min-journal"
    of_role = {ADMINISTRATOR: ADMINISTRATION, REVIEWER: review.HOME, SUPPORT: SUPPORT_HOME, LEADER: duty.HOME}
    if reader.role in of_role:
        return of_role[reader.role]
    return {"gp": "/fastlege", "legevakt": "/legevakt"}.get(reader.unit_kind, "/enhet")


def operations_routes() -> list[BaseRoute]:
    """Health and metrics: no person in them."""
    return [
        Route("/health/live", live),
        Route("/health/ready", ready),
        Route("/metrics", show_metrics),
    ]


@public("is the process alive; for the operator's supervisor")
async def live(_: Request) -> Response:
    """200 while the process runs."""
    return PlainTextResponse("ok\n")


@public("does every part work; names of parts only")
async def ready(request: Request) -> Response:
    """200 when all parts work, else 503 with the parts that fail."""
    report = await request.app.state.health.report()
    return JSONResponse(
        {"ready": report.is_ready, "parts": report.parts}, 200 if report.is_ready else 503
    )


@public("counts without ids; for the operator's monitoring")
async def show_metrics(_: Request) -> Response:
    """Prometheus text."""
    return Response(metrics_text(), media_type=CONTENT_TYPE)


def _set_state(app: Starlette, open_: Open, sessions: Sessions) -> None:
    state = app.state
    state.settings = open_.settings
    state.keys = open_.keys
    state.csrf_key = open_.keys.versions("csrf")
    state.access_db = open_.web
    required, terms = open_.settings.required_profiles, Terms.of(open_.settings)
    state.vault = Vault(open_.web, keys=open_.keys, required=required, terms=terms)
    state.bell = Bell(open_.web)
    state.patient_named = state.vault.patient_named
    state.sessions = sessions
    state.installed = open_.installed
    state.health = _health(open_)
    state.demo_cast = (*story.CAST, *officers.CAST) if open_.installed.demo else ()
    state.demo_progress = partial(_demo_progress, open_)


async def _demo_progress(open_: Open) -> tuple[int, int] | None:
    """(charts written, people) while the demo is being filled in; None when it is whole, or in no demo."""
    if not open_.installed.demo:
        return None
    row = await open_.web.fetchrow(
        "SELECT r.people, (SELECT count(*) FROM demo.loaded WHERE step = 2) AS done FROM demo.run r"
    )
    return (row["done"], row["people"]) if row and row["done"] < row["people"] else None


def _sign_in(open_: Open, sessions: Sessions) -> tuple[SignIn, BundledProvider | None]:
    """Sign-in at the bundled provider in a demo, else at the services that the settings name."""
    if open_.installed.demo:
        return demo_sign_in(
            partial(read_people, open_.settings.data_dir), settings=open_.settings, sessions=sessions, is_demo=True,
            visitor_for=visitor,
        )  # fmt: skip
    providers = [(provider, HttpClient()) for provider in _providers(open_.settings)]
    return sign_in_with(providers, sessions=sessions, is_demo=False, visitor_for=visitor), None


def _providers(settings: Settings) -> list[Provider]:
    base = canonical_url(settings)
    made = []
    for make, issuer, client, key in (
        (helseid, settings.staff_issuer, settings.staff_client_id, settings.staff_client_key),
        (idporten, settings.citizen_issuer, settings.citizen_client_id, settings.citizen_client_key),
    ):
        if issuer:
            client_key = read_client_key(Path(key)) if key else None
            made.append(make(issuer=issuer, client_id=client, base_url=base, client_key=client_key))
    return made


def _apps(open_: Open, sessions: Sessions) -> AppServer:
    return app_server(
        settings=open_.settings, sessions=sessions, signin=open_.signin, web=open_.web,
        http=partial(HttpClient, timeout_s=5, max_bytes=100_000),
    )  # fmt: skip


def _health(open_: Open) -> Health:
    health = Health()

    async def database() -> None:
        await open_.web.fetchval("SELECT 1")

    async def schema() -> None:
        async with open_.web.acquire() as connection:
            missing = await pending(connection)
        if missing:
            raise RuntimeError("the database lacks migrations")

    async def sign_in() -> None:
        await open_.signin.fetchval("SELECT 1")

    health.register("database", database)
    health.register("schema", schema)
    health.register("sign-in", sign_in)
    return health


def _middleware(open_: Open) -> list[Middleware]:
    return [
        Middleware(RequestMetrics),
        Middleware(CanonicalHost, settings=open_.settings),
        Middleware(CrossOrigin, paths=discovery.OPEN_TO_ALL_ORIGINS),
        Middleware(web.SecurityHeaders, form_targets=_origins(open_.settings)),
        Middleware(CurrentReader, visitor_for=visitor),
        Middleware(web.CsrfProtection, exempt=("/fhir", "/scim", *BACK_CHANNEL, *discovery.BACK_CHANNEL)),
    ]


def _origins(settings: Settings) -> tuple[str, ...]:
    """The sign-in services that a form of ours may lead to."""
    urls = [urlsplit(issuer) for issuer in (settings.staff_issuer, settings.citizen_issuer) if issuer]
    return tuple(f"{url.scheme}://{url.netloc}" for url in urls)


def _marked(routes: Sequence[BaseRoute], why: str) -> Sequence[BaseRoute]:
    for route in routes:
        if isinstance(route, Mount):
            _marked(route.routes, why)
        elif isinstance(route, Route):
            public(why)(route.endpoint)
    return routes


def _handlers() -> dict[Any, Callable[[Request, Exception], Any]]:
    return as_scim(as_outcomes(
        {
            **web.exception_handlers(),
            **refusal_handlers(),
            AccessError: _refused,
            RecordError: _record_error,
            **dict.fromkeys(ConnectionLost, _unavailable),
        }
    ))  # fmt: skip


async def _refused(request: Request, error: Exception) -> Response:
    if isinstance(error, SessionOver):
        # A reader is remembered for some seconds: that acting for another has ended is seen first by the decision.
        reader = current_reader(request)
        request.scope[OVER_KEY] = reader is not None and reader.acting is not None
        return refused(request, NotSignedIn())
    assert isinstance(error, AccessError)  # noqa: S101 - Starlette's handlers are typed loosely
    return await refused_page(request, error)


async def _record_error(request: Request, error: Exception) -> Response:
    status = error.status if isinstance(error, RecordError) else 500
    return await web.exception_handlers()[HTTPException](request, HTTPException(status))


async def _unavailable(request: Request, _: Exception) -> Response:
    return await web.exception_handlers()[HTTPException](request, HTTPException(503))
