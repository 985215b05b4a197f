"""Dates, instants and times: as precise as they are written, with the calendar's arithmetic."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fellesjournal.fhir.fhirpath import FhirPathError, compile_expression
from fellesjournal.fhir.fhirpath.temporal import Date, DateTime, Time, order

EMPTY: list[Any] = []


def evaluate(expression: str) -> list[Any]:
    return compile_expression(expression).evaluate(None)


@pytest.mark.parametrize(
    ("expression", "result"),
    [
        ("@2012 = @2012", [True]),
        ("@2012 = @2012-01", EMPTY),
        ("@2012 = @2013-01", [False]),
        ("@2012 ~ @2012-01", [False]),
        ("@2012-04-15 = @2012-04-15T10:00:00", EMPTY),
        ("@2012-04-15 ~ @2012-04-15T10:00:00", [False]),
        ("@2012-01 < @2012-02-01", [True]),
        ("@2012-01 < @2012-01-01", EMPTY),
        ("@2018-03-01T10:30 > @2018-03-01T10:30:00", EMPTY),
        ("@T10:30:00 = @T10:30:00.0", [True]),
        ("@T10 < @T11", [True]),
        ("@2012-04-15T15:00:00+02:00 = @2012-04-15T16:00:00+03:00", [True]),
        ("@2017-11-05T01:30:00-04:00 > @2017-11-05T01:15:00-05:00", [False]),
        ("@2012-12-31T23:30:00-01:00 = @2013-01-01T00:30:00Z", [True]),
        ("@2012-04-15T10:00:00 = @2012-04-15T10:00:00Z", [True]),
        ("@2012 = @T10", [False]),
        ("@2012 = '2012'", [False]),
        ("(@2012 | @2012 | @2012-01).count()", [2]),
        ("@1973-12-25 + 7 days", ["1974-01-01"]),
        ("@1973-12-25 + 7.7 days", ["1974-01-01"]),
        ("@1973-12-25 + 1 'wk'", ["1974-01-01"]),
        ("@2020-02-29 + 1 year", ["2021-02-28"]),
        ("@2020-01-31 + 1 month", ["2020-02-29"]),
        ("@2020-01-31 - 14 months", ["2018-11-30"]),
        ("@2014 + 24 months", ["2016"]),
        ("@1974-12-25 - 1 'month'", ["1974-11-25"]),
        ("@2014 + 1 month", ["2014"]),
        ("@2014-03 + 65 days", ["2014-05"]),
        ("@2014 - 366 days", ["2013"]),
        ("@2016-01-01 + 25 hours", ["2016-01-02"]),
        ("@2016-01-01T10 + 90 minutes", ["2016-01-01T11"]),
        ("@2016-02-28T23:59:59.9Z + 0.2 seconds", ["2016-02-29T00:00:00.1Z"]),
        ("@2016-02-28T23:59:59Z + 10 milliseconds", ["2016-02-28T23:59:59.010Z"]),
        ("@2016-03-01T00:00:00 - 1 second", ["2016-02-29T23:59:59"]),
        ("@T23:00:00 + 50 hours", ["01:00:00"]),
        ("@T01:00 - 2 hours", ["23:00"]),
        ("@T10 + 90 minutes", ["11"]),
        ("@9999-12-31 + 1 day", EMPTY),
        ("@0001-01-01 - 1 year", EMPTY),
        ("@2012 + 999999999 years", EMPTY),
        ("@2012 + {}", EMPTY),
        ("@2012 + 1 day = @2012", [True]),
    ],
)
def test_dates_and_times(expression: str, result: list[Any]) -> None:
    assert evaluate(expression) == result


@pytest.mark.parametrize(
    "expression", ["@2012 + 1", "@2012 + 1 'kg'", "@2012 + 1 'a'", "@2012-01 + 1 'mo'", "@T10 + 1 day - 1 month"]
)
def test_only_durations_of_a_calendar_are_added(expression: str) -> None:
    with pytest.raises(FhirPathError):
        evaluate(expression)


@pytest.mark.parametrize(
    "text", ["2012-4", "2012-00", "2012-02-30", "12", "", "2012-04-15T", "T10", "2012T10", "x" * 99]
)
def test_what_is_no_date_is_not_read_as_one(text: str) -> None:
    assert Date.parse(text) is None
    if not text.endswith("T"):
        assert DateTime.parse(text) is None


@given(st.dates(min_value=date(1000, 1, 1), max_value=date(8000, 1, 1)), st.integers(-300_000, 300_000))
def test_adding_days_agrees_with_python(day: date, count: int) -> None:
    assert evaluate(f"@{day} + {count} days" if count >= 0 else f"@{day} - {-count} days") == [
        str(day + timedelta(days=count))
    ]


@given(
    st.datetimes(min_value=datetime(1000, 1, 1), max_value=datetime(8000, 1, 1)),  # noqa: DTZ001
    st.integers(0, 10**9),
)
def test_adding_milliseconds_agrees_with_python(start: datetime, count: int) -> None:
    start = start.replace(microsecond=start.microsecond // 1000 * 1000, tzinfo=UTC)
    found = evaluate(f"@{start.isoformat(timespec='milliseconds')[:-6]}Z + {count} milliseconds")
    wanted = start + timedelta(milliseconds=count)
    assert found == [wanted.isoformat(timespec="milliseconds")[:-6] + "Z"]


@given(st.datetimes(timezones=st.just(UTC)), st.datetimes(timezones=st.just(UTC)), st.integers(-840, 840))
def test_order_agrees_with_python_whatever_the_zone(one: datetime, other: datetime, offset: int) -> None:
    if not 1 < one.year < 9999:
        return
    found = order(DateTime.of(one), DateTime.of(other), zone=0)
    cut = [moment.replace(microsecond=moment.microsecond // 1000 * 1000) for moment in (one, other)]
    assert found == (cut[0] > cut[1]) - (cut[0] < cut[1])
    moved = DateTime.of(one + timedelta(minutes=offset))
    assert order(DateTime(moved.parts, offset), DateTime.of(one), zone=0) == 0


@given(st.text(alphabet="0123456789-:TZ+.", max_size=30))
def test_reading_any_text_never_fails_and_keeps_what_it_read(text: str) -> None:
    for kind in (Date, DateTime, Time):
        read = kind.parse(text)
        if read is not None:
            assert kind.parse(str(read)) == read


def test_seconds_keep_their_digits() -> None:
    moment = DateTime.parse("2012-04-15T10:00:07.50+02:00")
    assert moment is not None and moment.parts[5] == Decimal("7.50")
    assert str(moment) == "2012-04-15T10:00:07.50+02:00"
