"""Who belongs together: couples, children with their parents, grown-up children, the widowed and the dead."""

from __future__ import annotations

from bisect import bisect
from collections import defaultdict
from collections.abc import Iterable
from datetime import date, timedelta
from random import Random

from fellesjournal.demo.draft import Draft

# Share of women living with a partner, by age.
_PARTNERED = ((20, 0.2), (25, 0.56), (30, 0.74), (45, 0.74), (67, 0.7), (75, 0.56), (82, 0.34), (90, 0.12))
# How likely a woman with so many children already is to be the mother of one more.
_ONE_MORE = (0.75, 1.0, 0.4, 0.1, 0.02)


def form(rng: Random, people: list[Draft], *, today: date) -> None:
    """Set partners, parents and children among the people of one municipality."""
    _couples(rng, people, today=today)
    _minors(rng, people, today=today)
    _grown_up_children(rng, people, today=today)
    _marry(rng, people, today=today)


def bury(rng: Random, people: list[Draft], *, today: date) -> list[Draft]:
    """New drafts of those who died in the last three years; half of them leave one of `people` widowed."""
    alone = [one for one in people if not one.partner and not one.fixed and one.age_on(today) >= 68]
    rng.shuffle(alone)
    dead = []
    for number in range(max(1, round(len(people) * 0.024))):
        left = alone.pop() if alone and number % 2 == 0 else None
        dead.append(_dead(rng, people[0], left, today=today))
    return dead


def _dead(rng: Random, neighbour: Draft, left: Draft | None, *, today: date) -> Draft:
    deceased_on = today - timedelta(days=rng.randrange(20, 3 * 365))
    if left:
        birth_on = left.birth_on - timedelta(days=rng.randrange(-900, 2200))
        sex = left.sex
        one = Draft("male" if sex == "female" else "female", birth_on, neighbour.municipality)
        left.partner, one.partner, left.marital_status, left.widowed = one, left, "enkeEllerEnkemann", True
        one.family = one.birth_name = left.family
        one.marital_status = "gift"
    else:
        years = min(103.0, max(35.0, rng.gauss(81, 11)))
        one = Draft(rng.choice(("female", "male")), deceased_on - timedelta(days=int(years * 365.25)),
                    neighbour.municipality)  # fmt: skip
    one.deceased_on = deceased_on
    return one


def _couples(rng: Random, people: list[Draft], *, today: date) -> None:
    free = [one for one in people if one.age_on(today) >= 20 and not one.partner and not one.fixed]
    women = [one for one in free if one.sex == "female" and rng.random() < _share(one.age_on(today))]
    men = [one for one in free if one.sex == "male"]
    men.sort(key=lambda one: one.birth_on)
    rng.shuffle(women)
    for woman in women:
        man = _nearest(men, woman.birth_on - timedelta(days=int(rng.gauss(800, 1100))))
        if man and abs((woman.birth_on - man.birth_on).days) < 15 * 365:
            men.remove(man)
            _join(woman, man)
    _same_sex(rng, [one for one in free if not one.partner and one.age_on(today) < 75])


def _nearest(men: list[Draft], birth_on: date) -> Draft | None:
    """The one born closest to this day; `men` are sorted by birth."""
    place = bisect(men, birth_on, key=lambda one: one.birth_on)
    around = men[max(0, place - 1) : place + 1]
    return min(around, key=lambda one: abs((one.birth_on - birth_on).days), default=None)


def _same_sex(rng: Random, single: list[Draft]) -> None:
    for sex in ("female", "male"):
        own = [one for one in single if one.sex == sex]
        for first, second in zip(own[::40], own[1::40], strict=False):
            if rng.random() < 0.7:
                _join(first, second)


def _join(first: Draft, second: Draft) -> None:
    first.partner, second.partner = second, first


def _share(age: int) -> float:
    return [share for start, share in _PARTNERED if age >= start][-1]


