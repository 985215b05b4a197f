"""How common lasting illnesses are by age and sex, and who has which.

Shares are rounded from general knowledge of Norwegian primary care.
They are believable, not statistics: use them for demonstration alone.
"""

from __future__ import annotations

from bisect import bisect
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

from fellesjournal.demo.draft import Draft
from fellesjournal.demo.model import Illness

Curve = tuple[tuple[int, float], ...]


@dataclass(frozen=True, slots=True)
class Rate:
    """The share (per cent) that has the illness, by age, and how it differs in women and men."""

    code: str
    curve: Curve
    women: float = 1.0
    men: float = 1.0
    with_codes: tuple[str, ...] = ()
    """Illnesses that make this one three times as common."""


RATES = (
    Rate("K86", ((30, 0), (40, 3), (55, 17), (65, 32), (75, 42), (90, 42)), men=1.05),
    Rate("T93", ((35, 0), (50, 5), (65, 15), (80, 17))),
    Rate("T82", ((12, 1), (30, 5), (50, 9), (70, 7), (85, 2))),
    Rate("T90", ((30, 0), (45, 2), (60, 7), (72, 13), (85, 14)), women=0.8, men=1.2, with_codes=("T82",)),
    Rate("T89", ((4, 0.1), (15, 0.5), (40, 0.6), (70, 0.4))),
    Rate("K87", ((55, 0), (68, 2), (80, 6)), with_codes=("T90",)),
    Rate("K76", ((45, 0), (60, 4), (75, 12), (88, 16)), women=0.6, men=1.4, with_codes=("T90", "T93")),
    Rate("K78", ((45, 0.2), (62, 2), (72, 7), (82, 14), (92, 18)), women=0.8, men=1.2, with_codes=("K77",)),
    Rate("K77", ((55, 0.2), (70, 2), (80, 6), (92, 13)), with_codes=("K76", "K87")),
    Rate("K90", ((50, 0.3), (65, 2), (80, 7), (92, 10)), with_codes=("K78",)),
    Rate("R96", ((2, 0), (5, 6), (15, 8), (40, 6), (80, 6))),
    Rate("R95", ((42, 0), (55, 2.5), (68, 7), (80, 9)), with_codes=("P17",)),
    Rate("R97", ((4, 0), (10, 7), (25, 14), (50, 8), (80, 2))),
    Rate("P76", ((13, 0), (18, 3), (30, 6), (50, 7), (85, 6)), women=1.35, men=0.7),
    Rate("P74", ((10, 0.5), (18, 4), (35, 5), (60, 4), (85, 3)), women=1.4, men=0.7, with_codes=("P76",)),
    Rate("P06", ((25, 0.5), (50, 5), (75, 9), (90, 10)), women=1.3, men=0.8),
    Rate("P81", ((6, 0), (10, 3.5), (17, 4.5), (30, 2.5), (50, 0.5)), women=0.7, men=1.3),
    Rate("P70", ((62, 0), (72, 2.5), (80, 11), (90, 32))),
    Rate("P15", ((25, 0), (45, 1.2), (65, 1.5)), women=0.5, men=1.5),
    Rate("P17", ((20, 2), (45, 7), (65, 9), (80, 4))),
    Rate("T86", ((20, 0.5), (45, 4), (65, 7), (85, 8)), women=1.7, men=0.4),
    Rate("T85", ((25, 0), (50, 0.6), (75, 1)), women=1.6, men=0.4),
    Rate("T92", ((35, 0), (55, 2.5), (75, 5)), women=0.4, men=1.6),
    Rate("L88", ((25, 0.1), (55, 1.4), (75, 2)), women=1.4, men=0.6),
    Rate("L89", ((50, 0), (65, 6), (80, 12))),
    Rate("L90", ((45, 0.5), (62, 8), (80, 13)), women=1.3, men=0.8, with_codes=("T82",)),
    Rate("L91", ((50, 0.5), (68, 7), (85, 11)), women=1.3, men=0.7),
    Rate("L95", ((52, 0), (68, 6), (82, 16)), women=1.7, men=0.3),
    Rate("L84", ((20, 1), (40, 5), (60, 7), (80, 5))),
    Rate("L83", ((25, 0.5), (45, 4), (65, 4)), women=1.3, men=0.7),
    Rate("L18", ((25, 0.1), (45, 2.5), (65, 4)), women=1.8, men=0.2),
    Rate("N89", ((10, 1), (20, 6), (40, 10), (60, 5), (75, 1)), women=1.5, men=0.5),
    Rate("N88", ((2, 0.5), (40, 0.8), (80, 1.3))),
    Rate("N87", ((58, 0), (70, 0.7), (82, 2))),
    Rate("N17", ((55, 0), (70, 3), (85, 9))),
    Rate("S87", ((0, 5), (3, 13), (10, 9), (25, 4), (70, 2))),
    Rate("S91", ((15, 0.5), (40, 2.5), (70, 3))),
    Rate("D84", ((25, 0.5), (50, 5), (75, 8))),
    Rate("D93", ((15, 1), (35, 5), (60, 4), (80, 2)), women=1.5, men=0.5),
    Rate("D92", ((45, 0), (65, 3), (80, 6))),
    Rate("X76", ((38, 0), (55, 2.2), (75, 4)), women=1.0, men=0.0),
    Rate("Y77", ((55, 0), (70, 6), (82, 11)), women=0.0),
    Rate("Y85", ((48, 0), (62, 7), (78, 17)), women=0.0),
    Rate("D75", ((50, 0), (68, 1.5), (82, 3))),
    Rate("R84", ((55, 0), (68, 0.7), (80, 1)), with_codes=("P17", "R95")),
    Rate("U04", ((40, 1), (65, 6), (85, 14)), women=1.4, men=0.5),
    Rate("X11", ((44, 0), (48, 6), (53, 11), (60, 3), (66, 0)), men=0.0),
    Rate("U99", ((60, 0), (72, 4), (85, 13)), with_codes=("T90", "K87", "K77")),
    Rate("F92", ((62, 0), (74, 8), (86, 15))),
    Rate("H84", ((60, 0), (72, 8), (86, 24))),
    Rate("B80", ((13, 0.5), (30, 2.5), (48, 3), (60, 1), (85, 3)), women=1.7, men=0.2),
)
_EARLY = {
    "T89": (3, 25),
    "P81": (6, 15),
    "S87": (0, 4),
    "R96": (2, 20),
    "R97": (4, 20),
    "N89": (12, 35),
    "N88": (1, 30),
}


