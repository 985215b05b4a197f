"""Numbers that look right and reach nobody: identity, organisation, licence and telephone numbers.

* National identity numbers have month + 80, as the tax administration's synthetic test persons.
* Organisation numbers begin with 2 or 3, as synthetic units do; real ones begin with 8 or 9.
* Licence (HPR) numbers are nine digits from 990000000; real ones have seven or eight.
* Telephone numbers begin with 00: the international prefix, so no Norwegian subscriber can have one.
* A D-number adds 4 to the first digit of the day.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from random import Random

from fellesjournal.national.identifiers import check_digit, check_digits_of

_ORG = (3, 2, 7, 6, 5, 4, 3, 2)


def is_org_number(number: str) -> bool:
    """Whether a nine-digit organisation number has the right check digit."""
    return len(number) == 9 and number[8] == check_digit(number[:8], _ORG)


@dataclass
class Numbers:
    """Hands out numbers, each once."""

    rng: Random
    _used: set[str] = field(default_factory=set)
    _licences: int = 990_000_000

    def national_id(self, *, birth_on: date, sex: str, d_number: bool) -> str:
        """A synthetic identity number for this birth date and sex that nobody else has."""
        day = birth_on.day + (40 if d_number else 0)
        head = f"{day:02d}{birth_on.month + 80:02d}{birth_on.year % 100:02d}"
        serials = list(_serials(birth_on.year, sex))
        start = self.rng.randrange(len(serials))
        for serial in serials[start:] + serials[:start]:
            digits = check_digits_of(stem := f"{head}{serial:03d}")
            if digits is not None and stem + digits not in self._used:
                self._used.add(stem + digits)
                return stem + digits
        raise NumbersExhausted

    def org_number(self) -> str:
        """A synthetic organisation number that no other unit has."""
        while True:
            stem = f"{self.rng.choice('23')}{self.rng.randrange(10_000_000):07d}"
            digit = check_digit(stem, _ORG)
            if digit and stem + digit not in self._used:
                self._used.add(stem + digit)
                return stem + digit

    def licence(self) -> str:
        """The next licence (HPR) number."""
        self._licences += 17
        return str(self._licences)

    def phone(self) -> str:
        """A telephone number that cannot be reached, in Norwegian grouping."""
        pairs = (f"{self.rng.randrange(100):02d}" for _ in range(3))
        return f"+47 00 {' '.join(pairs)}"


class NumbersExhausted(Exception):
    """All serial numbers of one day and sex are taken."""


def _serials(year: int, sex: str) -> Iterable[int]:
    """Serial numbers of the year's range; even for women, odd for men."""
    first, last = (500, 999) if year >= 2000 else (0, 499)
    return range(first + (1 if sex == "male" else 0), last + 1, 2)
