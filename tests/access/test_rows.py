# ruff: noqa: E501 - tables of what is tried read best a line each
"""Which rows a decision reaches: rows that name several people, old versions, deleted ones, units' own rows, lists; and their log."""

import asyncio
import itertools
import json
from typing import Any

from fellesjournal import fhir
from fellesjournal.kit.ids import new_pid
from fellesjournal.record.rows import Op, Wanted, gather
from tests.access.conftest import SEAL_LIST, Stage, observation, person
from tests.record.search.world import UNIT_A, UNIT_B, WRITE, Known

BODIES = "SELECT 0::smallint AS k, slot, pid, rtype, version, updated, patient, date AS sort, body, org FROM vault.resource WHERE body IS NOT NULL"


async def write(stage: Stage, who: str, *wanted: Wanted) -> list[int]:
    ranked = sorted(wanted, key=lambda w: (w.slot, w.pid))
    columns = gather(ranked, hash64=stage.world.hash64)
    rows = await stage.web.fetch(WRITE, stage.world.secrets[who], *columns.arguments())
    return [row["status"] for row in rows]


def version_of(known: Known, resource: dict[str, Any] | None, *, expect: int = -1, op: Op = "U") -> Wanted:
    return Wanted(op, known.rtype, known.slot, known.pid, UNIT_A, resource, expect=expect)


def new(known: Known, resource: dict[str, Any], *, org: int = UNIT_A) -> Wanted:
    return Wanted("C", resource["resourceType"], known.slot, new_pid(), org, resource)


async def read(stage: Stage, who: str, known: Known, *, version: int = 0) -> int:
    (row,) = await stage.web.fetch(
        "SELECT status FROM vault.read_many($1, $2, $3, $4, $5)", [stage.world.secrets[who]],
        [fhir.TYPE_NUMBER[known.rtype]], [known.slot], [known.pid], [version],
    )  # fmt: skip
    return int(row["status"])


async def history(stage: Stage, who: str, known: Known) -> list[int]:
    rows = await stage.web.fetch(
        "SELECT status, version FROM vault.history_of($1, $2, $3, $4, 1000, 100)", stage.world.secrets[who],
        fhir.TYPE_NUMBER[known.rtype], known.slot, known.pid,
    )  # fmt: skip
    return [row["version"] for row in rows if row["status"] == 200]


def named(stage: Stage) -> dict[str, Any]:
    """About mine, and naming theirs outside of the compartment's own elements."""
    return observation(stage.mine.ref, "begge", focus=[{"reference": stage.theirs.ref}])


# ── Rows that name several people ────────────────────────────────────────────────────────────────


async def test_a_row_that_names_another_patient_is_hidden_from_who_may_not_see_both(stage: Stage) -> None:
    (both,) = await stage.world.write([named(stage)])
    assert await read(stage, "a", both) == 404
    assert await history(stage, "a", both) == []
    assert both.id not in str(await stage.bodies(stage.world.secrets["a"], [stage.mine.pid], BODIES))
    assert both.id not in str(await stage.bodies(stage.world.secrets["a"], [], BODIES, unit=UNIT_A))
    assert {row["outcome"] for row in await stage.log(action="read")} == {1}
    await stage.world.relate(UNIT_A, [stage.theirs])
    assert await read(stage, "a", both) == 200
    assert await history(stage, "a", both) == [1]
    assert both.id in str(await stage.bodies(stage.world.secrets["a"], [stage.mine.pid], BODIES))
    shown = [row["patient"] for row in await stage.log(action="read", outcome=0)]
    assert sorted(shown) == sorted([stage.mine.pid, stage.theirs.pid])


async def test_who_may_not_see_both_neither_changes_nor_deletes_the_row(stage: Stage) -> None:
    (both,) = await stage.world.write([named(stage)])
    harmless = observation(stage.mine.ref, "bare mitt")
    assert await write(stage, "a", version_of(both, harmless)) == [404]
    assert await write(stage, "a", version_of(both, None, op="D")) == [404]
    assert await write(stage, "a", new(both, named(stage))) == [403]


