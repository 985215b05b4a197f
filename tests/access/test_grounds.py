# ruff: noqa: E501 - queries read best a line each
"""The grounds of the national list against a naive evaluation of the rules, duty lists, choices and their limits, support."""

import itertools
import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.access.conftest import Stage, person
from tests.access.test_rows import on_list
from tests.record.search.world import UNIT_A

REASON = "Legevakten ba om råd om pasienten"
ROLES = ("lege", "sykepleier", "helsesykepleier", "helsesekretaer", "helsefagarbeider", "assistent", "ukjent", "brukerstotte")


@dataclass(frozen=True)
class Fact:
    patient: int
    ground: str
    person: int | None
    from_at: datetime
    until_at: datetime


async def identify(stage: Stage, secret: bytes, patient: int) -> None:
    """As the vault does when a person is found: known to this session for half an hour."""
    await stage.world.admin.execute("SELECT access.mark_identified($1, ARRAY[$2::bigint])", secret, patient)


def naive(
    patient: int, *, role: str, me: int, own: int | None, kin: set[int], off_duty: bool, facts: list[Fact], blocked: set[int], grounds: dict[str, Any], now: datetime
) -> tuple[bool | None, set[str]]:
    """What the rules say, as simply as it can be said: (allowed, the grounds that may be named). None = no rule says anything."""
    live = [
        f for f in facts
        if f.patient == patient and f.person in (None, me) and f.from_at <= now < f.until_at and role in grounds[f.ground]["roles"]
        and (not off_duty or grounds[f.ground]["kind"] in ("emergency", "override"))
    ]  # fmt: skip
    if own == patient:
        return False, {"EGEN_SOM_ANSATT"}
    is_overridden = any(grounds[f.ground]["kind"] == "override" for f in live)
    opening = [f for f in live if grounds[f.ground]["kind"] not in ("override", "relative")]
    if not opening:
        return None, set()
    if patient in blocked and not is_overridden:
        return False, {"SPERRET"}
    if patient in kin and not any(grounds[f.ground]["kind"] in ("relative", "emergency") for f in live):
        return False, {"NAER_FAMILIE"}
    lowest = min(grounds[f.ground]["rank"] for f in opening)
    return True, {f.ground for f in opening if grounds[f.ground]["rank"] == lowest}


