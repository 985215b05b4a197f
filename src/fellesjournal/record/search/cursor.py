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
    micros = (cursor.sort - _EPOCH) // _MICROSECOND
    body = _BODY.pack(_VERSION, micros, cursor.pid, cursor.shown)
    signature = keys.sign("cursor", body + _bound_to(query, person, unit))
    return _text(body + signature)


def open_cursor(text: str, *, keys: Keys, query: SearchQuery, person: int, unit: int) -> Cursor:
    """The cursor again. Raises SearchError for one forged, or made for another search, reader or unit."""
    try:
        raw = urlsafe_b64decode(text + "=" * (-len(text) % 4))
        version, micros, pid, shown = _BODY.unpack(raw[:-SIGNATURE_BYTES])
    except (ValueError, binascii.Error, struct.error):
        raise _refused() from None
    payload = raw[:-SIGNATURE_BYTES] + _bound_to(query, person, unit)
    if version != _VERSION or _text(raw) != text or not keys.verify("cursor", payload, raw[-SIGNATURE_BYTES:]):
        raise _refused()
    return Cursor(_EPOCH + micros * _MICROSECOND, pid, shown)


def _text(raw: bytes) -> str:
    return urlsafe_b64encode(raw).decode().rstrip("=")


def _bound_to(query: SearchQuery, person: int, unit: int) -> bytes:
    return sha256(query.fingerprint() + struct.pack(">qq", person, unit)).digest()


def _refused() -> SearchError:
    return refusal("cursor", "not one that this search has given to you; start again from the first page")
