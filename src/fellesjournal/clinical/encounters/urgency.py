"""How much a contact hastens: the levels of a legevakt, and when each is to be looked at again.

The levels are local custom and not one national table, so a unit may have a scale of its own.
The default: five levels (rød–blå) with the longest waits of the Manchester scale. Re-triage falls due with
the wait;
red is seen at once and looked at again every five minutes until it is.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from fellesjournal.web import _


@dataclass(frozen=True, slots=True)
class Level:
    """One level. `mark` and `name` carry the meaning beside the colour; `max_wait_minutes` is to the doctor."""

    code: str
    name: str
    meaning: str
    mark: str
    color: str
    max_wait_minutes: int
    retriage_minutes: int


@dataclass(frozen=True, slots=True)
class Scale:
    """The levels of one unit, the most urgent first, valid from a day."""

    levels: tuple[Level, ...]
    valid_from: date

    def level(self, code: str | None) -> Level | None:
        """The level of a code, None for one that the scale doesn't have."""
        return next((level for level in self.levels if level.code == code), None)

    def rank(self, code: str | None) -> int:
        """Place in the order of urgency, 0 first; those without a level come last."""
        codes = [level.code for level in self.levels]
        return codes.index(code) if code in codes else len(codes)


@dataclass(frozen=True, slots=True)
class Wait:
    """How long somebody has waited, and how long it is since the urgency was judged. Minutes, never negative."""

    minutes: int
    since_triage: int
    retriage_in: int | None
    is_over_wait: bool

    @property
    def is_retriage_due(self) -> bool:
        """Whether the urgency is to be judged again now."""
        return self.retriage_in is not None and self.retriage_in <= 0


class BadScale(ValueError):
    """A unit's scale can't be used; the text says why."""


DEFAULT_SCALE = Scale(
    (
        Level("red", _("Rød"), _("Akutt, livstruende"), "1", "danger", 0, 5),
        Level("orange", _("Oransje"), _("Akutt, ikke livstruende"), "2", "warning", 10, 10),
        Level("yellow", _("Gul"), _("Haster, tåler noe venting"), "3", "warning", 60, 60),
        Level("green", _("Grønn"), _("Vanlig, haster mindre"), "4", "success", 120, 120),
        Level("blue", _("Blå"), _("Ikke akutt"), "5", "info", 240, 240),
    ),
    date(2026, 1, 1),
)


def scale_from(table: Mapping[str, Any], *, base: Scale = DEFAULT_SCALE) -> Scale:
    """A unit's scale from its configuration: level code → {max_wait_minutes, retriage_minutes, name, meaning}.

    Levels that are left out are not used there; what a level does not say is as in the default. Raises BadScale.
    """
    levels = [_level(code, said, base) for code, said in table.items()]
    if not levels:
        raise BadScale("a scale needs at least one level")
    ordered = sorted(levels, key=lambda level: base.rank(level.code))
    if any(a.max_wait_minutes > b.max_wait_minutes for a, b in itertools.pairwise(ordered)):
        raise BadScale("a more urgent level may not wait longer than a less urgent one")
    return Scale(tuple(ordered), base.valid_from)


def wait_of(
    *, began_at: datetime, triaged_at: datetime | None, urgency: str | None, now: datetime, scale: Scale
) -> Wait:
    """The clocks of one who waits. A clock that was set back counts as no time at all."""
    waited = _minutes(now - began_at)
    since = _minutes(now - (triaged_at or began_at))
    level = scale.level(urgency)
    if level is None:
        return Wait(waited, since, 0, is_over_wait=False)
    return Wait(waited, since, level.retriage_minutes - since, is_over_wait=waited > level.max_wait_minutes)


def most_urgent_first(codes: Iterable[str | None], scale: Scale = DEFAULT_SCALE) -> list[str | None]:
    """Codes in the order of urgency."""
    return sorted(codes, key=scale.rank)


def _level(code: str, said: Mapping[str, Any], base: Scale) -> Level:
    default = base.level(code)
    if default is None:
        raise BadScale(f"there is no level {code}")
    unknown = set(said) - {"max_wait_minutes", "retriage_minutes", "name", "meaning"}
    if unknown:
        raise BadScale(f"level {code}: unknown setting {min(unknown)}")
    minutes = {name: said.get(name, getattr(default, name)) for name in ("max_wait_minutes", "retriage_minutes")}
    if any(not isinstance(value, int) or value < 0 for value in minutes.values()) or not minutes["retriage_minutes"]:
        raise BadScale(f"level {code}: minutes are whole numbers, and re-triage is at least one")
    return Level(
        code,
        str(said.get("name", default.name)),
        str(said.get("meaning", default.meaning)),
        default.mark,
        default.color,
        **minutes,
    )


def _minutes(span: timedelta) -> int:
    return max(0, int(span.total_seconds() // 60))
