"""`_list`: members of Lists that the reader may see, and what is current."""

import re
from typing import Any

import pytest

from fellesjournal.record.search import Chart, Listing, Scope, SearchError, parse_search
from tests.record.search.test_answers import a_chart, explained, observation, person
from tests.record.search.world import LOADER_UNIT, UNIT_A, UNIT_B, Known, World

CLINICAL = "http://terminology.hl7.org/CodeSystem/condition-clinical"
VERIFIED = "http://terminology.hl7.org/CodeSystem/condition-ver-status"


def a_list(subject: Known, members: list[Known]) -> dict[str, Any]:
    return {
        "resourceType": "List", "status": "current", "mode": "working", "subject": {"reference": subject.ref},
        "entry": [{"item": {"reference": member.ref}} for member in members],
    }  # fmt: skip


def problem(subject: Known, status: str, verification: str = "confirmed") -> dict[str, Any]:
    return {
        "resourceType": "Condition", "subject": {"reference": subject.ref},
        "category": [{"coding": [{"code": "problem-list-item"}]}],
        "clinicalStatus": {"coding": [{"system": CLINICAL, "code": status}]},
        "verificationStatus": {"coding": [{"system": VERIFIED, "code": verification}]},
    }  # fmt: skip


@pytest.mark.parametrize("is_chart", [True, False])
async def test_members_of_a_list_come_in_the_order_of_the_search(world: World, *, is_chart: bool) -> None:
    _, patient, made = await a_chart(world)
    (listed,) = await world.write([a_list(patient, [made[0], made[2], patient])])
    scope: Scope = Chart((patient.pid,)) if is_chart else Listing(UNIT_A)
    for name in (listed.id, listed.ref):
        answer = await world.search("a", scope, f"Observation?_list={name}&_total=accurate")
        assert (answer.ids, answer.total) == ([made[2].id, made[0].id], 2)
    assert (await world.search("a", scope, f"Patient?_list={listed.id}")).ids == [patient.id]
    for order in ("_lastUpdated", "-code", "_id"):
        found = await world.all_pages("a", scope, f"Observation?_list={listed.id}&_sort={order}&_count=1")
        assert sorted(found) == sorted([made[2].id, made[0].id])
    answer = await world.search("a", scope, f"Observation?_list={listed.id}&date=2024-01-01")
    assert answer.ids == [made[0].id]


async def test_a_hidden_list_has_no_members(world: World) -> None:
    _, patient, made = await a_chart(world)
    (other,) = await world.write([person("Hemmelig")], org=LOADER_UNIT)
    (hidden,) = await world.write([a_list(other, made)], org=UNIT_B)
    for scope in (Chart((patient.pid,)), Listing(UNIT_A)):
        assert (await world.search("a", scope, f"Observation?_list={hidden.id}")).ids == []
        assert (await world.search("a", scope, "Observation?_list=nonsense")).ids == []


async def test_hidden_members_of_a_list_stay_hidden(world: World) -> None:
    _, patient, made = await a_chart(world)
    (other,) = await world.write([person("Hemmelig")], org=LOADER_UNIT)
    (secret,) = await world.write([observation(other)])
    (listed,) = await world.write([a_list(patient, [made[1], secret])])
    for scope in (Chart((patient.pid,)), Listing(UNIT_A)):
        answer = await world.search("a", scope, f"Observation?_list={listed.id}&_total=accurate")
        assert (answer.ids, answer.total) == ([made[1].id], 1)


async def test_a_list_is_the_start_of_the_search(world: World) -> None:
    _, patient, made = await a_chart(world)
    await world.write([observation(patient, code=str(n)) for n in range(400)])
    (listed,) = await world.write([a_list(patient, made)])
    await world.admin.execute("ANALYZE")
    for scope in (Chart((patient.pid,)), Listing(UNIT_A)):
        plan = await explained(world, scope, world.compile(scope, f"Observation?_list={listed.id}"))
        assert "sp_reference_pid" in plan and not re.search("Seq Scan on (sp_|resource)", plan)


async def test_current_problems_are_active_and_not_refuted(world: World) -> None:
    _, patient, _ = await a_chart(world)
    kinds = [("active", "confirmed"), ("relapse", "provisional"), ("resolved", "confirmed"), ("active", "refuted")]
    made = await world.write([problem(patient, *kind) for kind in kinds])
    answer = await world.search("a", Chart((patient.pid,)), "Condition?_list=$current-problems")
    assert sorted(answer.ids) == sorted([made[0].id, made[1].id])


@pytest.mark.parametrize(
    ("rtype", "name"),
    [
        ("Observation", "$current-problems"), ("Condition", "$current-allergies"), ("Condition", "$current"),
        ("Observation", ""), ("Observation", "a,,b"),
    ],
)  # fmt: skip
def test_a_list_that_there_is_not_is_refused(rtype: str, name: str) -> None:
    with pytest.raises(SearchError):
        parse_search(rtype, [("_list", name)])


@pytest.mark.parametrize(
    ("rtype", "name"),
    [
        ("AllergyIntolerance", "$current-allergies"), ("AllergyIntolerance", "$current-drug-allergies"),
        ("MedicationRequest", "$current-medications"), ("MedicationStatement", "$current-medications"),
    ],
)  # fmt: skip
def test_functional_lists_are_conditions_on_their_types(rtype: str, name: str) -> None:
    assert parse_search(rtype, [("_list", name)]).clauses


def test_contained_resources_are_not_searched_by_themselves() -> None:
    assert parse_search("Observation", [("_contained", "false")]).clauses == ()
    for value in ("true", "both"):
        with pytest.raises(SearchError, match="_contained"):
            parse_search("Observation", [("_contained", value)], strict=False)