async def test_the_verdict_the_rules_and_the_lists_say_what_a_naive_reader_of_the_rules_says(stage: Stage) -> None:
    admin, rnd, now = stage.world.admin, random.Random(4), datetime.now(UTC)
    me = await admin.fetchval("SELECT person FROM identity.session WHERE unit = 10")
    people = [one.pid for one in await stage.world.write([person(f"P{n}") for n in range(40)])]
    grounds = {row["code"]: row for row in await admin.fetch("SELECT * FROM access.ground")}
    assert len({row["rank"] for row in grounds.values() if row["rule"]}) >= 39
    spans = [(-2, -1), (-1, 400), (-1, 400), (-1, 400), (1, 400)]
    facts = [
        Fact(rnd.choice(people), ground, rnd.choice([None, me, 12345]), now + timedelta(days=span[0]), now + timedelta(days=span[1]))
        for ground, span in itertools.product(sorted(grounds), spans)
    ]
    for fact in facts:
        await admin.execute(
            "SELECT access.put_relation(ARRAY[$1::bigint], 10, $2, $3, NULL, $4, $5, 0)",
            fact.patient, fact.person, fact.ground, fact.from_at, fact.until_at,
        )  # fmt: skip
    blocked = set(rnd.sample(people, 8)) | {facts[0].patient}
    await admin.execute("INSERT INTO access.block (patient, unit) SELECT p, 10 FROM unnest($1::bigint[]) p", list(blocked))
    kin = set(rnd.sample(people, 12))
    for one in kin:
        await admin.execute("INSERT INTO access.kin (person, patient, relation) VALUES ($1, $2, 'sibling')", me, one)
    await admin.execute("UPDATE identity.person SET kin = $2 WHERE id = $1", me, sorted(kin))
    for role, narrowed in itertools.product(ROLES, (False, True)):
        await admin.execute("UPDATE identity.session SET role = $1 WHERE unit = 10", role)
        await admin.execute("SELECT access.set_duty_rule(10, $1, '{}', 'test')", narrowed)
        own = rnd.choice([None, people[0]])
        await admin.execute("UPDATE identity.person SET patient = $1 WHERE id = $2", own, me)
        rows = await admin.fetch(
            "SELECT q.p, v.allow, v.ground, v.may_write, r.allow AS rule_allow, r.ground AS rule_ground FROM identity.session s"
            " CROSS JOIN unnest($1::bigint[]) AS q (p) CROSS JOIN LATERAL access.verdict(s.id, s.kind, q.p) v"
            " LEFT JOIN LATERAL (SELECT x.allow, x.ground FROM access.rules x WHERE x.reader = s.id AND x.patient = q.p"
            "   ORDER BY x.allow, x.rank LIMIT 1) r ON true WHERE s.unit = 10", people,
        )  # fmt: skip
        for row in rows:
            allow, named = naive(row["p"], role=role, me=me, own=own, kin=kin, off_duty=narrowed, facts=facts, blocked=blocked, grounds=grounds, now=now)
            assert (row["allow"], not named or row["ground"] in named) == (allow, True), (role, narrowed, dict(row))
            assert (row["rule_allow"] is True) == (allow is True), (role, narrowed, dict(row))
            assert allow is not True or row["may_write"] == grounds[row["ground"]]["may_write"]
        if not narrowed:
            listed = await on_list(admin, stage.world.secrets["a"])
            assert listed & set(people) == {row["p"] for row in rows if row["allow"]}, role


async def test_who_is_not_on_duty_has_no_access_where_the_unit_says_so_but_in_an_emergency(stage: Stage) -> None:
    admin, web, secret = stage.world.admin, stage.web, stage.world.secrets["a"]
    me = await admin.fetchval("SELECT person FROM identity.session WHERE unit = 10")

    async def may(action: str = "write") -> bool:
        return bool(await admin.fetchval("SELECT allow FROM access.judge($1, ARRAY[$2::bigint], $3)", secret, stage.mine.pid, action))

    async def may_list() -> bool:
        return bool(await admin.fetchval("SELECT allow FROM access.lister($1)", secret))

    assert (await may(), await may_list()) == (True, True)
    await admin.execute("SELECT access.set_duty_rule(10, true, '{helsesekretaer}', 'test')")
    assert (await may(), await may_list()) == (False, False)
    said = await web.fetch("SELECT * FROM access.explain($1, $2)", secret, stage.mine.pid)
    assert [row["ground"] for row in said] == ["IKKE_PA_VAKT"]
    offered = await web.fetch("SELECT code FROM access.choices($1, $2)", secret, stage.mine.pid)
    assert [row["code"] for row in offered] == ["BLAALYS"]
    chosen = await web.fetchrow("SELECT * FROM access.choose($1, $2, 'BLAALYS', $3, 5)", secret, stage.mine.pid, REASON)
    assert chosen["status"] == "ok"
    assert await may()
    await web.execute("SELECT access.end_choice($1, $2, 'BLAALYS')", secret, stage.mine.pid)
    assert not await may()
    await admin.execute("SELECT access.put_duty($1, 10, clock_timestamp() + interval '1 hour', clock_timestamp() + interval '9 hours')", me)
    assert not await may()
    await admin.execute("SELECT access.put_duty($1, 10, clock_timestamp() - interval '1 hour', clock_timestamp() + interval '7 hours')", me)
    assert (await may(), await may_list()) == (True, True)
    await admin.execute("DELETE FROM access.duty")
    await admin.execute("UPDATE identity.session SET role = 'helsesekretaer' WHERE unit = 10")
    assert await may_list()


