"""Subscription/$status, $events and $get-ws-binding-token.

Source: https://hl7.org/fhir/uv/subscriptions-backport/STU1.1/operations.html
"""

from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from fellesjournal import fhir
from fellesjournal.access.decide import Decision
from fellesjournal.access.gate import fhir_interaction
from fellesjournal.record.api.http import fhir_errors, journal_of, json_response
from fellesjournal.record.api.operations.asked import Asked, asked
from fellesjournal.record.api.sockets import websocket_url
from fellesjournal.record.errors import TooCostly
from fellesjournal.record.journal import Journal
from fellesjournal.record.lookup import Stored
from fellesjournal.record.rows import stamp
from fellesjournal.record.search.error import refusal
from fellesjournal.record.subscriptions.binding import MOST, token_for
from fellesjournal.record.subscriptions.notification import Standing, bundle_of, status_of
from fellesjournal.record.subscriptions.standing import events_of, standing_of
from fellesjournal.record.subscriptions.wish import CONTENTS

_MOST: Final = 100
_DIGITS: Final = 18


@fhir_errors
@fhir_interaction("subscription")
async def subscription_status(request: Request, decision: Decision) -> Response:
    """How one subscription stands, or each of the unit's (all, or those named)."""
    wanted = await asked(request, known=("id", "status"))
    journal = journal_of(request, decision)
    base = f"{request.app.state.settings.base_url}/fhir"
    if "id" in request.path_params:
        found, statuses = [await journal.read("Subscription", request.path_params["id"])], []
    else:
        found, statuses = await _named(journal, wanted.listed("id")), wanted.listed("status")
    standings = [await standing_of(journal, one, base=base) for one in found]
    entries = [_entry(standing) for standing in standings if not statuses or standing.status in statuses]
    address = request.url.path.partition("/fhir/")[2]
    link = [{"relation": "self", "url": f"{base}/{address}"}]
    bundle: dict[str, Any] = {"resourceType": "Bundle", "type": "searchset", "total": len(entries), "link": link}
    return json_response(fhir.encode(bundle | ({"entry": entries} if entries else {})))


@fhir_errors
@fhir_interaction("subscription")
async def subscription_events(request: Request, decision: Decision) -> Response:
    """Events that have a number already, as a notification; each is decided for the one who asks."""
    wanted = await asked(request, known=("eventsSinceNumber", "eventsUntilNumber", "content"))
    journal = journal_of(request, decision)
    base = f"{request.app.state.settings.base_url}/fhir"
    stored = await journal.read("Subscription", request.path_params["id"])
    standing = await standing_of(journal, stored, base=base, content=_content(wanted))
    first, last = _number(wanted, "eventsSinceNumber", 1), _number(wanted, "eventsUntilNumber", 2**62)
    events, shown = await events_of(journal, stored, first=first, last=last)
    return json_response(bundle_of(standing, "query-event", base=base, events=events, shown=shown).encode())


@fhir_errors
@fhir_interaction("subscription")
async def binding_token(request: Request, decision: Decision) -> Response:
    """A token that binds a WebSocket to subscriptions of one's own; it is good for five minutes."""
    wanted = await asked(request, known=("id",))
    journal = journal_of(request, decision)
    base = request.app.state.settings.base_url
    if "id" in request.path_params:
        found = [await journal.read("Subscription", request.path_params["id"])]
    else:
        found = [await journal.read("Subscription", id_) for id_ in wanted.listed("id")[: MOST + 1]]
    token, until = await token_for(journal, found)
    parameters = [
        {"name": "token", "valueString": token},
        {"name": "expiration", "valueDateTime": stamp(until)},
        *({"name": "subscription", "valueString": one.id} for one in found),
        {"name": "websocket-url", "valueUrl": websocket_url(base)},
    ]
    return json_response(fhir.encode({"resourceType": "Parameters", "parameter": parameters}))


async def _named(journal: Journal, ids: list[str]) -> list[Stored]:
    params = [("_count", str(_MOST)), *([("_id", ",".join(ids))] if ids else [])]
    page = await journal.search("Subscription", params)
    if page.next is not None:
        raise TooCostly(f"There are more than {_MOST} subscriptions: name those that are meant by id.")
    return page.matches


def _entry(standing: Standing) -> dict[str, Any]:
    status = status_of(standing, "query-status")
    return {"fullUrl": f"urn:uuid:{status['id']}", "resource": status, "search": {"mode": "match"}}


def _content(wanted: Asked) -> str:
    text = wanted.text("content")
    if text not in ("", *CONTENTS):
        raise refusal("content", "empty, id-only or full-resource")
    return text


def _number(wanted: Asked, name: str, otherwise: int) -> int:
    text = wanted.text(name)
    if not text:
        return otherwise
    if not (text.isascii() and text.isdecimal() and len(text) <= _DIGITS):
        raise refusal(name, "the number of an event")
    return int(text)