async def test_an_old_version_stays_hidden_when_the_other_patient_is_taken_out(stage: Stage) -> None:
    (both,) = await stage.world.write([named(stage)])
    await stage.world.relate(UNIT_A, [stage.theirs])
    assert await write(stage, "a", version_of(both, observation(stage.mine.ref, "bare mitt"))) == [200]
    await stage.world.admin.execute(
        "UPDATE access.relation SET until_at = clock_timestamp() WHERE patient = $1", stage.theirs.pid
    )
    assert await read(stage, "a", both) == 200
    assert await read(stage, "a", both, version=1) == 404
    assert await history(stage, "a", both) == [2]


async def test_a_deleted_row_stays_as_hidden_as_it_was(stage: Stage) -> None:
    (both,) = await stage.world.write([named(stage)])
    assert await write(stage, "loader", version_of(both, None, op="D")) == [204]
    assert await read(stage, "loader", both) == 410
    assert await read(stage, "a", both) == 404
    assert await read(stage, "a", both, version=1) == 404
    assert await history(stage, "a", both) == []


async def test_a_group_and_a_list_of_people_are_seen_by_who_may_see_them_all(stage: Stage) -> None:
    people = [{"reference": stage.mine.ref}, {"reference": stage.theirs.ref}]
    group = {"resourceType": "Group", "type": "person", "actual": True, "member": [{"entity": p} for p in people]}
    work = {"resourceType": "List", "status": "current", "mode": "working", "entry": [{"item": p} for p in people]}
    made = await stage.world.write([group, work], org=UNIT_A)
    for row in made:
        assert row.patient == -1
        assert await read(stage, "a", row) == 404
    listed = str(await stage.bodies(stage.world.secrets["a"], [], BODIES, unit=UNIT_A))
    assert stage.my_row.id in listed
    assert not [row.id for row in made if row.id in listed]


# ── Rows without a patient ───────────────────────────────────────────────────────────────────────


async def test_a_subject_that_leads_nowhere_makes_the_row_the_units_own(stage: Stage) -> None:
    for subject in ({"reference": "#p"}, {"identifier": {"system": "x:y", "value": "1"}}, {"display": "en bekjent"}):
        resource = observation("", "hvem?") | {
            "subject": subject,
            "contained": [{"resourceType": "Patient", "id": "p"}],
        }
        (row,) = await stage.world.write([resource], org=UNIT_A)
        assert row.patient == -1
        assert await read(stage, "a", row) == 200
        assert await read(stage, "b", row) == 404


async def test_another_units_own_rows_are_as_absent_as_absent_ones(stage: Stage) -> None:
    basic = {"resourceType": "Basic", "code": {"text": "internt"}}
    (theirs,) = await stage.world.write([basic], org=UNIT_B)
    absent = Known("Basic", 0, new_pid(), -1, (), UNIT_B, theirs.date, theirs.updated, theirs.rows)
    for row in (theirs, absent):
        assert await read(stage, "a", row) == 404
        assert await write(stage, "a", version_of(row, basic)) == [404]
        assert await write(stage, "a", version_of(row, None, op="D")) == [404]
        assert await write(stage, "a", version_of(row, observation(stage.mine.ref, "flytt"))) == [404]
    assert await read(stage, "b", theirs) == 200


async def test_staff_write_for_their_own_unit_alone_and_never_the_directory(stage: Stage) -> None:
    assert await write(stage, "a", new(stage.my_row, observation(stage.mine.ref, "x"), org=UNIT_B)) == [430]
    organization = {"resourceType": "Organization", "name": "Falsk"}
    assert await write(stage, "a", Wanted("C", "Organization", 0, new_pid(), UNIT_A, organization)) == [403]
    assert await write(stage, "a", new(stage.my_row, observation(stage.theirs.ref, "x"))) == [403]


# ── Two writers ──────────────────────────────────────────────────────────────────────────────────


async def test_of_two_writers_on_the_same_version_one_wins_and_one_is_told(stage: Stage) -> None:
    for _ in range(5):
        version = await stage.world.admin.fetchval(
            "SELECT version FROM vault.resource WHERE pid = $1", stage.my_row.pid
        )
        answers = await asyncio.gather(
            *(
                write(stage, "loader", version_of(stage.my_row, observation(stage.mine.ref, t), expect=version))
                for t in "abc"
            )
        )
        assert sorted(itertools.chain(*answers)) == [200, 412, 412]


