"""What people are called: first names by birth year, surnames through the family."""

from __future__ import annotations

from random import Random

from fellesjournal.demo import names
from fellesjournal.demo.draft import Draft


def name_all(rng: Random, people: list[Draft]) -> None:
    """Name everybody who has no name yet, parents before their children."""
    for one in sorted(people, key=lambda one: (one.birth_on, one.sex)):
        if not one.fixed:
            _name(rng, one)
    for one in people:
        if not one.fixed and one.marital_status in ("gift", "enkeEllerEnkemann"):
            _take_name_of_spouse(rng, one)


def _name(rng: Random, one: Draft) -> None:
    one.given = _given(rng, one)
    if not one.family:
        one.family, one.middle = _inherited(rng, one)
    one.birth_name = one.family


def _given(rng: Random, one: Draft) -> str:
    """Two first names for some; never the name of a brother or sister."""
    taken = {sibling.given.split()[0] for parent in one.parents() for sibling in parent.children if sibling.given}
    year = one.birth_on.year
    name = names.first_name(rng, year=year, sex=one.sex)
    while name in taken:
        name = names.first_name(rng, year=year, sex=one.sex)
    if "-" in name or rng.random() > (0.22 if year > 1950 else 0.34):
        return name
    second = names.first_name(rng, year=year - 25, sex=one.sex)
    return name if second == name or "-" in second else f"{name} {second}"


def _inherited(rng: Random, one: Draft) -> tuple[str, str | None]:
    mother = one.mother.birth_name or one.mother.family if one.mother else None
    father = one.father.family if one.father else None
    siblings = [child for parent in one.parents() for child in parent.children if child.family]
    if siblings:
        return siblings[0].family, siblings[0].middle
    if father and mother and father != mother and one.birth_on.year > 1975:
        draw = rng.random()
        if draw < 0.4:
            return father, mother
        return (father, None) if draw < 0.8 else (mother, father if draw < 0.88 else None)
    return father or mother or names.surname(rng), None


def _take_name_of_spouse(rng: Random, one: Draft) -> None:
    spouse = one.partner
    if not spouse or one.sex != "female" or spouse.sex != "male" or one.family == spouse.family:
        return
    share = 0.93 if one.birth_on.year < 1950 else 0.7 if one.birth_on.year < 1980 else 0.45
    if rng.random() < share:
        if one.birth_on.year > 1955 and rng.random() < 0.4:
            one.middle = one.birth_name
        one.family = spouse.family
