"""The doors of the routes: every handler declares its gate or why it is public, else the application does not start.

A gate finds the reader, makes the decision and hands it on as the handler's second argument. Refusals raise the errors
of `access.model`, which the edge turns into a page or an OperationOutcome.
"""

from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import wraps
from typing import Any, Final, Literal

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route, WebSocketRoute
from starlette.websockets import WebSocket

from fellesjournal.access.decide import Decision, about, open_chart, within
from fellesjournal.access.model import (
    Action,
    NoNeed,
    NotAdministrator,
    NotForApps,
    NotReviewer,
    PatientId,
    SessionOver,
)
from fellesjournal.access.review import REVIEWER
from fellesjournal.identity.apps import ADMINISTRATOR
from fellesjournal.identity.current import bearer_reader, require_reader
from fellesjournal.identity.model import Reader
from fellesjournal.kit.ids import decode

Handler = Callable[[Request, Decision], Awaitable[Response]]
Endpoint = Callable[[Request], Awaitable[Response]]
Socket = Callable[[WebSocket], Awaitable[None]]
Kind = Literal[
    "public", "signed_in", "administrator", "reviewer", "chart", "asking", "unit", "citizen", "fhir", "system"
]  # fmt: skip


@dataclass(frozen=True)
class Gate:
    """What a route asks for. `why` is the reason of a public one, else what is done there."""

    kind: Kind
    action: str
    why: str = ""


_NO_APPS: Final = "import"
_NO_USERS_APPS: Final = "subscription"
"""What goes on for longer than a token: imports; and subscriptions, where the app has a user."""


class UndeclaredGate(Exception):
    """A route has neither a gate nor a reason to be public; the application refuses to start."""


def public(why: str) -> Callable[[Endpoint], Endpoint]:
    """Mark a handler as open to everyone, with the reason. It gets the request alone."""

    def mark(endpoint: Endpoint) -> Endpoint:
        endpoint.__gate__ = Gate("public", "none", why)  # type: ignore[attr-defined]
        return endpoint

    return mark


def bound(why: str) -> Callable[[Socket], Socket]:
    """Mark a socket that sends nothing before it is bound to a reader, with how that is done."""

    def mark(endpoint: Socket) -> Socket:
        endpoint.__gate__ = Gate("fhir", "subscribe", why)  # type: ignore[attr-defined]
        return endpoint

    return mark


def chart(action: Action, *, kind: int = 0) -> Callable[[Handler], Endpoint]:
    """A page in one patient's chart: `{patient}` in the address; staff with a need alone."""

    async def decide(request: Request) -> Decision:
        reader = _reader(request, "staff")
        patient = await _patient(request, reader)
        # The page of a refusal offers the ways in to it.
        request.state.refused = patient
        return await open_chart(request.app.state.access_db, reader=reader, patient=patient, action=action, kind=kind)

    return _gated(Gate("chart", action), decide)


def asking(why: str) -> Callable[[Handler], Endpoint]:
    """A page about the access to one patient's chart, `{patient}` in the address: staff alone; nothing of the chart."""

    async def decide(request: Request) -> Decision:
        reader = _reader(request, "staff")
        return about(reader, await _patient(request, reader))

    return _gated(Gate("asking", "choose", why), decide)


def unit(action: Action) -> Callable[[Handler], Endpoint]:
    """A page over the acting unit's lists, or the identifying of a person: staff alone."""

    async def decide(request: Request) -> Decision:
        return within(_reader(request, "staff"))

    return _gated(Gate("unit", action), decide)


def citizen(action: Action) -> Callable[[Handler], Endpoint]:
    """A page over the own record: the citizen alone, logged as an opening."""

    async def decide(request: Request) -> Decision:
        reader = _reader(request, "citizen")
        own = PatientId(reader.patient_slot or 0, reader.patient or 0)
        return await open_chart(request.app.state.access_db, reader=reader, patient=own, action=action)

    return _gated(Gate("citizen", action), decide)


