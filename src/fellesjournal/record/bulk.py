"""Bulk exports (Bulk Data Access 2.0): asked for, carried out by the worker, fetched piece by piece.

An export is a copy of rows as they were at one instant, made a few patients at a time by the database itself: bodies
go from the vault to the files' pieces as they are stored, and never through a process. Each patient is decided for the
asker when the rows are copied, and again when a piece is fetched; the log has them in the transaction of the copy.
Where it ended is remembered with each step: a worker that is killed goes on from there, and two that meet do no harm.
"""

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import parse_qsl

from fellesjournal import fhir
from fellesjournal.access.model import SessionOver
from fellesjournal.kit import ids, jobs
from fellesjournal.kit.db import Database, StatementTimeout
from fellesjournal.kit.jobs import Payload
from fellesjournal.kit.log import get_logger
from fellesjournal.record import bulk_store as store
from fellesjournal.record.errors import MayNotExport, NotFound, RecordError
from fellesjournal.record.journal import Vault
from fellesjournal.record.search import (
    Chart,
    Compiled,
    SearchError,
    SearchQuery,
    compile_search,
    parse_search,
    with_codes,
)
from fellesjournal.record.search.error import refusal
from fellesjournal.record.value_sets import InstalledCodes
from fellesjournal.web import _

JOB: Final = "bulk.export"
EVERY_MINUTE: Final = "* * * * *"
_FIRST: Final = 20
_MOST: Final = 500
_AIM_S: Final = 1.0
_LIMIT_MS: Final = 9_000
_WAIT_S: Final = 0.1
_MATCHES: Final = 4_000
"""As many rows a filter may find in the charts of one step; more, and the step takes fewer charts."""
_NOT_FILTERS: Final = frozenset(
    {"_include", "_revinclude", "_sort", "_count", "_total", "_summary", "_elements", "_contained"}
)
_typed: Final = re.compile(r"([A-Z][A-Za-z]{1,40})\?(.*)", re.DOTALL).fullmatch

_log = get_logger("record.bulk")


class TooManyExports(RecordError):
    """Three exports of one asker are under way."""

    status = 429
    code = "throttled"
    text = _("Tre uttrekk er i gang. Vent til ett av dem er ferdig.")
    english = "Three exports of yours are under way; wait for one of them, or cancel it."


class ExportFailed(RecordError):
    """An export that came to nothing."""

    status = 410
    code = "processing"
    text = _("Uttrekket kunne ikke fullføres. Be om et nytt.")
    english = "The export could not be completed, or what you may see has changed since; ask for a new one."


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What is to be exported. `patients` None: everybody that the asker may see; `unknown`: named, and nobody here."""

    request: str
    has_directory: bool
    patients: tuple[int, ...] | None
    types: tuple[str, ...]
    since: datetime | None
    filters: tuple[str, ...]
    elements: tuple[str, ...]
    unknown: int = 0


@dataclass(frozen=True)
class File:
    """The lines of one type; of what was deleted, each line a Bundle, when `rtype` is ""."""

    rtype: str
    resources: int
    size: int


@dataclass(frozen=True)
class Export:
    """How far an export is. `asked_at` is the instant whose state is in it."""

    state: str
    request: str
    asked_at: datetime
    until_at: datetime
    patients: int
    resources: int
    left_out: int
    elements: tuple[str, ...]
    files: tuple[File, ...]


async def begin(db: Database, *, secret: bytes, wish: Wish, keep: timedelta) -> str:
    """Take an export in and have the worker carry it out; its id. Raises SessionOver, MayNotExport, TooManyExports."""
    number = ids.new_pid()
    async with db.transaction() as conn:
        status = await store.begin(
            conn, secret=secret, id=number, request=wish.request, has_directory=wish.has_directory,
            wanted=wish.patients, types=[fhir.TYPE_NUMBER[rtype] for rtype in wish.types],
            since=wish.since or fhir.OPEN_START, filters=json.dumps(wish.filters) if wish.filters else "",
            elements=json.dumps(wish.elements) if wish.elements else "", left_out=wish.unknown, keep=keep,
        )  # fmt: skip
        if status == 202:
            await jobs.enqueue(conn, JOB, {"export": number})
    if status != 202:
        raise {401: SessionOver, 403: MayNotExport, 429: TooManyExports}[status]
    return ids.encode(0, number)


async def find(db: Database, *, secret: bytes, id: str) -> Export:
    """An export of the asker's own. Raises NotFound."""
    row = await store.state(db, secret=secret, id=_number(id))
    if row is None:
        raise NotFound
    files = tuple(
        File(fhir.RESOURCE_TYPES[rtype - 1] if rtype else "", count, size)
        for rtype, count, size in zip(row["rtypes"] or (), row["counts"] or (), row["sizes"] or (), strict=False)
    )
    return Export(
        row["state"], row["request"], row["asked_at"], row["until_at"], row["patients"], row["resources"],
        row["left_out"], tuple(json.loads(row["elements"] or "[]")), files,
    )  # fmt: skip


async def cancel(db: Database, *, secret: bytes, id: str) -> None:
    """Give an export up, or throw its files away. Raises NotFound."""
    if not await store.cancel(db, secret=secret, id=_number(id)):
        raise NotFound


