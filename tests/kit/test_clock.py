"""Norwegian days, daylight-saving nights, and a clock that goes wrong."""

from datetime import UTC, date, datetime, timedelta

import pytest

from fellesjournal.kit.clock import (
    FixedClock,
    SystemClock,
    after,
    age_on,
    day_bounds,
    from_oslo,
    oslo_day,
    to_oslo,
)


def test_system_clock_tells_utc() -> None:
    assert SystemClock().now().tzinfo is UTC


def test_clock_set_back_cannot_put_a_version_before_its_forerunner() -> None:
    clock = FixedClock()
    first = after(None, clock=clock)
    clock.move(timedelta(hours=-3))
    second = after(first, clock=clock)
    third = after(second, clock=clock)
    assert first < second < third < first + timedelta(milliseconds=1)
    clock.move(timedelta(days=1))
    assert after(third, clock=clock) == clock.now()


@pytest.mark.parametrize(
    ("day", "hours"),
    [
        (date(2026, 3, 28), 24), (date(2026, 3, 29), 23), (date(2026, 10, 25), 25), (date(2026, 10, 26), 24),
    ],
)  # fmt: skip
def test_days_of_daylight_saving_are_shorter_and_longer(day: date, hours: int) -> None:
    start, end = day_bounds(day)
    assert end - start == timedelta(hours=hours)
    assert oslo_day(start) == day
    assert oslo_day(end - timedelta(microseconds=1)) == day
    assert oslo_day(end) == day + timedelta(days=1)


def test_hour_that_happens_twice_is_the_first_unless_said() -> None:
    twice = datetime(2026, 10, 25, 2, 30)  # noqa: DTZ001 a wall clock
    assert from_oslo(twice) == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    assert from_oslo(twice.replace(fold=1)) == datetime(2026, 10, 25, 1, 30, tzinfo=UTC)


def test_hour_that_does_not_happen_moves_forward() -> None:
    moved = from_oslo(datetime(2026, 3, 29, 2, 30))  # noqa: DTZ001
    assert to_oslo(moved).replace(tzinfo=None) == datetime(2026, 3, 29, 3, 30)  # noqa: DTZ001


def test_every_instant_of_the_october_night_comes_back_as_itself() -> None:
    instant = datetime(2026, 10, 24, 22, 0, tzinfo=UTC)
    for _ in range(12):
        local = to_oslo(instant)
        assert from_oslo(local.replace(tzinfo=None)) == instant
        instant += timedelta(minutes=30)


def test_evening_in_utc_is_already_the_next_day_in_norway() -> None:
    assert oslo_day(datetime(2026, 6, 30, 22, 30, tzinfo=UTC)) == date(2026, 7, 1)


def test_age_changes_on_the_birthday() -> None:
    assert age_on(date(2010, 5, 17), day=date(2026, 5, 16)) == 15
    assert age_on(date(2010, 5, 17), day=date(2026, 5, 17)) == 16
    assert age_on(date(2012, 2, 29), day=date(2025, 2, 28)) == 12
    assert age_on(date(2012, 2, 29), day=date(2025, 3, 1)) == 13
