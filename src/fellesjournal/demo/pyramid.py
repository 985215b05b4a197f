"""How old people are: an age pyramid like Norway's, for one municipality."""

from __future__ import annotations

from datetime import date, timedelta
from random import Random

from fellesjournal.demo.model import Sex

# Share of the population for each five years from 0–4 to 95–99, in per mille (Norway, rounded).
_SHARES = (50, 54, 58, 60, 61, 62, 68, 67, 66, 62, 66, 68, 61, 55, 51, 46, 27, 13, 5, 1)
# Women for each 1,000 of the age group; men are a small majority until sixty.
_WOMEN = (487, 487, 487, 485, 483, 484, 486, 487, 488, 489, 490, 492, 497, 503, 508, 521, 559, 624, 712, 790)


def draw(rng: Random, *, count: int, today: date) -> list[tuple[Sex, date]]:
    """Sex and birth date of `count` living people, oldest first.

    The age groups are filled by share, not by chance, so that a small municipality is no outlier.
    """
    total = sum(_SHARES)
    people: list[tuple[Sex, date]] = []
    for number in range(count):
        group = _group((number + 0.5) / count * total)
        sex: Sex = "female" if rng.randrange(1000) < _WOMEN[group] else "male"
        days = group * 5 * 365.25 + rng.random() * 5 * 365.25
        people.append((sex, today - timedelta(days=int(days))))
    return sorted(people, key=lambda one: one[1])


def _group(position: float) -> int:
    for group, share in enumerate(_SHARES):
        position -= share
        if position < 0:
            return group
    return len(_SHARES) - 1
