"""What can be measured, in which unit, and which values are believed.

A hard limit refuses: such a value is a slip of the finger. A soft limit asks: it is rare, and is taken when the person
says that it is right. The limits are our own, set wide; they say nothing of what is healthy.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from fellesjournal.web import _

Limits = tuple[Decimal, Decimal]


@dataclass(frozen=True, slots=True)
class Part:
    """One number of a measurement: its LOINC code, and the limits of belief (hard refuses, soft asks)."""

    label: str
    loinc: str
    display: str
    hard: Limits
    soft: Limits


@dataclass(frozen=True, slots=True)
class Kind:
    """One thing that is measured. Several parts = a panel with components (blood pressure); none = a choice."""

    code: str
    label: str
    unit: str
    ucum: str
    parts: tuple[Part, ...] = ()
    decimals: int = 0
    loinc: str = ""
    display: str = ""
    choices: tuple[tuple[str, str], ...] = ()
    category: str = "vital-signs"


@dataclass(frozen=True, slots=True)
class Measurement:
    """One measurement: its numbers in the order of the kind's parts, or the code that was chosen."""

    kind: str
    values: tuple[Decimal, ...] = ()
    code: str = ""

    @property
    def value(self) -> Decimal | None:
        """The first number."""
        return self.values[0] if self.values else None


class BadValue(ValueError):
    """What was typed can't be this measurement; `text` (with `about`) says what can."""

    def __init__(self, text: str, **about: str) -> None:
        super().__init__("not a believable value")
        self.text = text
        self.about = about

    @property
    def told(self) -> str:
        """The bokmål text, filled in."""
        return self.text % self.about


def _limits(low: str, high: str) -> Limits:
    return Decimal(low), Decimal(high)


def _number(
    code: str,
    label: str,
    unit: str,
    ucum: str,
    loinc: str,
    display: str,
    hard: Limits,
    soft: Limits,
    decimals: int = 0,
    category: str = "vital-signs",
) -> Kind:
    part = Part(label, loinc, display, hard, soft)
    return Kind(code, label, unit, ucum, (part,), decimals, loinc, display, category=category)


ACVPU = (
    ("A", _("Våken")),
    ("C", _("Nyoppstått forvirring")),
    ("V", _("Reagerer på tiltale")),
    ("P", _("Reagerer på smerte")),
    ("U", _("Reagerer ikke")),
)
AIR = (("air", _("Romluft")), ("oxygen", _("Oksygen")))

KINDS: dict[str, Kind] = {
    kind.code: kind
    for kind in (
        Kind(
            "bp",
            _("Blodtrykk"),
            "mmHg",
            "mm[Hg]",
            (
                Part(
                    _("Systolisk"),
                    "8480-6",
                    "Systolic blood pressure",
                    _limits("30", "320"),
                    _limits("70", "230"),
                ),
                Part(
                    _("Diastolisk"),
                    "8462-4",
                    "Diastolic blood pressure",
                    _limits("10", "220"),
                    _limits("35", "140"),
                ),
            ),
            0,
            "85354-9",
            "Blood pressure panel with all children optional",
        ),
        _number(
            "pulse",
            _("Puls"),
            "/min",
            "/min",
            "8867-4",
            "Heart rate",
            _limits("10", "320"),
            _limits("35", "190"),
        ),
        _number(
            "temp",
            _("Temperatur"),
            "°C",
            "Cel",
            "8310-5",
            "Body temperature",
            _limits("20", "45"),
            _limits("34", "41.5"),
            1,
        ),
        _number(
            "resp",
            _("Respirasjonsfrekvens"),
            "/min",
            "/min",
            "9279-1",
            "Respiratory rate",
            _limits("0", "120"),
            _limits("6", "45"),
        ),
        _number(
            "sat",
            _("SpO₂"),
            "%",
            "%",
            "59408-5",
            "Oxygen saturation in Arterial blood by Pulse oximetry",
            _limits("20", "100"),
            _limits("75", "100"),
        ),
        Kind("air", _("Luft eller oksygen"), "", "", choices=AIR),
        Kind("acvpu", _("Bevissthet (ACVPU)"), "", "", choices=ACVPU),
        _number(
            "weight",
            _("Vekt"),
            "kg",
            "kg",
            "29463-7",
            "Body weight",
            _limits("0.2", "500"),
            _limits("1.5", "220"),
            2,
        ),
        _number(
            "height",
            _("Høyde"),
            "cm",
            "cm",
            "8302-2",
            "Body height",
            _limits("20", "260"),
            _limits("40", "210"),
            1,
        ),
        _number(
            "bmi",
            _("KMI"),
            "kg/m²",
            "kg/m2",
            "39156-5",
            "Body mass index (BMI) [Ratio]",
            _limits("5", "120"),
            _limits("12", "60"),
            1,
        ),
        _number(
            "head",
            _("Hodeomkrets"),
            "cm",
            "cm",
            "9843-4",
            "Head Occipital-frontal circumference",
            _limits("15", "80"),
            _limits("28", "62"),
            1,
        ),
        _number(
            "glucose",
            _("Glukose"),
            "mmol/L",
            "mmol/L",
            "15074-8",
            "Glucose [Moles/volume] in Blood",
            _limits("0.1", "80"),
            _limits("2.5", "30"),
            1,
            "laboratory",
        ),
        _number(
            "pef",
            _("PEF"),
            "L/min",
            "L/min",
            "33452-4",
            "Maximum expiratory gas flow Respiratory system airway",
            _limits("20", "1000"),
            _limits("60", "850"),
            0,
            "exam",
        ),
        _number(
            "pain",
            _("Smerte (NRS)"),
            _("av 10"),
            "{score}",
            "72514-3",
            "Pain severity - 0-10 verbal numeric rating [Score] - Reported",
            _limits("0", "10"),
            _limits("0", "10"),
            0,
            "survey",
        ),
    )
}

