"""The log as it is shown: what is asked for, lines gathered to visits, and where a page ends."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final, Literal, get_args

from fellesjournal.access.audit import LogLine
from fellesjournal.citizen.log.words import WHOLE, kinds_of
from fellesjournal.kit.clock import oslo_day

Manner = Literal["read", "write", "list", "identify", "refused"]
MANNERS: Final[tuple[Manner, ...]] = get_args(Manner)

GAP: Final = timedelta(minutes=5)
"""What one reader does with less than this between belongs to one visit."""
REFUSED: Final = 1
NOTHING_FOUND: Final = 2
_MANNERS_BY_ACTION: Final[dict[str, Manner]] = {"list": "list", "identify": "identify", "write": "write"}
_LONGEST: Final = 600
"""Lines after which a page ends even in the middle of a visit."""


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

    def takes(self, line: LogLine) -> bool:
        """Whether a line is asked for."""
        return (
            (self.with_own or bool(line.app) or not is_own(line))
            and not (self.only_people and line.by_system)
            and self.manner in ("", manner_of(line))
            and self.person.casefold() in line.reader.casefold()
            and self.unit.casefold() in line.unit.casefold()
            and not self.is_before(line.at)
            and (self.until_on is None or oslo_day(line.at) <= self.until_on)
        )

    def is_before(self, at: datetime) -> bool:
        """Whether an instant lies before everything that is asked for."""
        return self.since_on is not None and oslo_day(at) < self.since_on


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
    def manner(self) -> Manner:
        """What kind of access it was."""
        return manner_of(self.newest)

    @property
    def kinds(self) -> tuple[str, ...]:
        """Kinds of data, each once, in the order they were seen; the front page only when it is all."""
        found = tuple(dict.fromkeys(kind for line in reversed(self.lines) for kind in kinds_of(line)))
        named = tuple(kind for kind in found if kind != WHOLE)
        return named or found


@dataclass(frozen=True, slots=True)
class LogPage:
    """Visits newest first. `next` is where the following page begins, None at the end."""

    visits: tuple[Visit, ...]
    next: datetime | None

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
        key = (line.reader, line.role, line.unit, line.by_system, line.app, line.ground, manner_of(line))
        group = latest.get(key)
        if group is None or group[-1].at - line.at > GAP:
            group = latest[key] = []
            groups.append(group)
        group.append(line)
    return tuple(Visit(tuple(group)) for group in groups)


def page_end(lines: Sequence[LogLine], *, size: int) -> int | None:
    """Where a page of about `size` visits may end without cutting one in two; None when it can't yet."""
    starts, latest = 0, dict[tuple[object, ...], datetime]()
    for n, line in enumerate(lines):
        if starts >= size and (n >= _LONGEST or lines[n - 1].at - line.at > GAP):
            return n
        key = (line.reader, line.role, line.unit, line.by_system, line.app, line.ground, manner_of(line))
        starts += key not in latest or latest[key] - line.at > GAP
        latest[key] = line.at
    return None
