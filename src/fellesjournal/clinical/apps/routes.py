"""Apps in a chart, what one has let apps do, and the administrator's register of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from fellesjournal.access import gate
from fellesjournal.access.decide import Decision
from fellesjournal.clinical.apps import actions, authorize, register
from fellesjournal.clinical.apps.words import Wish, wish_of
from fellesjournal.clinical.overview.frame import open_frame
from fellesjournal.clinical.pages import check_context, context_field
from fellesjournal.identity.apps import App, ledger
from fellesjournal.identity.apps.asking import AppRefused
from fellesjournal.identity.apps.routes import AppServer
from fellesjournal.identity.model import Reader
from fellesjournal.web import allow_form_targets, read_form, render

MINE: Final = "/apper"


@dataclass(frozen=True)
class Shown:
    """Something that was given, as its giver sees it."""

    given: ledger.Given
    wishes: list[Wish]


@gate.chart("open")
async def of_chart(request: Request, decision: Decision) -> Response:
    """The approved apps that can be opened on this chart."""
    frame = await open_frame(request, decision)
    apps = [app for app in await _all(request) if _is_launchable(app)]
    allow_form_targets(request, [app.registration.launch_url for app in apps])
    return render(
        request, "apps/chart.html", frame=frame, tab="apper", apps=[app.registration for app in apps],
        context=context_field(decision.reader),
    )  # fmt: skip


@gate.chart("open")
async def launch(request: Request, decision: Decision) -> Response:
    """Open an app on this chart. Raises AppRefused, OtherContext."""
    form = await read_form(request)
    check_context(form, decision.reader)
    app = await ledger.find(request.app.state.apps.web, request.path_params["app"])
    if app is None or not _is_launchable(app):
        raise AppRefused
    return RedirectResponse(await actions.launch(request, decision, app), 303)


@gate.signed_in("what the person has let apps do")
async def mine(request: Request, decision: Decision) -> Response:
    """What I have let apps do, and how I take it back."""
    return await _mine(request, decision.reader)


@gate.signed_in("what the person has let apps do")
async def withdraw(request: Request, decision: Decision) -> Response:
    """Take it back: the app's tokens are dead when the answer comes."""
    text = request.path_params["grant"]
    number = int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else 0
    server: AppServer = request.app.state.apps
    done = await ledger.withdraw(server.web, secret=decision.secret, grant=number)
    return await _mine(request, decision.reader, withdrawn=done)


async def _mine(request: Request, reader: Reader, **more: Any) -> Response:
    server: AppServer = request.app.state.apps
    given = await ledger.grants_of(server.web, secret=reader.secret)
    rows = [Shown(one, [wish_of(scope) for scope in one.scopes.resources]) for one in given]
    return render(request, "apps/mine.html", rows=rows, is_citizen=reader.kind == "citizen", **more)


async def _all(request: Request) -> list[App]:
    server: AppServer = request.app.state.apps
    return await ledger.everyone(server.web)


def _is_launchable(app: App) -> bool:
    return app.is_approved and bool(app.registration.launch_url) and "staff" in app.registration.audience


routes = [
    *authorize.routes,
    *register.routes,
    Route("/pasienter/{patient}/apper", of_chart),
    Route("/pasienter/{patient}/apper/{app}", launch, methods=["POST"]),
    Route(MINE, mine),
    Route(MINE + "/{grant}/trekk", withdraw, methods=["POST"]),
]
