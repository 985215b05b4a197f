"""AuditEvent: read and search, answered by the access log itself (FHIR auditevent.html; access.md, "The log").

Nobody writes one: see `record/audit_event.py`. A citizen and their apps get the own log, staff that of a patient they
may read, a reviewer what a person or a unit of their controllers did. Newest first.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response

from fellesjournal import fhir
from fellesjournal.access import audit
from fellesjournal.access.audit import AuditWish, LogLine, Place
from fellesjournal.access.decide import Decision
from fellesjournal.access.gate import fhir_interaction
from fellesjournal.access.model import NoNeed
from fellesjournal.kit import ids
from fellesjournal.record.api.http import fhir_errors, journal_of, json_response, preference, query_text
from fellesjournal.record.api.search import CURSOR, LOOKS, form_pairs, query_pairs, searchset
from fellesjournal.record.audit_event import CHANGED, DISCLOSURE, NAME, READ, audit_event, event_id, place_of
from fellesjournal.record.errors import Malformed, NotFound
from fellesjournal.record.lookup import Page, Stored

Pair = tuple[str, str]

PARAMETERS: Final = {
    "action": "token", "agent": "reference", "date": "date", "outcome": "token", "patient": "reference",
    "subtype": "token",
}  # fmt: skip
"""What may be searched by, with FHIR's type of each."""

_COUNT, _DEFAULT, _MOST = "_count", 50, 200
_OUTCOMES: Final = {"0": (0, 2), "4": (1,)}


@dataclass(frozen=True)
class _Wish:
    """What is asked of the log, where the page begins and how long it is."""

    asked: AuditWish
    after: Place | None = None
    count: int = _DEFAULT


@fhir_errors
@fhir_interaction("search")
async def audit_search(request: Request, decision: Decision) -> Response:
    """Search by the address; in a patient's compartment too."""
    return await _found(request, decision, query_pairs(query_text(request)))


@fhir_errors
@fhir_interaction("search")
async def audit_search_post(request: Request, decision: Decision) -> Response:
    """Search by a form."""
    return await _found(request, decision, await form_pairs(request))


@fhir_errors
@fhir_interaction("read")
async def audit_read(request: Request, decision: Decision) -> Response:
    """One event, by its id. Raises NotFound for what isn't there, and for what is hidden."""
    await journal_of(request, decision).need_whole(NAME, "r")
    found = place_of(request.path_params["id"])
    if found is None:
        raise NotFound
    (at, pos), patient = found
    try:
        wish = AuditWish(patient=patient, is_one=True)
        lines = await audit.audit_events(
            request.app.state.access_db, decision=decision, wish=wish, after=(at, pos + 1), limit=1
        )
    except NoNeed:
        raise NotFound from None
    if not lines or lines[0].place != (at, pos):
        raise NotFound
    return json_response(fhir.encode(_events(request, lines)[0]))


async def _found(request: Request, decision: Decision, pairs: Sequence[Pair]) -> Response:
    await journal_of(request, decision).need_whole(NAME, "s")
    strict = preference(request, "handling") != "lenient"
    compartment = request.path_params.get("id")
    wish, ignored = _read_wish([*pairs, *([("patient", compartment)] if compartment else [])], strict=strict)
    lines = await audit.audit_events(
        request.app.state.access_db, decision=decision, wish=wish.asked, after=wish.after, limit=wish.count + 1
    )
    shown = lines[: wish.count]
    cursor = _cursor(shown[-1]) if len(lines) > wish.count else None
    events = _events(request, shown)
    page = Page([_stored(line, event) for line, event in zip(shown, events, strict=True)], next=cursor)
    base = f"{request.app.state.settings.base_url}/fhir"
    address = f"{base}/Patient/{compartment}/{NAME}" if compartment else f"{base}/{NAME}"
    kept = [pair for pair in pairs if pair[0] not in (CURSOR, *LOOKS, *ignored)]
    notices = [f"The parameter {name} is not known and was left out." for name in ignored]
    looks = [pair for pair in pairs if pair[0] in LOOKS]
    at = next((value for name, value in pairs if name == CURSOR), None)
    return json_response(searchset(base, address, page, pairs=kept, looks=looks, notices=notices, at=at).encode())


def _read_wish(pairs: Sequence[Pair], *, strict: bool) -> tuple[_Wish, list[str]]:
    """The wish, and the names of parameters that were passed by. Raises Malformed."""
    wish, ignored = _Wish(AuditWish()), list[str]()
    for name, value in pairs:
        read = _READERS.get(name)
        if read is not None:
            wish = read(wish, value)
        elif name not in LOOKS:
            if strict:
                raise Malformed(f"AuditEvent is not searched by {name[:60]}; see /fhir/metadata for what there is.")
            ignored.append(name)
    return wish, ignored


