"""Two units with a doctor and two patients each, in a database of its own."""

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from fellesjournal import fhir
from fellesjournal.kit.db import Database
from fellesjournal.record import store
from fellesjournal.record.search import Compiled
from tests.conftest import TestDatabase
from tests.record.search.world import UNIT_A, UNIT_B, Known, World


def person(family: str) -> dict[str, Any]:
    return {"resourceType": "Patient", "name": [{"family": family, "given": ["Kari"]}], "birthDate": "1980-01-01"}


def observation(patient: str, text: str, **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Observation", "status": "final", "code": {"text": text}, "subject": {"reference": patient},
        "effectiveDateTime": "2026-01-02", **more,
    }  # fmt: skip

CHART_DOOR = (
    "SELECT verdict, body FROM vault.search_charts(ARRAY[$1::bytea], ARRAY[$2::bigint[]::text], '{search}', '{1}',"
    " ARRAY[$3::text], '{0}', '{}', '{0}', '{}', '{0}', '{}', '{0}', '{}', '{0}')"
)
"""SQL of whoever's own, as the compiled search of a chart: (secret, patients, SQL)."""
LIST_DOOR = (
    "SELECT verdict, body FROM vault.search_list($1, 10, 1::smallint, ARRAY[$2::text], '{}', 0, '{}', '{}', '{}', '{}')"
)
SEAL_LIST = (
    "SELECT ctx.seal_list(sha256($1), l.closed, l.unit, l.person, l.kept, l.is_staff, l.grounds)"
    " FROM access.lister($1) l"
)
"""Opens the lists of a secret's session for the transaction, as the door does."""
"""The same in the lists of unit 10: (secret, SQL)."""


@dataclass
class Stage:
    """`mine` is on the list of doctor a in unit A, `theirs` on that of doctor b in unit B."""

    world: World
    mine: Known
    theirs: Known
    my_row: Known
    their_row: Known

    @property
    def my_row_type(self) -> int:
        return fhir.TYPE_NUMBER[self.my_row.rtype]

    @property
    def their_row_type(self) -> int:
        return fhir.TYPE_NUMBER[self.their_row.rtype]

    @property
    def web(self) -> Database:
        return self.world.web

    async def search(
        self, who: bytes, patients: list[int], sql: str, *, unit: int | None = None, action: str = "search"
    ) -> list[Any]:
        """Any SQL at all, as whoever has taken over the compiled search would send it."""
        question = store.Question(who, Compiled([sql], [], [], [], [], 1), tuple(patients), action)
        if patients:
            return list((await store.search_chart(self.web, question)).hits)
        return list((await store.search_list(self.web, question, unit=unit or 0)).hits)

    async def bodies(self, who: bytes, patients: list[int], sql: str, *, unit: int | None = None) -> list[Any]:
        return [json.loads(hit.body) for hit in await self.search(who, patients, sql, unit=unit)]

    async def log(self, **where: Any) -> list[Any]:
        clause = " AND ".join(f"{name} = ${n}" for n, name in enumerate(where, start=1)) or "true"
        query = f"SELECT * FROM access.log WHERE {clause} ORDER BY pos"
        return list(await self.world.admin.fetch(query, *where.values()))


@asynccontextmanager
async def two_units(database: TestDatabase) -> AsyncGenerator[Stage, None]:
    """The two units, in a database."""
    async with await database.connect_admin() as admin, await database.connect("fj_web") as web:
        world = await World(database, admin, web).prepare()
        mine, theirs = await world.write([person("Min"), person("Deres")])
        await world.relate(UNIT_A, [mine])
        await world.relate(UNIT_B, [theirs])
        (my_row,) = await world.write([observation(mine.ref, "mitt")])
        (their_row,) = await world.write([observation(theirs.ref, "deres")], org=UNIT_B)
        yield Stage(world, mine, theirs, my_row, their_row)


@pytest.fixture
async def stage(database: TestDatabase) -> AsyncGenerator[Stage, None]:
    async with two_units(database) as made:
        yield made
