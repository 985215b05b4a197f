"""Who has municipal care: home care by age and illness, a place in a nursing home, a safety alarm."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date, timedelta
from random import Random

from fellesjournal.demo.draft import Draft
from fellesjournal.demo.model import Service, Staff, Unit

_HOME_CARE = ((0, 0.002), (18, 0.009), (50, 0.014), (67, 0.045), (80, 0.17), (90, 0.36))
_NURSING_HOME = ((0, 0.0), (67, 0.006), (80, 0.05), (90, 0.2))
_HEAVY = ("P70", "K90", "K77", "N87", "R95")


def grant(rng: Random, people: list[Draft], units: Iterable[Unit], staff: list[Staff], *, today: date) -> None:
    """Grant services to the living of one municipality; residents of a nursing home live there."""
    own = [unit for unit in units if unit.municipality == people[0].municipality.number]
    zones = [unit for unit in own if unit.kind == "home_care" and unit.parent.startswith("u-")]
    wards = [unit for unit in own if unit.kind == "nursing_home" and unit.parent.startswith("u-")]
    for one in people:
        if one.deceased_on or one.fixed:
            continue
        age = one.age_on(today)
        weight = 2.2 if any(illness.code in _HEAVY for illness in one.illnesses) else 0.7
        if rng.random() < _step(_NURSING_HOME, age) * weight * (0.4 if one.partner else 1.2):
            _move_in(rng, one, rng.choice(wards), staff, today=today)
        elif rng.random() < _step(_HOME_CARE, age) * weight:
            _home_care(rng, one, rng.choice(zones), staff, today=today)


def carers(unit: Unit, staff: Iterable[Staff]) -> list[Staff]:
    """Those who give care at the unit."""
    return [member for member in staff if member.posts[0].unit_key == unit.key]


def _move_in(rng: Random, one: Draft, ward: Unit, staff: list[Staff], *, today: date) -> None:
    short = rng.random() < 0.25
    days = rng.randrange(3, 25) if short else rng.randrange(40, 1400)
    code = rng.choice(("18", "19")) if short else "21"
    start_on = max(today - timedelta(days=days), one.birth_on)
    one.services.append(Service(code, ward.key, rng.choice(carers(ward, staff)).key, start_on, 3.0))
    if not short:
        one.address = ward.address
        one.phone = None


def _home_care(rng: Random, one: Draft, zone: Unit, staff: list[Staff], *, today: date) -> None:
    start_on = today - timedelta(days=rng.randrange(20, 1500))
    visits = rng.choices((0.3, 0.5, 1.0, 2.0, 3.0, 4.0), (4, 4, 6, 4, 2, 1))[0]
    primary = rng.choice(carers(zone, staff)).key
    one.services.append(Service("15", zone.key, primary, start_on, visits))
    if one.age_on(today) > 74 and rng.random() < 0.55:
        one.services.append(replace(one.services[0], code="6", visits_per_day=0.0))
    if rng.random() < 0.35:
        one.services.append(replace(one.services[0], code="1", visits_per_day=1 / 14))


def _step(steps: tuple[tuple[int, float], ...], age: int) -> float:
    return [share for start, share in steps if age >= start][-1]
