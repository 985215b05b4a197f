"""Date search without a zone over the nights when clocks change: Norwegian wall clocks, no instant lost or doubled."""

from __future__ import annotations

import pytest

from fellesjournal.record.search import Chart, Listing
from tests.record.search.test_answers import observation, person
from tests.record.search.world import LOADER_UNIT, UNIT_A, World

MARCH = ("2026-03-28T22:59:59Z", "2026-03-28T23:00:00Z", "2026-03-29T00:59:59Z", "2026-03-29T01:00:00Z",
         "2026-03-29T21:59:59Z", "2026-03-29T22:00:00Z")  # fmt: skip
"""Before midnight, midnight, winter's last second, summer's first (03.00), the day's last, the next day's first."""
OCTOBER = ("2026-10-24T21:59:59Z", "2026-10-24T22:00:00Z", "2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z",
           "2026-10-25T02:30:00Z", "2026-10-25T22:59:59Z", "2026-10-25T23:00:00Z")  # fmt: skip
"""Before midnight, midnight, 02.30 in summer and in winter time, 03.30, the day's last, the next day's first."""


MARCH_ASKED = {
    "date=2026-03-29": [1, 2, 3, 4],
    "date=ge2026-03-29&date=lt2026-03-30": [1, 2, 3, 4],
    "date=2026-03-29T01:59": [2],
    "date=2026-03-29T03:00": [3],
    "date=ge2026-03-29T03:00&date=lt2026-03-30T00:00": [3, 4],
    "date=lt2026-03-29T00:00": [0],
    "date=2026-03-29T01:59:59+01:00": [2],
    "date=gt2026-03-29": [5],
}
OCTOBER_ASKED = {
    "date=2026-10-25": [1, 2, 3, 4, 5],
    "date=ge2026-10-25&date=lt2026-10-26": [1, 2, 3, 4, 5],
    "date=2026-10-25T02:30": [2, 3],
    "date=2026-10-25T02:30:00": [2, 3],
    "date=2026-10-25T02:30+02:00": [2],
    "date=2026-10-25T02:30:00+01:00": [3],
    "date=2026-10-25T03:30": [4],
    "date=ge2026-10-25T03:00&date=le2026-10-25": [4, 5],
    "date=ge2026-10-26": [6],
}


@pytest.mark.parametrize(("instants", "asked"), [(MARCH, MARCH_ASKED), (OCTOBER, OCTOBER_ASKED)])
async def test_every_instant_of_the_night_is_found_by_the_clock_on_the_wall(
    world: World, instants: tuple[str, ...], asked: dict[str, list[int]]
) -> None:
    (patient,) = await world.write([person("Nattmann")], org=LOADER_UNIT)
    await world.relate(UNIT_A, [patient])
    made = await world.write([observation(patient, day=at) for at in instants])
    places = {one.id: n for n, one in enumerate(made)}
    for scope in (Chart((patient.pid,)), Listing(UNIT_A)):
        for query, wanted in asked.items():
            answer = await world.search("a", scope, f"Observation?{query}&_count=50")
            assert sorted(places[one] for one in answer.ids) == wanted, (scope, query)


async def test_night_of_october_is_in_the_order_it_was_lived(world: World) -> None:
    (patient,) = await world.write([person("Nattmann")], org=LOADER_UNIT)
    await world.relate(UNIT_A, [patient])
    walls = ("2026-10-25T02:40:00+02:00", "2026-10-25T02:10:00+01:00", "2026-10-25T02:50:00+02:00")
    made = await world.write([observation(patient, day=at) for at in walls])
    answer = await world.search("a", Chart((patient.pid,)), "Observation?date=2026-10-25&_sort=date")
    assert answer.ids == [made[0].id, made[2].id, made[1].id]
