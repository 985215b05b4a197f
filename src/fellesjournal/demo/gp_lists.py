"""Who is on which GP's list: families together, a few with a GP next door, a few with none."""

from __future__ import annotations

from collections import Counter
from random import Random

from fellesjournal.demo.draft import Draft
from fellesjournal.demo.model import Staff

_ELSEWHERE = 0.05
_NONE = 0.02


def enrol(rng: Random, people: list[Draft], staff: list[Staff]) -> None:
    """Give each person without a list a GP; lists fill evenly, nobody is on the own list."""
    lists = _Lists(staff)
    families: dict[str, Staff] = {}
    for one in people:
        if one.gp_staff or one.fixed:
            continue
        draw = rng.random()
        if draw < _NONE:
            continue
        near = one.municipality.number if draw > _NONE + _ELSEWHERE else lists.neighbour(one)
        family = families.get(one.household)
        is_other = family is not None and family.person_key != one.key
        same = family if is_other and rng.random() < 0.6 and draw > _NONE + _ELSEWHERE else None
        doctor = same or lists.shortest(near, one)
        families.setdefault(one.household, doctor)
        lists.put(one, doctor)


class _Lists:
    """The GPs of each municipality and how many each has."""

    def __init__(self, staff: list[Staff]) -> None:
        self._doctors: dict[str, list[Staff]] = {}
        self._length: Counter[str] = Counter()
        for member in staff:
            if member.posts[0].role == "fastlege":
                self._doctors.setdefault(member.posts[0].unit_key.split("-")[2], []).append(member)

    def neighbour(self, one: Draft) -> str:
        return next(number for number in self._doctors if number != one.municipality.number)

    def shortest(self, municipality: str, one: Draft) -> Staff:
        doctors = [doctor for doctor in self._doctors[municipality] if doctor.person_key != one.key]
        return min(doctors or self._doctors[self.neighbour(one)], key=lambda doctor: self._length[doctor.key])

    def put(self, one: Draft, doctor: Staff) -> None:
        self._length[doctor.key] += 1
        one.gp_staff, one.gp_unit = doctor.key, doctor.posts[0].unit_key