async def pieces(db: Database, *, secret: bytes, id: str, rtype: str) -> AsyncIterator[bytes]:
    """The lines of a file, whole lines at a time. Raises ExportFailed when a piece may not be shown any more."""
    after, number = -1, fhir.TYPE_NUMBER[rtype] if rtype else 0
    while True:
        row = await store.piece(db, secret=secret, id=_number(id), rtype=number, after=after)
        if row is None:
            return
        if row["content"] is None:
            raise ExportFailed
        after = row["n"]
        yield row["content"] if rtype else b"".join(map(_deletion, row["content"].splitlines()))


async def sweep(db: Database) -> None:
    """Throw away exports that have run out; the worker does it."""
    await store.sweep(db)


def parse_filter(text: str, *, base: str = "", registry: fhir.Registry = fhir.OFFICIAL) -> SearchQuery:
    """Understand one `_typeFilter`, as `Observation?code=…`. Raises SearchError."""
    match = _typed(text)
    if match is None:
        raise refusal("_typeFilter", "a search like Observation?status=final")
    pairs = parse_qsl(match[2], keep_blank_values=True)
    if any(name.partition(":")[0] in _NOT_FILTERS for name, _value in pairs):
        raise refusal("_typeFilter", "only what narrows the resources of a type", code="not-supported")
    query = parse_search(match[1], pairs, base=base, registry=registry)
    return replace(query, count=_MATCHES)


async def read_filter(vault: Vault, text: str, *, base: str) -> SearchQuery:
    """The same with the codes that it asks terminology for: those of what is installed. Raises SearchError."""
    query = parse_filter(text, base=base, registry=await vault.definitions.current())
    return await with_codes(query, InstalledCodes(vault.terminology))


@dataclass(frozen=True)
class Carrier:
    """What the worker needs: `secret` gives a live session with the BULK grant, `stop` ends between two steps."""

    vault: Vault
    base_url: str
    secret: Callable[[], Awaitable[bytes]]
    stop: asyncio.Event

    async def handle(self, payload: Payload) -> None:
        """A job: carry one export out. Raises SessionOver without the grant."""
        await self.work(int(payload["export"]))

    async def work_on_all(self) -> None:
        """Go on with what a stopped worker has left."""
        for number in await store.unfinished(self.vault.db):
            await self.work(number)

    async def work(self, number: int) -> None:
        """Step after step, until it is done or gone, or it is time to stop."""
        db, limit = self.vault.db, _FIRST
        while not self.stop.is_set():
            row = await store.following(db, secret=await self.secret(), id=number, limit=limit)
            if row["what"] == "none":
                raise SessionOver
            if row["what"] == "gone":
                return
            if row["what"] == "wait":
                await asyncio.sleep(_WAIT_S)
                continue
            began = time.monotonic()
            done = await self._copy(number, row["patients"], row["filters"])
            if done == "done":
                _log.info("export done")
                return
            if done == "unread" or (done == "many" and len(row["patients"] or ()) <= 1):
                await store.fail(db, secret=await self.secret(), id=number)
                return
            limit = _next_limit(limit, time.monotonic() - began, is_too_many=done == "many")

    async def _copy(self, number: int, patients: Sequence[int] | None, filters: str) -> str:
        """One short transaction; one that takes too long was asked for too many."""
        try:
            compiled = await self._compiled(patients, filters) if filters else []
        except SearchError:
            _log.warning("a filter of an export can no longer be read")
            return "unread"
        secret = await self.secret()
        try:
            async with self.vault.db.transaction() as conn:
                await conn.execute(f"SET LOCAL statement_timeout = {_LIMIT_MS}")
                return await store.copy(conn, secret=secret, id=number, patients=patients, filters=compiled)
        except StatementTimeout:
            return "many"

    async def _compiled(self, patients: Sequence[int] | None, filters: str) -> list[Compiled]:
        scope, base = Chart(tuple(patients or (0,))), f"{self.base_url}/fhir"
        queries = [await read_filter(self.vault, text, base=base) for text in json.loads(filters)]
        return [compile_search(query, scope=scope, hash64=self.vault.keys.hash64) for query in queries]


def _next_limit(limit: int, took_s: float, *, is_too_many: bool) -> int:
    """As many patients as take about a second."""
    if is_too_many or took_s > 2 * _AIM_S:
        return max(1, limit // 4)
    return min(_MOST, limit * 2) if took_s < _AIM_S / 2 else limit


def _deletion(line: bytes) -> bytes:
    """The Bundle that tells of a row that was deleted."""
    rtype, slot, pid, chosen = line.decode().split(" ")
    name = f"{fhir.RESOURCE_TYPES[int(rtype) - 1]}/{chosen or ids.encode(int(slot), int(pid))}"
    entry = {"request": {"method": "DELETE", "url": name}}
    return fhir.encode({"resourceType": "Bundle", "type": "transaction", "entry": [entry]}) + b"\n"


def _number(id: str) -> int:
    found = ids.decode(id)
    if found is None or found[0] != 0:
        raise NotFound
    return found[1]