def signed_in(why: str) -> Callable[[Handler], Endpoint]:
    """A page about what the person who is signed in did themselves; no record."""

    async def decide(request: Request) -> Decision:
        return within(require_reader(request))

    return _gated(Gate("signed_in", "none", why), decide)


def administrator(why: str) -> Callable[[Handler], Endpoint]:
    """A page for the role that administers the installation, and opens no record."""

    async def decide(request: Request) -> Decision:
        reader = _reader(request, "staff")
        if reader.role != ADMINISTRATOR:
            raise NotAdministrator
        return within(reader)

    return _gated(Gate("administrator", "none", why), decide)


def reviewer(why: str) -> Callable[[Handler], Endpoint]:
    """A page for the role that judges how access was used, and opens no record."""

    async def decide(request: Request) -> Decision:
        reader = _reader(request, "staff")
        if reader.role != REVIEWER:
            raise NotReviewer
        return within(reader)

    return _gated(Gate("reviewer", "review", why), decide)


def fhir_interaction(action: str) -> Callable[[Handler], Endpoint]:
    """A FHIR interaction: a bearer token, never the cookie; the database decides with the rows."""

    async def decide(request: Request) -> Decision:
        reader = await bearer_reader(request)
        if reader is None:
            raise SessionOver
        if reader.app is not None and (action == _NO_APPS or (action == _NO_USERS_APPS and reader.kind != "system")):
            raise NotForApps
        return within(reader)

    return _gated(Gate("fhir", action), decide)


def system(purpose: str) -> Callable[[Handler], Endpoint]:
    """An interface for systems with one purpose: a bearer token of a session with it, never the cookie."""

    async def decide(request: Request) -> Decision:
        reader = await bearer_reader(request)
        if reader is None or reader.kind != "system" or reader.purpose != purpose or reader.app is not None:
            raise SessionOver
        return within(reader)

    return _gated(Gate("system", purpose), decide)


def gates_of(routes: Iterable[BaseRoute], prefix: str = "") -> Iterator[tuple[str, set[str], Gate]]:
    """(address, methods, gate) of every route; a socket has no methods. Raises UndeclaredGate for one without."""
    for route in routes:
        if isinstance(route, Mount):
            yield from gates_of(route.routes or _no_routes(prefix + route.path), prefix + route.path)
        elif isinstance(route, Route | WebSocketRoute):
            gate = getattr(route.endpoint, "__gate__", None)
            if not isinstance(gate, Gate):
                raise UndeclaredGate(f"{prefix}{route.path} declares no gate")
            methods = (route.methods or {"GET"}) if isinstance(route, Route) else set()
            yield prefix + route.path, methods, gate


def _no_routes(path: str) -> list[BaseRoute]:
    raise UndeclaredGate(f"{path} mounts something that declares no gate")


def _gated(gate: Gate, decide: Callable[[Request], Awaitable[Decision]]) -> Callable[[Handler], Endpoint]:
    def wrap(handler: Handler) -> Endpoint:
        @wraps(handler)
        async def endpoint(request: Request) -> Response:
            decision = await decide(request)
            request.state.decision = decision
            return await handler(request, decision)

        marked: Any = endpoint
        marked.__gate__ = gate
        return endpoint

    return wrap


async def _patient(request: Request, reader: Reader) -> PatientId:
    """The patient that the address names, by our own id or one that a client chose.

    Raises NoNeed for what can't be one: absent is refused like hidden.
    """
    named: str = request.path_params["patient"]
    found = decode(named) or await request.app.state.patient_named(reader, named)
    if found is None or found[0] == 0:
        raise NoNeed
    return PatientId(*found)


def _reader(request: Request, kind: str) -> Reader:
    reader = require_reader(request)
    if reader.kind != kind:
        raise NoNeed
    return reader
