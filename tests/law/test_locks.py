# ruff: noqa: E501 - tables of what is dropped read best a line each
"""Each lock is dropped in turn, in a transaction that is rolled back or for the length of one test: another one still holds.

The locks are those of access.md: the type, the walls, the door, the database's rights and policies, the decision. A stranger tries the
same each time. The decision is what all else serves: where it says yes to everybody, the table says what is left.
"""

from __future__ import annotations

import ast
from collections.abc import AsyncGenerator
from typing import Any

import pytest

from fellesjournal.access import gate
from fellesjournal.access.decide import Decision
from fellesjournal.access.model import NoNeed, PatientId, SessionOver
from fellesjournal.fhir import TYPE_NUMBER
from fellesjournal.identity.cookies import secret_text
from fellesjournal.identity.model import Reader
from fellesjournal.identity.sessions import Sessions
from fellesjournal.kit.db import DbError
from fellesjournal.record import store
from fellesjournal.record.errors import NotFound
from fellesjournal.record.journal import Vault
from fellesjournal.record.search import Compiled, Listing, compile_search, parse_search
from tests.access.conftest import Stage, observation, two_units
from tests.access.test_attacks import ALL
from tests.architecture.source import SourceFile
from tests.architecture.test_walls import ONLY_IN_KIT, _constructions
from tests.conftest import TestDatabase
from tests.law.oracle.caller import opened
from tests.record.search.world import UNIT_B

pytestmark = pytest.mark.law
REFUSED = "42501"
"""The database's own word for what a role has no right to."""


@pytest.fixture
async def stage(database: TestDatabase) -> AsyncGenerator[Stage, None]:
    async with two_units(database) as made:
        yield made


class Stranger:
    """Doctor b, who has no need for `mine`, and a stolen password with no secret, in one connection of the administrator's."""

    def __init__(self, stage: Stage, connection: Any) -> None:
        self.stage, self.connection, self.b = stage, connection, stage.world.secrets["b"]

    async def got(self) -> set[str]:
        """By which ways something of `mine` came out, as the role of the web process."""
        ways = {"read": self._read, "history": self._past, "chart": self._chart, "list": self._list, "table": self._table, "no secret": self._nobody}
        found = set()
        for name, way in ways.items():
            nested = self.connection.transaction()
            await nested.start()
            await self.connection.execute("SET LOCAL ROLE fj_web")
            try:
                found |= {name} if await way() else set()
            except DbError as error:
                if getattr(error, "sqlstate", "") != REFUSED:
                    raise
            finally:
                await nested.rollback()
        return found

    async def _read(self, secret: bytes | None = None) -> bool:
        row = self.stage.my_row
        point = store.PointRead(secret or self.b, TYPE_NUMBER[row.rtype], row.slot, row.pid, 0)
        (answer,) = await store.read_many(self.connection, [point])
        return answer["body"] is not None

    async def _nobody(self) -> bool:
        return await self._read(b"a guess")

    async def _past(self) -> bool:
        row = self.stage.my_row
        rows = await store.history_of(
            self.connection, secret=self.b, rtype=TYPE_NUMBER[row.rtype], slot=row.slot, pid=row.pid, before=2**31 - 1, limit=5
        )
        return any(one["status"] == 200 for one in rows)

    async def _chart(self) -> bool:
        """SQL of the attacker's own, in the place of the compiled search."""
        question = store.Question(self.b, Compiled([ALL], [], [], [], [], 1), (self.stage.mine.pid,))
        return self._shows((await store.search_chart(self.connection, question)).hits)

    async def _list(self) -> bool:
        compiled = compile_search(parse_search("Observation", []), scope=Listing(UNIT_B), hash64=self.stage.world.hash64, is_alone=True)
        return self._shows((await store.search_list(self.connection, store.Question(self.b, compiled), unit=UNIT_B)).hits)

    async def _table(self) -> bool:
        return bool(await self.connection.fetch("SELECT * FROM vault.resource WHERE pid = $1", self.stage.my_row.pid))

    def _shows(self, hits: list[store.Hit]) -> bool:
        return any(hit.pid in (self.stage.mine.pid, self.stage.my_row.pid) for hit in hits)


