"""The log as it is shown: what is asked for, lines gathered to visits, and where a page ends."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final, Literal, get_args

from fellesjournal.access.audit import LogLine, OwnWish, Place
from fellesjournal.access.kinds import WHOLE
from fellesjournal.citizen.log.words import kinds_of
from fellesjournal.kit.clock import day_bounds

Manner = Literal["read", "write", "list", "identify", "refused"]
MANNERS: Final[tuple[Manner, ...]] = get_args(Manner)
DISCLOSED: Final = "disclosed"
"""Beside the manners: what one controller's information was shown for to another's reader, whatever they did."""

GAP: Final = timedelta(minutes=5)
"""What one reader does with less than this between belongs to one visit."""
REFUSED: Final = 1
NOTHING_FOUND: Final = 2
_MANNERS_BY_ACTION: Final[dict[str, Manner]] = {"list": "list", "identify": "identify", "write": "write"}
_LONGEST: Final = 600
"""Lines after which a full page ends even in the middle of a visit; after four times as many every page does."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What the citizen asks the log for. Days are Norwegian; texts are parts of a name, whatever the case."""

    since_on: date | None = None
    until_on: date | None = None
    person: str = ""
    unit: str = ""
    manner: str = ""
    only_people: bool = False
    with_own: bool = False

    def asked(self) -> OwnWish:
        """The wish as the database takes it: days are instants."""
        return OwnWish(
            since=day_bounds(self.since_on)[0] if self.since_on else None,
            until=day_bounds(self.until_on)[1] if self.until_on else None,
            person=self.person, unit=self.unit, manner=self.manner, only_people=self.only_people,
            with_own=self.with_own,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Visit:
    """What one reader at one unit did on one ground, without a pause. Lines newest first; never empty."""

    lines: tuple[LogLine, ...]

    @property
    def newest(self) -> LogLine:
        """The last thing that was done."""
        return self.lines[0]

    @property
    def since(self) -> datetime:
        """When the visit began."""
        return self.lines[-1].at

    @property
    def asked_of(self) -> LogLine | None:
        """The line that a question is asked about; None when it was oneself or no unit answers for it."""
        return None if is_own(self.newest) or not self.newest.unit_number else self.newest

    @property
    def manner(self) -> Manner:
        """What kind of access it was."""
        return manner_of(self.newest)

    @property
    def disclosed(self) -> tuple[str, ...]:
        """The controllers that disclosed something in it, each once, by name."""
        return tuple(sorted({name for line in self.lines for name in line.disclosed}))

    @property
    def kinds(self) -> tuple[str, ...]:
        """Kinds of data, each once, in the order they were seen; the front page only when it is all."""
        found = tuple(dict.fromkeys(kind for line in reversed(self.lines) for kind in kinds_of(line)))
        named = tuple(kind for kind in found if kind != WHOLE)
        return named or found


@dataclass(frozen=True, slots=True)
class LogPage:
    """Visits newest first. `next` is the place after which the following page begins, None at the end."""

    visits: tuple[Visit, ...]
    next: Place | None

    @property
    def count(self) -> int:
        """How many lines of the log the page stands for."""
        return sum(len(visit.lines) for visit in self.visits)


def manner_of(line: LogLine) -> Manner:
    """Refused, in a list, identifying, writing, or reading in the chart."""
    if line.outcome == REFUSED:
        return "refused"
    return _MANNERS_BY_ACTION.get(line.action, "read")


def is_own(line: LogLine) -> bool:
    """Whether it was the citizen."""
    return line.role == "innbygger"


def visits_of(lines: Iterable[LogLine]) -> tuple[Visit, ...]:
    """Gather lines (newest first) to visits; every line is in exactly one. Newest first."""
    groups: list[list[LogLine]] = []
    latest: dict[tuple[object, ...], list[LogLine]] = {}
    for line in lines:
        key = _reader_of(line)
        group = latest.get(key)
        if group is None or group[-1].at - line.at > GAP:
            group = latest[key] = []
            groups.append(group)
        group.append(line)
    return tuple(Visit(tuple(group)) for group in groups)


def _reader_of(line: LogLine) -> tuple[object, ...]:
    """What lines of one visit have in common. A unit may have a number alone: not every one may be named."""
    where = (line.unit, line.unit_number)
    return line.reader, line.role, where, line.by_system, line.app, line.ground, manner_of(line)


def page_end(lines: Sequence[LogLine], *, size: int) -> int | None:
    """Where a page of about `size` visits may end without cutting one in two; None when it can't yet."""
    starts, latest = 0, dict[tuple[object, ...], datetime]()
    for n, line in enumerate(lines):
        if n >= 4 * _LONGEST or (starts >= size and (n >= _LONGEST or lines[n - 1].at - line.at > GAP)):
            return n
        key = _reader_of(line)
        starts += key not in latest or latest[key] - line.at > GAP
        latest[key] = line.at
    return None
