"""The loader: through the journal under a system decision, stoppable anywhere, the same each time."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from fellesjournal.access.decide import open_chart
from fellesjournal.access.model import NoNeed, NotNamed, OwnRecord, PatientId
from fellesjournal.clinical.correspondence import ensure_system_actors
from fellesjournal.clinical.correspondence.worker import run
from fellesjournal.demo import emergencies, story
from fellesjournal.demo.generate import build_world
from fellesjournal.demo.keys import Keyring
from fellesjournal.demo.load import SEED, is_complete, load_first, load_rest, open_loader
from fellesjournal.demo.model import Person, World
from fellesjournal.fhir import RESOURCE_TYPES
from fellesjournal.kit import db
from fellesjournal.kit.clock import OSLO
from fellesjournal.kit.settings import Settings
from tests.conftest import TestDatabase
from tests.site import GP, LEGEVAKT_NURSE, SIZE
from tests.town import Town

NOW = datetime.now(OSLO).replace(microsecond=0)
PROGRAM = """
import asyncio, sys
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from fellesjournal.demo.load import load_first, load_rest, open_loader
from fellesjournal.kit.keys import open_keys
from fellesjournal.kit.settings import Settings
data, now = Path(sys.argv[1]), datetime.fromisoformat(sys.argv[3])
settings = replace(Settings(), data_dir=data, database_name=sys.argv[2], demo_size=int(sys.argv[4]))
async def main():
    told = lambda what, done, total: print(what, done, flush=True)
    async with open_loader(settings, open_keys(data), today=now.date(), now=now, progress=told) as loader:
        await load_first(loader)
        await load_rest(loader)
