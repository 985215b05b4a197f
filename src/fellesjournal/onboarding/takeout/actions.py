"""Taking out: by a system with an operator's grant; nobody's rows, then person by person in short transactions."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from fellesjournal.clinical.correspondence.actors import Actor, acting_once
from fellesjournal.fhir import RESOURCE_TYPES
from fellesjournal.kit import db, ids
from fellesjournal.kit.keys import Keys
from fellesjournal.kit.sealed_file import sealed_output
from fellesjournal.onboarding.takeout.archive import Manifest, Writer

TAKEOUT: Final = Actor("takeout", "Uttak for dataansvarlig (automatisk)", "TAKEOUT")
SHORTEST_REASON: Final = 10
OF_NOBODY: Final = ("units", "staff", "posts", "duties")
OF_PEOPLE: Final = (
    "facts", "blocks", "part_blocks", "choices", "objections", "withholdings", "parent_cuts", "named", "reviews",
)  # fmt: skip

_SQL = db.sql_file("fellesjournal.onboarding.takeout")
_GRANTED_FOR: Final = timedelta(hours=24)
_PEOPLE_AT_ONCE: Final = 50
_ROWS_AT_ONCE: Final = 500
_LONGEST_WAIT_S: Final = 120
_DIRECTORY_AND_OWN: Final = ([0], [-1])
_FIRST: Final = datetime(2000, 1, 1, tzinfo=UTC)

Progress = Callable[[int], None]


class NotTakenOut(Exception):
    """Nothing was taken out, and no file is left; the text says why."""


@dataclass(frozen=True)
class Wish:
    """Whose (code or name of a unit that is a controller), by which operator, and why."""

    controller: str
    operator: str
    reason: str


async def take_out(
    operator: db.Database, keys: Keys, out: Path, *, wish: Wish, passphrase: str | None = None,
    on_progress: Progress | None = None,
) -> Manifest:  # fmt: skip
    """Write all that a controller answers for to `out`, sealed as backups are; as the operator's role (fj_migrate).

    `out` appears only when it is whole; begun again, it is begun from the start. `on_progress` is told how many people
    are done. What is written after it began is not in it. Raises NotTakenOut, DatabaseUnavailable.
    """
    _check(out, wish)
    async with acting_once(
        operator, keys=keys, actor=TAKEOUT, granted_by=wish.operator, lasts=_GRANTED_FOR
    ) as secret:
        taking = await _begin(operator, secret, wish)
        with sealed_output(out, key_file_key=keys.current("backup"), passphrase=passphrase) as sealer:
            writer = Writer(sealer)
            await taking.write(writer, on_progress or (lambda _: None))
            manifest = taking.manifest(writer)
            writer.close(manifest)
            await operator.execute(_SQL.end, taking.secret, taking.number, manifest.encode().decode())
        return manifest


def _check(out: Path, wish: Wish) -> None:
    if out.exists():
        raise NotTakenOut(f"{out} is there already")
    if len(wish.reason.strip()) < SHORTEST_REASON or not wish.operator.strip():
        raise NotTakenOut(f"say who you are, and why in at least {SHORTEST_REASON} letters")


async def _begin(operator: db.Database, secret: bytes, wish: Wish) -> _Taking:
    row = await operator.fetchrow(_SQL.begin, secret, wish.controller, wish.operator.strip(), wish.reason.strip())
    if row is None or row["verdict"] != "ok":
        raise NotTakenOut(f"{wish.controller}: no controller has that code, or that name alone")
    taking = _Taking(operator, secret, row["id"], row["code"], row["name"], tuple(row["units"]), wish)
    for _ in range(_LONGEST_WAIT_S * 5):
        if await operator.fetchval(_SQL.ready, secret, taking.number):
            return taking
        await asyncio.sleep(0.2)
    raise NotTakenOut("a writer from before it began is still at work; try again when it has ended")


@dataclass(frozen=True)
class _Taking:
    """One that is under way."""

    operator: db.Database
    secret: bytes
    number: int
    code: str
    name: str
    units: Sequence[int]
    wish: Wish

    def manifest(self, writer: Writer) -> Manifest:
        """What the file says of itself."""
        return Manifest(
            controller=self.code, name=self.name, made_at=datetime.now(UTC).isoformat(timespec="seconds"),
            operator=self.wish.operator.strip(), reason=self.wish.reason.strip(), units=list(self.units),
            parts=writer.parts(),
        )  # fmt: skip

    async def write(self, writer: Writer, on_progress: Progress) -> None:
        """Every part, in order."""
        for part in OF_NOBODY:
            await self._lines(writer, part, [])
        for owner in _DIRECTORY_AND_OWN:
            await self._rows(writer, owner)
        done = 0
        async for people in self._people():
            await self._about(writer, people)
            done += len(people)
            on_progress(done)

    async def _people(self) -> AsyncIterator[list[int]]:
        after: int | None = 0
        while after is not None:
            row = await self._row(_SQL.people, after, _PEOPLE_AT_ONCE)
            if row["people"]:
                yield row["people"]
            after = row["upto"]

    async def _about(self, writer: Writer, people: list[int]) -> None:
        for row in await self._fetch(_SQL.persons, people):
            writer.line("persons", _line(row, "Patient", row["body"]))
        await self._rows(writer, people)
        for part in OF_PEOPLE:
            await self._lines(writer, part, people)
        for person in people:
            await self._log(writer, person)

    async def _rows(self, writer: Writer, people: list[int]) -> None:
        key = (0, 0, 0)
        while rows := await self._fetch(_SQL.versions, people, *key, _ROWS_AT_ONCE):
            for row in rows:
                writer.line("versions", _line(row, RESOURCE_TYPES[row["rtype"] - 1], row["whole"]))
            key = (rows[-1]["slot"], rows[-1]["pid"], rows[-1]["version"])
        for row in await self._fetch(_SQL.binaries, people):
            await self._binary(writer, row)

    async def _binary(self, writer: Writer, row: db.Row) -> None:
        place = {"id": ids.encode(row["slot"], row["pid"]), "version": row["version"], "bytes": row["bytes"]}
        n = 0
        while content := await self.operator.fetchval(_SQL.piece, self.secret, self.number, row["upload"], n):
            writer.line("binaries", json.dumps({**place, "n": n, "content": base64.b64encode(content).decode()}))
            n += 1

    async def _lines(self, writer: Writer, part: str, people: list[int]) -> None:
        for row in await self._fetch(_SQL.lines, part, people):
            writer.line(part, row["line"])

    async def _log(self, writer: Writer, person: int) -> None:
        at, pos = _FIRST, 0
        while rows := await self._fetch(_SQL.log, person, at, pos, _ROWS_AT_ONCE):
            for row in rows:
                writer.line("log", row["line"])
            at, pos = rows[-1]["at"], rows[-1]["pos"]

    async def _fetch(self, query: str, *arguments: Any) -> list[db.Row]:
        rows: list[db.Row] = await self.operator.fetch(query, self.secret, self.number, *arguments)
        return rows

    async def _row(self, query: str, *arguments: Any) -> db.Row:
        (row,) = await self._fetch(query, *arguments)
        return row


def _line(row: db.Row, rtype: str, body: str | None) -> str:
    """A version as it was written, byte for byte, after what the vault knows. Other parts call it by its `number`."""
    known: dict[str, Any] = {
        "id": ids.encode(row["slot"], row["pid"]), "number": row["pid"], "type": rtype, "version": row["version"],
        "updated": row["updated"].astimezone(UTC).isoformat(), "unit": row["org"],
    }  # fmt: skip
    optional = ("op", "patient", "sens", "chosen")
    known |= {name: row.get(name) for name in optional if row.get(name) is not None}
    return f'{json.dumps(known)[:-1]}, "resource": {"null" if body is None else body}}}'
