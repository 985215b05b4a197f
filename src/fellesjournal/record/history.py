"""History: of one resource, of a type, and of everything, for the reader that asks; newest first, page by page.

Without an id the history is that of a chart (`patient`, or the citizen's own), else of the rows that the acting unit
controls; a directory type's is open to everyone who is signed in, as the directory is.
"""

import os
import struct
from base64 import b64decode, urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import blake2b, sha256
from typing import Final, NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from fellesjournal import fhir
from fellesjournal.access.decide import Decision
from fellesjournal.access.model import NoNeed
from fellesjournal.kit import ids
from fellesjournal.kit.db import Connection, Database
from fellesjournal.kit.keys import Keys
from fellesjournal.record import names, store
from fellesjournal.record.ownership import DIRECTORY_TYPES
from fellesjournal.record.search import Compiled
from fellesjournal.record.search.error import SearchError, refusal
from fellesjournal.record.written import fault

DEFAULT_COUNT: Final = 50
MAX_COUNT: Final = 200
_KNOWN: Final = ("_since", "_at", "_count", "patient")
_ALL_TYPES: Final = list(range(1, len(fhir.RESOURCE_TYPES) + 1))
_OPS: Final = {1: "C", 2: "U", 3: "D"}
_K_REACHED: Final = 9
_EPOCH: Final = datetime(2000, 1, 1, tzinfo=UTC)
_NONCE_BYTES: Final = 12
_SQL: Final = (
    "SELECT k, slot, pid, rtype, version, updated, patient, sort, body, org FROM vault.walk_history("
    "$1[1] = 1, $1[2]::smallint, $1[6:]::smallint[], $1[3]::integer, $3[1], $3[2], $3[3], $3[4], $1[4], $1[5]::integer)"
)


@dataclass(frozen=True)
class HistoryQuery:
    """What was asked for: versions made since, and current in [start, end). `rtype`, `id`: empty when not named.

    `types` are those that may be shown; empty: all.
    """

    rtype: str = ""
    id: str = ""
    patient: str = ""
    count: int = DEFAULT_COUNT
    since: datetime = fhir.OPEN_START
    start: datetime = fhir.OPEN_START
    end: datetime = fhir.OPEN_END
    params: tuple[tuple[str, str], ...] = ()
    types: tuple[str, ...] = ()

    def fingerprint(self) -> bytes:
        """The same for the same question alone; a cursor is bound to it."""
        lines = [self.rtype, self.id, *(f"{name}\x1f{value}" for name, value in self.params)]
        return sha256("\x1e".join(lines).encode()).digest()


@dataclass(frozen=True)
class Version:
    """One version. op: C created, U updated, D deleted (then without a body)."""

    rtype: str
    id: str
    version: int
    updated: datetime
    op: str
    body: str


@dataclass
class HistoryPage:
    """One page, newest first. `next` continues; a page may be short, or empty, and still have one."""

    versions: list[Version] = field(default_factory=list)
    next: str | None = None


class _Place(NamedTuple):
    updated: datetime
    pid: int
    version: int


_TOP: Final = _Place(fhir.OPEN_END, 2**63 - 1, 2**31 - 1)


def parse_history(rtype: str, id: str, params: Sequence[tuple[str, str]], *, strict: bool = True) -> HistoryQuery:
    """Understand `_since`, `_at`, `_count` and, without an id, `patient`. Raises SearchError with every fault.

    `_list` is refused in any case: to leave it out would widen the answer.
    """
    given: dict[str, str] = {}
    faults: list[SearchError] = []
    for name, value in params:
        if name == "_list" or (strict and name not in _KNOWN) or (name == "patient" and id):
            faults.append(refusal(name, "not something that a history is asked for by", code="not-supported"))
        elif name in given:
            faults.append(refusal(name, "given twice"))
        elif name in _KNOWN:
            given[name] = value
    try:
        query = _query(rtype, id, given, tuple(given.items()))
    except SearchError as error:
        faults.append(error)
    if faults:
        raise SearchError([issue for fault in faults for issue in fault.issues])
    return query


async def read_history(
    db: Database | Connection, keys: Keys, decision: Decision, query: HistoryQuery, *, after: str | None = None,
    key: names.Key | None = None,
) -> HistoryPage:  # fmt: skip
    """One page; `key` is the row of the id that is named.

    Raises NotFound (hidden too), NoNeed, SessionOver, SearchError (a cursor that isn't ours).
    """
    cursor = _Cursor(keys, query, decision)
    place = cursor.open(after) if after else _TOP
    if query.id:
        return await _of_one(db, decision, query, cursor, place, key or (0, 0))
    hits = await _walk(db, decision, query, place)
    reached = [hit for hit in hits if hit.k == _K_REACHED]
    page = HistoryPage([_version(hit) for hit in hits if hit.k in _OPS])
    if reached:
        page.next = cursor.seal(_Place(reached[0].sort, reached[0].pid, reached[0].version))
    return page


