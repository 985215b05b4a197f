"""Dates, instants and times of day as FHIRPath has them: as precise as they were written.

Two values of unequal precision may be neither equal nor ordered; the answer is then None.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import ClassVar, Final, Self

# A part of a date or time; seconds keep the digits after the point.
Parts = tuple[int | Decimal, ...]

_DATE: Final = re.compile(r"([0-9]{4})(?:-([0-9]{2})(?:-([0-9]{2}))?)?")
_TIME: Final = re.compile(r"([0-9]{2})(?::([0-9]{2})(?::([0-9]{2}(?:\.[0-9]{1,30})?))?)?")
_ZONE: Final = re.compile(r"Z|([+-])([0-9]{2}):([0-9]{2})")
_MAX_OFFSET: Final = 14 * 60
_MAX_LENGTH: Final = 60


@dataclass(frozen=True, slots=True)
class Date:
    """A day, a month or a year: one to three parts."""

    parts: Parts
    type_name: ClassVar[str] = "Date"

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """Read `2012`, `2012-04` or `2012-04-15`; None for anything else."""
        parts = _date_parts(text)
        return None if parts is None else cls(parts)

    @property
    def offset(self) -> int | None:
        """A date has no time zone."""
        return None

    def __str__(self) -> str:
        return "-".join([f"{self.parts[0]:04}", *(f"{part:02}" for part in self.parts[1:])])


@dataclass(frozen=True, slots=True)
class DateTime:
    """A day with or without a time: one to six parts, and the zone's offset in minutes where it is known."""

    parts: Parts
    offset: int | None = None
    type_name: ClassVar[str] = "DateTime"

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """Read `2012-04-15T10:00:00+02:00` or the start of it; None for anything else."""
        found = _moment_parts(text) if len(text) <= _MAX_LENGTH else None
        return None if found is None else cls(*found)

    @classmethod
    def of(cls, moment: datetime) -> Self:
        """Convert an aware instant, to the millisecond."""
        offset = moment.utcoffset()
        seconds = Decimal(moment.second) + Decimal(moment.microsecond // 1000).scaleb(-3)
        parts = (moment.year, moment.month, moment.day, moment.hour, moment.minute, seconds)
        return cls(parts, None if offset is None else int(offset.total_seconds()) // 60)

    def __str__(self) -> str:
        day = str(Date(self.parts[:3]))
        if len(self.parts) <= 3:
            return day
        return f"{day}T{_spell_time(self.parts[3:])}{_spell_zone(self.offset)}"


@dataclass(frozen=True, slots=True)
class Time:
    """A time of day: one to three parts."""

    parts: Parts
    type_name: ClassVar[str] = "Time"

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """Read `10`, `10:30` or `10:30:00.000`, with or without a T before it; None for anything else."""
        parts = _time_parts(text.removeprefix("T"))
        return None if parts is None else cls(parts)

    @classmethod
    def of(cls, moment: datetime) -> Self:
        """Take the time of day of an instant, to the millisecond."""
        return cls(DateTime.of(moment).parts[3:])

    @property
    def offset(self) -> int | None:
        """A time of day has no time zone."""
        return None

    def __str__(self) -> str:
        return _spell_time(self.parts)


Temporal = Date | DateTime | Time


def order(one: Temporal, other: Temporal, *, zone: int) -> int | None:
    """Compare: negative, 0 or positive; None where the less precise value leaves it open.

    `zone` is the offset in minutes of times without one. A day and a time of day do not compare: the caller sees to it.
    """
    first, second = one.parts, other.parts
    if len(first) > 3 and len(second) > 3 and one.offset != other.offset:
        first, second = in_utc(one, zone=zone), in_utc(other, zone=zone)
    for a, b in zip(first, second, strict=False):
        if a != b:
            return -1 if a < b else 1
    return 0 if len(first) == len(second) else None


def in_utc(moment: Temporal, *, zone: int) -> Parts:
    """Return the parts in UTC, as many as there were."""
    if len(moment.parts) <= 3:
        return moment.parts
    offset = zone if moment.offset is None else moment.offset
    if not offset:
        return moment.parts
    year, month, day, hour, minute, second = _whole(moment.parts)
    try:
        moved = datetime(year, month, day, hour, minute) - timedelta(minutes=offset)  # noqa: DTZ001
    except OverflowError:
        return moment.parts
    return (moved.year, moved.month, moved.day, moved.hour, moved.minute, second)[: len(moment.parts)]


@lru_cache(maxsize=4096)
def _moment_parts(text: str) -> tuple[Parts, int | None] | None:
    day, mark, rest = text.partition("T")
    parts = _date_parts(day)
    if parts is None or not rest:
        return None if parts is None else (parts, None)
    zone = _ZONE.search(rest)
    time = _time_parts(rest[: zone.start()] if zone else rest)
    if time is None or len(parts) != 3 or not mark or (zone and zone.end() != len(rest)):
        return None
    offset = _offset(zone) if zone else None
    if offset is not None and abs(offset) > _MAX_OFFSET:
        return None
    return parts + time, offset


def _date_parts(text: str) -> Parts | None:
    match = _DATE.fullmatch(text)
    if match is None:
        return None
    parts = tuple(int(part) for part in match.groups() if part)
    try:
        datetime(*(*parts, 1, 1)[:3])  # type: ignore[arg-type]  # noqa: DTZ001
    except ValueError:
        return None
    return parts


def _time_parts(text: str) -> Parts | None:
    match = _TIME.fullmatch(text)
    if match is None:
        return None
    hour, minute, second = match.groups()
    if int(hour) > 23 or int(minute or 0) > 59 or Decimal(second or 0) >= 61:
        return None
    if second:
        return (int(hour), int(minute), Decimal(second))
    return (int(hour), int(minute)) if minute else (int(hour),)


def _offset(zone: re.Match[str]) -> int:
    sign, hours, minutes = zone.groups()
    if sign is None:
        return 0
    return (int(hours) * 60 + int(minutes)) * (-1 if sign == "-" else 1)


def _whole(parts: Parts) -> tuple[int, int, int, int, int, Decimal]:
    """Fill up with the first month, day, hour, minute and second."""
    filled = (*parts, *(1, 1, 1, 0, 0, 0)[len(parts) :])
    year, month, day, hour, minute = (int(part) for part in filled[:5])
    return year, month, day, hour, minute, Decimal(filled[5])


def _spell_time(parts: Parts) -> str:
    spelt = [f"{part:02}" for part in parts[:2]]
    if len(parts) > 2:
        whole, _, fraction = f"{parts[2]:f}".partition(".")
        spelt.append(f"{whole:0>2}" + (f".{fraction}" if fraction else ""))
    return ":".join(spelt)


def _spell_zone(offset: int | None) -> str:
    if offset is None:
        return ""
    if offset == 0:
        return "Z"
    hours, minutes = divmod(abs(offset), 60)
    return f"{'-' if offset < 0 else '+'}{hours:02}:{minutes:02}"