async def test_a_chosen_ground_has_a_reason_an_end_a_log_line_and_a_task(stage: Stage) -> None:
    admin, web, secret = stage.world.admin, stage.web, stage.world.secrets["a"]
    stranger = stage.theirs.pid
    choose = "SELECT * FROM access.choose($1, $2, $3, $4, $5)"
    for ground in ("DELBEHAN", "BLAALYS", "OVERSTYR", "KVAL"):
        for patient in (stranger, 99):
            assert (await web.fetchrow(choose, secret, patient, ground, REASON, 60))["status"] == "refused", "there or not"
            assert not await web.fetch("SELECT * FROM access.choices($1, $2)", secret, patient)
    await identify(stage, secret, stranger)
    for ground, reason, minutes, status in (
        ("DELBEHAN", "kort", 60, "reason"), ("KVAL", REASON, 60, "refused"), ("OVERSTYR", REASON, 60, "refused"),
        ("SUPPORT", REASON, 60, "refused"), ("SYSTEM", REASON, 60, "refused"), ("DELBEHAN", REASON, 100_000, "ok"),
    ):  # fmt: skip
        row = await web.fetchrow(choose, secret, stranger, ground, reason, minutes)
        assert row["status"] == status, ground
    assert timedelta(hours=23, minutes=59) < row["until_at"] - datetime.now(UTC) <= timedelta(hours=24)
    for nobodys in (None, b"x", stage.world.secrets["loader"]):
        assert (await web.fetchrow(choose, nobodys, stranger, "DELBEHAN", REASON, 60))["status"] == "none"
    assert (await web.fetchrow(choose, secret, 99, "DELBEHAN", REASON, 60))["status"] == "refused"
    logged = await stage.log(action="choose", patient=stranger)
    assert [(one["ground"], one["chosen"], one["outcome"]) for one in logged][-1] == ("DELBEHAN", True, 0)
    assert {one["outcome"] for one in logged[:-1]} == {1}
    tasks = await admin.fetch("SELECT r.*, c.event AS at FROM access.review r JOIN access.choice c ON c.id = r.ref")
    assert [(task["kind"], task["reason"], task["event"] == logged[-1]["event"]) for task in tasks] == [("CHOSEN", REASON, True)]
    await stage.bodies(secret, [stranger], "SELECT 0::smallint AS k, slot, pid, rtype, version, updated, patient, date AS sort, body, org FROM vault.resource WHERE body IS NOT NULL")
    read = await stage.log(action="search", patient=stranger)
    assert {(one["ground"], one["chosen"], one["ground_ref"]) for one in read} == {("DELBEHAN", True, tasks[0]["ref"])}


async def test_what_was_chosen_in_a_session_ends_with_it_and_with_no_other(stage: Stage) -> None:
    admin, web, secret = stage.world.admin, stage.web, stage.world.secrets["a"]
    stranger = stage.theirs.pid
    me = await admin.fetchrow("SELECT person, post FROM identity.session WHERE unit = 10")
    begin = "SELECT identity.start_staff(sha256($3), $1, $2, 4::smallint, 60, 60, '')"
    for other in (b"beside", b"after"):
        await admin.execute(begin, me["person"], me["post"], other)

    async def may(who: bytes) -> bool:
        return bool(await admin.fetchval("SELECT allow FROM access.judge($1, ARRAY[$2::bigint], 'read')", who, stranger))

    choose = "SELECT status FROM access.choose($1, $2, 'DELBEHAN', $3, 60)"
    await identify(stage, secret, stranger)
    assert await web.fetchval(choose, secret, stranger, REASON) == "ok"
    assert [await may(who) for who in (secret, b"beside")] == [True, True]
    await admin.execute("SELECT identity.end_session('beside')")
    assert await may(secret)
    await admin.execute("SELECT identity.end_session($1)", secret)
    assert not await may(b"after")
    assert await web.fetchval(choose, b"after", stranger, REASON) == "ok"
    assert await may(b"after")
    await admin.execute("SELECT identity.switch_staff('after', sha256('switched'), $1, 60, '')", me["post"])
    assert not await may(b"switched")
    assert await admin.fetchval("SELECT bool_and(until_at <= clock_timestamp()) FROM access.choice")


