"""Reading another controller's information is a disclosure, and stands in the log as one, whichever way it was read."""

from __future__ import annotations

import pytest

from fellesjournal import fhir
from tests.access.conftest import Stage, observation
from tests.access.test_rows import BODIES, history, read
from tests.record.search.world import UNIT_A, UNIT_B, Known

ARRANGED = (
    "INSERT INTO identity.controllership (municipality, controller, model) VALUES ('Testvik', $1, $2)"
    " ON CONFLICT (municipality, coalesce(kind, ''), from_at) DO UPDATE SET model = excluded.model"
)


@pytest.fixture
async def theirs_of_mine(stage: Stage) -> Known:
    """Of a patient on unit A's list, written by unit B."""
    (row,) = await stage.world.write([observation(stage.mine.ref, "fra nabokommunen")], org=UNIT_B)
    return row


async def marks(stage: Stage, action: str) -> set[tuple[int, ...] | None]:
    """The marks on the newest event of a kind about the patient."""
    rows = await stage.log(action=action, patient=stage.mine.pid)
    newest = max(row["event"] for row in rows)
    return {row["disclosed_from"] and tuple(row["disclosed_from"]) for row in rows if row["event"] == newest}


async def all_ways(stage: Stage, row: Known) -> dict[str, set[tuple[int, ...] | None]]:
    """Each way to see the row, and what the log then says of it."""
    a = stage.world.secrets["a"]
    found = {}
    assert await read(stage, "a", row) == 200
    found["read"] = await marks(stage, "read")
    assert await history(stage, "a", row) == [1]
    found["history"] = await marks(stage, "history")
    assert len(await stage.bodies(a, [stage.mine.pid], BODIES)) == 3
    found["search"] = await marks(stage, "search")
    assert len(await stage.bodies(a, [], f"{BODIES} AND rtype = {fhir.TYPE_NUMBER['Observation']}", unit=UNIT_A)) == 2
    found["list"] = await marks(stage, "list")
    return found


async def test_every_way_of_reading_another_controllers_row_is_logged_as_a_disclosure(
    stage: Stage, theirs_of_mine: Known
) -> None:
    found = await all_ways(stage, theirs_of_mine)
    assert found == {way: {(UNIT_B,)} for way in ("read", "history", "search", "list")}


async def test_the_own_controllers_rows_and_what_is_written_are_no_disclosure(stage: Stage) -> None:
    assert await read(stage, "a", stage.my_row) == 200
    await stage.bodies(stage.world.secrets["a"], [stage.mine.pid], BODIES)
    assert {row["disclosed_from"] for row in await stage.log(patient=stage.mine.pid)} == {None}


async def test_a_refused_reading_discloses_nothing(stage: Stage) -> None:
    assert await read(stage, "a", stage.their_row) == 404
    (row,) = await stage.log(patient=stage.theirs.pid, action="read")
    assert (row["outcome"], row["disclosed_from"]) == (1, None)


@pytest.mark.parametrize("model", [1, 2])
async def test_within_a_joint_or_a_central_responsibility_nothing_is_disclosed(
    stage: Stage, theirs_of_mine: Known, model: int
) -> None:
    admin = stage.world.admin
    await admin.execute(ARRANGED, UNIT_B, model)
    await admin.execute("SELECT identity.keep_controllers()")
    units = await admin.fetch("SELECT id, controller, sphere FROM identity.unit WHERE id = ANY ($1)", [UNIT_A, UNIT_B])
    controller = UNIT_A if model == 1 else UNIT_B
    assert {tuple(unit) for unit in units} == {(UNIT_A, controller, UNIT_B), (UNIT_B, UNIT_B, UNIT_B)}
    assert set().union(*(await all_ways(stage, theirs_of_mine)).values()) == {None}
    # When the arrangement ends, it is a disclosure again.
    await admin.execute("UPDATE identity.controllership SET until_at = clock_timestamp()")
    await admin.execute("SELECT identity.keep_controllers()")
    assert set().union(*(await all_ways(stage, theirs_of_mine)).values()) == {(UNIT_B,)}


async def test_the_mark_is_sealed_with_its_row_and_rows_without_are_as_they_were_sealed_before(
    stage: Stage, theirs_of_mine: Known
) -> None:
    assert await read(stage, "a", theirs_of_mine) == 200
    line = "SELECT access.log_line(l) FROM access.log l WHERE l.disclosed_from IS {} NULL ORDER BY l.pos DESC LIMIT 1"
    marked = await stage.world.admin.fetchval(line.format("NOT"))
    plain = await stage.world.admin.fetchval(line.format(""))
    assert marked.endswith(f"){{{UNIT_B}}}")
    assert plain.endswith(")")