VITALS = ("resp", "sat", "air", "bp", "pulse", "acvpu", "temp")
"""What triage measures: the seven of NEWS2, in its order."""

_NUMBER = re.compile(r"\d{1,4}(?:[.,]\d{1,3})?")
_BETWEEN = re.compile(r"\s*[/\\ ]\s*")


def parse(kind: str, text: str) -> Measurement:
    """What was typed as a measurement: `37,2`, `120/80`, `A`. Raises BadValue for what can't be."""
    known = KINDS.get(kind)
    if known is None:
        raise BadValue(_("Det finnes ingen slik måling."))
    if known.choices:
        return Measurement(kind, code=_choice(known, text))
    pieces = _BETWEEN.split(text.strip()) if len(known.parts) > 1 else [text.strip()]
    if len(pieces) != len(known.parts):
        raise BadValue(_("Skriv blodtrykket som overtrykk/undertrykk, for eksempel 120/80."))
    values = tuple(_value(known, part, piece) for part, piece in zip(known.parts, pieces, strict=True))
    if kind == "bp" and values[1] >= values[0]:
        raise BadValue(_("Undertrykket må være lavere enn overtrykket."))
    return Measurement(kind, values)


def doubts(measurements: Sequence[Measurement]) -> list[BadValue]:
    """What is rare enough to ask about, one for each number outside its soft limits."""
    found = []
    for one in measurements:
        kind = KINDS[one.kind]
        for part, value in zip(kind.parts, one.values, strict=False):
            low, high = part.soft
            if not low <= value <= high:
                about = {"label": part.label, "value": _comma(value), "unit": kind.unit}
                found.append(BadValue(_("%(label)s %(value)s %(unit)s er uvanlig. Stemmer det?"), **about))
    return found


def measurement_types() -> tuple[tuple[str, str, str], ...]:
    """(code, label, unit) of everything that a note's menu can insert."""
    return tuple((kind.code, kind.label, kind.unit) for kind in KINDS.values() if kind.parts)


def shown(one: Measurement) -> str:
    """The value as Norwegians write it, without unit: `37,2`, `120/80`, `A`."""
    return "/".join(_comma(value) for value in one.values) or one.code


def _choice(kind: Kind, text: str) -> str:
    wanted = text.strip().casefold()
    for code, _label in kind.choices:
        if code.casefold() == wanted:
            return code
    raise BadValue(_("Velg ett av alternativene."))


def _value(kind: Kind, part: Part, text: str) -> Decimal:
    if not _NUMBER.fullmatch(text):
        raise BadValue(_("%(label)s: skriv et tall, for eksempel med komma: 37,2."), label=part.label)
    value = Decimal(text.replace(",", "."))
    if -int(value.as_tuple().exponent) > kind.decimals:
        told = (
            _("%(label)s: skriv tallet uten desimaler.")
            if not kind.decimals
            else _("%(label)s: skriv færre desimaler.")
        )
        raise BadValue(told, label=part.label)
    low, high = part.hard
    if not low <= value <= high:
        raise BadValue(
            _("%(label)s må være mellom %(low)s og %(high)s %(unit)s."),
            label=part.label,
            low=_comma(low),
            high=_comma(high),
            unit=kind.unit,
        )
    return value


def _comma(value: Decimal) -> str:
    return format(value, "f").replace(".", ",")
