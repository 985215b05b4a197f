"""The worker's part of an import: files are fetched, pieces are written, each in one short transaction."""

import asyncio
import hashlib
import os
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from fellesjournal import fhir
from fellesjournal.access.decide import within
from fellesjournal.access.model import SessionOver
from fellesjournal.identity.model import Reader
from fellesjournal.identity.sessions import Sessions
from fellesjournal.kit.db import ConnectionLost, Database
from fellesjournal.kit.http import Download, HttpClient, HttpError
from fellesjournal.kit.jobs import Payload
from fellesjournal.kit.log import get_logger
from fellesjournal.kit.settings import Settings
from fellesjournal.record.errors import RecordError
from fellesjournal.record.imports import store
from fellesjournal.record.imports.lines import Cutter, Piece, bounded, inflated
from fellesjournal.record.imports.load import Load
from fellesjournal.record.imports.sources import is_allowed
from fellesjournal.record.journal import Vault
from fellesjournal.record.rehearsal import issues_of

JOB: Final = "bulk.import"
EVERY_MINUTE: Final = "* * * * *"
LANES: Final = 2
"""While one piece is in the database the next is read and checked."""
_LIMIT_MS: Final = 9_000
_WAIT_S: Final = 0.05
_SESSION_S: Final = 3_600
_READ_S: Final = 60.0
_LEASE_LOOK_S: Final = 1.0
_MOST_ERRORS: Final = 10_000
"""Told about, of each file."""
_GIVE_UP_AFTER: Final = 5
_OK: Final = 200
_WANTED: Final = {"Accept": "application/fhir+ndjson", "Accept-Encoding": "gzip"}

_log = get_logger("record.imports")


class _Gone(Exception):
    """The import has been given up, or its asker may not import any more."""


class NotFetched(RecordError):
    """A file that is not where it was said to be."""

    code = "not-found"
    english = "The file could not be fetched."


async def sweep(db: Database) -> None:
    """Throw away imports that have run out; the worker does it."""
    await store.sweep(db)


