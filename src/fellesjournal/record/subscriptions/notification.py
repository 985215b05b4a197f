"""What a subscriber is sent: a Bundle of type history whose first entry tells how the subscription stands.

Source: https://hl7.org/fhir/uv/subscriptions-backport/STU1.1/StructureDefinition-backport-subscription-notification-r4.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from uuid import uuid4

from fellesjournal import fhir
from fellesjournal.kit import ids
from fellesjournal.record.binary import listed
from fellesjournal.record.journal import Journal
from fellesjournal.record.lookup import Stored
from fellesjournal.record.rows import stamp
from fellesjournal.record.subscriptions.store import Event
from fellesjournal.record.subscriptions.wish import XML_TYPE

_GUIDE: Final = "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/"
_METHODS: Final = {"C": ("POST", "201"), "U": ("PUT", "200"), "D": ("DELETE", "204")}
_ERRORS: Final = "https://fellesjournal.no/fhir/CodeSystem/subscription-error"


@dataclass(frozen=True)
class Standing:
    """How a subscription stands when something is sent. `address` is its own, absolute."""

    address: str
    topic: str
    status: str
    events: int
    content: str = "empty"
    error: str = ""


async def visible(journal: Journal, events: Sequence[Event]) -> dict[int, Stored]:
    """What of these events the journal's reader may see now, by number: decided and logged, each by itself.

    Of a deletion it is the version before it.
    """
    wanted = {event.number: _version(event) for event in events if event.is_open}
    read = await journal.read_all(list(dict.fromkeys(wanted.values())))
    found = {(one.rtype, one.own_id, one.version): one for one in read}
    return {number: found[name] for number, name in wanted.items() if name in found}


def status_of(standing: Standing, kind: str, events: Sequence[Event] = (), shown: Mapping[int, Stored] | None = None,
              base: str = "") -> dict[str, Any]:  # fmt: skip
    """SubscriptionStatus as R4's Parameters. An event that may not be seen (any more) has a number and nothing else."""
    is_silent = kind == "event-notification" and standing.content == "empty"
    parameters: list[dict[str, Any]] = [
        {"name": "subscription", "valueReference": {"reference": standing.address}},
        # An empty notification tells nothing, not even of what.
        *([] if is_silent else [{"name": "topic", "valueCanonical": standing.topic}]),
        {"name": "status", "valueCode": standing.status},
        {"name": "type", "valueCode": kind},
        {"name": "events-since-subscription-start", "valueString": str(standing.events)},
    ]
    parameters += [_event(event, (shown or {}).get(event.number), standing, base) for event in events]
    if standing.error:
        concept = {"coding": [{"system": _ERRORS, "code": standing.error}]}
        parameters.append({"name": "error", "valueCodeableConcept": concept})
    return {
        "resourceType": "Parameters",
        "id": str(uuid4()),
        "meta": {"profile": [f"{_GUIDE}backport-subscription-status-r4"]},
        "parameter": parameters,
    }


def bundle_of(standing: Standing, kind: str, *, base: str, events: Sequence[Event] = (),
              shown: Mapping[int, Stored] | None = None) -> str:  # fmt: skip
    """A notification as JSON. `base` is the address of `/fhir`; `shown` as `visible` gives it."""
    status = status_of(standing, kind, events, shown, base)
    text = fhir.encode(status).decode()
    head = (
        f'{{"fullUrl":"urn:uuid:{status["id"]}","resource":{text},'
        f'"request":{{"method":"GET","url":"{standing.address}/$status"}},"response":{{"status":"200"}}}}'
    )
    entries = [head]
    if standing.content == "full-resource":
        entries += [_entry(event, shown[event.number], base) for event in events if shown and event.number in shown]
    profile = f"{_GUIDE}backport-subscription-notification-r4"
    return (
        f'{{"resourceType":"Bundle","id":"{uuid4()}","meta":{{"profile":["{profile}"]}},"type":"history",'
        f'"timestamp":"{stamp(datetime.now(UTC))}","entry":[{",".join(entries)}]}}'
    )


def as_media(bundle: str, media: str) -> bytes:
    """The bytes in the form that was asked for."""
    return fhir.write_xml(fhir.read_verbatim(bundle.encode())) if media == XML_TYPE else bundle.encode()


def _version(event: Event) -> tuple[str, str, int]:
    return event.rtype, ids.encode(*event.key), event.version - (event.op == "D")


def _event(event: Event, seen: Stored | None, standing: Standing, base: str) -> dict[str, Any]:
    part: list[dict[str, Any]] = [{"name": "event-number", "valueString": str(event.number)}]
    if seen is not None:
        part.append({"name": "timestamp", "valueInstant": stamp(event.at)})
        if standing.content != "empty":
            part.append({"name": "focus", "valueReference": {"reference": f"{base}/{seen.rtype}/{seen.id}"}})
    return {"name": "notification-event", "part": part}


def _entry(event: Event, seen: Stored, base: str) -> str:
    method, status = _METHODS[event.op]
    content = "" if event.op == "D" else f'"resource":{listed(seen.rtype, seen.body)},'
    url = seen.rtype if event.op == "C" else f"{seen.rtype}/{seen.id}"
    return (
        f'{{"fullUrl":"{base}/{seen.rtype}/{seen.id}",{content}'
        f'"request":{{"method":"{method}","url":"{url}"}},"response":{{"status":"{status}"}}}}'
    )
