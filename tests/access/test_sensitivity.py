# ruff: noqa: E501 - queries read best a line each
"""Sensitive rows need a stronger ground: found by code, label and unit; open by table, by choice with a reason, to who wrote them."""

from collections.abc import AsyncGenerator
from typing import Any

import pytest

from fellesjournal import fhir
from fellesjournal.kit.ids import encode
from fellesjournal.record import store
from fellesjournal.record.search import K_MATCH, K_TOTAL, Chart, Listing, compile_search, parse_search
from tests.conftest import TestDatabase
from tests.record.search.world import UNIT_A, UNIT_B, Known, World

ICPC, ICD, ACT, OURS = (
    "urn:oid:2.16.578.1.12.4.1.1.7170", "urn:oid:2.16.578.1.12.4.1.1.7110",
    "http://terminology.hl7.org/CodeSystem/v3-ActCode", "urn:fellesjournal:sensitivity",
)  # fmt: skip


def condition(patient: str, system: str, code: str) -> dict[str, Any]:
    return {
        "resourceType": "Condition",
        "subject": {"reference": patient},
        "code": {"coding": [{"system": system, "code": code}]},
    }


def labelled(patient: str, code: str, system: str = ACT) -> dict[str, Any]:
    return {
        "resourceType": "Observation", "status": "final", "code": {"text": "x"}, "subject": {"reference": patient},
        "meta": {"security": [{"system": system, "code": code}]},
    }  # fmt: skip


class Ward:
    """A person on the list of unit A (a practice), now at unit B (a legevakt)."""

    def __init__(self, world: World, patient: Known) -> None:
        self.world, self.patient = world, patient

    async def bits(self, item: Known) -> set[int]:
        tables = (
            "resource",
            "history",
            *(f"sp_{kind}" for kind in ("token", "reference", "date", "quantity", "string", "uri", "composite")),
        )
        found = " UNION ".join(f"SELECT sens & 992 AS bits FROM vault.{table} WHERE pid = $1" for table in tables)
        return {row["bits"] for row in await self.world.admin.fetch(found, item.pid)}

    async def sees(self, who: str, item: Known) -> set[str]:
        """By which doors this reader finds the row."""
        secret, number = self.world.secrets[who], fhir.TYPE_NUMBER[item.rtype]
        (row,) = await store.read_many(self.world.web, [store.PointRead(secret, number, item.slot, item.pid, 0)])
        past = await store.history_of(
            self.world.web, secret=secret, rtype=number, slot=item.slot, pid=item.pid, before=2**31 - 1, limit=5
        )
        unit = {"a": UNIT_A, "b": UNIT_B}[who]
        doors = {"read"} if row["status"] == 200 else set()
        doors |= {"history"} if past and past[0]["status"] == 200 else set()
        for name, scope, params in (
            ("chart", Chart((self.patient.pid,)), [("patient", self.patient.id)]),
            ("list", Listing(unit), []),
        ):
            compiled = compile_search(
                parse_search(item.rtype, [*params, ("_total", "accurate")]), scope=scope, hash64=self.world.hash64
            )
            question = store.Question(secret, compiled, (self.patient.pid,) if params else ())
            answer = await (
                store.search_chart(self.world.web, question)
                if params
                else store.search_list(self.world.web, question, unit=unit)
            )
            assert answer.verdict == "ok"
            keys = {encode(hit.slot, hit.pid) for hit in answer.hits if hit.k == K_MATCH}
            (total,) = [hit.pid for hit in answer.hits if hit.k == K_TOTAL]
            assert total == len(keys), "a total that tells more than the rows"
            doors |= {name} if item.id in keys else set()
        return doors

    async def role(self, who: str, role: str) -> None:
        await self.world.admin.execute(
            "UPDATE identity.session SET role = $2 WHERE person = (SELECT id FROM identity.person WHERE name = $1)",
            who,
            role,
        )


@pytest.fixture
async def ward(database: TestDatabase) -> AsyncGenerator[Ward, None]:
    async with await database.connect_admin() as admin, await database.connect("fj_web") as web:
        world = await World(database, admin, web).prepare()
        await admin.execute("UPDATE identity.unit SET kind = 'legevakt' WHERE id = $1", UNIT_B)
        (patient,) = await world.write(
            [{"resourceType": "Patient", "name": [{"family": "Vik"}], "birthDate": "1980-01-01"}]
        )
        await world.relate(UNIT_A, [patient])
        await admin.execute(
            "SELECT access.put_relation($1, $2, NULL, 'POLBESOK', NULL, clock_timestamp(), 'infinity', 0)",
            [patient.pid],
            UNIT_B,
        )
        yield Ward(world, patient)


