"""Duty lists from a file: all of it or nothing, and only those on it have access where the unit says so."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from fellesjournal.cli.duty import read_shifts
from fellesjournal.cli.operate import OperatorError
from fellesjournal.kit.clock import OSLO
from tests.access.conftest import Stage

NOW = datetime.now(UTC)
LOAD = "SELECT place, fault FROM access.load_duties('Olga', $1, $2, $3, $4, $5)"
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.mark.parametrize(
    ("line", "word"),
    [
        ("A;Kari;2026-11-23T15:00", "number of fields"),
        ("A;Kari;2026-11-23T15:00;2026-11-23T22:00;x", "number of fields"),
        ("A;;2026-11-23T15:00;2026-11-23T22:00", "needed"), ("A;Kari;i går;2026-11-23T22:00", "a time is written"),
    ],
)  # fmt: skip
def test_a_line_that_is_no_shift_is_told_by_its_number(line: str, word: str) -> None:
    with pytest.raises(OperatorError, match=rf"(?s)nothing was changed.*line 2: .*{word}"):
        read_shifts(f"unit;person;from;until\n{line}\n")


def test_times_are_norwegian_and_the_first_line_names_the_columns() -> None:
    (shift,) = read_shifts("unit;person;from;until\nA;Kari;2026-11-23T15:00;2026-11-23T23:00\n")
    assert (shift.place, shift.unit, shift.person) == (2, "A", "Kari")
    assert shift.from_at == datetime(2026, 11, 23, 15, tzinfo=OSLO)
    with pytest.raises(OperatorError, match="the first line must be"):
        read_shifts("enhet;person\n")


async def test_a_list_is_loaded_whole_or_not_at_all_and_replaces_what_was_planned(stage: Stage) -> None:
    admin, secret = stage.world.admin, stage.world.secrets["a"]

    async def load(*rows: tuple[str, str, datetime, datetime]) -> list[tuple[int, str]]:
        columns = [list(column) for column in zip(*rows, strict=True)]
        return [tuple(row) for row in await admin.fetch(LOAD, list(range(2, 2 + len(rows))), *columns)]

    async def planned() -> list[tuple[str, bool]]:
        rows = await admin.fetch("SELECT name, from_at < clock_timestamp() AS begun FROM access.duties_of('A')")
        return [(row["name"], row["begun"]) for row in rows]

    async def may() -> bool:
        query = "SELECT allow FROM access.judge($1, ARRAY[$2::bigint], 'read')"
        return bool(await admin.fetchval(query, secret, stage.mine.pid))

    assert await admin.fetchval("SELECT access.set_duty_list('A', true, '{}', 'Olga')") is None
    assert await admin.fetchval("SELECT access.set_duty_list('ingen', true, '{}', 'Olga')") == "unit"
    assert not await may()
    faults = await load(
        ("A", "a", NOW - HOUR, NOW + HOUR), ("ingen", "a", NOW, NOW + HOUR), ("A", "b", NOW, NOW + HOUR),
        ("A", "a", NOW, NOW), ("A", "a", NOW, NOW + 8 * DAY),
    )  # fmt: skip
    assert faults == [(3, "unit"), (4, "person"), (5, "period"), (6, "period")]
    assert await planned() == [] and not await may()
    assert await load(("A", "a", NOW - HOUR, NOW + HOUR), ("A", "A", NOW + DAY, NOW + DAY + HOUR)) == []
    assert await planned() == [("a", True), ("a", False)] and await may()
    assert await load(("A", "a", NOW + DAY, NOW + DAY + HOUR)) == []
    assert await planned() == [("a", False)] and not await may()
    assert await admin.fetchval("SELECT access.set_duty_list('A', false, '{}', 'Olga')") is None
    assert await may()
    told = await admin.fetch("SELECT operator, after::text FROM identity.change WHERE subject = 'unit' ORDER BY id")
    assert {row["operator"] for row in told} == {"Olga"}
    assert [row["after"] for row in told if "shifts" in row["after"]] == ['{"shifts": 2}', '{"shifts": 1}']