def fall_ill(rng: Random, one: Draft, *, today: date) -> None:
    """Give the person lasting illnesses as common as they are at this age, at most nine."""
    day = one.deceased_on or today
    age = one.age_on(day)
    have: set[str] = set()
    for rate in RATES:
        if rng.random() * 100 < _share(rate, one.sex, age, have) and not _excluded(rate.code, have):
            have.add(rate.code)
            one.illnesses.append(Illness(rate.code, _onset(rng, rate.code, one, day), round(rng.random(), 2)))
    one.illnesses = sorted(one.illnesses[:9], key=lambda illness: illness.onset_on)
    one.smoker = "P17" in have or (age > 16 and rng.random() < 0.05)


def _share(rate: Rate, sex: str, age: int, have: set[str]) -> float:
    ages = [point[0] for point in rate.curve]
    place = bisect(ages, age)
    if place == 0:
        return 0.0
    share = rate.curve[place - 1][1]
    if place < len(ages):
        (left, low), (right, high) = rate.curve[place - 1], rate.curve[place]
        share = low + (high - low) * (age - left) / (right - left)
    factor = rate.women if sex == "female" else rate.men
    return share * factor * (3.0 if have.intersection(rate.with_codes) else 1.0)


def _excluded(code: str, have: set[str]) -> bool:
    pairs = {"K87": "K86", "T89": "T90", "T85": "T86", "L83": "L18"}
    return pairs.get(code) in have


def _onset(rng: Random, code: str, one: Draft, day: date) -> date:
    """Some began within the years that the record covers, so that their course is seen from the start."""
    if code in _EARLY:
        first, last = _EARLY[code]
        began = one.birth_on + timedelta(days=int(rng.uniform(first + 0.2, last) * 365.25))
        if began < day:
            return began
    longest = min(14.0, max(0.4, (day - one.birth_on).days / 365.25 - 0.3))
    return day - timedelta(days=int(rng.uniform(0.15, longest) * 365.25))
