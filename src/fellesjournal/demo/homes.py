"""Where people live: one address for each household, students and the single by themselves."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from random import Random

from fellesjournal.demo import places
from fellesjournal.demo.draft import Draft
from fellesjournal.demo.model import Household


def settle(rng: Random, people: list[Draft], *, first: int, today: date) -> list[Household]:
    """Give every household its address; numbered from `first`."""
    households = []
    for number, members in enumerate(_groups(rng, people, today=today), first):
        key = f"h{number:05d}"
        address = places.address(rng, members[0].municipality)
        for member in members:
            member.household, member.address = key, address
        households.append((key, address, members))
    return [Household(key, address, tuple(one.key for one in members)) for key, address, members in households]


def _groups(rng: Random, people: list[Draft], *, today: date) -> Iterator[list[Draft]]:
    placed: set[int] = set()
    for one in people:
        if id(one) in placed or not _heads(rng, one, today=today):
            continue
        members = [one, *_others(rng, one, placed, today=today)]
        placed.update(id(member) for member in members)
        yield members
    for one in people:
        if id(one) not in placed:
            yield [one]


def _heads(rng: Random, one: Draft, *, today: date) -> bool:
    """Whether the person has a home of their own; the young often still live with a parent."""
    age = one.age_on(today)
    if age >= 24 or one.partner or one.fixed or one.children:
        return age >= 18
    return age >= 18 and (not one.parents() or rng.random() < (0.25 if age < 20 else 0.65))


def _others(rng: Random, head: Draft, placed: set[int], *, today: date) -> Iterator[Draft]:
    partner = head.partner
    if partner and not partner.deceased_on and id(partner) not in placed:
        yield partner
    adults = [head, *([partner] if partner else [])]
    seen: set[int] = set()
    for child in (child for adult in adults for child in adult.children):
        if id(child) in placed or id(child) in seen or child.age_on(today) > 23 or _founded_a_family(child):
            continue
        seen.add(id(child))
        if _stays(rng, child, head, today=today):
            yield child


def _founded_a_family(child: Draft) -> bool:
    return child.partner is not None or bool(child.children)


def _stays(rng: Random, child: Draft, head: Draft, *, today: date) -> bool:
    """With parents who live apart most children stay with the mother."""
    together = child.mother is not None and child.mother.partner is child.father
    if not together and child.mother and head is child.father and not head.fixed:
        return rng.random() < 0.2
    return child.age_on(today) < 18 or rng.random() < 0.6
