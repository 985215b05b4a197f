"""A signed note reaches the GP through the feed: once, at once, and to nobody else."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from fellesjournal.access.decide import open_chart, within
from fellesjournal.access.model import SessionOver
from fellesjournal.clinical import notes
from fellesjournal.clinical.correspondence import DISTRIBUTE, FEED
from fellesjournal.clinical.correspondence.actors import SystemSession
from fellesjournal.clinical.correspondence.distribute import Distributor
from fellesjournal.clinical.correspondence.model import is_carried
from fellesjournal.clinical.correspondence.worker import run
from fellesjournal.identity.sessions import Sessions
from fellesjournal.kit import db, jobs
from fellesjournal.record.feed import Entry, FeedReader
from fellesjournal.record.journal import Vault
from tests.site import LEGEVAKT_NURSE, OTHER_GP, TONIGHT
from tests.town import Town, birth_date, key_of, sign_contact, tasks_about


@contextlib.asynccontextmanager
async def working(town: Town) -> AsyncIterator[None]:
    """The worker's part, running."""
    stop = asyncio.Event()
    task = asyncio.create_task(run(town.settings, town.keys, stop))
    try:
        yield
    finally:
        stop.set()
        await task


async def nurses_note(town: Town, *, copy_to_gp: bool = True) -> str:
    patient = await town.patient(TONIGHT)
    async with town.acting(LEGEVAKT_NURSE) as (vault, reader):
        return await sign_contact(
            vault, reader, patient, born=await birth_date(town, patient), name=TONIGHT, copy_to_gp=copy_to_gp
        )


async def eventually(look: Any, *, within_s: float = 10) -> Any:
    until = time.monotonic() + within_s
    while time.monotonic() < until:
        found = await look()
        if found:
            return found
        await asyncio.sleep(0.05)
    return await look()


async def test_a_signed_note_is_a_task_in_the_gps_unit_at_once(town: Town) -> None:
    async with working(town):
        await eventually(lambda: caught_up(town), within_s=20)
        note = await nurses_note(town)
        began = time.monotonic()
        (task,) = await eventually(lambda: tasks_about(town, note))
        took = time.monotonic() - began
    async with town.acting(OTHER_GP, unit="gp") as (_vault, gp):
        assert task["org"] == gp.unit
    assert "legevakt" in task["task"]
    assert took < 2


async def caught_up(town: Town) -> bool:
    row = await town.fetchrow(
        "SELECT (SELECT max((xid::text)::bigint) FROM vault.history) "
        "= (SELECT (xid::text)::bigint FROM vault.feed_position WHERE reader = 'correspondence') AS y"
    )
    return bool(row and row["y"])


async def test_the_gp_may_open_the_chart_and_read_the_note(town: Town) -> None:
    patient = await town.patient(TONIGHT)
    async with working(town):
        note = await nurses_note(town)
        await eventually(lambda: tasks_about(town, note), within_s=20)
    async with town.acting(OTHER_GP, unit="gp") as (vault, gp):
        decision = await open_chart(vault.db, reader=gp, patient=patient)
        stored = await vault.open(decision).read("Composition", note)
        inbox = await vault.open(within(gp)).search("Task", [("status", "requested"), ("_count", "100")])
    assert stored.resource()["status"] == "final"
    assert any(note in one.body for one in inbox.matches)


async def test_a_note_that_is_not_for_the_gp_is_carried_nowhere(town: Town) -> None:
    async with working(town):
        quiet = await nurses_note(town, copy_to_gp=False)
        told = await nurses_note(town)
        await eventually(lambda: tasks_about(town, told), within_s=20)
    assert await tasks_about(town, quiet) == []


async def test_a_corrected_note_is_told_again(town: Town) -> None:
    patient = await town.patient(TONIGHT)
    async with working(town):
        note = await nurses_note(town)
        async with town.acting(LEGEVAKT_NURSE) as (vault, nurse):
            journal = vault.open(within(nurse))
            await notes.actions.correct_note(
                journal, patient=patient, reader=nurse, note_id=note, version=1, text="Feber i tre dager.",
                at=datetime.now(UTC),
            )  # fmt: skip
            await journal.commit()

        async def both() -> list[Any]:
            found = await tasks_about(town, note)
            return found if len(found) == 2 else []

        found = await eventually(both, within_s=20)
    assert any("Rettet notat" in one["task"] for one in found)


async def test_one_without_a_gp_is_the_senders_own_task_with_an_owner(town: Town) -> None:
    row = await town.fetchrow(
        "SELECT r.pid, r.body::jsonb -> 'name' -> 0 AS name, p.name AS full FROM vault.resource r "
        "JOIN identity.person p ON p.patient = r.pid "
        "WHERE NOT r.body::jsonb ? 'generalPractitioner' AND r.body NOT LIKE '%strengtFortrolig%' "
        "AND NOT EXISTS (SELECT 1 FROM identity.post o WHERE o.person = p.id) LIMIT 1"
    )
    if row is None:
        pytest.skip("everybody in this small municipality has a GP")
    patient = await town.patient(row["full"])
    async with working(town), town.acting(LEGEVAKT_NURSE) as (vault, nurse):
        note = await sign_contact(
            vault, nurse, patient, born=await birth_date(town, patient), name=row["full"]
        )
        (task,) = await eventually(lambda: tasks_about(town, note), within_s=20)
        assert task["org"] == nurse.unit
    assert "no-gp" in task["task"]


