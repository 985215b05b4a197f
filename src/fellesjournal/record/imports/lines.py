"""NDJSON as it comes, cut into pieces of whole lines, what others refer to before them."""

import re
import zlib
from collections.abc import AsyncIterable, AsyncIterator, Iterator
from dataclasses import dataclass, field
from typing import Final

from fellesjournal.record import ownership
from fellesjournal.record.errors import Malformed

PIECE_BYTES: Final = 400_000
PIECE_LINES: Final = 400
"""A piece is one transaction of well under a second."""
_INFLATED: Final = 1 << 20
_TYPE: Final = re.compile(rb'"resourceType"\s*:\s*"([A-Za-z]{1,64})"')
_EARLY: Final = {
    b"Patient": 1, b"Encounter": 2, b"EpisodeOfCare": 2, b"Device": 2, b"RelatedPerson": 2, b"Specimen": 3,
    b"Condition": 3, b"ServiceRequest": 3, b"MedicationRequest": 3, b"Observation": 4,
} | {rtype.encode(): 0 for rtype in ownership.DIRECTORY_TYPES}  # fmt: skip
_LAST: Final = 5


class LineTooLong(Malformed):
    """A line that is longer than a resource may be."""

    english = "A line of the file is longer than a resource may be."


class TooMuch(Malformed):
    """A file that is larger than is accepted."""

    status = 413
    code = "too-long"
    text = "Innholdet er for stort."
    english = "The files of one import are larger than this server accepts."


@dataclass(frozen=True)
class Piece:
    """Whole lines of one rank, `lines` their numbers in the file from 1; the pieces of a file are numbered by `n`."""

    rank: int
    n: int
    lines: list[int]
    content: bytes


@dataclass
class _Held:
    lines: list[int] = field(default_factory=list)
    content: bytearray = field(default_factory=bytearray)


class Cutter:
    """Cuts one file. Nothing longer than a piece for each rank and one line is held."""

    def __init__(self, *, max_line: int) -> None:
        self._max_line = max_line
        self._rest = bytearray()
        self._line = self._n = 0
        self._held: dict[int, _Held] = {}

    def feed(self, part: bytes) -> Iterator[Piece]:
        """The pieces that are full now. Raises LineTooLong."""
        self._rest += part
        cut = self._rest.rfind(b"\n") + 1
        if cut:
            for line in bytes(memoryview(self._rest)[: cut - 1]).split(b"\n"):
                yield from self._add(line)
            del self._rest[:cut]
        if len(self._rest) > self._max_line:
            raise LineTooLong

    def finish(self) -> Iterator[Piece]:
        """What is left, the last line with or without its end."""
        yield from self._add(bytes(self._rest))
        self._rest.clear()
        for rank in sorted(self._held):
            yield self._piece(rank)

    def _add(self, line: bytes) -> Iterator[Piece]:
        self._line += 1
        if not line.strip():
            return
        if len(line) > self._max_line:
            raise LineTooLong
        rank = rank_of(line)
        held = self._held.setdefault(rank, _Held())
        held.lines.append(self._line)
        held.content += line + b"\n"
        if len(held.content) >= PIECE_BYTES or len(held.lines) >= PIECE_LINES:
            yield self._piece(rank)

    def _piece(self, rank: int) -> Piece:
        held = self._held.pop(rank)
        self._n += 1
        return Piece(rank, self._n, held.lines, bytes(held.content))


def rank_of(line: bytes) -> int:
    """When a line is written: the directory first, then people, then what their entries refer to."""
    match = _TYPE.search(line)
    return _EARLY.get(match[1], _LAST) if match else _LAST


async def inflated(parts: AsyncIterable[bytes], *, encoding: str) -> AsyncIterator[bytes]:
    """The same bytes without their compression (gzip), a little at a time. Raises Malformed."""
    if encoding in ("", "identity"):
        async for part in parts:
            yield part
        return
    if encoding != "gzip":
        raise Malformed("The content may be compressed by gzip, and by nothing else.")
    opener = zlib.decompressobj(31)
    try:
        async for part in parts:
            while part:
                yield opener.decompress(part, _INFLATED)
                # A file may be of several members, one after the other.
                part = opener.unconsumed_tail or opener.unused_data
                if opener.eof:
                    opener = zlib.decompressobj(31)
    except zlib.error:
        raise Malformed("The content is not gzip.") from None


async def bounded(parts: AsyncIterable[bytes], *, most: int) -> AsyncIterator[bytes]:
    """The same bytes, up to so many. Raises TooMuch."""
    size = 0
    async for part in parts:
        size += len(part)
        if size > most:
            raise TooMuch
        yield part