async def test_with_any_one_policy_of_the_record_dropped_a_stranger_gets_nothing(stage: Stage) -> None:
    policies = await stage.world.admin.fetch("SELECT tablename, policyname, cmd FROM pg_policies WHERE schemaname = 'vault'")
    assert len(policies) > 60
    async with stage.world.admin.acquire() as connection:
        for one in policies:
            opened_up = {"INSERT": "WITH CHECK (true)", "ALL": "USING (true) WITH CHECK (true)", "UPDATE": "USING (true) WITH CHECK (true)"}
            transaction = connection.transaction()
            await transaction.start()
            await connection.execute(f"ALTER POLICY {one['policyname']} ON vault.{one['tablename']} {opened_up.get(one['cmd'], 'USING (true)')}")
            got = await Stranger(stage, connection).got()
            await transaction.rollback()
            assert got == set(), (one["tablename"], one["policyname"])


LEFT_OPEN = {"read", "history", "chart"}
DROPPED: dict[str, tuple[str, set[str]]] = {
    "nothing at all": ("SELECT 1", set()),
    "row-level security of every table of the record": (
        "DO $$ DECLARE t text; BEGIN FOR t IN SELECT tablename FROM pg_tables WHERE schemaname = 'vault' LOOP EXECUTE format('ALTER TABLE vault.%I DISABLE ROW LEVEL SECURITY', t); END LOOP; END $$",
        set(),
    ),
    "the rights on the tables": ("GRANT SELECT ON ALL TABLES IN SCHEMA vault, access, identity, ctx TO fj_web", set()),
    "the wall between the web's role and the doors'": ("GRANT vault_read, vault_chart, vault_list, vault_write, vault_feed, vault_export TO fj_web", set()),
    "the rights on inner functions": ("GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA vault, access, identity, ctx TO fj_web", set()),
    "the list of one's own people": ("CREATE OR REPLACE VIEW access.on_list WITH (security_barrier) AS SELECT r.patient FROM access.relation r", set()),
    "the classes of rows": ("{access.closed_for(bigint,text,bigint)} BEGIN RETURN 0;", set()),
    "what is decided row by row": ("{vault.may_see(bytea,smallint,smallint,bigint,integer)} BEGIN RETURN true;", set()),
    "the rules about all whom a row names": ("{access.may_all(bytea,bigint[])} BEGIN RETURN true;", set()),
    "the decision: yes to everybody": ("{access.verdict(bigint,text,bigint)} BEGIN allow := true; ground := 'FASTLEGE'; may_write := true; RETURN;", LEFT_OPEN),
}  # fmt: skip
"""What is dropped, how (`{function}` stands for its definition up to its first BEGIN), and by which ways something then comes out."""


async def test_with_any_one_lock_of_the_database_dropped_another_holds(stage: Stage) -> None:
    async with stage.world.admin.acquire() as connection:
        for name, (how, left) in DROPPED.items():
            transaction = connection.transaction()
            await transaction.start()
            await connection.execute(await _statement(connection, how))
            got = await Stranger(stage, connection).got()
            await transaction.rollback()
            assert got == left, name


async def _statement(connection: Any, how: str) -> str:
    if not how.startswith("{"):
        return how
    name, _, instead = how[1:].partition("}")
    found = str(await connection.fetchval("SELECT pg_get_functiondef($1::regprocedure)", name))
    assert found.count("BEGIN") >= 1
    return found.replace("BEGIN", instead.strip(), 1)


async def test_where_the_decision_says_yes_to_everybody_what_is_closed_stays_so_and_the_log_names_who(stage: Stage) -> None:
    """The last lock: blocked, withheld and sensitive rows have their own; and nothing is read unseen."""
    blocked = observation(stage.mine.ref, "sperret") | {"meta": {"security": [{"system": "urn:oid:2.16.578.1.12.4.1.1.9603", "code": "NORS"}]}}
    sensitive = observation(stage.mine.ref, "sensitivt") | {"meta": {"security": [{"system": "urn:fellesjournal:sensitivity", "code": "PRISON"}]}}
    closed = await stage.world.write([blocked, sensitive])
    how = DROPPED["the decision: yes to everybody"][0]
    async with stage.world.admin.acquire() as connection:
        transaction = connection.transaction()
        await transaction.start()
        await connection.execute(await _statement(connection, how))
        for row in (*closed, stage.my_row):
            point = store.PointRead(stage.world.secrets["b"], TYPE_NUMBER[row.rtype], row.slot, row.pid, 0)
            (answer,) = await store.read_many(connection, [point])
            assert (answer["body"] is not None) is (row is stage.my_row)
        logged = await connection.fetch("SELECT what FROM access.log WHERE patient = $1 AND outcome = 0 AND unit = $2", stage.mine.pid, UNIT_B)
        assert [row["what"] for row in logged] == [[stage.my_row.pid]]
        await transaction.rollback()


