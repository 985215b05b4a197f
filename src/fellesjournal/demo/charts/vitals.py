"""Vital signs: what is measured, how it follows age, illness and treatment, and how it is written in a note."""

from __future__ import annotations

from bisect import bisect
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import cached_property
from random import Random
from typing import Literal

from fellesjournal.demo.charts.chart import Chart
from fellesjournal.demo.charts.parts import (
    HL7,
    LOCAL,
    LOINC,
    SNOMED,
    Json,
    coding,
    comma,
    concept,
    instant,
    quantity,
    ref,
)

Name = Literal["bp", "pulse", "temp", "resp", "sat", "weight", "height", "bmi", "head", "acvpu", "air", "sf", "fhr"]
NEWS2: tuple[Name, ...] = ("resp", "sat", "air", "bp", "pulse", "acvpu", "temp")

_CODES: dict[str, tuple[str, str, str, str]] = {
    "pulse": ("8867-4", "Heart rate", "/min", "/min"),
    "temp": ("8310-5", "Body temperature", "°C", "Cel"),
    "resp": ("9279-1", "Respiratory rate", "/min", "/min"),
    "weight": ("29463-7", "Body weight", "kg", "kg"),
    "height": ("8302-2", "Body height", "cm", "cm"),
    "bmi": ("39156-5", "Body mass index (BMI) [Ratio]", "kg/m²", "kg/m2"),
    "head": ("9843-4", "Head Occipital-frontal circumference", "cm", "cm"),
    "sf": ("11881-0", "Uterus Fundal height Tape measure", "cm", "cm"),
    "fhr": ("55283-6", "Fetal Heart rate", "/min", "/min"),
}
_MONTHS = (0, 1.5, 3, 5, 6, 8, 10, 12, 15, 18, 24, 48, 72, 96, 120, 144, 168, 192, 216)
_BOYS = (
    (50.5, 3.6, 35.0), (56, 5.0, 38.5), (61, 6.3, 40.7), (66, 7.5, 42.7), (67.7, 8.0, 43.4), (71, 8.8, 44.8),
    (73.8, 9.4, 45.7), (76.4, 9.9, 46.4), (79.8, 10.6, 47.2), (82.8, 11.3, 47.7), (88.3, 12.6, 48.6), (104,
    16.8, 50.3),
    (117, 21.5, 51.5), (129, 27, 52.3), (139, 33, 53), (150, 40.5, 53.8), (164, 51.5, 54.8), (175, 63, 55.8),
    (180, 70, 56.5),
)  # fmt: skip
_GIRLS = (
    *((h * 0.985, w * 0.955, c * 0.98) for h, w, c in _BOYS[:16]),
    (161.5, 50, 54),
    (166, 57, 54.6),
    (168, 60.5, 55),
)


@dataclass(frozen=True, slots=True)
class Body:
    """What is lasting about a person's body."""

    height: float
    """Standard deviations from the mean of age and sex, for children; centimetres for adults."""
    mass: float
    """The same for weight; body mass index for adults."""
    systolic: float
    pulse: float