async def test_without_an_expected_version_all_writers_get_one_of_their_own(stage: Stage) -> None:
    answers = await asyncio.gather(
        *(write(stage, "loader", version_of(stage.my_row, observation(stage.mine.ref, str(n)))) for n in range(8))
    )
    assert answers == [[200]] * 8
    assert await history(stage, "loader", stage.my_row) == list(range(9, 0, -1))


async def test_a_clock_behind_the_last_version_still_moves_time_forwards(stage: Stage) -> None:
    ahead = "clock_timestamp() + interval '3 days'"
    await stage.world.admin.execute(f"UPDATE vault.resource SET updated = {ahead} WHERE pid = $1", stage.my_row.pid)
    assert await write(stage, "loader", version_of(stage.my_row, observation(stage.mine.ref, "etter"))) == [200]
    rows = await stage.world.admin.fetch(
        "SELECT updated, body FROM vault.history WHERE pid = $1 ORDER BY version", stage.my_row.pid
    )
    before, after = rows
    assert after["updated"] > before["updated"]
    assert json.loads(after["body"])["meta"]["lastUpdated"][:19] == after["updated"].isoformat()[:19]
    assert await stage.world.admin.fetchval("SELECT $1 > clock_timestamp() + interval '2 days'", after["updated"])


async def on_list(admin: Any, secret: bytes) -> set[int]:
    async with admin.transaction() as conn:
        await conn.execute(SEAL_LIST, secret)
        return {row["patient"] for row in await conn.fetch("SELECT patient FROM access.on_list")}


# ── Lists ────────────────────────────────────────────────────────────────────────────────────────


async def test_a_list_shows_exactly_the_people_whose_charts_open(stage: Stage) -> None:
    """`access.on_list` answers for lists what `access.rules` answers for one: tried over every kind of fact."""
    admin = stage.world.admin
    doctor = await admin.fetchval("SELECT person FROM identity.session WHERE unit = 10")
    people = await stage.world.write([person(f"P{n}") for n in range(24)])
    now, facts = "clock_timestamp()", []
    for ground, who, span in itertools.product(
        ("FASTLEGE", "POLBESOK", "BELEGG", "ARBFLYT", "IDENTIFISERT", "SYSTEM"), ("NULL", str(doctor), "12345"),
        (f"{now}, 'infinity'", f"{now} - interval '2 days', {now} - interval '1 day'", f"{now} + interval '1 day', 'infinity'"),
    ):  # fmt: skip
        facts.append((ground, who, span))
    for n, (ground, who, span) in enumerate(facts):
        patient = people[n % len(people)].pid
        await admin.execute(
            f"SELECT access.put_relation(ARRAY[{patient}::bigint], 10, {who}, '{ground}', NULL, {span}, 0)"
        )
    await admin.execute("INSERT INTO access.block (patient, unit) VALUES ($1, 10)", people[0].pid)
    await admin.execute("INSERT INTO access.block (patient, person) VALUES ($1, $2)", people[1].pid, doctor)
    await admin.execute("INSERT INTO access.block (patient, until_at) VALUES ($1, clock_timestamp())", people[2].pid)
    for role in ("lege", "assistent", "helsesekretaer", "helsefagarbeider", "ukjent"):
        await admin.execute("UPDATE identity.session SET role = $1 WHERE unit = 10", role)
        for own in (None, people[3].pid):
            await admin.execute("UPDATE identity.person SET patient = $1 WHERE id = $2", own, doctor)
            rows = await admin.fetch(
                "SELECT q.p, coalesce(r.allow, false) AS allowed, r.allow IS NOT DISTINCT FROM v.allow"
                " AND r.ground IS NOT DISTINCT FROM v.ground AS is_same FROM identity.session s"
                " CROSS JOIN unnest($1::bigint[]) AS q (p) LEFT JOIN LATERAL (SELECT x.allow, x.ground FROM access.rules x"
                " WHERE x.reader = s.id AND x.patient = q.p ORDER BY x.allow, x.rank LIMIT 1) r ON true"
                " CROSS JOIN LATERAL access.verdict(s.id, s.kind, q.p) v WHERE s.unit = 10",
                [p.pid for p in people],
            )
            listed = await on_list(admin, stage.world.secrets["a"])
            wrong = [row["p"] for row in rows if (row["p"] in listed) != row["allowed"]]
            assert wrong == [], (role, own)
            assert all(row["is_same"] for row in rows if row["allowed"]), "the verdict is the first row of the rules"


