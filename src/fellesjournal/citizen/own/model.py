"""What the pages of the own record show. Frozen; people and units by name."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from itertools import groupby

from fellesjournal.kit.clock import oslo_day


@dataclass(frozen=True, slots=True)
class Paper:
    """One version of a signed note, ready to be read."""

    id: str
    version: int
    title: str
    text: str
    at: datetime
    signed_at: datetime
    author: str
    unit: str
    is_corrected: bool
    encounter: str | None = None


@dataclass(frozen=True, slots=True)
class Medicine:
    """A medicine in use, or one that was."""

    name: str
    substance: str
    dose: str
    reason: str
    since: date | None
    until: date | None
    by: str
    as_needed: bool = False


@dataclass(frozen=True, slots=True)
class Allergy:
    """What the body does not tolerate, and what happens then."""

    text: str
    reaction: str
    is_severe: bool


@dataclass(frozen=True, slots=True)
class Problem:
    """A health problem that the doctor follows."""

    text: str
    since: date | None


@dataclass(frozen=True, slots=True)
class Vaccine:
    """One dose that was given."""

    against: str
    name: str
    on: date | None
    dose: int | None
    by: str


@dataclass(frozen=True, slots=True)
class Meeting:
    """A coming appointment, or a contact that was."""

    id: str
    at: datetime
    title: str
    reason: str
    people: str
    place: str
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Month:
    """The contacts of one month, newest first."""

    on: date
    contacts: tuple[Meeting, ...]


@dataclass(frozen=True, slots=True)
class Value:
    """One measurement as it is shown. `level`: high, low or None; `numbers` are what a trend is drawn of."""

    at: datetime
    shown: str
    level: str | None = None
    numbers: tuple[Decimal, ...] = ()
    by: str = ""


@dataclass(frozen=True, slots=True)
class Series:
    """All measurements of one kind, newest first."""

    code: str
    name: str
    told: str
    unit: str
    usual: str
    values: tuple[Value, ...]

    @property
    def latest(self) -> Value:
        """The newest."""
        return self.values[0]

    @property
    def lines(self) -> tuple[tuple[tuple[datetime, Decimal], ...], ...]:
        """Points of a trend for each number that a measurement has; none for fewer than two measurements."""
        with_numbers = [value for value in self.values if value.numbers]
        if len(with_numbers) < 2:
            return ()
        width = min(len(value.numbers) for value in with_numbers)
        return tuple(tuple((value.at, value.numbers[n]) for value in with_numbers) for n in range(width))


def by_month(contacts: Iterable[Meeting]) -> list[Month]:
    """Contacts (newest first) by their Norwegian month."""
    grouped = groupby(contacts, key=lambda one: oslo_day(one.at).replace(day=1))
    return [Month(month, tuple(found)) for month, found in grouped]
