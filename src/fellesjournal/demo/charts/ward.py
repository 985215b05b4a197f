"""Nursing home: the stay, the notes of the last thirty days, NEWS2 measurements when somebody falls ill."""

from __future__ import annotations

from datetime import datetime, time, timedelta

from fellesjournal.demo.charts import facts as known
from fellesjournal.demo.charts.chart import OSLO, Chart
from fellesjournal.demo.charts.consultation import Visit, open_encounter, sign
from fellesjournal.demo.charts.home import DAYS, decide, main_problem
from fellesjournal.demo.charts.vitals import NEWS2, Name, Vitals, phrase
from fellesjournal.demo.model import Service
from fellesjournal.demo.prose.note import Brief, write_note


def record(chart: Chart) -> None:
    """The stay, if the person lives at or visits a nursing home."""
    for service in chart.person.services:
        if service.code in ("18", "19", "21"):
            decide(chart, service)
            _stay(chart, service)


def _stay(chart: Chart, service: Service) -> None:
    code, problem = main_problem(chart)
    moved_in = datetime.combine(service.start_on, time(12, 30), OSLO)
    nurse = chart.world.member(service.primary_staff)
    visit = Visit(moved_in, 0, service.unit_key, nurse, "IMP", "stay", "KP02", (code,), problem=problem)
    stay = open_encounter(chart, visit, status="in-progress")
    ill_on = chart.today - timedelta(days=3 + int(chart.rng.random() * 90))
    for ago in range(DAYS, 0, -1):
        minutes = int(chart.rng.random() * 55)
        at = datetime.combine(chart.today - timedelta(days=ago), time(21, 0), OSLO) + timedelta(minutes=minutes)
        if at <= moved_in:
            continue
        days_ill = (at.date() - ill_on).days
        if 0 <= days_ill < 4:
            _sick_day(chart, visit, stay, at, days_ill)
        elif chart.rng.random() < 0.4:
            _ordinary_day(chart, visit, stay, at)


def _ordinary_day(chart: Chart, visit: Visit, stay: str, at: datetime) -> None:
    names: tuple[Name, ...] = NEWS2 if chart.rng.random() < 0.2 else ()
    is_round = at.weekday() == 2 and chart.rng.random() < 0.5
    at, topic = (at.replace(hour=11), "doctor") if is_round else (at, "day")
    _note(chart, visit, stay, at, topic, names_ill=(names, 0.0))


def _sick_day(chart: Chart, visit: Visit, stay: str, at: datetime, days_ill: int) -> None:
    ill = (0.7, 0.85, 0.5, 0.25)[days_ill] * chart.rng.uniform(0.8, 1.1)
    for hour in (8, 16) if days_ill < 2 else (9,):
        _note(chart, visit, stay, at.replace(hour=hour), "sick", names_ill=(NEWS2, ill))


def _note(
    chart: Chart,
    stay: Visit,
    encounter: str,
    at: datetime,
    topic: str,
    *,
    names_ill: tuple[tuple[Name, ...], float],
) -> None:
    names, ill = names_ill
    doctor = f"u-nh-{stay.unit.split('-')[2]}"
    author = (
        chart.staff(doctor, "tilsynslege") if topic == "doctor"
        else chart.staff(stay.unit, "sykepleier", "helsefagarbeider", "vernepleier")
    )  # fmt: skip
    texts = Vitals(chart).measure(names, at=at, unit=stay.unit, author=author.key, encounter=encounter, ill=ill)
    found = known.of(chart, stay.codes[0], at) | texts
    found["v"] = phrase(texts, chart.rng, irregular=chart.person.has("K78"))
    if len(texts) == len(NEWS2):
        found["news"] = str(news2(texts))
    visit = Visit(at, 0, stay.unit, author, stay.act, stay.type, stay.service, stay.codes)
    title = {"doctor": "Legevisitt", "sick": "Endret tilstand"}.get(topic, "Pleienotat")
    sign(
        chart,
        visit,
        encounter,
        write_note(chart.rng, author, Brief("ward", topic, found)),
        title=title,
        at=at + timedelta(minutes=25),
    )


def news2(texts: dict[str, str]) -> int:
    """The NEWS2 total on scale 1, for what a note says; the chart's own score is computed where it is shown."""
    return (
        _band(float(texts["resp"]), ((8, 3), (11, 1), (20, 0), (24, 2)), 3)
        + _band(float(texts["sat"]), ((91, 3), (93, 2), (95, 1)), 0)
        + (2 if texts["air"] == "O2" else 0)
        + _band(float(texts["bp"].split("/")[0]), ((90, 3), (100, 2), (110, 1), (219, 0)), 3)
        + _band(float(texts["pulse"]), ((40, 3), (50, 1), (90, 0), (110, 1), (130, 2)), 3)
        + (0 if texts["acvpu"] == "A" else 3)
        + _band(float(texts["temp"].replace(",", ".")), ((35.0, 3), (36.0, 1), (38.0, 0), (39.0, 1)), 2)
    )


def _band(value: float, bands: tuple[tuple[float, int], ...], above: int) -> int:
    return next((score for top, score in bands if value <= top), above)
