"""A seal, what is signed of it, and how a batch of rows is held against it. Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

FORMAT: Final = 1
"""Of `access.log_line`: a row's columns, and their order."""
MARK: Final = 8
"""How many bytes of a row's digest are kept to find it by."""
SLACK: Final = timedelta(minutes=1)
"""How far a row's time may be from what its place in the order says: clocks are corrected."""

_BYTES: Final = ("digest", "previous", "seal", "key", "signature")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

What = Literal[
    "changed", "removed", "inserted", "misdated", "batch", "seal", "signature", "chain", "published", "device"
]  # fmt: skip


class NotASeal(ValueError):
    """A line that is offered as a published seal is none."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the log as it is sealed. `xid` and `pos` are its place in its era."""

    xid: int
    pos: int
    at: datetime
    line: str

    @property
    def leaf(self) -> bytes:
        """Its digest."""
        return hashlib.sha256(self.line.encode()).digest()


@dataclass(frozen=True, slots=True)
class Seal:
    """A sealed batch: the rows of `era` after (from_xid, from_pos), up to and with (to_xid, to_pos).

    Transactions from `seen_xid` on began after `seen_at`. `seal` is the digest of what is signed; `previous` the
    seal before, empty for the first. `key` is the public one (Ed25519).
    """

    number: int
    format: int
    era: int
    from_xid: int
    from_pos: int
    to_xid: int
    to_pos: int
    rows: int
    digest: bytes
    seen_xid: int
    seen_at: datetime
    previous: bytes
    seal: bytes = b""
    key: bytes = b""
    signature: bytes = b""

    def signed(self) -> bytes:
        """What is signed: every word but the last three."""
        words = (
            self.number, self.format, self.era, self.from_xid, self.from_pos, self.to_xid, self.to_pos, self.rows,
            self.digest.hex(), self.seen_xid, (self.seen_at - _EPOCH) // timedelta(microseconds=1), self.previous.hex(),
        )  # fmt: skip
        return ("fellesjournal log seal\n" + "\n".join(map(str, words))).encode()

    def is_whole(self) -> bool:
        """Whether the seal is the digest of its own words."""
        return hashlib.sha256(self.signed()).digest() == self.seal

    def is_signed(self) -> bool:
        """Whether its key signed it. Whose key it is, is another question."""
        try:
            Ed25519PublicKey.from_public_bytes(self.key).verify(self.signature, self.signed())
        except (InvalidSignature, ValueError):
            return False
        return True

    def published(self) -> str:
        """The seal as a line of JSON, for others to keep."""
        words = {one.name: getattr(self, one.name) for one in fields(self)}
        words |= {name: words[name].hex() for name in _BYTES}
        return json.dumps({**words, "seen_at": self.seen_at.isoformat()}, separators=(",", ":"))


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is not as it was sealed: in which batch, and at which place in the log when that can be told.

    `removed` names the row before it; `device` is in no batch (0).
    """

    what: What
    number: int
    xid: int | None = None
    pos: int | None = None


def read_published(text: str) -> dict[int, Seal]:
    """Published seals by number, from their lines. Raises NotASeal; blank lines are passed by."""
    return {seal.number: seal for line in text.splitlines() if line.strip() for seal in [_read(line)]}


def _read(line: str) -> Seal:
    try:
        words: dict[str, Any] = json.loads(line)
        made = {**words, **{name: bytes.fromhex(words[name]) for name in _BYTES}}
        seal = Seal(**{**made, "seen_at": datetime.fromisoformat(words["seen_at"])})
        is_good = seal.is_whole() and type(seal.number) is int
    except (ValueError, TypeError, KeyError, AttributeError):
        is_good = False
    if not is_good:
        raise NotASeal("a line is no seal of this log's kind, or was changed")
    return seal


def digest_of(rows: Iterable[Row]) -> bytes:
    """The digest of a batch: of its rows' digests, in order."""
    whole = hashlib.sha256()
    for row in rows:
        whole.update(row.leaf)
    return whole.digest()


