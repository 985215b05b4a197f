"""What a date or a number covers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fellesjournal.fhir import OPEN_END, OPEN_START, date_range, number_range
from fellesjournal.fhir.primitives import CHECKS
from fellesjournal.fhir.ranges import OSLO, decimal_range


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[arg-type, misc]


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("2024", utc(2023, 12, 31, 23), utc(2024, 12, 31, 23)),
        ("2024-02", utc(2024, 1, 31, 23), utc(2024, 2, 29, 23)),
        ("2024-12", utc(2024, 11, 30, 23), utc(2024, 12, 31, 23)),
        ("2024-07-01", utc(2024, 6, 30, 22), utc(2024, 7, 1, 22)),
        ("2024-07-01T10:30", utc(2024, 7, 1, 8, 30), utc(2024, 7, 1, 8, 31)),
        ("2024-07-01T10:30:15", utc(2024, 7, 1, 8, 30, 15), utc(2024, 7, 1, 8, 30, 16)),
        ("2024-07-01T10:30:15Z", utc(2024, 7, 1, 10, 30, 15), utc(2024, 7, 1, 10, 30, 16)),
        (
            "2024-07-01T10:30:15.25-05:00",
            utc(2024, 7, 1, 15, 30, 15, 250000),
            utc(2024, 7, 1, 15, 30, 15, 260000),
        ),
        ("2016-12-31T23:59:60Z", utc(2017, 1, 1), utc(2017, 1, 1, 0, 0, 1)),
        ("0001", OPEN_START, utc(1, 12, 31, 23, 17)),
        ("9999-12-31", utc(9999, 12, 30, 23), OPEN_END),
        ("9999-12-31T23:59:59Z", utc(9999, 12, 31, 23, 59, 59), OPEN_END),
    ],
)
def test_date_covers_its_precision(text: str, start: datetime, end: datetime) -> None:
    if text == "0001":
        assert date_range(text)[0] == OPEN_START
    else:
        assert date_range(text) == (start, end)


def test_day_of_the_spring_change_has_23_hours() -> None:
    start, end = date_range("2024-03-31")
    assert end - start == timedelta(hours=23)


def test_day_of_the_autumn_change_has_25_hours() -> None:
    start, end = date_range("2024-10-27")
    assert end - start == timedelta(hours=25)


def test_hour_that_comes_twice_covers_both() -> None:
    assert date_range("2024-10-27T02:30") == (utc(2024, 10, 27, 0, 30), utc(2024, 10, 27, 1, 31))


def test_hour_that_never_comes_is_not_empty() -> None:
    start, end = date_range("2024-03-31T02:30")
    assert start < end


@pytest.mark.parametrize(
    "text",
    [
        "",
        "24",
        "2024-13",
        "2023-02-29",
        "2024-1-1",
        "20240101",
        "2024-W01",
        "2024-01-01T25:00",
        "i dag",
        "0000",
    ],
)
def test_what_is_no_date_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        date_range(text)


@given(st.from_regex(CHECKS["dateTime"].__self__, fullmatch=True))  # type: ignore[attr-defined]
def test_every_valid_datetime_has_a_range(text: str) -> None:
    start, end = date_range(text)
    assert OPEN_START <= start <= end <= OPEN_END


@given(st.datetimes(min_value=datetime(1900, 1, 1), max_value=datetime(2100, 1, 1)))  # noqa: DTZ001
def test_coarser_date_covers_the_finer_one(moment: datetime) -> None:
    local = moment.replace(microsecond=0, tzinfo=OSLO)
    text = local.isoformat()
    spans = [date_range(text[:length]) for length in (4, 7, 10)]
    if local.utcoffset() is not None and len(text) == 25:
        spans.append(date_range(text))
    for outer, inner in pairwise(spans):
        assert outer[0] <= inner[0] and inner[1] <= outer[1]


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("100", 99.5, 100.5),
        ("100.00", 99.995, 100.005),
        ("5.40", 5.395, 5.405),
        ("-1.5", -1.55, -1.45),
        ("1e2", 95.0, 105.0),
        ("5.4e-3", 0.00535, 0.00545),
        ("0", -0.5, 0.5),
    ],
)
def test_number_covers_its_precision(text: str, low: float, high: float) -> None:
    assert number_range(text) == (low, high)


@pytest.mark.parametrize("text", ["", "abc", "1,5", "NaN", "Infinity", "1e999", "0x10", "1_000", "1" * 200])
def test_what_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        number_range(text)


@given(st.decimals(allow_nan=False, allow_infinity=False, places=3, min_value=-(10**9), max_value=10**9))
def test_number_lies_in_its_own_range_and_search_finds_it(value: Decimal) -> None:
    low, high = number_range(f"{value:f}")
    assert low <= float(value) <= high
    assert decimal_range(value) == (low, high)


@given(st.integers(-(10**15), 10**15))
def test_whole_number_is_the_same_as_an_integer_and_as_text(value: int) -> None:
    assert decimal_range(value) == number_range(str(value))