async def test_what_was_chosen_in_a_session_that_idled_ends_for_the_sessions_beside_it_and_after_it(stage: Stage) -> None:
    admin, web, secret = stage.world.admin, stage.web, stage.world.secrets["a"]
    stranger = stage.theirs.pid
    me = await admin.fetchrow("SELECT person, post FROM identity.session WHERE unit = 10")

    async def start(other: bytes) -> None:
        await admin.execute("SELECT identity.start_staff(sha256($3), $1, $2, 4::smallint, 600, 600, '')", me["person"], me["post"], other)

    async def choose_and_leave(who: bytes) -> None:
        await identify(stage, who, stranger)
        assert await web.fetchval("SELECT status FROM access.choose($1, $2, 'DELBEHAN', $3, 60)", who, stranger, REASON) == "ok"
        await admin.execute("UPDATE identity.session SET seen_at = seen_at - make_interval(secs => idle_s) WHERE secret_hash = sha256($1)", who)

    async def may(who: bytes) -> bool:
        return bool(await admin.fetchval("SELECT allow FROM access.judge($1, ARRAY[$2::bigint], 'read')", who, stranger))

    await start(b"beside")
    await choose_and_leave(secret)
    assert (await may(secret), await may(b"beside")) == (False, True)
    await admin.execute("UPDATE identity.session SET seen_at = seen_at - interval '61 seconds' WHERE secret_hash = sha256('beside')")
    await web.fetch("SELECT * FROM identity.who('beside')")
    assert not await may(b"beside"), "at the next minute that the session beside it is used"
    await choose_and_leave(b"beside")
    await start(b"after")
    assert not await may(b"after"), "at the next sign-in"
    assert await admin.fetchval("SELECT bool_and(until_at <= clock_timestamp()) FROM access.choice")


async def test_grounds_for_named_people_and_those_that_a_patient_refuses(stage: Stage) -> None:
    admin, web, secret = stage.world.admin, stage.web, stage.world.secrets["a"]
    me = await admin.fetchval("SELECT person FROM identity.session WHERE unit = 10")
    citizen = await admin.fetchval("SELECT identity.put_person('human', 'theirs', 'T', NULL, $1, 1::smallint, NULL)", stage.theirs.pid)
    await admin.execute("SELECT identity.start_citizen(sha256('own'), $1, 4::smallint, 60, 60, '')", citizen)

    async def offered() -> set[str]:
        return {row["code"] for row in await web.fetch("SELECT code FROM access.choices($1, $2)", secret, stage.theirs.pid)}

    await identify(stage, secret, stage.theirs.pid)
    assert "EGENLAER" not in await offered()
    assert not await admin.fetchval("SELECT access.name_for_ground($1, 'DELBEHAN', 'infinity', 'leder')", me)
    for ground in ("EGENLAER", "KVAL"):
        assert await admin.fetchval("SELECT access.name_for_ground($1, $2, clock_timestamp() + interval '1 year', 'leder')", me, ground)
    assert {"EGENLAER", "KVAL"} <= await offered()
    assert (await web.fetchrow("SELECT * FROM access.choose($1, $2, 'EGENLAER', $3, 60)", secret, stage.theirs.pid, REASON))["status"] == "ok"
    read, write = [
        await admin.fetchval("SELECT allow FROM access.judge($1, ARRAY[$2::bigint], $3)", secret, stage.theirs.pid, action)
        for action in ("read", "write")
    ]
    assert (read, write) == (True, False)
    assert not await web.fetchval("SELECT access.object($1, 'KVAL', true)", b"own")
    assert await web.fetchval("SELECT access.object($1, 'EGENLAER', true)", b"own")
    assert not await admin.fetchval("SELECT allow FROM access.judge($1, ARRAY[$2::bigint], 'read')", secret, stage.theirs.pid)
    assert "EGENLAER" not in await offered()
    assert await web.fetchval("SELECT access.object($1, 'EGENLAER', false)", b"own")
    assert "EGENLAER" in await offered()


