"""Build the synthetic municipalities: the same seed, size and day always give the same people.

Order matters and is fixed: ages, families, names, homes, numbers, illnesses, staff, lists, care, agenda, emergencies.
"""

from __future__ import annotations

from datetime import date, timedelta
from random import Random

from fellesjournal.demo import (
    agenda,
    care_needs,
    emergencies,
    families,
    gp_lists,
    homes,
    naming,
    occupations,
    places,
    prevalence,
    pyramid,
    story,
    story_people,
)
from fellesjournal.demo.draft import Draft
from fellesjournal.demo.kin import next_of_kin
from fellesjournal.demo.model import Household, Municipality, World
from fellesjournal.demo.numbers import Numbers
from fellesjournal.demo.workforce import Workforce


def build_world(*, seed: int, size: int, today: date) -> World:
    """Two neighbouring municipalities with `size` living inhabitants each, and those who died of late."""
    numbers = Numbers(Random(f"{seed}:numbers"))
    towns = [_populate(seed, place, size, numbers, today) for place in places.MUNICIPALITIES]
    people = [one for town, _ in towns for one in town]
    rng = Random(f"{seed}:work")
    residents = {town[0].municipality.number: _employable(rng, town, today) for town, _ in towns}
    work = Workforce(rng, numbers, today, residents)
    for municipality in places.MUNICIPALITIES:
        work.build(municipality, inhabitants=size)
    work.give_legevakt_shifts()
    story.cast_staff(work, numbers, people)
    story.join(people, today=today)
    gp_lists.enrol(rng, people, work.staff)
    for town, _ in towns:
        care_needs.grant(rng, town, work.units, work.staff, today=today)
    agenda.plan(rng, people, work.staff, today=today)
    emergencies.assign(Random(f"{seed}:emergencies"), people, today=today)
    return World(
        municipalities=places.MUNICIPALITIES,
        organizations=tuple(work.organizations),
        units=tuple(work.units),
        staff=tuple(work.staff),
        people=tuple(one.freeze(next_of_kin=next_of_kin(one)) for one in people),
        households=tuple(household for _, households in towns for household in households),
    )


def _populate(
    seed: int, municipality: Municipality, size: int, numbers: Numbers, today: date
) -> tuple[list[Draft], list[Household]]:
    rng = Random(f"{seed}:{municipality.number}")
    cast = story_people.people(municipality, today=today)
    drawn = pyramid.draw(rng, count=size - len(cast), today=today)
    living = [*cast, *(Draft(sex, birth_on, municipality) for sex, birth_on in drawn)]
    families.form(rng, living, today=today)
    dead = families.bury(rng, living, today=today)
    town = [*living, *dead]
    naming.name_all(rng, town)
    first = places.MUNICIPALITIES.index(municipality) * 1_000_000
    for number, one in enumerate(town, first):
        one.key = one.key or f"p{number:07d}"
    households = homes.settle(rng, living, first=first, today=today)
    for one in dead:
        one.address = one.partner.address if one.partner else places.address(rng, municipality)
    for one in town:
        _detail(rng, one, numbers, today)
    _protect(rng, living, households)
    return town, households


def _detail(rng: Random, one: Draft, numbers: Numbers, today: date) -> None:
    newborn = (today - one.birth_on).days < 3
    if not newborn:
        foreign = not one.fixed and not one.parents() and 19 < one.age_on(today) < 60 and rng.random() < 0.012
        one.national_id = numbers.national_id(birth_on=one.birth_on, sex=one.sex, d_number=foreign)
    if one.age_on(today) > 10 and not one.deceased_on and rng.random() < 0.96:
        one.phone = numbers.phone()
    one.nynorsk = rng.random() < 0.15
    one.activity = round(rng.lognormvariate(-0.12, 0.5), 2)
    if not one.fixed:
        one.occupation = occupations.occupation(rng, one, today=today)
        prevalence.fall_ill(rng, one, today=today)
        if one.sex == "female" and 21 <= one.age_on(today) <= 41 and rng.random() < (0.05 if one.partner else 0.01):
            one.due_on = today + timedelta(days=rng.randrange(8, 225))


def _protect(rng: Random, living: list[Draft], households: list[Household]) -> None:
    """Whole households: about one in 200 people fortrolig, one in 1,000 strengt fortrolig, at least two and one."""
    by_key = {one.key: one for one in living}
    ordinary = [home for home in households if not any(by_key[key].fixed for key in home.members)]
    rng.shuffle(ordinary)
    for level, wanted in (("strengt fortrolig", len(living) / 1000), ("fortrolig", len(living) / 200)):
        protected = 0
        while ordinary and protected < max(1 if level == "strengt fortrolig" else 2, round(wanted)):
            home = ordinary.pop()
            protected += len(home.members)
            for key in home.members:
                by_key[key].protected = "fortrolig" if level == "fortrolig" else "strengt fortrolig"


def _employable(rng: Random, town: list[Draft], today: date) -> list[Draft]:
    fit = (one for one in town if not one.fixed and not one.deceased_on and not one.protected)
    found = [one for one in fit if 29 <= one.age_on(today) < 66 and one.national_id and "ufør" not in one.occupation]
    rng.shuffle(found)
    return found