@dataclass
class Vitals:
    """Measures one person; the same day and illness give measurements that agree."""

    chart: Chart

    @cached_property
    def body(self) -> Body:
        """Drawn once, from the person's own seed."""
        person = self.chart.person
        rng = Random(f"{self.chart.seed}:{person.key}:body")
        if person.age_on(self.chart.today) < 20:
            return Body(rng.gauss(0, 0.9), rng.gauss(0, 0.9), rng.gauss(0, 6), rng.gauss(0, 7))
        mean = 180 if person.sex == "male" else 167
        mass = rng.gauss(35.5, 2.5) if person.has("T82") else min(31.0, rng.gauss(25.6, 3.1))
        return Body(rng.gauss(mean, 6.3), mass, rng.gauss(0, 8), rng.gauss(0, 7))

    def measure(
        self,
        names: tuple[Name, ...],
        *,
        at: datetime,
        unit: str,
        author: str,
        encounter: str | None,
        ill: float = 0.0,
    ) -> dict[str, str]:
        """Record the named measurements; returns each as it is written in a note. `ill` from 0 to 1 is acute
        illness.
        """
        texts: dict[str, str] = {}
        for name in names:
            fields, texts[name] = self._one(name, at, ill)
            fields["encounter"] = ref("Encounter", encounter) if encounter else None
            if not encounter:
                del fields["encounter"]
            fields["performer"] = [ref("Practitioner", author)]
            self.chart.add("Observation", fields, unit=unit, author=author, at=at)
        return texts

    def _one(self, name: Name, at: datetime, ill: float) -> tuple[Json, str]:
        if name == "bp":
            return self._blood_pressure(at, ill)
        if name == "sat":
            return self._saturation(at, ill)
        if name in ("acvpu", "air"):
            return self._state(name, at, ill)
        value = self._value(name, at, ill)
        code, display, unit, ucum = _CODES[name]
        vital = name not in ("sf", "fhr")
        fields = self._fields(concept(LOINC, code, display), at, "vital-signs" if vital else "exam")
        fields["valueQuantity"] = quantity(value, unit, ucum)
        return fields, comma(value)

    def _fields(self, code: Json, at: datetime, category: str) -> Json:
        return {
            "status": "final",
            "category": [concept(f"{HL7}observation-category", category)],
            "code": code,
            "subject": self.chart.patient(),
            "effectiveDateTime": instant(at),
        }

    def _blood_pressure(self, at: datetime, ill: float) -> tuple[Json, str]:
        systolic, diastolic = self._pressures(at, ill)
        fields = self._fields(
            concept(LOINC, "85354-9", "Blood pressure panel with all children optional"), at, "vital-signs"
        )
        fields["component"] = [
            {
                "code": concept(LOINC, code, display),
                "valueQuantity": quantity(Decimal(value), "mmHg", "mm[Hg]"),
            }
            for code, display, value in (
                ("8480-6", "Systolic blood pressure", systolic),
                ("8462-4", "Diastolic blood pressure", diastolic),
            )
        ]
        return fields, f"{systolic}/{diastolic}"

    def _pressures(self, at: datetime, ill: float) -> tuple[int, int]:
        rng, age = self.chart.rng, self.chart.age_years(at)
        if age < 16:
            systolic = 88 + age * 1.9 + rng.gauss(0, 5)
            return round(systolic), round(systolic * 0.6 + rng.gauss(0, 3))
        pregnant = self.chart.person.due_on is not None
        systolic = 114 + max(0.0, age - 30) * 0.3 + self.body.systolic + self._untreated(at) + rng.gauss(0, 6)
        systolic -= 8 * pregnant + ill * 8
        diastolic = systolic * 0.44 + 24 - max(0.0, age - 60) * 0.22 + rng.gauss(0, 4)
        return round(max(86.0, systolic) / 2) * 2, round(max(48.0, diastolic) / 2) * 2

    def _untreated(self, at: datetime) -> float:
        """What hypertension adds: much before it is treated, less from month to month after."""
        for illness in self.chart.person.illnesses:
            if illness.code in ("K86", "K87"):
                months = (at.date() - illness.onset_on).days / 30
                return 24 * (0.55 ** max(0.0, months / 4)) + 3 + illness.severity * 9 if months >= -1 else 14.0
        return 0.0

    def _saturation(self, at: datetime, ill: float) -> tuple[Json, str]:
        lungs = next((one.severity for one in self.chart.person.illnesses if one.code == "R95"), None)
        base = 98.2 if lungs is None else 95.4 - 3 * lungs
        value = round(min(100.0, max(84.0, base - ill * 4 + self.chart.rng.gauss(0, 0.7))))
        code = {
            "coding": [
                coding(LOINC, "59408-5", "Oxygen saturation in Arterial blood by Pulse oximetry"),
                coding(LOINC, "2708-6", "Oxygen saturation in Arterial blood"),
            ]
        }
        fields = self._fields(code, at, "vital-signs")
        fields["valueQuantity"] = quantity(Decimal(value), "%")
        return fields, str(value)

    def _state(self, name: str, at: datetime, ill: float) -> tuple[Json, str]:
        if name == "acvpu":
            state = "C" if ill > 0.9 else "A"
            display = {"A": "Våken", "C": "Nyoppstått forvirring"}[state]
            fields = self._fields(concept(SNOMED, "1104441000000107", text="ACVPU"), at, "vital-signs")
            fields["valueCodeableConcept"] = concept(f"{LOCAL}acvpu", state, display)
            return fields, state
        oxygen = ill > 0.85
        fields = self._fields(concept(f"{LOCAL}measurement", "oxygen-given", "Oksygentilførsel"), at, "vital-signs")
        fields["valueBoolean"] = oxygen
        return fields, "O2" if oxygen else "luft"

    def _value(self, name: Name, at: datetime, ill: float) -> Decimal:
        rng, age = self.chart.rng, self.chart.age_years(at)
        if name == "temp":
            return _tenths(36.8 + rng.gauss(0, 0.25) + ill * 2.0)
        if name == "pulse":
            base = 72 + self.body.pulse + (12 if self.chart.person.has("K78") else 0) + _child(age, 62) + ill * 24
            return Decimal(round(max(46.0, base + rng.gauss(0, 4)) / 2) * 2)
        if name == "resp":
            return Decimal(round(max(11.0, 15 + _child(age, 22) + ill * 8 + rng.gauss(0, 1))))
        if name == "sf":
            return Decimal(round(self._week(at) - 1 + rng.gauss(0, 1)))
        if name == "fhr":
            return Decimal(round(rng.gauss(142, 7)))
        return self._size(name, at)

    def _size(self, name: Name, at: datetime) -> Decimal:
        height, weight, head = self.size(at)
        if name == "bmi":
            return _tenths(weight / (height / 100) ** 2)
        return _tenths({"height": height, "weight": weight, "head": head}[name])

    def size(self, at: datetime) -> tuple[float, float, float]:
        """Height, weight and head circumference; children follow their own line of growth."""
        age, body, rng = self.chart.age_years(at), self.body, self.chart.rng
        if self.chart.person.age_on(self.chart.today) < 20:
            height, weight, head = _growth(age * 12, self.chart.person.sex)
            return (
                height * (1 + body.height * 0.035),
                weight * (1 + body.mass * 0.11),
                head * (1 + body.height * 0.02),
            )
        drift = (at - self.chart.end).days / 365 * (0.25 if self.chart.person.has("K77", "P70", "R84") else -0.15)
        weight = (body.mass - drift) * (body.height / 100) ** 2 + rng.gauss(0, 0.5) + self._carried(at)
        return body.height, weight, 56.0

    def _carried(self, at: datetime) -> float:
        return max(0.0, (self._week(at) - 10) * 0.42) if self._week(at) <= 42 else 0.0

    def _week(self, at: datetime) -> int:
        """The week of a pregnancy that this day falls in; 99 when there is none."""
        for birth in (*self.chart.person.births_on, self.chart.person.due_on):
            if birth and 0 <= (birth - at.date()).days < 275:
                return 40 - (birth - at.date()).days // 7
        return 99