@pytest.mark.parametrize("told", ["IKKE_EN_GRUNN", "FASTLEGE", "SYSTEM", "BLAALYS", "DELBEHAN", "OVERSTYR", "SUPPORT"])
async def test_staff_tell_no_fact_that_is_not_theirs_to_tell(stage: Stage, told: str) -> None:
    assert not await stage.web.fetchval(
        "SELECT access.establish($1, $2, $3, NULL, $4, NULL, clock_timestamp(), 'infinity')",
        stage.world.secrets["a"], stage.mine.pid, UNIT_A, told,
    )  # fmt: skip


async def test_support_is_one_ticket_one_patient_a_time_box_and_never_given_to_oneself(stage: Stage) -> None:
    admin, web = stage.world.admin, stage.web
    secrets = {}
    people = {}
    for name, role in (("adm", "administrator"), ("stotte", "brukerstotte"), ("lege2", "lege")):
        people[name] = await admin.fetchval("SELECT identity.put_person('human', $1, $2, NULL, NULL, NULL, NULL)", name.encode(), name)
        post = await admin.fetchval("SELECT identity.put_post($1, 20, $2, NULL, NULL, NULL, '-infinity', 'infinity')", people[name], role)
        secrets[name] = name.encode()
        await admin.execute("SELECT identity.start_staff(sha256($1), $2, $3, 4::smallint, 600, 600, '')", secrets[name], people[name], post)
    grant = "SELECT * FROM access.grant_support($1, $2, $3, $4, $5, $6)"

    async def may(action: str) -> bool:
        return bool(await admin.fetchval("SELECT allow FROM access.judge($1, ARRAY[$2::bigint], $3)", secrets["stotte"], stage.mine.pid, action))

    for giver, taker, patient, ticket, reason, status in (
        ("lege2", "stotte", stage.mine.pid, "SAK-1", REASON, "none"), ("adm", "adm", stage.mine.pid, "SAK-1", REASON, "self"),
        ("adm", "stotte", stage.mine.pid, " ", REASON, "ticket"), ("adm", "stotte", stage.mine.pid, "SAK-1", "kort", "reason"),
        ("adm", "lege2", stage.mine.pid, "SAK-1", REASON, "refused"), ("adm", "stotte", 99, "SAK-1", REASON, "refused"),
        ("adm", "stotte", stage.mine.pid, "SAK-1", REASON, "ok"),
    ):  # fmt: skip
        assert not await may("read")
        row = await web.fetchrow(grant, secrets[giver], people[taker], patient, ticket, reason, 5000)
        assert row["status"] == status, (giver, taker, status)
    assert row["until_at"] - datetime.now(UTC) <= timedelta(hours=8)
    assert (await may("read"), await may("write")) == (True, False)
    assert not await admin.fetchval("SELECT allow FROM access.judge($1, ARRAY[$2::bigint], 'read')", secrets["stotte"], stage.theirs.pid)
    assert not await admin.fetchval("SELECT allow FROM access.lister($1)", secrets["stotte"])
    task = await admin.fetchrow("SELECT kind, reader, evidence ->> 'ticket' AS ticket FROM access.review")
    assert tuple(task) == ("SUPPORT", people["stotte"], "SAK-1")


async def test_whoever_may_open_a_record_in_an_emergency_may_find_out_whose_it_is(stage: Stage) -> None:
    """A ground is chosen for somebody who is identified, or known to the unit."""
    lacking = await stage.world.admin.fetch(
        "SELECT DISTINCT q.role FROM access.ground g CROSS JOIN unnest(g.roles) AS q (role) WHERE g.kind = 'emergency'"
        " AND NOT EXISTS (SELECT 1 FROM access.role_right r WHERE r.role = q.role AND r.action = 'identify')"
    )
    assert lacking == []