@contextlib.asynccontextmanager
async def parts(town: Town) -> AsyncIterator[tuple[db.Database, Sessions]]:
    """The worker's database role and its sessions."""
    async with await db.Database.connect(town.settings, town.keys, "fj_worker", max_size=4) as worker:
        yield worker, Sessions(signin=worker, web=worker, settings=town.settings, keys=town.keys)


async def test_the_same_note_carried_twice_is_one_task(town: Town) -> None:
    note = await nurses_note(town)
    slot, pid = key_of(note)
    async with parts(town) as (worker, sessions):
        system = SystemSession(sessions, actor=DISTRIBUTE)
        distributor = Distributor(Vault(worker, keys=town.keys), reader=system.reader)
        for _ in range(3):
            await distributor.carry(slot=slot, pid=pid, version=1)
    assert len(await tasks_about(town, note)) == 1


async def test_the_feeds_session_opens_no_envelope_and_the_distributors_reads_no_feed(town: Town) -> None:
    note = await nurses_note(town)
    slot, pid = key_of(note)
    async with parts(town) as (worker, sessions):
        as_feed = SystemSession(sessions, actor=FEED)
        with pytest.raises(SessionOver):
            await Distributor(Vault(worker, keys=town.keys), reader=as_feed.reader).carry(
                slot=slot, pid=pid, version=1
            )
        as_distributor = SystemSession(sessions, actor=DISTRIBUTE)

        async def nothing(_: Entry) -> None:
            raise AssertionError("no entry is told without the grant")

        reader = FeedReader(
            worker,
            name="stranger",
            secret=as_distributor.secret,
            wants=lambda _: True,
            handle=nothing,
            parked="x",
        )
        with pytest.raises(SessionOver):
            await reader.read_once()


async def read_until(reader: FeedReader, is_done: Callable[[], bool]) -> None:
    """Read all there is, again until it is done: other tests' transactions on the same server hold the feed back."""
    until = time.monotonic() + 30
    while True:
        while await reader.read_once():
            pass
        if is_done() or time.monotonic() > until:
            return
        await asyncio.sleep(0.05)


async def test_an_entry_that_fails_is_put_aside_and_does_not_stop_the_others(town: Town) -> None:
    first, second = await nurses_note(town), await nurses_note(town)
    handled: list[str] = []

    async def fussy(entry: Entry) -> None:
        if entry.id == first:
            raise ValueError("no")
        handled.append(entry.id)

    async with parts(town) as (worker, sessions):
        feed = SystemSession(sessions, actor=FEED)
        reader = FeedReader(
            worker,
            name="fussy",
            secret=feed.secret,
            wants=is_carried,
            handle=fussy,
            parked="test.fussy",
            first_pause_s=0,
        )
        await read_until(reader, lambda: second in handled)
        assert (await jobs.waiting(worker))["test.fussy"] == 1
    assert second in handled


async def test_what_a_loader_wrote_is_passed_by_and_nothing_is_told_twice(town: Town) -> None:
    note = await nurses_note(town)
    told: list[Entry] = []

    async def listen(entry: Entry) -> None:
        told.append(entry)

    async with parts(town) as (worker, sessions):
        feed = SystemSession(sessions, actor=FEED)

        def reader() -> FeedReader:
            return FeedReader(
                worker, name="listener", secret=feed.secret, wants=is_carried, handle=listen, parked="x"
            )

        await read_until(reader(), lambda: note in [entry.id for entry in told])
        await read_until(reader(), lambda: True)
    assert note in [entry.id for entry in told]
    assert {entry.purpose for entry in told} == {"TREAT"}
    assert len({(entry.id, entry.version) for entry in told}) == len(told)


async def test_a_transaction_that_commits_late_is_not_missed(town: Town) -> None:
    told: list[str] = []

    async def listen(entry: Entry) -> None:
        told.append(entry.id)

    async with parts(town) as (worker, sessions):
        feed = SystemSession(sessions, actor=FEED)
        reader = FeedReader(
            worker, name="late", secret=feed.secret, wants=is_carried, handle=listen, parked="x"
        )
        connection = await db.connect(db.admin_dsn(town.settings, town.keys))
        slow = connection.transaction()
        await slow.start()
        await connection.execute("SELECT pg_current_xact_id()")
        note = await nurses_note(town)
        while await reader.read_once():
            pass
        early = note in told
        await slow.rollback()
        await connection.close()
        await read_until(reader, lambda: note in told)
    assert not early
    assert note in told
