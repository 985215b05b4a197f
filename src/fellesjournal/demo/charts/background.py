"""What is lasting in a record: the problem list, allergies, critical information."""

from __future__ import annotations

from datetime import date, datetime, time

from fellesjournal.demo.charts.chart import OSLO, Chart
from fellesjournal.demo.charts.parts import (
    ATC,
    HL7,
    LOCAL,
    Json,
    concept,
    day,
    diagnosis,
    instant,
    period,
    ref,
)

_SELDOM_RAISED = frozenset(("P17", "R97", "H84", "F92", "N17", "L83", "P06", "X11"))
# (text, ATC of a substance, category, reaction, criticality, per mille)
_ALLERGIES = (
    ("Penicillin", "J01C", "medication", "Utslett", "low", 42),
    ("Penicillin", "J01C", "medication", "Anafylaksi", "high", 4),
    ("Acetylsalisylsyre", "N02BA01", "medication", "Bronkospasme", "high", 5),
    ("Trimetoprim", "J01EA01", "medication", "Urticaria", "low", 8),
    ("Kodein", "R05DA04", "medication", "Kvalme og svimmelhet", "low", 9),
    ("Nøtter", None, "food", "Hevelse i munn og svelg", "high", 9),
    ("Egg", None, "food", "Eksem", "low", 4),
    ("Skalldyr", None, "food", "Urticaria", "low", 8),
    ("Bjørkepollen", None, "environment", "Rhinokonjunktivitt", "low", 25),
    ("Katt", None, "environment", "Tetthet og rennende øyne", "low", 18),
    ("Nikkel", None, "environment", "Kontakteksem", "low", 25),
    ("Vepsegift", None, "environment", "Anafylaksi", "high", 4),
)
_CRITICAL = {
    "anticoagulated": "Antikoagulasjonsbehandling: blødningsrisiko",
    "insulin": "Insulinbehandlet diabetes",
    "immune": "Immundempende behandling (metotreksat)",
}


def record(chart: Chart) -> None:
    """Problems as they were raised, then allergies and critical information."""
    for illness in chart.person.illnesses:
        raised = illness.code not in _SELDOM_RAISED or chart.rng.random() < 0.4
        if raised and (not chart.person.deceased_on or illness.onset_on < chart.person.deceased_on):
            chart.problems[illness.code] = _problem(chart, illness.code, illness.onset_on)
    for allergy in _ALLERGIES:
        if chart.rng.random() * 1000 < allergy[5] * (
            3 if allergy[2] == "environment" and chart.person.has("R97") else 1
        ):
            _allergy(chart, allergy)
    for reason in _reasons(chart):
        _critical(chart, reason)


def _problem(chart: Chart, code: str, onset_on: date) -> str:
    at = _at(chart, onset_on)
    fields: Json = {
        "clinicalStatus": concept(f"{HL7}condition-clinical", "active"),
        "verificationStatus": concept(f"{HL7}condition-ver-status", "confirmed"),
        "category": [concept(f"{HL7}condition-category", "problem-list-item")],
        "code": diagnosis(code),
        "subject": chart.patient(),
        "onsetDateTime": day(onset_on),
        "recordedDate": instant(at),
        "recorder": ref("Practitioner", chart.gp.key),
    }
    return chart.add("Condition", fields, unit=chart.home_unit, author=chart.gp.key, at=at)


def _allergy(chart: Chart, row: tuple[str, str | None, str, str, str, int]) -> None:
    text, atc, category, reaction, criticality, _ = row
    at = _at(chart, chart.start_on)
    severity = "severe" if criticality == "high" else "mild"
    fields: Json = {
        "clinicalStatus": concept(f"{HL7}allergyintolerance-clinical", "active"),
        "verificationStatus": concept(f"{HL7}allergyintolerance-verification", "confirmed"),
        "type": "allergy" if text != "Kodein" else "intolerance",
        "category": [category],
        "criticality": criticality,
        "code": concept(ATC, atc, text=text) if atc else {"text": text},
        "patient": chart.patient(),
        "recordedDate": instant(at),
        "recorder": ref("Practitioner", chart.gp.key),
        "reaction": [{"manifestation": [{"text": reaction}], "severity": severity}],
    }
    chart.add("AllergyIntolerance", fields, unit=chart.home_unit, author=chart.gp.key, at=at)
    if criticality == "high":
        _critical(chart, f"Alvorlig overfølsomhet: {text} ({reaction.lower()})")


def _reasons(chart: Chart) -> list[str]:
    taken = {use.drug.atc for use in chart.medicines if use.end_on is None}
    found = []
    if taken & {"B01AF01", "B01AF02", "B01AA03"}:
        found.append(_CRITICAL["anticoagulated"])
    if taken & {"A10AB05", "A10AE04"}:
        found.append(_CRITICAL["insulin"])
    if "L04AX03" in taken:
        found.append(_CRITICAL["immune"])
    if chart.person.age_on(chart.today) > 72 and chart.rng.random() < 0.03:
        found.append("Implantat: pacemaker")
    return found


def _critical(chart: Chart, text: str) -> None:
    at = _at(chart, chart.start_on)
    fields: Json = {
        "status": "active",
        "category": [concept(f"{LOCAL}flag-category", "critical-information", "Kritisk informasjon")],
        "code": {"text": text},
        "subject": chart.patient(),
        "period": period(at),
        "author": ref("Practitioner", chart.gp.key),
    }
    chart.add("Flag", fields, unit=chart.home_unit, author=chart.gp.key, at=at)


def _at(chart: Chart, on: date) -> datetime:
    """When it was written down; what began before the record covers was carried over at its start."""
    at = datetime.combine(max(on, chart.start_on), time(13, 0), OSLO)
    return min(at, chart.end)