# ── Type, walls, door ────────────────────────────────────────────────────────────────────────────────


async def _reader(stage: Stage, name: str) -> Reader:
    sessions = Sessions(signin=stage.web, web=stage.web, settings=stage.world.test.settings, keys=stage.world.test.keys)
    found = await sessions.who(stage.world.secrets[name])
    assert found is not None
    return found


async def test_a_decision_made_by_hand_opens_no_more_than_its_secret(stage: Stage) -> None:
    """The type dropped: whoever forges a `Decision` is decided about again by the database, with each call."""
    vault, reader = Vault(stage.web, keys=stage.world.test.keys), await _reader(stage, "b")
    mine = PatientId(stage.mine.slot, stage.mine.pid)
    other = await _reader(stage, "a")
    for secret, whose in ((reader.secret, reader), (reader.secret, other), (b"", other), (b"a guess", other)):
        journal = vault.open(Decision(reader=whose, patient=mine, secret=secret))
        with pytest.raises((NoNeed, SessionOver)):
            await journal.search("Observation", [("patient", stage.mine.id)])
        with pytest.raises((NotFound, SessionOver)):
            await journal.read("Observation", stage.my_row.id)
    # Used again after the session has ended it is worth nothing, though it opened something before.
    journal = vault.open(Decision(reader=other, patient=mine, secret=other.secret))
    assert (await journal.search("Observation", [("patient", stage.mine.id)])).matches
    assert await stage.web.fetchval("SELECT identity.end_session($1)", other.secret)
    with pytest.raises((NoNeed, SessionOver)):
        await journal.search("Observation", [("patient", stage.mine.id)])


async def test_without_the_door_the_database_refuses(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    async def let_in(_db: Any, *, reader: Reader, patient: PatientId, **_: Any) -> Decision:
        return Decision(reader=reader, patient=patient, secret=reader.secret)

    monkeypatch.setattr(gate, "open_chart", let_in)
    cookie = (b"cookie", f"fellesjournal={secret_text(stage.world.secrets['b'])}".encode())
    async with opened(stage.world.test) as caller:
        for path in ("", "/tidslinje", "/notater", "/malinger", "/problemer"):
            answer = await caller.send("GET", f"/pasienter/{stage.mine.id}{path}", "", (cookie,), b"")
            assert (answer.status, "mitt" in answer.text, "Min" in answer.text) == (403, False, False), path


async def test_without_the_check_of_the_token_the_database_refuses(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    reader = await _reader(stage, "a")

    async def believed(_request: Any) -> Reader:
        return replaced

    monkeypatch.setattr(gate, "bearer_reader", believed)
    async with opened(stage.world.test) as caller:
        for secret in (b"", b"a guess", stage.world.secrets["b"]):
            replaced = type(reader)(**{name: getattr(reader, name) for name in reader.__dataclass_fields__} | {"secret": secret})
            answer = await caller.send("GET", f"/fhir/{stage.my_row.ref}", "", (), b"")
            assert answer.status in (401, 404)
            assert "mitt" not in answer.text


@pytest.mark.parametrize("text", ["from x import Decision\nDecision(reader=r)", "decide.Decision(reader=r, secret=b'')", "journal.Journal(vault=v, decision=d)"])
def test_the_wall_sees_a_key_that_is_forged(text: str) -> None:
    """Without the wall a decision made by hand stands in the code; the tests above show that it opens nothing."""
    file = SourceFile("care/gp/planted.py", text, ast.parse(text))
    assert len(_constructions(file)) == 1
    assert SourceFile("care/gp/planted.py", "", ast.parse("import asyncpg")).imports().__next__() in ONLY_IN_KIT