asyncio.run(main())
"""
RESOURCES = """SELECT slot, pid, version, rtype, patient, org, sens,
  nullif(date_trunc('milliseconds', date), date_trunc('milliseconds', updated)), body
  FROM vault.resource ORDER BY slot, pid"""
FACTS = """SELECT patient, unit, person, ground, source, until_at, CASE WHEN ground <> 'SYSTEM' THEN from_at END
  FROM access.relation
  ORDER BY patient, unit, ground, source, until_at"""
BEHIND = """SELECT NOT EXISTS (SELECT 1 FROM vault.feed_position p
  WHERE (p.xid, p.pos) >= (SELECT h.xid, h.pos FROM vault.history h ORDER BY h.xid DESC, h.pos DESC LIMIT 1))"""
UPDATED = re.compile(r'"lastUpdated":"[^"]*"')


def settings_of(database: TestDatabase) -> Settings:
    return replace(database.settings, data_dir=database.keys.path.parent, demo_size=SIZE)


@pytest.fixture(scope="module")
def loaded(module_database: TestDatabase) -> TestDatabase:
    """A database that was loaded without a break."""

    async def load() -> None:
        settings = settings_of(module_database)
        async with open_loader(
            settings, module_database.keys, today=NOW.date(), now=NOW, progress=lambda *_: None
        ) as loader:
            await load_first(loader)
            await load_rest(loader)

    asyncio.run(load())
    return module_database


@pytest.fixture(scope="module")
def town_world() -> World:
    return build_world(seed=SEED, size=SIZE, today=NOW.date())


@pytest.fixture(scope="module")
def keyring(town_world: World) -> Keyring:
    return Keyring(seed=SEED, people=frozenset(one.key for one in town_world.people))


@pytest.fixture
async def pool(loaded: TestDatabase) -> AsyncIterator[db.Database]:
    async with await loaded.connect_admin() as found:
        yield found


def start_loader(database: TestDatabase) -> subprocess.Popen[str]:
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(Path(__file__).parents[2] / "src")}
    data, name = database.keys.path.parent, database.admin.database
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(data), name, NOW.isoformat(), str(SIZE)],
        env=environment, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip


def killed_at(database: TestDatabase, line: str) -> None:
    """Run a loader until it says this, and kill it there and then."""
    with start_loader(database) as loader:
        assert loader.stdout is not None
        seen = any(said.startswith(line) for said in loader.stdout)
        loader.send_signal(signal.SIGKILL)
        assert seen


async def openable(town: Town, name: str, people: Iterable[Person], keyring: Keyring) -> set[str]:
    """Keys of those whose chart this member of staff may open."""
    found = set()
    async with town.acting(name) as (vault, reader):
        for one in people:
            patient = PatientId(keyring.slot(one.key), keyring.pid(one.key))
            with contextlib.suppress(NoNeed, NotNamed, OwnRecord):
                await open_chart(vault.db, reader=reader, patient=patient)
                found.add(one.key)
    return found


async def state_of(database: TestDatabase) -> dict[str, Any]:
    """Everything that the loader writes, without the times of writing."""
    async with await database.connect_admin() as pool:
        resources = [[*row.values()] for row in await pool.fetch(RESOURCES)]
        return {
            "resources": [[*row[:-1], UPDATED.sub("", row[-1])] for row in resources],
            "versions": await pool.fetchval("SELECT count(*) FROM vault.history"),
            "facts": [tuple(row.values()) for row in await pool.fetch(FACTS)],
            "people": await pool.fetchval("SELECT count(*) FROM identity.person"),
            "posts": await pool.fetchval("SELECT count(*) FROM identity.post"),
        }


async def test_a_loader_that_is_killed_and_started_again_leaves_what_an_unbroken_one_does(
    loaded: TestDatabase, database: TestDatabase
) -> None:
    for line in ("Skriver innbyggerne", "Skriver de første journalene 3", "Skriver de første journalene 20"):
        await asyncio.to_thread(killed_at, database, line)
    with start_loader(database) as last:
        await asyncio.to_thread(last.communicate)
        assert last.returncode == 0
    whole, resumed = await state_of(loaded), await state_of(database)
    assert len(resumed["resources"]) == resumed["versions"] == len(whole["resources"])
    for part in whole:
        assert resumed[part] == whole[part], part
    async with await database.connect("fj_migrate") as identity:
        assert await is_complete(identity)


async def test_facts_give_access_to_those_who_need_and_to_nobody_else(
    loaded: TestDatabase, town_world: World, keyring: Keyring
) -> None:
    town = Town(settings_of(loaded), loaded.keys)
    living = [one for one in town_world.people if not one.deceased_on]
    listed = {one.key for one in living if one.gp_unit == "u-gp-7101-1"}
    cared = {one.key for one in living if any(had.unit_key == "u-hc-7101-1" for had in one.services)}
    seen = await openable(town, GP, living, keyring)
    assert listed <= seen
    assert story.TONIGHT not in seen
    assert story.ELDERLY in cared
    assert await openable(town, town_world.member(story.HOME_CARE_NURSE).name, living, keyring) == cared


async def test_the_legevakt_sees_those_who_were_there_of_late_and_not_henrik(
    loaded: TestDatabase, town_world: World, keyring: Keyring
) -> None:
    town = Town(settings_of(loaded), loaded.keys)
    there = {one.key for one in town_world.people if one.case}
    seen = await openable(town, LEGEVAKT_NURSE, town_world.people, keyring)
    assert len(there) >= 5
    assert there <= seen
    assert story.TONIGHT not in seen
    facts = await town.fetch(
        "SELECT source, until_at, from_at FROM access.relation WHERE ground IN ('POLBESOK', 'LVANROP')"
    )
    assert len(facts) >= len(there)
    assert all(one["until_at"] - one["from_at"] == timedelta(hours=72) for one in facts)
    kinds = await town.fetch(
        "SELECT rtype FROM vault.resource WHERE pid = ANY ($1::bigint[])", [one["source"] for one in facts]
    )
    assert {RESOURCE_TYPES[one["rtype"] - 1] for one in kinds} == {"Encounter"}
    assert len(kinds) == len(facts)


async def test_every_chart_is_written_by_the_loader_with_a_log_row_for_each_row(pool: db.Database) -> None:
    strange = await pool.fetchval(
        "SELECT count(*) FROM vault.history h LEFT JOIN identity.session s ON s.id = h.session "
        "WHERE s.purpose IS DISTINCT FROM 'LOAD' OR h.op <> 'C'"
    )
    unlogged = await pool.fetchval(
        "SELECT count(*) FROM vault.history h WHERE h.patient > 0 AND NOT EXISTS ("
        "SELECT 1 FROM access.log l WHERE l.session = h.session AND l.patient = h.patient AND l.action = 'write' "
        "AND l.purpose = 'LOAD' AND l.outcome = 0 AND h.pid = ANY (l.what))"
    )
    assert (strange, unlogged) == (0, 0)


async def test_the_worker_carries_no_note_that_was_loaded(pool: db.Database, loaded: TestDatabase) -> None:
    notes = await pool.fetchval("SELECT count(*) FROM vault.resource WHERE body LIKE '%\"copy-to-gp\"%'")
    assert notes == sum(bool(case.note) for case in emergencies.CASES)
    settings = settings_of(loaded)
    async with await loaded.connect("fj_migrate", max_size=1) as identity:
        await ensure_system_actors(identity, keys=loaded.keys)
    before = await pool.fetchval("SELECT count(*) FROM vault.history")
    stop = asyncio.Event()
    worker = asyncio.create_task(run(settings, loaded.keys, stop))
    for _ in range(100):
        if not await pool.fetchval(BEHIND):
            break
        await asyncio.sleep(0.2)
    assert not await pool.fetchval(BEHIND)
    stop.set()
    await worker
    assert await pool.fetchval("SELECT count(*) FROM vault.history") == before
