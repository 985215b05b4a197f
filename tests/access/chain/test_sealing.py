# ruff: noqa: E501 - statements read best a line each
"""Sealing and verifying in a database: tampering is done as a superuser, who can do anything."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from fellesjournal.access import chain
from fellesjournal.access.chain import Finding, Seal, log_verified, published, read_published, seal_log
from fellesjournal.access.chain.actions import Verified
from fellesjournal.kit.db import Database, DbError, InsufficientPrivilege
from fellesjournal.kit.migrate import renew_epoch
from tests.conftest import TestDatabase

SOMEONE = b"no session"
ROLES = ("fj_web", "fj_signin", "fj_worker", "fj_log", "fj_migrate")


class Log:
    """A log with its worker, its verifier, and a superuser."""

    def __init__(self, test: TestDatabase, admin: Database, web: Database, worker: Database, reader: Database) -> None:
        self.test, self.admin, self.web, self.worker, self.reader = test, admin, web, worker, reader

    async def write(self, *patients: int, by: Any = None) -> None:
        """One event that names these people, as a refusal is written."""
        query = "SELECT access.log_refusal($1, $2, 'read', 1::smallint)"
        await (by or self.web).execute(query, SOMEONE, list(patients))

    async def seal(self, *, batch: int = 3) -> int:
        await self._others_done()
        return await seal_log(self.worker, keys=self.test.keys, batch=batch)

    async def _others_done(self) -> None:
        """Wait for what other tests' databases have under way: the oldest transaction is the whole server's."""
        running = (
            "SELECT array_agg(pid || '/' || backend_xid) FROM pg_stat_activity"
            " WHERE backend_xid IS NOT NULL AND datname <> current_database()"
        )
        begun = set(await self.admin.fetchval(running) or ())
        for _ in range(600):
            if not begun & set(await self.admin.fetchval(running) or ()):
                return
            await asyncio.sleep(0.05)

    async def verify(self, kept: dict[int, Seal] | None = None) -> Verified:
        states = [state async for state in log_verified(self.reader, keys=self.test.keys, kept=kept)]
        return states[-1]

    async def tamper(self, statement: str, *arguments: Any) -> None:
        assert not (await self.admin.execute(statement, *arguments)).endswith(" 0")

    async def row(self, number: int) -> Any:
        """The number-th row that was written."""
        return await self.admin.fetchrow("SELECT * FROM access.log ORDER BY xid, pos OFFSET $1 LIMIT 1", number - 1)


@pytest.fixture
async def log(database: TestDatabase) -> AsyncIterator[Log]:
    async with (
        await database.connect_admin() as admin, await database.connect("fj_web") as web,
        await database.connect("fj_worker") as worker, await database.connect("fj_log") as reader,
    ):  # fmt: skip
        yield Log(database, admin, web, worker, reader)


async def test_every_kind_of_tampering_is_found_with_its_batch_and_row(log: Log) -> None:
    for n in range(1, 10):
        await log.write(n)
    assert await log.seal() == 3
    state = await log.verify()
    assert (state.seals, state.rows, state.waiting, state.findings) == (3, 9, 0, [])

    async def found(statement: str, *arguments: Any) -> list[Finding]:
        async with log.admin.acquire() as connection:
            await connection.execute("CREATE TABLE public.kept AS TABLE access.log")
            await connection.execute("CREATE TABLE public.kept_seals AS TABLE access.log_seal")
            assert not (await connection.execute(statement, *arguments)).endswith(" 0")
            state = await log.verify()
            await connection.execute("TRUNCATE access.log, access.log_seal")
            await connection.execute("INSERT INTO access.log OVERRIDING SYSTEM VALUE TABLE public.kept")
            await connection.execute("INSERT INTO access.log_seal TABLE public.kept_seals")
            await connection.execute("DROP TABLE public.kept, public.kept_seals")
        return state.findings

    fifth = await log.row(5)
    place = (int(str(fifth["xid"])), fifth["pos"])
    for change in ("patient = 77", "outcome = 0", "person = 5", "ground = 'FASTLEGE'", "device = 'x'", "licence = '1'",
                   "at = at + interval '1 second'", "what = '{1}'", "app = 1", "chosen = true"):  # fmt: skip
        assert await found(f"UPDATE access.log SET {change} WHERE pos = $1", fifth["pos"]) == [
            Finding("changed", 2, *place)
        ], change
    fourth = await log.row(4)
    assert await found("DELETE FROM access.log WHERE pos = $1", fifth["pos"]) == [
        Finding("removed", 2, int(str(fourth["xid"])), fourth["pos"])
    ]
    copy = (
        "INSERT INTO access.log (at, event, patient, action, era, xid)"
        " SELECT at, event, 99, action, era, xid FROM access.log WHERE pos = $1"
    )
    (inserted,) = await found(copy, fifth["pos"])
    assert (inserted.what, inserted.number, inserted.xid) == ("inserted", 2, place[0])
    moved = "UPDATE access.log SET xid = (xid::text::bigint - 1)::text::xid8 WHERE pos = $1"
    assert {one.number for one in await found(moved, fifth["pos"])} <= {1, 2} != set()
    seal = "UPDATE access.log_seal SET {} WHERE number = 2"
    assert Finding("seal", 2) in await found(seal.format("rows = 2"))
    assert Finding("signature", 2) in await found(seal.format("signature = ''"))
    assert Finding("chain", 3) in await found("DELETE FROM access.log_seal WHERE number = 2")
    assert (await log.verify()).findings == []


async def test_a_device_stands_once_under_a_key_that_tells_when_its_name_is_changed(log: Log) -> None:
    agent, person = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36", "SELECT identity.put_person($1, $2, 'x', NULL, 7, 1::smallint, NULL)"
    someone = await log.admin.fetchval(person, "human", b"n")
    start = "SELECT identity.start_citizen(sha256($1), $2, 4::smallint, 3600, 7200, $3)"
    for secret, device in ((b"one", agent), (b"two", agent), (b"three", "token"), (b"four", "#ABCDEFGHIJKL")):
        await log.admin.fetchval(start, secret, someone, device)
        await log.web.execute("SELECT access.log_refusal($1, '{7}', 'read', 1::smallint)", secret)
    kept = [row["device"] for row in await log.admin.fetch("SELECT device FROM access.log ORDER BY pos")]
    assert kept[0] == kept[1] and [len(one) for one in kept] == [13, 13, 5, 13] and "#ABCDEFGHIJKL" not in kept
    told = await log.admin.fetch("SELECT device FROM access.log_of('patient', 7, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 9)")
    assert [row["device"] for row in told] == ["#ABCDEFGHIJKL", "token", agent, agent]
    await log.seal()
    assert (await log.verify()).findings == []
    await log.tamper("UPDATE identity.device SET name = 'noe annet' WHERE key = $1", kept[0])
    assert (await log.verify()).findings == [Finding("device", 0)]


async def test_a_row_from_before_that_was_put_in_after_the_seals_is_found(log: Log) -> None:
    await log.write(1)
    await log.seal()
    await log.write(2)
    await log.tamper(
        "INSERT INTO access.log (at, event, patient, action) VALUES (now() - interval '2 months', 0, 3, 'read')"
    )
    await log.seal()
    (finding,) = (await log.verify()).findings
    assert (finding.what, finding.number) == ("misdated", 2)
    await log.tamper("INSERT INTO access.log (event, patient, action, era) VALUES (0, 4, 'read', 7)")
    assert [one.what for one in (await log.verify()).findings] == ["misdated", "inserted"]


async def test_what_commits_late_is_neither_missed_nor_taken_for_inserted(log: Log) -> None:
    await log.write(1)
    async with log.web.acquire() as slow:
        transaction = slow.transaction()
        await transaction.start()
        await log.write(2, by=slow)
        await log.write(3)
        assert await log.seal() == 1
        state = await log.verify()
        assert (state.rows, state.waiting, state.findings) == (1, 1, [])
        await asyncio.sleep(0.01)
        await transaction.commit()
    assert await log.seal() == 1
    state = await log.verify()
    assert (state.rows, state.waiting, state.findings) == (3, 0, [])
    assert [(await log.row(n))["patient"] for n in (1, 2, 3)] == [1, 2, 3]


async def test_seals_that_others_keep_show_that_the_end_of_the_log_was_taken_away(log: Log) -> None:
    for n in range(1, 8):
        await log.write(n)
    await log.seal()
    kept = read_published("\n".join(seal.published() for seal in await published(log.reader)))
    assert (await log.verify(kept)).findings == []
    await log.tamper("DELETE FROM access.log_seal WHERE number = 3")
    await log.tamper("DELETE FROM access.log WHERE patient = 7")
    assert (await log.verify()).findings == []
    assert (await log.verify(kept)).findings == [Finding("published", 3)]


async def test_a_chain_that_was_made_anew_with_the_key_differs_from_what_others_keep(log: Log) -> None:
    for n in range(1, 5):
        await log.write(n)
    await log.seal()
    kept = {seal.number: seal for seal in await published(log.reader)}
    await log.tamper("UPDATE access.log SET patient = 9 WHERE patient = 2")
    await log.tamper("DELETE FROM access.log_seal")
    await log.seal()
    assert (await log.verify()).findings == []
    assert Finding("published", 1) in (await log.verify(kept)).findings


async def test_a_restored_database_counts_on_in_a_new_era(log: Log) -> None:
    await log.write(1)
    await log.seal()
    await log.write(2)
    async with log.admin.acquire() as connection:
        await renew_epoch(connection)
    await log.write(3)
    # The rows of a restored database have higher numbers than its own transactions.
    await log.tamper("UPDATE access.log SET xid = (xid::text::bigint - 500)::text::xid8 WHERE patient = 3")
    assert await log.seal() == 2
    state = await log.verify()
    assert (state.seals, state.rows, state.waiting, state.findings) == (3, 3, 0, [])
    await log.tamper("INSERT INTO access.log (event, patient, action, era) VALUES (0, 4, 'read', 0)")
    assert [(one.what, one.number) for one in (await log.verify()).findings] == [("inserted", 2)]


async def test_seals_outlive_their_key_and_no_other_key_makes_one(log: Log) -> None:
    for n in range(4):
        await log.write(n)
        await log.seal()
        log.test.keys.rotate("log")
    assert (await log.verify()).findings == []
    assert len({seal.key for seal in await published(log.reader)}) == 4
    last = (await published(log.reader))[-1]
    forged = chain.actions.signed_with(bytes(32), last)
    statement = "UPDATE access.log_seal SET key = $1, signature = $2 WHERE number = 4"
    await log.tamper(statement, forged.key, forged.signature)
    assert (await log.verify()).findings == [Finding("signature", 4)]


async def test_no_role_and_no_function_of_ours_changes_or_deletes_log_or_seals(log: Log) -> None:
    tables = [row[0] for row in await log.admin.fetch(
        "SELECT i.inhrelid::regclass::text FROM pg_inherits i WHERE i.inhparent = 'access.log'::regclass"
    )] + ["access.log", "access.log_seal"]  # fmt: skip
    assert len(tables) >= 6
    roles = [row[0] for row in await log.admin.fetch(
        "SELECT rolname FROM pg_roles WHERE NOT rolsuper AND (rolname ~ '^(fj|vault|access|ctx)_')"
    )]  # fmt: skip
    assert set(ROLES) | {"fj_owner", "access_core"} <= set(roles)
    held = [
        (role, table, right)
        for role in roles if role != "fj_admin" for table in tables for right in ("UPDATE", "DELETE", "TRUNCATE")
        if await log.admin.fetchval("SELECT has_table_privilege($1, $2, $3)", role, table, right)
    ]  # fmt: skip
    # Rows that came when their month had no partition move to it (keep_log_partitions), in the one table made for that.
    assert held == [("fj_owner", "access.log_rest", "DELETE")]
    writing = await log.admin.fetch(
        "SELECT p.oid::regprocedure::text FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace"
        r" WHERE p.prosrc ~* '(update|delete from|truncate)\s+(only\s+)?access\.log(_rest|_seal)?\M'"
    )
    assert [row[0] for row in writing] == ["access.keep_log_partitions()"]


async def test_the_owners_functions_are_refused_too(log: Log) -> None:
    await log.write(1)
    await log.admin.execute("""
        CREATE FUNCTION access.mistake() RETURNS void LANGUAGE sql SECURITY DEFINER AS 'UPDATE access.log SET kind = 2';
        CREATE FUNCTION access.second() RETURNS void LANGUAGE sql SECURITY DEFINER AS 'DELETE FROM access.log_seal';
        ALTER FUNCTION access.mistake() OWNER TO fj_owner; ALTER FUNCTION access.second() OWNER TO access_core""")
    for name in ("mistake", "second"):
        with pytest.raises(InsufficientPrivilege):
            await log.admin.execute(f"SELECT access.{name}()")


async def test_only_the_worker_seals_and_only_who_verifies_reads_lines(log: Log) -> None:
    doors = {
        "access.next_seal(1)": {"fj_worker"},
        "access.log_lines(0::smallint, '0', 0, '1', 1, 1)": {"fj_log"},
        "access.seal_marks(1)": {"fj_log"},
        "access.seals(1, 1)": {"fj_log", "fj_web"},
    }
    for door, allowed in doors.items():
        for role in ROLES:
            async with await log.test.connect(role, max_size=1) as pool:
                if role in allowed:
                    await pool.fetch(f"SELECT * FROM {door}")
                else:
                    with pytest.raises(InsufficientPrivilege):
                        await pool.fetch(f"SELECT * FROM {door}")


async def test_a_seal_is_chained_to_the_newest_or_not_at_all(log: Log) -> None:
    await log.write(1)
    await log.seal()
    with pytest.raises(DbError, match="chained"):
        await log.worker.execute(
            "SELECT access.put_seal(2, 1::int2, 0::int2, '0', 0, '9', 9, 1, '', '', 'x', '9', now(), '', '', '')"
        )