def _minors(rng: Random, people: list[Draft], *, today: date) -> None:
    mothers: dict[int, list[Draft]] = defaultdict(list)
    for one in people:
        if one.sex == "female" and not one.fixed and 19 <= one.age_on(today) <= 62:
            mothers[one.birth_on.year].append(one)
    for child in people:
        if child.age_on(today) < 20 and not child.fixed and not child.mother:
            mother = _mother(rng, child, mothers)
            if mother:
                _adopt(child, mother)
                child.father = _father(rng, child, mother, people)
                if child.father:
                    child.father.children.append(child)


def _mother(rng: Random, child: Draft, mothers: dict[int, list[Draft]]) -> Draft | None:
    for _ in range(40):
        year = child.birth_on.year - round(min(43.0, max(19.0, rng.gauss(30.5, 4.8))))
        candidates = mothers.get(year)
        if not candidates:
            continue
        one = rng.choice(candidates)
        fits = all(_apart(child, sibling) for sibling in one.children)
        chance = _ONE_MORE[min(4, len(one.children))] * (1.0 if one.partner else 0.22)
        if fits and rng.random() < chance:
            return one
    return None


def _apart(child: Draft, sibling: Draft) -> bool:
    """Siblings are at least fifteen months apart; twins are too rare to be drawn by chance."""
    return abs((child.birth_on - sibling.birth_on).days) > 455


def _father(rng: Random, child: Draft, mother: Draft, people: list[Draft]) -> Draft | None:
    together = mother.partner
    if together and together.sex == "male" and (child.birth_on - together.birth_on).days > 19 * 365:
        return together
    known = [sibling.father for sibling in mother.children if sibling.father]
    if known:
        return known[0]
    if rng.random() < 0.3:
        return None
    for _ in range(12):
        one = rng.choice(people)
        years = (child.birth_on - one.birth_on).days / 365.25
        if one.sex == "male" and not one.fixed and not one.partner and 20 < years < 50:
            return one
    return None


def _adopt(child: Draft, mother: Draft) -> None:
    child.mother = mother
    mother.children.append(child)


def _grown_up_children(rng: Random, people: list[Draft], *, today: date) -> None:
    """Give some adults one of the old as their mother or father, so that the old have next of kin."""
    adults = [one for one in people if 20 <= one.age_on(today) < 66 and not one.mother and not one.fixed]
    rng.shuffle(adults)
    by_year: dict[int, list[Draft]] = defaultdict(list)
    for one in adults:
        by_year[one.birth_on.year].append(one)
    for old in people:
        if old.age_on(today) < 48 or old.fixed or (old.sex == "male" and old.partner):
            continue
        for _ in range(rng.choices((0, 1, 2, 3), (3, 3, 4, 1))[0]):
            _find_child(rng, old, by_year)


def _find_child(rng: Random, old: Draft, by_year: dict[int, list[Draft]]) -> None:
    year = old.birth_on.year + round(min(42.0, max(19.0, rng.gauss(27, 4.5))))
    candidates = by_year.get(year)
    if not candidates or candidates[-1].partner is old:
        return
    child = candidates.pop()
    parents = [old, *([old.partner] if old.partner else [])]
    for parent in parents:
        if parent.sex == "female" and not child.mother:
            child.mother = parent
        elif parent.sex == "male" and not child.father:
            child.father = parent
        else:
            continue
        parent.children.append(child)


def _marry(rng: Random, people: Iterable[Draft], *, today: date) -> None:
    for one in people:
        partner = one.partner
        if partner and one.marital_status == "ugift" and partner.marital_status == "ugift":
            share = 0.93 if one.age_on(today) > 60 else 0.62 if one.age_on(today) > 33 else 0.25
            status = "gift" if rng.random() < share else "ugift"
            one.marital_status = partner.marital_status = status
        elif not partner and one.age_on(today) > 34 and one.children and rng.random() < 0.5:
            one.marital_status = "skilt"