def _patient(wish: _Wish, value: str) -> _Wish:
    pid = _number(value, ("Patient",))
    if wish.asked.patient not in (None, pid):
        raise Malformed("One patient at a time.")
    return replace(wish, asked=replace(wish.asked, patient=pid))


def _agent(wish: _Wish, value: str) -> _Wish:
    rtype = value.partition("/")[0] if "/" in value else "Practitioner"
    number = _number(value, ("Practitioner", "Organization"))
    if rtype == "Organization":
        return replace(wish, asked=replace(wish.asked, unit=number))
    return replace(wish, asked=replace(wish.asked, practitioner=number))


def _number(value: str, types: Sequence[str]) -> int:
    """The number of a row that a reference names. Raises Malformed."""
    rtype, slash, name = value.rpartition("/")
    key = ids.decode(name)
    if key is None or (slash and rtype not in types):
        raise Malformed(f"It takes one reference to {' or '.join(types)}, by this server's own id.")
    return key[1]


def _date(wish: _Wish, value: str) -> _Wish:
    prefix, text = (value[:2], value[2:]) if value[:2].isalpha() else ("eq", value)
    try:
        since, until = _SPANS[prefix](*fhir.date_range(text.replace(" ", "+") if "T" in text else text))
    except (KeyError, ValueError, OverflowError):
        raise Malformed("date takes a date or an instant with eq, ge, gt, le, lt, sa or eb.") from None
    asked = wish.asked
    since = asked.since if since is None else max(since, asked.since or since)
    until = asked.until if until is None else min(until, asked.until or until)
    return replace(wish, asked=replace(asked, since=since, until=until))


Span = Callable[[datetime, datetime], tuple[datetime | None, datetime | None]]
_SPANS: Final[dict[str, Span]] = {
    "eq": lambda start, end: (start, end), "ge": lambda start, _: (start, None), "gt": lambda _, end: (end, None),
    "sa": lambda _, end: (end, None), "le": lambda _, end: (None, end), "lt": lambda start, _: (None, start),
    "eb": lambda start, _: (None, start),
}  # fmt: skip


def _action(wish: _Wish, value: str) -> _Wish:
    codes = {code.rpartition("|")[2] for code in value.split(",")}
    if not codes <= set("CRUDE"):
        raise Malformed("action takes C, R, U, D or E.")
    known = {"R": READ, "U": CHANGED}
    asked = replace(wish.asked, actions=tuple(word for code in sorted(codes) for word in known.get(code, ())))
    if "E" in codes:
        left = tuple(word for code, some in known.items() if code not in codes for word in some)
        asked = replace(asked, actions=None, not_actions=left)
    return replace(wish, asked=asked)


def _outcome(wish: _Wish, value: str) -> _Wish:
    codes = {code.rpartition("|")[2] for code in value.split(",")}
    if not codes <= {"0", "4", "8", "12"}:
        raise Malformed("outcome takes 0, 4, 8 or 12.")
    outcomes = tuple(number for code in sorted(codes) for number in _OUTCOMES.get(code, ()))
    return replace(wish, asked=replace(wish.asked, outcomes=outcomes))


def _subtype(wish: _Wish, value: str) -> _Wish:
    system, bar, code = value.rpartition("|")
    if code != DISCLOSURE[1] or (bar and system != DISCLOSURE[0]):
        raise Malformed(f"subtype takes {DISCLOSURE[0]}|{DISCLOSURE[1]}: another controller's information was shown.")
    return replace(wish, asked=replace(wish.asked, disclosed=True))


def _count(wish: _Wish, value: str) -> _Wish:
    if not (value.isascii() and value.isdigit() and len(value) < 10):
        raise Malformed("_count takes a whole number.")
    return replace(wish, count=min(max(int(value), 1), _MOST))


def _after(wish: _Wish, value: str) -> _Wish:
    found = place_of(value)
    if found is None:
        raise Malformed("The cursor can't be read.")
    return replace(wish, after=found[0])


_READERS: Final[dict[str, Callable[[_Wish, str], _Wish]]] = {
    "patient": _patient, "agent": _agent, "date": _date, "action": _action, "outcome": _outcome, "subtype": _subtype,
    _COUNT: _count, CURSOR: _after,
}  # fmt: skip


def _cursor(line: LogLine) -> str:
    return event_id(line)


def _events(request: Request, lines: Sequence[LogLine]) -> list[dict[str, Any]]:
    url = request.app.state.settings.base_url
    site = urlsplit(url).hostname or "fellesjournal"
    return [audit_event(line, base=f"{url}/fhir", site=site) for line in lines]


def _stored(line: LogLine, event: dict[str, Any]) -> Stored:
    return Stored(NAME, event["id"], 1, line.at.astimezone(UTC), fhir.encode(event).decode(), (0, 0))
