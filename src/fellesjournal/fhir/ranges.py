"""What a date or a number covers: the half-open range that its precision implies.

`2024-03` is all of March; `5.40` is [5.395, 5.405). Search compares ranges, as R4 asks for.
Dates without a zone are Norwegian: a day of the daylight-saving change is 23 or 25 hours long.
Source: https://hl7.org/fhir/R4/search.html#date and #number
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from decimal import Context, Decimal
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

OSLO: Final = ZoneInfo("Europe/Oslo")
OPEN_START: Final = datetime(1, 1, 1, tzinfo=UTC)
OPEN_END: Final = datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)

_DATE = re.compile(
    r"(?P<year>[0-9]{4})(?:-(?P<month>[0-9]{2})(?:-(?P<day>[0-9]{2})"
    r"(?:T(?P<hour>[0-9]{2}):[0-9]{2}(?::(?P<second>[0-9]{2})(?:\.(?P<fraction>[0-9]+))?)?"
    r"(?P<zone>Z|[+-][0-9]{2}:[0-9]{2})?)?)?)?"
).fullmatch
_NUMBER = re.compile(r"[+-]?[0-9]{1,100}(?:\.[0-9]{1,100})?(?:[eE][+-]?[0-9]{1,3})?").fullmatch
_MAX_EXPONENT: Final = 300
_wide = Context(prec=250)

Span = tuple[datetime, datetime]


@lru_cache(maxsize=16384)
def date_range(text: str) -> Span:
    """Return [start, end) in UTC of a date, dateTime or instant; minutes without seconds are allowed,
    for searches.

    A local time that comes twice in autumn covers both hours. Raises ValueError for what is no real date.
    """
    match = _DATE(text)
    if match is None:
        raise ValueError("not a date")
    if match["hour"] is not None:
        return _moment(text, match)
    start = date(int(match["year"]), int(match["month"] or 1), int(match["day"] or 1))
    return _midnight(start), _midnight(_next(start, match))


def number_range(text: str) -> tuple[float, float]:
    """Return [low, high) of a number as written. Raises ValueError for what is no number, or an absurd one.

    With an exponent and no decimals, one more digit is implied: `1e2` is [95, 105), as R4 says.
    """
    return decimal_range(read_number(text))


def read_number(text: str) -> Decimal:
    """Return a number as precise as it is written, as above. Raises ValueError for what is no number."""
    if _NUMBER(text) is None:
        raise ValueError("not a number")
    value = Decimal(text)
    if "e" in text.lower() and "." not in text:
        value = Decimal((value.as_tuple().sign, (*value.as_tuple().digits, 0), _exponent(value) - 1))
    return value


def decimal_range(value: Decimal | int) -> tuple[float, float]:
    """Return [low, high) of a number that is already read. Raises ValueError for an absurd one."""
    low, high = bounds(value)
    return float(low), float(high)


def bounds(value: Decimal | int) -> tuple[Decimal, Decimal]:
    """Return [low, high) of a number that is already read, exactly. Raises ValueError for an absurd one."""
    value = Decimal(value)
    exponent = _exponent(value)
    if abs(value.adjusted()) > _MAX_EXPONENT or abs(exponent) > _MAX_EXPONENT:
        raise ValueError("a number out of range")
    half = Decimal((0, (5,), exponent - 1))
    return _wide.subtract(value, half), _wide.add(value, half)


def _exponent(value: Decimal) -> int:
    exponent = value.as_tuple().exponent
    if not isinstance(exponent, int):
        raise ValueError("not a number")
    return exponent


def _next(start: date, match: re.Match[str]) -> date | None:
    """Return the first day after a day, month or year; None after the end of the calendar."""
    try:
        if match["day"] is not None:
            return start + timedelta(days=1)
        if match["month"] is not None:
            return date(start.year + start.month // 12, start.month % 12 + 1, 1)
        return date(start.year + 1, 1, 1)
    except (ValueError, OverflowError):
        return None


def _midnight(day: date | None) -> datetime:
    return OPEN_END if day is None else _to_utc(datetime(day.year, day.month, day.day, tzinfo=OSLO))


def _moment(text: str, match: re.Match[str]) -> Span:
    is_leap = match["second"] == "60"
    at = datetime.fromisoformat(text.replace(":60", ":59", 1) if is_leap else text)
    step = _step(match["fraction"], has_seconds=match["second"] is not None)
    if match["zone"] is not None:
        return _span(_to_utc(at), _to_utc(at), step=step, is_leap=is_leap)
    readings = [_to_utc(at.replace(tzinfo=OSLO, fold=fold)) for fold in (0, 1)]
    return _span(min(readings), max(readings), step=step, is_leap=is_leap)


def _step(fraction: str | None, *, has_seconds: bool) -> timedelta:
    if fraction is None:
        return timedelta(seconds=1) if has_seconds else timedelta(minutes=1)
    return timedelta(microseconds=10 ** max(0, 6 - len(fraction)))


def _span(first: datetime, last: datetime, *, step: timedelta, is_leap: bool) -> Span:
    late = timedelta(seconds=1 if is_leap else 0)
    try:
        return first + late, last + late + step
    except OverflowError:
        return first, OPEN_END


def _to_utc(at: datetime) -> datetime:
    try:
        return at.astimezone(UTC)
    except OverflowError:
        return OPEN_START if at.year == 1 else OPEN_END