async def test_codes_labels_and_units_make_rows_sensitive(ward: Ward) -> None:
    who = ward.patient.ref
    told = [
        (condition(who, ICPC, "P76"), 32), (condition(who, ICPC, "P16"), 64), (condition(who, ICPC, "P01"), 0), (condition(who, ICPC, "K86"), 0),
        (condition(who, ICPC, "X92"), 128), (condition(who, ICD, "F32.1"), 32), (condition(who, ICD, "F10.2"), 64), (condition(who, "urn:other", "P76"), 0),
        (labelled(who, "PSY"), 32), (labelled(who, "ETHUD"), 64), (labelled(who, "HIV"), 128), (labelled(who, "CHILD_PROTECTION", OURS), 256),
        (labelled(who, "PRISON", OURS), 512), (labelled(who, "R"), 0),
    ]  # fmt: skip
    made = await ward.world.write([resource for resource, _ in told])
    assert [await ward.bits(one) for one in made] == [{bits} for _, bits in told]
    await ward.world.admin.execute("UPDATE identity.unit SET kind = 'prison_health' WHERE id = $1", UNIT_B)
    (inside,) = await ward.world.write([condition(who, ICPC, "K86")], org=UNIT_B)
    assert await ward.bits(inside) == {512}


async def test_who_sees_them_is_told_by_role_unit_and_relation(ward: Ward) -> None:
    mind, sex, plain = await ward.world.write(
        [condition(ward.patient.ref, ICPC, code) for code in ("P76", "X92", "K86")]
    )
    everywhere = {"read", "history", "chart", "list"}
    assert [await ward.sees("a", one) for one in (mind, sex, plain)] == [everywhere] * 3
    there = {"read", "history", "chart"}
    assert [await ward.sees("b", one) for one in (mind, sex, plain)] == [there, set(), there]
    await ward.role("b", "sykepleier")
    assert [await ward.sees("b", one) for one in (mind, sex, plain)] == [set(), set(), there]
    (own,) = await ward.world.write([condition(ward.patient.ref, ICPC, "P76")], org=UNIT_B)
    assert {"read", "chart", "list"} <= await ward.sees("b", own)
    await ward.role("a", "helsesekretaer")
    assert await ward.sees("a", own) == set()


async def test_they_open_by_choice_with_a_reason_for_a_time_and_a_reviewer_looks(ward: Ward) -> None:
    (sex,) = await ward.world.write([condition(ward.patient.ref, ICPC, "X92")])
    ask, admin = "SELECT access.open_sensitive($1, $2, $3)", ward.world.admin
    b, patient = ward.world.secrets["b"], ward.patient.pid
    assert await ward.world.web.fetchval(ask, b, patient, "kort") == "reason"
    assert await ward.sees("b", sex) == set()
    assert await ward.world.web.fetchval(ask, b, patient, "Trenger å vite om smitte nå") == "ok"
    assert await ward.sees("b", sex) == {"read", "history", "chart"}
    assert (
        await admin.fetchval(
            "SELECT count(*) FROM access.log WHERE action = 'sensitive' AND outcome = 0 AND patient = $1", patient
        )
        == 1
    )
    task = await admin.fetchrow("SELECT kind, patient, reason FROM access.review")
    assert (task["kind"], task["patient"], task["reason"]) == ("CHOSEN", patient, "Trenger å vite om smitte nå")
    await admin.execute("UPDATE access.sensitive_open SET until_at = clock_timestamp()")
    assert await ward.sees("b", sex) == set()
    await ward.role("b", "helsesekretaer")
    assert await ward.world.web.fetchval(ask, b, patient, "Trenger å vite om smitte nå") == "refused"
    (other,) = await ward.world.write([{"resourceType": "Patient", "name": [{"family": "Nes"}]}])
    await ward.role("b", "lege")
    assert await ward.world.web.fetchval(ask, b, other.pid, "Trenger å vite om smitte nå") == "refused"


async def test_rows_are_looked_at_again_when_the_configuration_changes(ward: Ward, database: TestDatabase) -> None:
    mind, plain = await ward.world.write([condition(ward.patient.ref, ICPC, code) for code in ("P76", "K86")])
    others = await ward.world.write([{"resourceType": "Patient", "name": [{"family": "Nes"}]} for _ in range(4)])
    async with await database.connect("fj_worker") as worker:
        step = "SELECT vault.reclassify(2)"
        while await worker.fetchval(step):
            pass
        assert [await ward.bits(one) for one in (mind, plain)] == [{32}, {0}]
        await ward.world.admin.execute(
            "UPDATE access.sensitive_code SET valid_until = current_date WHERE first = 'P70'"
        )
        await ward.world.admin.execute(
            "INSERT INTO access.sensitive_code (system, first, last, bit, source) VALUES ($1, 'K86', 'K86', 128, 'test')",
            ICPC,
        )
        counts: list[int] = []
        while (done := await worker.fetchval(step)) and len(counts) < 10:
            counts.append(done)
        assert sum(counts) == 1 + len(others) and max(counts) == 2
        assert [await ward.bits(one) for one in (mind, plain)] == [{0}, {128}]