async def test_two_facts_with_a_gap_between_them_give_nothing_in_the_gap(stage: Stage) -> None:
    for span in ("'2020-01-01', '2020-02-01'", "'2099-01-01', 'infinity'"):
        await stage.world.admin.execute(
            f"SELECT access.put_relation(ARRAY[{stage.theirs.pid}::bigint], 10, NULL, 'PLANOPP', NULL, {span}, 0)"
        )
    seen = await stage.search(stage.world.secrets["a"], [], BODIES, unit=UNIT_A)
    assert stage.theirs.pid not in {hit.patient for hit in seen}


# ── The log ──────────────────────────────────────────────────────────────────────────────────────


async def test_each_patient_of_a_page_is_logged_with_its_own_rows_alone(stage: Stage) -> None:
    await stage.world.relate(UNIT_A, [stage.theirs])
    await stage.bodies(stage.world.secrets["a"], [stage.mine.pid, stage.theirs.pid], BODIES)
    rows = {row["patient"]: row for row in await stage.log(action="search")}
    assert set(rows[stage.mine.pid]["what"]) == {stage.mine.pid, stage.my_row.pid}
    assert set(rows[stage.theirs.pid]["what"]) == {stage.theirs.pid, stage.their_row.pid}
    assert rows[stage.mine.pid]["event"] == rows[stage.theirs.pid]["event"]


async def test_a_search_and_a_list_without_hits_are_logged_too(stage: Stage) -> None:
    nothing = BODIES + " AND false"
    await stage.bodies(stage.world.secrets["a"], [stage.mine.pid], nothing)
    await stage.bodies(stage.world.secrets["a"], [], nothing, unit=UNIT_A)
    assert [(row["action"], row["patient"], row["outcome"]) for row in await stage.log(unit=UNIT_A)] == [
        ("search", stage.mine.pid, 2), ("list", 0, 2),
    ]  # fmt: skip


async def test_a_write_is_logged_for_each_patient_with_its_own_rows(stage: Stage) -> None:
    await stage.world.relate(UNIT_A, [stage.theirs])
    mine, theirs = (
        new(stage.mine, observation(stage.mine.ref, "1")),
        new(stage.theirs, observation(stage.theirs.ref, "2")),
    )
    assert await write(stage, "a", mine, theirs) == [201, 201]
    rows = {row["patient"]: row["what"] for row in await stage.log(action="write", unit=UNIT_A)}
    assert rows == {stage.mine.pid: [mine.pid], stage.theirs.pid: [theirs.pid]}


async def test_a_contact_that_staff_register_never_lasts_longer_than_its_ground(stage: Stage) -> None:
    told = await stage.web.fetchval(
        "SELECT access.establish($1, $2, 10, NULL, 'POLBESOK', NULL, clock_timestamp(), 'infinity')",
        stage.world.secrets["a"], stage.mine.pid,
    )  # fmt: skip
    assert told
    assert await stage.world.admin.fetchval(
        "SELECT max(until_at) < clock_timestamp() + interval '73 hours' FROM access.relation WHERE ground = 'POLBESOK'"
    )
    for unit, ground in ((20, "POLBESOK"), (10, "FASTLEGE"), (10, "SYSTEM"), (None, "POLBESOK")):
        assert not await stage.web.fetchval(
            "SELECT access.establish($1, $2, $3, NULL, $4, NULL, clock_timestamp(), 'infinity')",
            stage.world.secrets["a"], stage.mine.pid, unit, ground,
        )  # fmt: skip
