"""Where the next page starts: a keyset, signed, and bound to the search, the reader and the unit.

Nothing is stored on the server; each page is searched and authorised anew.
"""

import binascii
import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Final

from fellesjournal.kit.keys import SIGNATURE_BYTES, Keys
from fellesjournal.record.search.error import SearchError, refusal
from fellesjournal.record.search.model import SearchQuery

_BODY: Final = struct.Struct(">BqqI")
_VERSION: Final = 1
_EPOCH: Final = datetime(2000, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


@dataclass(frozen=True)
class Cursor:
    """The last match shown: its sort instant, its pid, and how many matches have been shown in all."""

    sort: datetime
    pid: int
    shown: int


def seal_cursor(cursor: Cursor, *, keys: Keys, query: SearchQuery, person: int, unit: int) -> str:
    """A cursor as the outside sees it: opaque, URL-safe."""
    body = _BODY.pack(_VERSION, micros_of(cursor.sort), cursor.pid, cursor.shown)
    return seal_place(body, keys=keys, bound=bound_to(query.fingerprint(), person=person, unit=unit))


def open_cursor(text: str, *, keys: Keys, query: SearchQuery, person: int, unit: int) -> Cursor:
    """The cursor again. Raises SearchError for one forged, or made for another search, reader or unit."""
    bound = bound_to(query.fingerprint(), person=person, unit=unit)
    try:
        version, micros, pid, shown = _BODY.unpack(open_place(text, keys=keys, bound=bound))
    except struct.error:
        raise _refused() from None
    if version != _VERSION:
        raise _refused()
    return Cursor(instant_of(micros), pid, shown)


def seal_place(body: bytes, *, keys: Keys, bound: bytes) -> str:
    """A place to go on from, as the outside sees it: opaque, URL-safe, good with the same `bound` alone."""
    return _text(body + keys.sign("cursor", body + bound))


def open_place(text: str, *, keys: Keys, bound: bytes) -> bytes:
    """The place again. Raises SearchError for one forged, or bound to something else."""
    try:
        raw = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (ValueError, binascii.Error):
        raise _refused() from None
    body = raw[:-SIGNATURE_BYTES]
    if _text(raw) != text or not keys.verify("cursor", body + bound, raw[-SIGNATURE_BYTES:]):
        raise _refused()
    return body


def bound_to(fingerprint: bytes, *, person: int, unit: int) -> bytes:
    """What a place is good for: the same question by the same person in the same unit."""
    return sha256(fingerprint + struct.pack(">qq", person, unit)).digest()


def micros_of(instant: datetime) -> int:
    """An instant as a number that loses nothing."""
    return (instant - _EPOCH) // _MICROSECOND


def instant_of(micros: int) -> datetime:
    """The instant of such a number."""
    return _EPOCH + micros * _MICROSECOND


def _text(raw: bytes) -> str:
    return urlsafe_b64encode(raw).decode().rstrip("=")


def _refused() -> SearchError:
    return refusal("cursor", "not one that this search has given to you; start again from the first page")
