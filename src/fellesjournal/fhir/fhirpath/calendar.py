"""Adding durations to dates and times: the calendar's rules, and no result where the calendar ends."""

from __future__ import annotations

from calendar import monthrange
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from fellesjournal.fhir.fhirpath.errors import FhirPathError
from fellesjournal.fhir.fhirpath.quantity import CALENDAR_UNITS, Quantity
from fellesjournal.fhir.fhirpath.temporal import Date, DateTime, Parts, Temporal, Time

_MONTHS: Final = {"year": 12, "month": 1}
_SECONDS: Final = {
    "week": Decimal(604_800),
    "day": Decimal(86_400),
    "hour": Decimal(3_600),
    "minute": Decimal(60),
    "second": Decimal(1),
    "millisecond": Decimal("0.001"),
}
# UCUM's definite durations that calendars agree with; a UCUM year or month is no calendar's (§ 6.6.7).
# A calendar's own unit is understood in quotes too (`1 'month'`), which UCUM does not have.
_SPELT: Final = {
    **CALENDAR_UNITS,
    "wk": "week",
    "d": "day",
    "h": "hour",
    "min": "minute",
    "s": "second",
    "ms": "millisecond",
}
# How long each part of a date counts, for adding something finer than the value is precise (§ 6.6.7).
_PART_SECONDS: Final = (365 * 86_400, 30 * 86_400, 86_400, 3_600, 60)
_MAX_AMOUNT: Final = Decimal(10) ** 12


def add(moment: Temporal, duration: Quantity) -> Temporal | None:
    """Add a duration, or subtract one that is negative; None where the result is no date.

    Fractions count for seconds and less only (§ 6.6.7). Raises FhirPathError for a unit that is no duration.
    """
    unit = duration.unit if duration.is_calendar else _SPELT.get(duration.unit, "")
    if unit not in _MONTHS and unit not in _SECONDS:
        raise FhirPathError("only a duration can be added to a date or time")
    if abs(duration.value) > _MAX_AMOUNT:
        return None
    amount = duration.value if unit in {"second", "millisecond"} else Decimal(int(duration.value))
    try:
        if isinstance(moment, Time):
            return _add_to_time(moment, amount, unit)
        if unit in _MONTHS:
            return _with(moment, _add_months(moment.parts, int(amount) * _MONTHS[unit]))
        return _with(moment, _add_seconds(moment.parts, amount * _SECONDS[unit]))
    except (ValueError, OverflowError):
        return None


def _with(moment: Date | DateTime, parts: Parts) -> Date | DateTime:
    return DateTime(parts, moment.offset) if isinstance(moment, DateTime) else Date(parts)


def _add_to_time(moment: Time, amount: Decimal, unit: str) -> Time:
    if unit not in _SECONDS:
        raise FhirPathError("only hours, minutes and seconds can be added to a time of day")
    filled = (*moment.parts, 0, 0)
    start = int(filled[0]) * 3600 + int(filled[1]) * 60 + Decimal(filled[2])
    total = start + _cut(amount * _SECONDS[unit], precision=len(moment.parts) + 3)
    total -= 86_400 * (total / 86_400).to_integral_value(rounding="ROUND_FLOOR")
    hours, minutes = divmod(int(total) // 60, 60)
    found: Parts = (hours, minutes, total % 60)
    return Time(found[: len(moment.parts)])


def _add_months(parts: Parts, months: int) -> Parts:
    if len(parts) == 1:
        return _in_range((int(parts[0]) + int(months / 12),))
    years, month = divmod(int(parts[1]) - 1 + months, 12)
    year = int(parts[0]) + years
    if len(parts) == 2:
        return _in_range((year, month + 1))
    _in_range((year,))
    day = min(int(parts[2]), monthrange(year, month + 1)[1])
    return (year, month + 1, day, *parts[3:])


def _add_seconds(parts: Parts, seconds: Decimal) -> Parts:
    if len(parts) < 3:
        steps = int(seconds / _PART_SECONDS[len(parts) - 1])
        return _add_months(parts, steps * (12 if len(parts) == 1 else 1))
    seconds = _cut(seconds, precision=len(parts))
    filled: Parts = (*parts[3:], *(0, 0, 0)[len(parts) - 3 :])
    hour, minute, second = filled
    total = Decimal(second) + seconds
    whole = int(total.to_integral_value(rounding="ROUND_FLOOR"))
    start = datetime(int(parts[0]), int(parts[1]), int(parts[2]), int(hour), int(minute))  # noqa: DTZ001
    moved = start + timedelta(seconds=whole)
    found: Parts = (moved.year, moved.month, moved.day, moved.hour, moved.minute, moved.second + (total - whole))
    return found[: len(parts)]


def _cut(seconds: Decimal, *, precision: int) -> Decimal:
    """Drop what is finer than the value."""
    if precision >= 6:
        return seconds
    unit = _PART_SECONDS[precision - 1]
    return Decimal(int(seconds / unit) * unit)


def _in_range(parts: Parts) -> Parts:
    if not 1 <= parts[0] <= 9999:
        raise ValueError("no such year")
    return parts
