"""Time: the clock is always an argument, so that tests can stand in a daylight-saving night or before a wrong clock."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

OSLO = ZoneInfo("Europe/Oslo")
SMALLEST_STEP = timedelta(microseconds=1)


class Clock(Protocol):
    """Tells the time."""

    def now(self) -> datetime:
        """The instant, in UTC."""
        ...


@dataclass(frozen=True)
class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """The instant, in UTC."""
        return datetime.now(UTC)


@dataclass
class FixedClock:
    """A clock that stands still until it is moved; for tests and for building a history as it was lived."""

    instant: datetime = field(default_factory=lambda: datetime(2026, 1, 15, 9, 0, tzinfo=UTC))

    def now(self) -> datetime:
        """The instant, in UTC."""
        return self.instant.astimezone(UTC)

    def move(self, step: timedelta) -> None:
        """Move the clock, also backwards."""
        self.instant += step

    def set(self, instant: datetime) -> None:
        """Set the clock."""
        self.instant = instant


def after(previous: datetime | None, *, clock: Clock) -> datetime:
    """Now, but always later than `previous`: a clock that was set back can't put a version before its forerunner."""
    now = clock.now()
    if previous is None or now > previous:
        return now
    return (previous + SMALLEST_STEP).astimezone(UTC)


def to_oslo(instant: datetime) -> datetime:
    """The same instant on Norwegian wall clocks."""
    return instant.astimezone(OSLO)


def from_oslo(local: datetime) -> datetime:
    """The instant of a Norwegian wall-clock time without zone, in UTC.

    An hour that happens twice (last Sunday of October, 02:00–03:00) is taken as the first of them unless `fold` is 1.
    An hour that doesn't happen (last Sunday of March) is moved forward by an hour, as clocks were.
    """
    return local.replace(tzinfo=OSLO).astimezone(UTC)


def oslo_day(instant: datetime) -> date:
    """The date in Norway at that instant."""
    return to_oslo(instant).date()


def day_bounds(day: date) -> tuple[datetime, datetime]:
    """The instants where a Norwegian day begins and where it ends (exclusive): 23, 24 or 25 hours apart."""
    return (
        from_oslo(datetime.combine(day, time.min)),
        from_oslo(datetime.combine(day + timedelta(days=1), time.min)),
    )


def age_on(born_on: date, *, day: date) -> int:
    """Whole years lived on a day; a birthday on 29 February is reached on 1 March in other years."""
    return day.year - born_on.year - ((day.month, day.day) < (born_on.month, born_on.day))
