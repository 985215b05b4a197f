"""What the chart shows: measured values with their trends, contacts on the timeline, medicines, plans."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Literal

from fellesjournal.clinical.signatures import Signature

Abnormal = Literal["high", "low"]


@dataclass(frozen=True, slots=True)
class Value:
    """One measured value. `number` is None for what isn't a number; `second` is the diastolic pressure."""

    id: str
    key: str
    label: str
    at: datetime
    shown: str
    number: Decimal | None
    unit: str
    second: Decimal | None = None
    abnormal: Abnormal | None = None
    low: Decimal | None = None
    high: Decimal | None = None
    is_lab: bool = False
    signed: Signature | None = None


@dataclass(frozen=True, slots=True)
class Series:
    """All values of one kind, newest first."""

    key: str
    label: str
    unit: str
    values: tuple[Value, ...]

    @property
    def latest(self) -> Value:
        """The newest value."""
        return self.values[0]

    @property
    def earlier(self) -> tuple[Value, ...]:
        """Those before the newest."""
        return self.values[1:]

    @property
    def points(self) -> list[tuple[datetime, Decimal]]:
        """The numbers for a trend line, at most the sixty newest."""
        return [(one.at, one.number) for one in self.values[:60] if one.number is not None]


@dataclass(frozen=True, slots=True)
class Medicine:
    """A medicine in use."""

    name: str
    dose: str
    since: date | None
    reason: str
    as_needed: bool


@dataclass(frozen=True, slots=True)
class Contact:
    """A contact in one of the services, with the notes that belong to it."""

    id: str
    at: datetime
    lane: str
    title: str
    unit: str
    author: str
    diagnoses: tuple[str, ...]
    urgency: str
    is_open: bool
    notes: tuple[tuple[str, str, str], ...] = ()
    """(id, title, text) of each."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A plan in force with what is done and how often."""

    title: str
    unit: str
    since: date | None
    activities: tuple[tuple[str, str], ...]


def series(values: Iterable[Value]) -> tuple[Series, ...]:
    """Values by kind; the kind measured last comes first."""
    by_key: dict[str, list[Value]] = {}
    for one in sorted(values, key=lambda value: value.at, reverse=True):
        by_key.setdefault(one.key, []).append(one)
    return tuple(Series(key, rows[0].label, rows[0].unit, tuple(rows)) for key, rows in by_key.items())


def in_order(found: Sequence[Series], order: Sequence[str]) -> tuple[Series, ...]:
    """The kinds in a fixed order, those without a place last."""
    place = {key: n for n, key in enumerate(order)}
    return tuple(sorted(found, key=lambda one: place.get(one.key, len(order))))


def reference_range(value: Value) -> str:
    """`20–42`, `< 5`, `> 60`, or '' when the answer tells none."""
    low, high = (None if edge is None else str(edge).replace(".", ",") for edge in (value.low, value.high))
    if low is not None and high is not None:
        return f"{low}–{high}"
    if high is not None:
        return f"≤ {high}"
    return f"≥ {low}" if low is not None else ""
