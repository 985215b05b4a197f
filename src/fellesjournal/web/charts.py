"""Small figures drawn on the server: a trend line and the timeline's axis. Each has its text alternative."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal

from markupsafe import Markup

from fellesjournal.web import formats
from fellesjournal.web.i18n import _, translated
from fellesjournal.web.model import Event, Lane

WIDTH, HEIGHT, MARGIN = 96, 26, 3
LANE_HEIGHT, AXIS_HEIGHT, LABEL_WIDTH, TIMELINE_WIDTH = 28, 22, 150, 900

Point = tuple[datetime, Decimal]


def sparkline(points: Sequence[Point], *, unit: str, label: str, language: str = "nb") -> Markup:
    """A trend line, its last value marked. Read aloud: how many values, lowest, highest, last and when."""
    if not points:
        return Markup("")
    ordered = sorted(points)
    spots = [(_x(at, ordered), _y(value, ordered)) for at, value in ordered]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in spots)
    return Markup(
        '<svg class="fj-spark" role="img" aria-label="{}" viewBox="0 0 {} {}" width="{}" height="{}">'
        '<polyline points="{}"/><circle cx="{:.1f}" cy="{:.1f}" r="2.5"/></svg>'
    ).format(_told(ordered, unit, label, language), WIDTH, HEIGHT, WIDTH, HEIGHT, path, *spots[-1])


def timeline(lanes: Sequence[Lane], *, since: datetime, until: datetime) -> Markup:
    """One axis with a lane for each service; each mark leads to the event's line in the list below.

    Hidden from screen readers and from the keyboard: the list holds all that it shows, in order.
    """
    rows = Markup("").join(_lane(lane, row, since, until) for row, lane in enumerate(lanes))
    height = LANE_HEIGHT * len(lanes) + AXIS_HEIGHT
    axis = _axis(since, until, height)
    return Markup(
        '<svg class="fj-axis" aria-hidden="true" focusable="false" viewBox="0 0 {} {}">{}{}</svg>'
    ).format(TIMELINE_WIDTH, height, axis, rows)


def _x(at: datetime, points: Sequence[Point]) -> float:
    span = (points[-1][0] - points[0][0]).total_seconds()
    share = (at - points[0][0]).total_seconds() / span if span else 1.0
    return MARGIN + share * (WIDTH - 2 * MARGIN)


def _y(value: Decimal, points: Sequence[Point]) -> float:
    lowest, highest = min(p[1] for p in points), max(p[1] for p in points)
    share = float((value - lowest) / (highest - lowest)) if highest > lowest else 0.5
    return HEIGHT - MARGIN - share * (HEIGHT - 2 * MARGIN)


def _told(points: Sequence[Point], unit: str, label: str, language: str) -> str:
    values = [value for _at, value in points]
    return translated(
        language,
        _("%(label)s: %(n)s målinger, lavest %(low)s, høyest %(high)s, siste %(last)s %(unit)s %(on)s"),
        label=label,
        n=len(values),
        low=formats.number(min(values)),
        high=formats.number(max(values)),
        last=formats.number(values[-1]),
        unit=unit,
        on=formats.day(points[-1][0]),
    )


def _lane(lane: Lane, row: int, since: datetime, until: datetime) -> Markup:
    middle = row * LANE_HEIGHT + LANE_HEIGHT / 2
    shown = (event for event in lane.events if since <= event.at <= until)
    marks = Markup("").join(_mark(event, middle, since, until) for event in shown)
    return Markup('<text x="0" y="{:.0f}">{}</text><line x1="{}" x2="{}" y1="{:.0f}" y2="{:.0f}"/>{}').format(
        middle + 4, lane.label, LABEL_WIDTH, TIMELINE_WIDTH, middle, middle, marks
    )


def _mark(event: Event, middle: float, since: datetime, until: datetime) -> Markup:
    return Markup(
        '<a href="#{}" tabindex="-1"><title>{} {}</title><circle cx="{:.1f}" cy="{:.0f}" r="5"/></a>'
    ).format(event.id, formats.day(event.at), event.title, _place(event.at, since, until), middle)


def _place(at: datetime, since: datetime, until: datetime) -> float:
    span = (until - since).total_seconds() or 1.0
    return LABEL_WIDTH + 8 + (at - since).total_seconds() / span * (TIMELINE_WIDTH - LABEL_WIDTH - 16)


def _axis(since: datetime, until: datetime, height: int) -> Markup:
    marks = [datetime(year, 1, 1, tzinfo=UTC) for year in range(since.year + 1, until.year + 1)] or [since]
    return Markup("").join(_year(at.year, _place(at, since, until), height) for at in marks)


def _year(year: int, x: float, height: int) -> Markup:
    return Markup(
        '<line class="year" x1="{0:.0f}" x2="{0:.0f}" y1="0" y2="{1}"/><text x="{0:.0f}" y="{2}">{3}</text>'
    ).format(x, height - AXIS_HEIGHT, height - 6, year)