@dataclass(frozen=True)
class Importer:
    """What the worker needs: `secret` gives a live session with the BULK grant, `stop` ends between two pieces."""

    vault: Vault
    sessions: Sessions
    settings: Settings
    secret: Callable[[], Awaitable[bytes]]
    stop: asyncio.Event
    _at_work: set[int] = field(default_factory=set)
    _failures: Counter[int] = field(default_factory=Counter)

    async def handle(self, payload: Payload) -> None:
        """A job: carry one import out. Raises SessionOver without the grant."""
        await self.work(int(payload["import"]))

    async def work_on_all(self) -> None:
        """Go on with what a stopped worker has left."""
        for number in await store.unfinished(self.vault.db):
            await self.work(number)

    async def work(self, number: int) -> None:
        """Fetch what is to be fetched, write piece after piece, until it is done or gone, or it is time to stop.

        What fails unforeseen is raised, tried again later, and after some tries given up: else it would fail for ever.
        """
        if number in self._at_work:
            return
        self._at_work.add(number)
        deputy = _Deputy(self, number)
        try:
            await self._fetch_all(number)
            async with asyncio.TaskGroup() as lanes:
                for _ in range(LANES):
                    lanes.create_task(self._write_all(number, deputy))
            await store.end(self.vault.db, secret=await self.secret(), id=number, keep=self._keep_for)
        except* _Gone:
            _log.info("import given up")
        except* (*ConnectionLost, SessionOver):
            raise
        except* Exception:
            self._failures[number] += 1
            if self._failures[number] >= _GIVE_UP_AFTER:
                await store.fail(self.vault.db, secret=await self.secret(), id=number, keep=self._keep_for)
            raise
        finally:
            self._at_work.discard(number)
            await deputy.end()

    @property
    def _keep_for(self) -> timedelta:
        return timedelta(hours=self.settings.export_hours)

    # ── Writing ──────────────────────────────────────────────────────────────────────────────────

    async def _write_all(self, number: int, deputy: "_Deputy") -> None:
        while not self.stop.is_set():
            what = await self._write_one(number, deputy)
            if what in ("end", "gone"):
                return
            if what == "wait":
                await asyncio.sleep(_WAIT_S)

    async def _write_one(self, number: int, deputy: "_Deputy") -> str:
        """One piece, in one transaction with its going."""
        reader, secret = await deputy.reader(), await self.secret()
        journal = self.vault.open(within(reader))
        await self.vault.definitions.current()
        async with journal.together() as conn:
            await conn.execute(f"SET LOCAL statement_timeout = {_LIMIT_MS}")
            taken = await store.take(conn, secret=secret, id=number)
            if taken["what"] == "piece":
                rtype = fhir.RESOURCE_TYPES[taken["rtype"] - 1] if taken["rtype"] else ""
                load = Load(journal, base=f"{self.settings.base_url}/fhir/", source=deputy.source, rtype=rtype)
                await load.write(taken["lines"], taken["content"])
                await store.done(
                    conn, secret=secret, id=number, taken=taken, written=load.written, unchanged=load.unchanged,
                    errors=load.errors, most=_MOST_ERRORS,
                )  # fmt: skip
        return str(taken["what"])

    # ── Fetching ─────────────────────────────────────────────────────────────────────────────────

    async def _fetch_all(self, number: int) -> None:
        async with HttpClient(timeout_s=_READ_S) as client:
            while not self.stop.is_set():
                row = await store.to_fetch(self.vault.db, secret=await self.secret(), id=number)
                if row is None:
                    return
                if row["n"] is None:
                    await asyncio.sleep(_LEASE_LOOK_S)
                else:
                    await self._fetch(client, number, row["n"], row["name"])

    async def _fetch(self, client: HttpClient, number: int, file: int, url: str) -> None:
        """One file. What it can't be had for is told as a fault of the file."""
        error: str | None = None
        try:
            await self._fetch_now(client, number, file, url)
        except RecordError as refusal:
            error = _told(refusal)
        except HttpError as failure:
            error = _told(NotFetched(f"The file could not be fetched: {failure}."))
        await store.fetched(self.vault.db, secret=await self.secret(), id=number, input=file, error=error)

    async def _fetch_now(self, client: HttpClient, number: int, file: int, url: str) -> None:
        if not is_allowed(url, sources=self.settings.import_sources):
            raise NotFetched("The address is not one that the operator allows.")
        async with client.download(url, headers=_WANTED) as got:
            if got.status != _OK:
                raise NotFetched(f"The file could not be fetched: the answer was {got.status}.")
            cutter = Cutter(max_line=self.settings.max_body_mb * 1_000_000)
            async for part in _content(got, most=self.settings.max_import_mb * 1_000_000):
                for piece in cutter.feed(part):
                    await self._keep(number, file, piece)
            for piece in cutter.finish():
                await self._keep(number, file, piece)

    async def _keep(self, number: int, file: int, piece: Piece) -> None:
        if not await store.keep(self.vault.db, secret=await self.secret(), id=number, input=file, piece=piece):
            raise _Gone


class _Deputy:
    """The session that an import is written in: as its asker's, and begun anew before it runs out."""

    source = ""

    def __init__(self, importer: Importer, number: int) -> None:
        self._importer, self._number = importer, number
        self._secret = b""
        self._fresh_until = 0.0
        self._lock = asyncio.Lock()

    async def reader(self) -> Reader:
        """Whom it is written as. Raises SessionOver."""
        async with self._lock:
            if time.monotonic() >= self._fresh_until:
                await self._begin()
        reader = await self._importer.sessions.who(self._secret)
        if reader is None:
            self._fresh_until = 0.0
            raise SessionOver
        return reader

    async def end(self) -> None:
        """End the session."""
        if self._secret:
            await self._importer.sessions.end(self._secret)

    async def _begin(self) -> None:
        await self.end()
        self._secret = os.urandom(32)
        row = await store.session(
            self._importer.vault.db, secret=await self._importer.secret(), id=self._number,
            secret_hash=hashlib.sha256(self._secret).digest(), max_s=_SESSION_S,
        )  # fmt: skip
        if row["what"] != "ok":
            raise SessionOver if row["what"] == "none" else _Gone
        self.source = row["source"]
        self._fresh_until = time.monotonic() + _SESSION_S / 2


def _told(refusal: RecordError) -> str:
    return fhir.encode(fhir.outcome(issues_of(refusal))).decode()


async def _content(got: Download, *, most: int) -> AsyncIterator[bytes]:
    """The lines of a file, however it is compressed."""
    encoding = got.headers.get("content-encoding", "").lower()
    async for part in bounded(inflated(got.parts, encoding=encoding), most=most):
        yield part
