# ruff: noqa: E501 - tables of what is tried read best a line each
"""History at the vault's doors: what was taken back stays back, no key without a seal, and plans that an index bounds."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from fellesjournal import fhir
from fellesjournal.kit import db
from fellesjournal.kit.ids import new_pid
from tests.access.conftest import Stage, observation
from tests.access.test_rows import history, named, read, version_of, write
from tests.record.search.world import UNIT_A, UNIT_B

VERSIONS = (
    "SELECT 0::smallint AS k, slot, pid, rtype, version, updated, patient, updated AS sort, body, org FROM vault.history"
)
WALK = (
    "SELECT k, slot, pid, rtype, version, updated, patient, sort, body, org FROM vault.walk_history(false, {rtype}::smallint, '{types}', {count},"
    " '-infinity', '-infinity', 'infinity', 'infinity', 9223372036854775807, 2147483647, '{time}')"
)


async def walked(stage: Stage, who: str, patients: list[int], *, unit: int | None = None, rtype: int = 0, count: int = 50,
                 time: str = "1 second") -> list[Any]:  # fmt: skip
    types = "{" + ",".join(str(n) for n in range(1, len(fhir.RESOURCE_TYPES) + 1)) + "}"
    sql = WALK.format(rtype=rtype, types=types, count=count, time=time)
    return await stage.search(stage.world.secrets[who], patients, sql, unit=unit, action="history")


async def test_a_version_from_before_another_patient_was_named_is_hidden_with_the_row(stage: Stage) -> None:
    await stage.world.relate(UNIT_A, [stage.theirs])
    assert await write(stage, "a", version_of(stage.my_row, named(stage))) == [200]
    await stage.world.admin.execute(
        "UPDATE access.relation SET until_at = clock_timestamp() WHERE patient = $1 AND unit = $2",
        stage.theirs.pid,
        UNIT_A,
    )
    assert await read(stage, "a", stage.my_row) == 404
    assert await read(stage, "a", stage.my_row, version=1) == 404
    assert await history(stage, "a", stage.my_row) == []
    for rows in (await walked(stage, "a", [stage.mine.pid]), await walked(stage, "a", [], unit=UNIT_A)):
        assert rows
        assert stage.my_row.pid not in [hit.pid for hit in rows]
    # Nor by any other SQL in that context.
    assert stage.my_row.id not in str(await stage.bodies(stage.world.secrets["a"], [stage.mine.pid], VERSIONS))
    assert stage.my_row.id not in str(await stage.bodies(stage.world.secrets["a"], [], VERSIONS, unit=UNIT_A))


async def test_whom_an_older_version_names_stands_in_the_log_with_it(stage: Stage) -> None:
    await stage.world.relate(UNIT_A, [stage.theirs])
    assert await write(stage, "a", version_of(stage.my_row, named(stage))) == [200]
    assert await write(stage, "a", version_of(stage.my_row, observation(stage.mine.ref, "bare mitt"))) == [200]
    assert await history(stage, "a", stage.my_row) == [3, 2, 1]
    shown = [row["patient"] for row in await stage.log(action="history", outcome=0)]
    assert sorted(shown) == sorted([stage.mine.pid, stage.theirs.pid])


async def test_a_walk_shows_the_opened_chart_alone_and_a_list_the_units_own(stage: Stage) -> None:
    mine = await walked(stage, "a", [stage.mine.pid])
    assert {hit.patient for hit in mine} == {stage.mine.pid}
    assert [json.loads(hit.body)["resourceType"] for hit in mine] == ["Observation", "Patient"]
    assert await walked(stage, "a", [stage.theirs.pid]) == []
    assert await walked(stage, "a", [], unit=UNIT_B) == []
    assert len(await stage.log(outcome=1)) == 2
    assert {hit.patient for hit in await walked(stage, "a", [], unit=UNIT_A)} == {stage.mine.pid}


async def test_a_short_time_gives_a_short_page_that_can_be_continued(stage: Stage) -> None:
    rows = await walked(stage, "a", [stage.mine.pid], time="0 seconds")
    assert [hit.k for hit in rows] == [1, 9]
    rows = await walked(stage, "a", [stage.mine.pid], count=1)
    assert [hit.k for hit in rows] == [1, 9]
    assert rows[1].pid == rows[0].pid
    rows = await walked(stage, "a", [stage.mine.pid], count=2)
    assert [hit.k for hit in rows] == [1, 1]


async def test_keys_are_given_to_nobody_outside_of_a_sealed_search(stage: Stage) -> None:
    call = "SELECT * FROM vault.history_keys(false, 0::smallint, '{1}', '-infinity', 'infinity', 9, 9, 9)"
    with pytest.raises(db.InsufficientPrivilege):
        await stage.web.fetch(call)
    with pytest.raises(db.InsufficientPrivilege):
        await stage.web.fetch(WALK.format(rtype=0, types="{1}", count=1, time="1 s"))
    assert await stage.world.admin.fetch(call) == []


async def test_keys_of_a_large_history_come_from_an_index(stage: Stage) -> None:
    """20,000 versions in each order; EXPLAIN names the index, and no more rows are touched than a page holds."""
    await _fill(stage, 20_000)
    explain = (
        "EXPLAIN (ANALYZE, FORMAT JSON) SELECT h.slot, h.pid, h.version, h.updated FROM vault.history h WHERE {where}"
        " AND h.updated >= '-infinity' AND h.updated <= '{top}' AND (h.updated, h.pid, h.version) < ('{top}', 9, 9)"
        " ORDER BY h.updated DESC, h.pid DESC, h.version DESC LIMIT 51"
    )
    top = datetime.now(UTC) + timedelta(days=1)
    for where, index in (
        ("h.patient = 0 AND h.rtype = 98", "history_directory"),
        (f"h.patient = {stage.mine.pid} AND h.patient > 0", "history_chart"),
        (f"h.org = {UNIT_A} AND h.rtype = 87", "history_list"),
    ):
        (row,) = await stage.world.admin.fetch(explain.format(where=where, top=top.isoformat()))
        plan = str(row[0])
        assert index in plan, plan
        assert "Seq Scan" not in plan
    rows = await walked(stage, "a", [], unit=UNIT_A)
    assert (len(rows), rows[-1].k) == (51, 9)


async def _fill(stage: Stage, count: int) -> None:
    """Versions as a load leaves them, written past the doors."""
    await stage.world.admin.execute(
        "INSERT INTO vault.history (slot, pid, version, rtype, updated, patient, org, sens, op, session, body)"
        " SELECT 0, $1::bigint + g + q.apart, 1, q.rtype, now() - g * interval '1 s', q.patient, $2, 0, 'C', 0, '{}'"
        " FROM generate_series(1, $3::integer) g,"
        " (VALUES (98::smallint, 0::bigint, 0), (87::smallint, $4::bigint, 100000)) AS q (rtype, patient, apart)",
        new_pid(), UNIT_A, count, stage.mine.pid,
    )  # fmt: skip
    await stage.world.admin.execute(
        "INSERT INTO vault.resource (slot, pid, rtype, version, updated, patient, org, sens, date, body)"
        " SELECT slot, pid, rtype, version, updated, patient, org, sens, updated, body FROM vault.history h"
        " ON CONFLICT DO NOTHING"
    )
    await stage.world.admin.execute("ANALYZE vault.history; ANALYZE vault.resource")
