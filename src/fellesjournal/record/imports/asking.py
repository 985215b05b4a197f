"""The asker's part of an import: files are taken in as they come, then the worker has them."""

from collections.abc import AsyncIterable, AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from fellesjournal import fhir
from fellesjournal.access.model import SessionOver
from fellesjournal.kit import ids, jobs
from fellesjournal.kit.db import Database
from fellesjournal.record.errors import MayNotImport, NotFound, RecordError
from fellesjournal.record.imports import store
from fellesjournal.record.imports.carrier import JOB
from fellesjournal.record.imports.lines import Cutter, Piece
from fellesjournal.web import _

_FAULTS: Final = 500
"""Read at a time."""


class TooManyImports(RecordError):
    """Three imports of one asker are under way."""

    status = 429
    code = "throttled"
    text = _("Tre innlesinger er i gang. Vent til en av dem er ferdig.")
    english = "Three imports of yours are under way; wait for one of them, or cancel it."


class ImportGone(RecordError):
    """An import whose files are being taken in has run out, or was given up."""

    status = 410
    code = "processing"
    text = _("Innlesingen er avbrutt.")
    english = "The import was given up while its files were being sent."


@dataclass(frozen=True)
class File:
    """One of the files: the address it is fetched from, or the name it was sent under; "" for a body alone.

    `rtype` is what its lines were said to be, or "". Of the refused, `told` are told about.
    """

    name: str
    rtype: str
    written: int
    unchanged: int
    refused: int
    told: int


@dataclass(frozen=True)
class Import:
    """How far an import is. `pieces` wait to be written."""

    state: str
    request: str
    asked_at: datetime
    until_at: datetime
    pieces: int
    files: tuple[File, ...]


@dataclass(frozen=True)
class Fault:
    """What was wrong with a line, as an OperationOutcome in JSON. Line 0: the file itself."""

    line: int
    outcome: str


async def begin(
    db: Database, *, secret: bytes, request: str, source: str, files: Sequence[tuple[str, str]] = ()
) -> str:
    """Take an import in, with the files (address, type) that are to be fetched; its id.

    `start` hands it to the worker. Raises SessionOver, MayNotImport, TooManyImports.
    """
    number = ids.new_pid()
    status = await store.open_(
        db, secret=secret, id=number, request=request, source=source, names=[url for url, _ in files],
        rtypes=[fhir.TYPE_NUMBER.get(rtype) for _, rtype in files],
    )  # fmt: skip
    if status != 202:
        raise {401: SessionOver, 403: MayNotImport, 429: TooManyImports}[status]
    return ids.encode(0, number)


async def take_in(
    db: Database, *, secret: bytes, id: str, input: int, name: str, parts: AsyncIterable[bytes], max_line: int
) -> None:
    """Keep a file as it comes. Raises LineTooLong, ImportGone, and what `parts` raises."""

    async def keep(piece: Piece) -> None:
        if not await store.stage(db, secret=secret, id=_number(id), input=input, name=name, piece=piece):
            raise ImportGone

    cutter = Cutter(max_line=max_line)
    async for part in parts:
        for piece in cutter.feed(part):
            await keep(piece)
    for piece in cutter.finish():
        await keep(piece)


async def start(db: Database, *, secret: bytes, id: str) -> None:
    """Hand an import to the worker: all that was to be sent is here. Raises ImportGone."""
    async with db.transaction() as conn:
        is_there = await store.start(conn, secret=secret, id=_number(id))
        if is_there:
            await jobs.enqueue(conn, JOB, {"import": _number(id)})
    if not is_there:
        raise ImportGone


async def discard(db: Database, *, secret: bytes, id: str) -> None:
    """Throw away an import whose files could not be taken in."""
    await store.cancel(db, secret=secret, id=_number(id))


async def find(db: Database, *, secret: bytes, id: str) -> Import:
    """An import of the asker's own. Raises NotFound."""
    row = await store.state(db, secret=secret, id=_number(id))
    if row is None:
        raise NotFound
    files = tuple(
        File(name, fhir.RESOURCE_TYPES[rtype - 1] if rtype else "", *counts)
        for name, rtype, *counts in zip(
            row["names"], row["rtypes"], row["written"], row["unchanged"], row["refused"], row["errors"], strict=True
        )
        if name is not None
    )
    return Import(row["state"], row["request"], row["asked_at"], row["until_at"], row["pieces"], files)


async def cancel(db: Database, *, secret: bytes, id: str) -> None:
    """Give an import up: what is written stays. Raises NotFound."""
    if not await store.cancel(db, secret=secret, id=_number(id)):
        raise NotFound


async def faults(db: Database, *, secret: bytes, id: str, input: int) -> AsyncIterator[Fault]:
    """What was wrong with the lines of a file (counted from 1), in their order."""
    after = -1
    while True:
        rows = await store.errors(db, secret=secret, id=_number(id), input=input, after=after, limit=_FAULTS)
        for row in rows:
            after = row["line"]
            yield Fault(after, row["content"])
        if len(rows) < _FAULTS:
            return


def _number(id: str) -> int:
    found = ids.decode(id)
    if found is None or found[0] != 0:
        raise NotFound
    return found[1]
