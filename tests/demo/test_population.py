"""The people of the synthetic municipalities hang together, and none of them can be a real person."""

from __future__ import annotations

from collections import Counter
from datetime import date

import pytest

from fellesjournal.demo import story
from fellesjournal.demo.generate import build_world
from fellesjournal.demo.model import Person, World
from fellesjournal.demo.numbers import is_org_number
from fellesjournal.national.identifiers import has_right_check_digits


def living(world: World) -> list[Person]:
    return [one for one in world.people if not one.deceased_on]


def test_the_same_seed_and_day_give_the_same_world(today: date) -> None:
    assert build_world(seed=3, size=100, today=today) == build_world(seed=3, size=100, today=today)


def test_another_seed_gives_another_world(today: date) -> None:
    assert build_world(seed=3, size=100, today=today) != build_world(seed=4, size=100, today=today)


@pytest.mark.parametrize("size", [40, 100, 700])
def test_every_size_has_so_many_living_in_each_municipality(size: int, today: date) -> None:
    world = build_world(seed=2, size=size, today=today)
    homes = Counter(one.address.municipality for one in living(world))
    assert homes == {"7101": size, "7102": size}


def test_every_national_id_is_synthetic_right_and_owned_by_one(world: World) -> None:
    given = [one.national_id for one in world.people]
    numbers = [number for number in (*given, *(one.national_id for one in world.staff)) if number]
    own = {one.person_key for one in world.staff if one.person_key}
    assert len(numbers) - len(own) == len(set(numbers))
    for number in numbers:
        assert has_right_check_digits(number)
        assert 81 <= int(number[2:4]) <= 92


def test_the_national_id_tells_birth_date_and_sex(world: World) -> None:
    for one in world.people:
        if one.national_id:
            day = int(one.national_id[:2]) % 40
            assert (day, int(one.national_id[2:4]) - 80) == (one.birth_on.day, one.birth_on.month)
            assert int(one.national_id[4:6]) == one.birth_on.year % 100
            assert (int(one.national_id[8]) % 2 == 0) == (one.sex == "female")
            assert (int(one.national_id[6:9]) >= 500) == (one.birth_on.year >= 2000)


def test_some_have_a_d_number(world: World) -> None:
    assert [one for one in world.people if one.national_id and int(one.national_id[0]) >= 4]


def test_organisation_numbers_are_right_unique_and_outside_the_real_range(world: World) -> None:
    owners = [one.org_number for one in world.organizations]
    numbers = [*owners, *(one.org_number for one in world.units)]
    assert len(numbers) == len(set(numbers))
    assert all(is_org_number(number) and number[0] in "23" for number in numbers)


def test_telephone_numbers_cannot_be_reached(world: World) -> None:
    phones = [one.phone for one in world.people]
    phones += [one.phone for one in world.staff]
    phones += [one.phone for one in world.units]
    assert all(phone.startswith("+47 00 ") for phone in phones if phone)


def test_only_professions_with_a_licence_have_a_licence_number(world: World) -> None:
    for member in world.staff:
        assert (member.hpr is None) == (member.profession_code == "XX")
        assert member.hpr is None or member.hpr.startswith("99")


def test_keys_are_unique_and_relations_lead_to_people(world: World) -> None:
    keys = {one.key for one in world.people}
    assert len(keys) == len(world.people)
    for one in world.people:
        assert keys.issuperset((*one.parents, *one.children, *(kin.person_key for kin in one.next_of_kin)))
        assert all(world.person(parent).birth_on < one.birth_on for parent in one.parents)


def test_every_child_lives_with_an_adult(world: World, today: date) -> None:
    for home in world.households:
        assert any(world.person(key).age_on(today) >= 18 for key in home.members)


def test_every_child_has_a_parent_and_some_have_one(world: World, today: date) -> None:
    counts = Counter(len(one.parents) for one in living(world) if one.age_on(today) < 18)
    assert counts[0] == 0
    assert counts[1]
    assert counts[2] > counts[1]


def test_everybody_living_is_in_one_household(world: World) -> None:
    members = [key for home in world.households for key in home.members]
    assert sorted(members) == sorted(one.key for one in living(world))


def test_the_ages_are_like_those_of_norway(world: World, today: date) -> None:
    ages = [one.age_on(today) for one in living(world)]
    assert 0.17 < sum(age < 18 for age in ages) / len(ages) < 0.23
    assert 0.14 < sum(age >= 67 for age in ages) / len(ages) < 0.21


def test_couples_are_of_like_age(world: World) -> None:
    gaps = [
        abs((one.birth_on - world.person(one.partner).birth_on).days) for one in living(world) if one.partner
    ]
    assert sorted(gaps)[len(gaps) // 2] < 4 * 365


def test_some_addresses_are_protected_in_each_municipality(world: World) -> None:
    counts = Counter((one.address.municipality, one.protected) for one in living(world))
    for number in ("7101", "7102"):
        assert counts[number, "fortrolig"] >= 2
        assert counts[number, "strengt fortrolig"] >= 1


def test_most_have_a_gp_some_next_door_and_a_few_none(world: World) -> None:
    everybody = living(world)
    none = sum(one.gp_unit is None for one in everybody) / len(everybody)
    away = sum(bool(one.gp_unit) and one.address.municipality not in str(one.gp_unit) for one in everybody)
    assert 0.01 < none < 0.04
    assert 0.02 < away / len(everybody) < 0.09


def test_nobody_is_on_the_own_list(world: World) -> None:
    for member in world.staff:
        if member.person_key:
            assert world.person(member.person_key).gp_staff != member.key


def test_no_doctor_has_two_patients_in_the_same_slot(world: World) -> None:
    slots = Counter((booking.staff_key, booking.at) for one in world.people for booking in one.bookings)
    assert max(slots.values()) == 1


@pytest.mark.parametrize("size", [40, 700])
def test_the_cast_is_there_at_every_size(size: int, today: date) -> None:
    world = build_world(seed=11, size=size, today=today)
    for part in story.CAST:
        found = world.member(part.key) if part.kind == "staff" else world.person(part.key)
        assert found.name == part.name
        if part.unit_key:
            assert world.unit(part.unit_key).key == part.unit_key


def test_the_ages_said_of_the_cast_are_right(world: World, today: date) -> None:
    ages = {
        key: world.person(key).age_on(today)
        for key in (story.ELDERLY, story.CHILD, story.DIABETIC, story.TONIGHT)
    }
    assert ages == {story.ELDERLY: 82, story.CHILD: 14, story.DIABETIC: 58, story.TONIGHT: 34}