async def _of_one(
    db: Database | Connection, decision: Decision, query: HistoryQuery, cursor: "_Cursor", place: _Place,
    key: names.Key,
) -> HistoryPage:  # fmt: skip
    rows = await store.history_of(
        db, secret=decision.secret, rtype=fhir.TYPE_NUMBER[query.rtype], slot=key[0], pid=key[1], before=place.version,
        limit=query.count + 1, since=query.since, start=query.start, end=query.end,
    )  # fmt: skip
    if rows and rows[0]["status"] != 200:
        raise fault(rows[0]["status"])
    versions = [
        Version(query.rtype, query.id, row["version"], row["updated"], row["op"].decode(), row["body"] or "")
        for row in rows[: query.count]
    ]
    is_last = len(rows) <= query.count
    return HistoryPage(versions, None if is_last else cursor.seal(_Place(fhir.OPEN_END, 0, versions[-1].version)))


async def _walk(
    db: Database | Connection, decision: Decision, query: HistoryQuery, place: _Place
) -> list[store.Hit]:
    reader = decision.reader
    number = fhir.TYPE_NUMBER[query.rtype] if query.rtype else 0
    is_directory = query.rtype in DIRECTORY_TYPES
    charts = [_pid(query.patient)] if query.patient else [reader.patient or 0] if reader.kind == "citizen" else []
    types = [fhir.TYPE_NUMBER[rtype] for rtype in query.types] or _ALL_TYPES
    numbers = [int(is_directory), number, query.count, place.pid, place.version, *types]
    dates = [query.since, query.start, query.end, min(place.updated, query.end)]
    compiled = Compiled([_SQL], numbers, [], dates, [], number)
    question = store.Question(decision.secret, compiled, tuple(charts), "history")
    if charts:
        answer = await store.search_chart(db, question)
    else:
        answer = await store.search_list(db, question, unit=reader.unit or 0)
    if answer.verdict != "ok":
        raise store.refusal(answer.verdict)
    return answer.hits


def _query(rtype: str, id: str, given: dict[str, str], params: tuple[tuple[str, str], ...]) -> HistoryQuery:
    patient = given.get("patient", "").rpartition("Patient/")[2]
    if "patient" in given and not patient:
        raise refusal("patient", "names nobody")
    if patient and rtype in DIRECTORY_TYPES:
        raise refusal("patient", "this type is about no patient")
    start, end = _span("_at", given["_at"]) if "_at" in given else (fhir.OPEN_START, fhir.OPEN_END)
    since = _span("_since", given["_since"])[0] if "_since" in given else fhir.OPEN_START
    return HistoryQuery(rtype, id, patient, _count(given.get("_count")), since, start, end, params)


def _count(text: str | None) -> int:
    if text is None:
        return DEFAULT_COUNT
    if not (text.isascii() and text.isdecimal() and len(text) <= 9 and int(text) > 0):
        raise refusal("_count", "not a positive whole number")
    return min(int(text), MAX_COUNT)


def _span(name: str, text: str) -> tuple[datetime, datetime]:
    try:
        # A plus sign in an address is a space to whoever decodes it.
        start, end = fhir.date_range(text.replace(" ", "+"))
    except (ValueError, OverflowError):
        raise refusal(name, "not a date or an instant") from None
    return start, end


def _pid(patient: str) -> int:
    found = ids.decode(patient)
    if found is None or found[0] == 0:
        raise NoNeed
    return found[1]


def _version(hit: store.Hit) -> Version:
    rtype = fhir.RESOURCE_TYPES[hit.rtype - 1]
    name = names.id_of(rtype, hit.body, (hit.slot, hit.pid))
    return Version(rtype, name, hit.version, hit.updated, _OPS[hit.k], hit.body)


class _Cursor:
    """Where to go on, unreadable outside: the last row looked at may be one that the reader is not shown."""

    _body = struct.Struct(">qqi")

    def __init__(self, keys: Keys, query: HistoryQuery, decision: Decision) -> None:
        reader = decision.reader
        self._keys = keys
        self._bound = query.fingerprint() + struct.pack(">qq", reader.person, reader.unit or 0)

    def seal(self, place: _Place) -> str:
        micros = (place.updated - _EPOCH) // timedelta(microseconds=1)
        nonce = os.urandom(_NONCE_BYTES)
        plain = self._body.pack(micros, place.pid, place.version)
        sealed = _cipher(self._keys.current("cursor")).encrypt(nonce, plain, self._bound)
        return urlsafe_b64encode(nonce + sealed).decode().rstrip("=")

    def open(self, text: str) -> _Place:
        """The place again. Raises SearchError for one forged, or made for another question, reader or unit."""
        try:
            raw = b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        except ValueError:
            raise _refused() from None
        for key in self._keys.versions("cursor"):
            try:
                plain = _cipher(key).decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], self._bound)
            except (InvalidTag, ValueError):
                continue
            micros, pid, version = self._body.unpack(plain)
            return _Place(_EPOCH + timedelta(microseconds=micros), pid, version)
        raise _refused()


def _cipher(key: bytes) -> AESGCM:
    return AESGCM(blake2b(b"history cursor", key=key, digest_size=32).digest())


def _refused() -> SearchError:
    return refusal("cursor", "not one that this history has given to you; start again from the first page")