def phrase(texts: dict[str, str], rng: Random, *, irregular: bool) -> str:
    """The measurements as one sentence of a note, in one of the ways that people write them."""
    rows: list[str] = []
    if "bp" in texts:
        rows.append(f"BT {texts['bp']}")
    if "pulse" in texts:
        rhythm = "ureg." if irregular else rng.choice(("rgm.", "regelm.", ""))
        rows.append(f"{rng.choice(('P', 'puls'))} {texts['pulse']} {rhythm}".strip())
    if "temp" in texts:
        rows.append(f"{rng.choice(('temp', 'T'))} {texts['temp']}")
    if "resp" in texts:
        rows.append(f"{rng.choice(('RF', 'resp'))} {texts['resp']}")
    if "sat" in texts:
        rows.append(f"SpO2 {texts['sat']} %" + (f" ({texts['air']})" if "air" in texts else ""))
    if "acvpu" in texts:
        rows.append(f"ACVPU {texts['acvpu']}")
    named = (("weight", "vekt", " kg"), ("height", "høyde", " cm"), ("bmi", "BMI", ""), ("head", "HO", " cm"))
    rows += [f"{label} {texts[name]}{unit}" for name, label, unit in named if name in texts]
    return f"{', '.join(rows)}." if rows else ""


def _tenths(value: float) -> Decimal:
    return Decimal(f"{value:.1f}")


def _child(age: float, at_birth: float) -> float:
    return at_birth * float(max(0.0, 1 - age / 14) ** 1.6)


def _growth(months: float, sex: str) -> tuple[float, float, float]:
    table = _BOYS if sex == "male" else _GIRLS
    place = min(len(_MONTHS) - 1, max(1, bisect(_MONTHS, months)))
    low, high = _MONTHS[place - 1], _MONTHS[place]
    share = min(1.0, (months - low) / (high - low))
    first, last = table[place - 1], table[place]
    height, weight, head = (a + (b - a) * share for a, b in zip(first, last, strict=True))
    return height, weight, head
