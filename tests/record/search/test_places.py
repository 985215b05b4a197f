"""`near`: Locations within a distance, against angles between vectors."""

import asyncio
import random
import re
from collections.abc import Iterator
from decimal import Decimal
from math import acos, cos, radians, sin

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from fellesjournal.record.search import Listing
from fellesjournal.record.search.place import EARTH_KM
from tests.conftest import TestDatabase
from tests.effort import examples
from tests.record.search.test_answers import explained
from tests.record.search.world import UNIT_A, Known, World

Place = tuple[float, float]
CORNERS: tuple[Place, ...] = (
    (90.0, 0.0), (-90.0, 10.0), (0.0, 180.0), (0.0, -180.0), (0.5, 179.9), (0.5, -179.9), (60.0, 10.0),
)  # fmt: skip
TOWNS: tuple[Place, ...] = ((59.91, 10.75), (59.74, 10.2), (60.39, 5.32), (69.65, 18.96), (78.22, 15.65))


class Map:
    """Locations, one without a position among them, and who may look."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.loop = asyncio.get_event_loop()
        self.places: dict[str, Place] = {}

    async def fill(self) -> None:
        rnd = random.Random(3)
        spots = [*CORNERS, *TOWNS]
        spots += [(round(rnd.uniform(-90, 90), 3), round(rnd.uniform(-180, 180), 3)) for _ in range(60)]
        made = await self.world.write([_location(spot) for spot in spots])
        self.places = {known.id: spot for known, spot in zip(made, spots, strict=True)}
        await self.world.write([{"resourceType": "Location", "name": "Uten sted"}])

    def within(self, center: Place, km: float, slack: float) -> set[str]:
        return {i for i, spot in self.places.items() if distance(center, spot) <= km + slack}


def _location(spot: Place) -> dict[str, object]:
    latitude, longitude = (Decimal(str(number)) for number in spot)
    return {"resourceType": "Location", "name": "Sted", "position": {"latitude": latitude, "longitude": longitude}}


def distance(one: Place, other: Place) -> float:
    """By the angle between two directions from the middle of the Earth."""
    dot = sum(a * b for a, b in zip(_direction(one), _direction(other), strict=True))
    return EARTH_KM * acos(max(-1.0, min(1.0, dot)))


def _direction(place: Place) -> tuple[float, float, float]:
    latitude, longitude = radians(place[0]), radians(place[1])
    return cos(latitude) * cos(longitude), cos(latitude) * sin(longitude), sin(latitude)


@pytest.fixture(scope="module")
def atlas(module_database: TestDatabase) -> Iterator[Map]:
    with asyncio.Runner() as runner:
        admin, web = runner.run(_connections(module_database))
        made = Map(runner.run(World(module_database, admin, web).prepare()))  # type: ignore[arg-type]
        made.loop = runner.get_loop()
        runner.run(made.fill())
        yield made
        runner.run(_close(admin, web))


async def _connections(database: TestDatabase) -> tuple[object, object]:
    return await database.connect_admin(), await database.connect("fj_web")


async def _close(*connections: object) -> None:
    for connection in connections:
        await connection.close()  # type: ignore[attr-defined]


def asked(atlas: Map, url: str) -> list[str]:
    return atlas.loop.run_until_complete(atlas.world.all_pages("a", Listing(UNIT_A), url))


@settings(max_examples=examples(120), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    center=st.one_of(
        st.sampled_from((*CORNERS, *TOWNS)),
        st.tuples(st.integers(-90_000, 90_000), st.integers(-180_000, 180_000)).map(
            lambda both: (both[0] / 1000, both[1] / 1000)
        ),
    ),
    km=st.sampled_from((0.0, 1.0, 30.0, 400.0, 2500.0, 10007.0, 19000.0, 30000.0)),
)
@example(center=(0.5, 179.95), km=100.0)
@example(center=(89.9, 0.0), km=100.0)
def test_near_finds_what_is_within_the_distance(atlas: Map, center: Place, km: float) -> None:
    found = asked(atlas, f"Location?near={center[0]}|{center[1]}|{km}|km&_count=7")
    assert len(found) == len(set(found))
    assert atlas.within(center, km, -0.001) <= set(found) <= atlas.within(center, km, 0.001)


def test_distances_are_in_kilometres_unless_they_say_miles_or_metres(atlas: Map) -> None:
    drammen = {i for i, spot in atlas.places.items() if spot == (59.74, 10.2)}
    oslo = {i for i, spot in atlas.places.items() if spot == (59.91, 10.75)}
    for km in ("36.5", "36.5|", "36.5|km", "36500|m", "22.7|mi", "22.7|[mi_i]"):
        assert drammen | oslo <= set(asked(atlas, f"Location?near=59.91|10.75|{km}")), km
    for km in ("36", "36|km", "36000|m", "22|mi", ""):
        assert not drammen & set(asked(atlas, f"Location?near=59.91|10.75|{km}")), km
    assert oslo <= set(asked(atlas, "Location?near=59.92|10.75"))
    assert oslo <= set(asked(atlas, "Location?near=0|0|1,59.91|10.75|1"))


async def test_a_small_circle_is_found_by_the_index(world: World) -> None:
    await world.write([_location((n / 10 - 80, n / 10 - 80)) for n in range(900)])
    await world.admin.execute("ANALYZE")
    plan = await explained(world, Listing(UNIT_A), world.compile(Listing(UNIT_A), "Location?near=59.91|10.75|5"))
    assert "sp_composite_place" in plan and not re.search("Seq Scan on (sp_|resource)", plan)


async def test_places_are_found_through_references(world: World) -> None:
    near: Known
    near, far = await world.write([_location((59.9, 10.7)), _location((10.0, 10.0))])
    roles = [{"resourceType": "PractitionerRole", "location": [{"reference": place.ref}]} for place in (near, far)]
    one, _ = await world.write(roles)
    answer = await world.search("a", Listing(UNIT_A), "PractitionerRole?location.near=59.9|10.7|10")
    assert answer.ids == [one.id]