def chained(seals: Sequence[Seal], *, after: Seal | None) -> list[Finding]:
    """What is wrong with the seals themselves, each held against the one before it."""
    found = list[Finding]()
    for seal in seals:
        if not seal.is_whole():
            found.append(Finding("seal", seal.number))
        elif not seal.is_signed():
            found.append(Finding("signature", seal.number))
        if not _follows(seal, after):
            found.append(Finding("chain", seal.number))
        after = seal
    return found


def _follows(seal: Seal, before: Seal | None) -> bool:
    start = (seal.from_xid, seal.from_pos)
    if before is None:
        return seal.number == 1 and seal.previous == b"" and start == (0, 0)
    comes_after = start == (before.to_xid, before.to_pos) if seal.era == before.era else start == (0, 0)
    return (
        seal.number == before.number + 1 and seal.previous == before.seal and seal.era >= before.era and comes_after
    )


def held_against(seal: Seal, rows: Sequence[Row], marks: bytes) -> list[Finding]:
    """Which rows of a batch are not as they were sealed; nothing when the batch's digest is as it was.

    Raises nothing: marks that were changed too leave a finding for the batch alone.
    """
    leaves = [row.leaf for row in rows]
    if len(rows) == seal.rows and hashlib.sha256(b"".join(leaves)).digest() == seal.digest:
        return []
    sealed = [marks[n : n + MARK] for n in range(0, len(marks), MARK)]
    found = _differences(seal.number, sealed, [leaf[:MARK] for leaf in leaves], rows)
    return found or [Finding("batch", seal.number)]


def _differences(number: int, sealed: list[bytes], marks: list[bytes], rows: Sequence[Row]) -> list[Finding]:
    places = {mark: n for n, mark in enumerate(sealed)}
    found, next_sealed, next_row = list[Finding](), 0, 0
    for n, mark in [*enumerate(marks), (len(marks), b"")]:
        place = len(sealed) if n == len(marks) else places.get(mark, -1)
        if place < next_sealed:
            continue
        found += _gap(number, place - next_sealed, rows[next_row:n], rows[next_row - 1] if next_row else None)
        next_sealed, next_row = place + 1, n + 1
    return found


def _gap(number: int, missing: int, extra: Sequence[Row], before: Row | None) -> list[Finding]:
    """Between two rows that are as they were: so many are missing, and these stand there."""
    changed = [Finding("changed", number, row.xid, row.pos) for row in extra[:missing]]
    inserted = [Finding("inserted", number, row.xid, row.pos) for row in extra[missing:]]
    last = extra[-1] if extra else before
    place = (last.xid, last.pos) if last else (None, None)
    return changed + inserted + [Finding("removed", number, *place) for _ in range(missing - len(extra))]


class Clock:
    """Holds the times of rows against their place: what was put in later, with a time from before, does not fit."""

    def __init__(self) -> None:
        self._known: list[tuple[int, int, datetime]] = []

    def misdated(self, seal: Seal, rows: Sequence[Row]) -> list[Finding]:
        """Rows of a batch that say they are older than their transaction, or newer than their seal.

        To be asked in the order of the seals.
        """
        found = [
            Finding("misdated", seal.number, row.xid, row.pos)
            for row, earliest in zip(rows, self._earliest(seal.era, rows), strict=True)
            if row.at > seal.seen_at + SLACK or (earliest is not None and row.at < earliest - SLACK)
        ]
        self._known.append((seal.era, seal.seen_xid, seal.seen_at))
        return found

    def _earliest(self, era: int, rows: Sequence[Row]) -> Iterable[datetime | None]:
        """For each row (in order) the last instant that is known to be before its transaction."""
        place = 0
        for row in rows:
            while place < len(self._known) and self._known[place][:2] <= (era, row.xid):
                place += 1
            yield self._known[place - 1][2] if place else None
