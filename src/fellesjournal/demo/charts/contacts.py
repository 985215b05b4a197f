"""When a person seeks care and for what: check-ups of lasting illness, passing complaints, telephone, the last day."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cache
from itertools import accumulate
from random import Random
from typing import Literal

from fellesjournal.demo.charts.ailments import AGE_LIMITS, AILMENTS, BY_CODE, Ailment
from fellesjournal.demo.charts.chart import OSLO, Chart
from fellesjournal.demo.charts.labs import PANELS
from fellesjournal.demo.model import Booking, Illness
from fellesjournal.demo.prose.library import script

Kind = Literal["gp", "phone", "econsult", "legevakt", "followup", "death"]
# Contacts for passing complaints in a year, by age group, at ordinary activity.
_ACUTE = (1.35, 0.6, 0.62, 0.6)
_LATE = timedelta(minutes=35)
_SELDOM_CHECKED = frozenset(("F92", "H84", "R97", "P17", "S91", "D92", "X11", "U04", "L83", "D93", "S87"))


@dataclass(frozen=True, slots=True)
class Contact:
    """One contact to be written: what it is about decides the rest."""

    at: datetime
    kind: Kind
    codes: tuple[str, ...]
    mood: str = "steady"
    illness: Illness | None = None
    ailment: Ailment | None = None
    labs: bool = False
    appointment: int | None = None


def plan(chart: Chart) -> list[Contact]:
    """Every contact with GP and legevakt, oldest first."""
    found = [*_checkups(chart), *_complaints(chart), *_bookings(chart)]
    found += _followups(chart, found)
    if chart.person.deceased_on:
        found.append(Contact(chart.end, "death", ("A96",)))
    return _one_a_day(sorted((one for one in found if one.at <= chart.end), key=lambda one: one.at))


def _one_a_day(contacts: list[Contact]) -> list[Contact]:
    """Nobody is at the practice twice in a day: what is agreed goes before what merely came up, else the first."""
    ranked = sorted(contacts, key=lambda one: one.appointment is None)
    taken: dict[date, Contact] = {}
    for one in ranked:
        if one.kind not in ("legevakt", "death"):
            taken.setdefault(one.at.date(), one)
    return [one for one in contacts if taken.get(one.at.date(), one) is one or one.kind in ("legevakt", "death")]


def _checkups(chart: Chart) -> Iterator[Contact]:
    """One round of check-ups takes the illnesses in turn, two at a time for those who have many."""
    ill = [one for one in chart.person.illnesses if script("chronic", one.code)]
    for one in ill:
        if chart.start_on < one.onset_on < chart.end.date():
            labs = one.code in PANELS
            yield Contact(chart.workday(one.onset_on), "gp", (one.code,), "first", one, labs=labs)
    often = [one for one in ill if one.code not in _SELDOM_CHECKED]
    weights = sum(0.28 + 0.3 * one.severity for one in often) + 0.08 * (len(ill) - len(often))
    yearly = min(6.0, weights)
    if not ill or yearly < 0.05:
        return
    on = chart.start_on + timedelta(days=int(chart.rng.random() * 365 / yearly))
    turn = 0
    while on < chart.end.date():
        active = [one for one in (often or ill) if one.onset_on < on - timedelta(days=25)]
        if active:
            yield _checkup(chart, active, turn, chart.workday(on))
            turn += 1
        on += timedelta(days=int(365 / yearly * chart.rng.uniform(0.7, 1.3)) + 1)


def _checkup(chart: Chart, active: list[Illness], turn: int, at: datetime) -> Contact:
    main = active[turn % len(active)]
    codes = [main.code]
    if len(active) > 2 and chart.rng.random() < 0.4:
        codes.append(active[(turn + 1) % len(active)].code)
    worse = chart.rng.random() < 0.1 + 0.28 * main.severity
    labs = main.code in PANELS and chart.rng.random() < 0.5
    return Contact(at, "gp", tuple(codes), "worse" if worse else "steady", main, labs=labs)


def _complaints(chart: Chart) -> Iterator[Contact]:
    on = chart.start_on
    while True:
        years = chart.age_years(datetime.combine(on, time(), OSLO))
        rate = _ACUTE[_group(years)] * chart.person.activity
        on += timedelta(days=max(4, int(chart.rng.expovariate(max(0.05, rate)) * 365)))
        if on >= chart.end.date():
            return
        ailment = _ailment(chart.rng, years, chart.person.sex)
        yield _complaint(chart, ailment, chart.workday(on))


def _complaint(chart: Chart, ailment: Ailment, at: datetime) -> Contact:
    if chart.rng.random() < ailment.legevakt:
        return Contact(_out_of_hours(chart, at), "legevakt", (ailment.code,), ailment=ailment)
    draw = chart.rng.random()
    kind: Kind = "phone" if draw < 0.12 else "econsult" if draw < 0.25 and not ailment.vitals else "gp"
    return Contact(at, kind, (ailment.code,), ailment=ailment)


def _followups(chart: Chart, contacts: list[Contact]) -> Iterator[Contact]:
    for one in contacts:
        if one.ailment and one.kind in ("gp", "legevakt") and chart.rng.random() < one.ailment.again:
            days = 2 + int(chart.rng.random() * 14)
            at = chart.workday(one.at.date() + timedelta(days=days))
            if one.at < at < chart.end - timedelta(hours=1):
                yield Contact(at, "followup", one.codes, ailment=one.ailment)


def _bookings(chart: Chart) -> Iterator[Contact]:
    """Appointments of today whose hour is past have become contacts, unless the patient still waits."""
    for number, booking in enumerate(chart.person.bookings):
        if is_seen(booking, now=chart.now):
            illness = next((one for one in chart.person.illnesses if one.code == booking.reason), None)
            ailment = BY_CODE.get(booking.reason) if illness is None else None
            if illness or ailment:
                yield Contact(
                    booking.at + _LATE * booking.late,
                    "gp",
                    (booking.reason,),
                    illness=illness,
                    ailment=ailment,
                    appointment=number,
                )


def is_seen(booking: Booking, *, now: datetime) -> bool:
    """Whether the consultation is over and signed: one who is late comes in half an hour after the hour."""
    return booking.at + _LATE * booking.late < now - timedelta(minutes=40)


def _ailment(rng: Random, years: float, sex: str) -> Ailment:
    group = _group(years)
    steps = _steps(group, sex)
    draw = rng.random() * steps[-1]
    return next(ailment for ailment, step in zip(AILMENTS, steps, strict=True) if draw < step)


@cache
def _steps(group: int, sex: str) -> tuple[float, ...]:
    """Running sums of the weights; what only one sex has is never drawn for the other."""
    return tuple(accumulate(0.0 if one.sex not in (None, sex) else one.weights[group] for one in AILMENTS))


def _group(years: float) -> int:
    return sum(years >= limit for limit in AGE_LIMITS)


def _out_of_hours(chart: Chart, at: datetime) -> datetime:
    """An evening, or any hour of a weekend."""
    hour = 17 + int(chart.rng.random() * 6)
    moved = at.replace(hour=hour, minute=int(chart.rng.random() * 60))
    return moved if moved < chart.end - timedelta(hours=2) else moved - timedelta(days=1)
