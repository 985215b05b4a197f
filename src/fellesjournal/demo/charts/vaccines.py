"""Vaccinations: the childhood programme by birth date, influenza and covid-19 for grown-ups.

The programme is dated data from general knowledge, to be checked against the health authorities' own each
year.
Codes are SYSVAK's (Volven 9501) where the vaccine has one there, and ATC.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from fellesjournal.demo.charts.chart import OSLO, Chart
from fellesjournal.demo.charts.parts import ATC, VOLVEN, Json, coding, instant, ref


@dataclass(frozen=True, slots=True)
class Dose:
    """A vaccine at an age in months, offered to those born from a day on."""

    months: float
    sysvak: str | None
    atc: str
    name: str
    number: int
    born_from: date
    place: str = "child_health"


_HEXA = ("KOM09", "J07CA09", "DTP-IPV-Hib-HepB")
_PKV = ("PNE13", "J07AL02", "Pneumokokk (konjugat)")
_ROTA = ("ROT01", "J07BH01", "Rotavirus")
_MMR = ("MMR52", "J07BD52", "MMR")
_HPV = ("HPV09", "J07BM03", "HPV")
_DTP = ("KOM02", "J07CA02", "DTP-IPV")
_SINCE = date(2006, 1, 1)
PROGRAMME = (
    Dose(1.5, *_ROTA, 1, date(2014, 9, 1)),
    Dose(3, *_HEXA, 1, _SINCE),
    Dose(3, *_PKV, 1, _SINCE),
    Dose(3, *_ROTA, 2, date(2014, 9, 1)),
    Dose(5, *_HEXA, 2, _SINCE),
    Dose(5, *_PKV, 2, _SINCE),
    Dose(12, *_HEXA, 3, _SINCE),
    Dose(12, *_PKV, 3, _SINCE),
    Dose(15, *_MMR, 1, _SINCE),
    Dose(7.6 * 12, *_DTP, 4, _SINCE),
    Dose(11.6 * 12, *_MMR, 2, _SINCE),
    Dose(12.5 * 12, *_HPV, 1, date(2005, 1, 1)),
    Dose(13.1 * 12, *_HPV, 2, date(2005, 1, 1)),
    Dose(15.4 * 12, *_DTP, 5, _SINCE),
)


def record(chart: Chart) -> None:
    """Every dose that was given up to now; one child in thirty follows no programme."""
    if chart.rng.random() < 0.965:
        for dose in PROGRAMME:
            given = chart.person.birth_on + timedelta(days=int(dose.months * 30.44) + int(chart.rng.random() * 12))
            if chart.person.birth_on >= dose.born_from and given < chart.end.date() and chart.rng.random() < 0.985:
                _immunize(chart, dose, given)
    _adult(chart)


def _adult(chart: Chart) -> None:
    willing = chart.rng.random() < 0.74
    at_risk = chart.person.has("R95", "R96", "K77", "K76", "T89", "T90", "L88")
    for year in range(chart.start_on.year, chart.today.year + 1):
        age = year - chart.person.birth_on.year
        wanted = 0.7 if age >= 65 else 0.4 if at_risk and age > 17 else 0.05 if age > 17 else 0.0
        if willing and chart.rng.random() < wanted:
            flu = Dose(0, "FLU02", "J07BB02", "Influensa", 1, _SINCE, "gp")
            _within(chart, flu, date(year, 10, 6) + timedelta(days=int(chart.rng.random() * 60)))
    if willing and chart.person.birth_on < date(2003, 1, 1):
        first = date(2021, 3, 1) + timedelta(days=max(0, 70 - (2021 - chart.person.birth_on.year)) * 2)
        for number in (1, 2):
            covid = Dose(0, None, "J07BN01", "Covid-19 (mRNA)", number, _SINCE, "gp")
            _immunize(chart, covid, first + timedelta(days=(number - 1) * 42))


def _within(chart: Chart, dose: Dose, on: date) -> None:
    if chart.start_on <= on < chart.end.date():
        _immunize(chart, dose, on)


def _immunize(chart: Chart, dose: Dose, on: date) -> None:
    at = datetime.combine(on, time(10 + int(chart.rng.random() * 4), int(chart.rng.random() * 6) * 10), OSLO)
    municipality = chart.person.address.municipality
    unit = f"u-ch-{municipality}" if dose.place == "child_health" else chart.home_unit
    giver = chart.staff(unit, "helsesykepleier", "helsesekretær")
    codes = [coding(f"{VOLVEN}9501", dose.sysvak)] if dose.sysvak else []
    fields: Json = {
        "status": "completed",
        "vaccineCode": {"coding": [*codes, coding(ATC, dose.atc)], "text": dose.name},
        "patient": chart.patient(),
        "occurrenceDateTime": instant(at),
        "recorded": instant(at),
        "primarySource": True,
        "performer": [{"actor": ref("Practitioner", giver.key)}],
        "protocolApplied": [{"doseNumberPositiveInt": dose.number}],
    }
    chart.add("Immunization", fields, unit=unit, author=giver.key, at=at)
