"""NEWS2: a score of seven measurements that warns of acute illness. Pure.

Bands and responses: Royal College of Physicians, National Early Warning Score (NEWS) 2, 2017. For those of 16 and older
who are not pregnant. SpO2 scale 2 (hypercapnic respiratory failure) only on a doctor's recorded order. There is no
total before all seven are given: a missing one is named, never taken as normal.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from fellesjournal.clinical.measurements.model import KINDS, VITALS, Measurement
from fellesjournal.web import _

SpO2Scale = Literal[1, 2]
ADULT_FROM = 16

Band = tuple[Decimal | None, int, str]
"""Highest value of a band (None = no end), its points, and how the band is written."""


def _bands(*rows: tuple[str | None, int, str]) -> tuple[Band, ...]:
    return tuple((None if top is None else Decimal(top), points, text) for top, points, text in rows)


_RESP = _bands(("8", 3, "≤ 8"), ("11", 1, "9–11"), ("20", 0, "12–20"), ("24", 2, "21–24"), (None, 3, "≥ 25"))
_SAT_1 = _bands(("91", 3, "≤ 91"), ("93", 2, "92–93"), ("95", 1, "94–95"), (None, 0, "≥ 96"))
_SAT_2_LOW = _bands(("83", 3, "≤ 83"), ("85", 2, "84–85"), ("87", 1, "86–87"), ("92", 0, "88–92"))
_SAT_2_AIR = (*_SAT_2_LOW, *_bands((None, 0, "≥ 93, luft")))
_SAT_2_OXYGEN = (
    *_SAT_2_LOW,
    *_bands(("94", 1, "93–94, oksygen"), ("96", 2, "95–96, oksygen"), (None, 3, "≥ 97, oksygen")),
)
_SYSTOLIC = _bands(
    ("90", 3, "≤ 90"), ("100", 2, "91–100"), ("110", 1, "101–110"), ("219", 0, "111–219"), (None, 3, "≥ 220")
)
_PULSE = _bands(
    ("40", 3, "≤ 40"),
    ("50", 1, "41–50"),
    ("90", 0, "51–90"),
    ("110", 1, "91–110"),
    ("130", 2, "111–130"),
    (None, 3, "≥ 131"),
)
_TEMP = _bands(
    ("35.0", 3, "≤ 35,0"),
    ("36.0", 1, "35,1–36,0"),
    ("38.0", 0, "36,1–38,0"),
    ("39.0", 1, "38,1–39,0"),
    (None, 2, "≥ 39,1"),
)


@dataclass(frozen=True, slots=True)
class Points:
    """What one measurement adds. `band` is how the band is written."""

    kind: str
    points: int
    band: str

    @property
    def label(self) -> str:
        """The measurement's name, in bokmål."""
        return _("Systolisk blodtrykk") if self.kind == "bp" else KINDS[self.kind].label


@dataclass(frozen=True, slots=True)
class Response:
    """What a score asks for. `level`: low, low-medium, medium, high."""

    level: str
    title: str
    text: str
    observe: str


@dataclass(frozen=True, slots=True)
class Score:
    """A whole score. `single` is the response to any one measurement of 3 points, beside that of the total."""

    parts: tuple[Points, ...]
    scale: SpO2Scale
    total: int
    response: Response
    single: Response | None

    @property
    def threes(self) -> tuple[Points, ...]:
        """The measurements with 3 points."""
        return tuple(part for part in self.parts if part.points == 3)


@dataclass(frozen=True, slots=True)
class NotShown:
    """NEWS2 does not hold for this person; why not."""

    why: str


@dataclass(frozen=True, slots=True)
class Missing:
    """Measurements that are not given yet: no total. `parts` are the points of those that are."""

    kinds: tuple[str, ...]
    parts: tuple[Points, ...]

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of what is missing, in bokmål."""
        return tuple(KINDS[kind].label for kind in self.kinds)


TOO_YOUNG = NotShown(_("NEWS2 vises ikke: skåren gjelder fra 16 år. Bruk vurdering for barn."))
UNKNOWN_AGE = NotShown(_("NEWS2 vises ikke: fødselsdatoen er ukjent."))
PREGNANT = NotShown(_("NEWS2 vises ikke: skåren gjelder ikke gravide. Bruk vurdering for gravide."))

ROUTINE = Response("low", _("Lav risiko"), _("Fortsett vanlig observasjon."), _("Mål på nytt minst hver 12. time."))
LOW = Response(
    "low",
    _("Lav risiko"),
    _("Sykepleier vurderer om målingene skal tas oftere eller tiltakene økes."),
    _("Mål på nytt minst hver 4.–6. time."),
)
SINGLE = Response(
    "low-medium",
    _("Én måling gir 3 poeng"),
    _("Lege skal varsles og vurdere pasienten: ett organ kan svikte selv om summen er lav."),
    _("Mål på nytt minst hver time."),
)
URGENT = Response(
    "medium",
    _("Middels risiko: haster"),
    _("Lege skal varsles straks og vurdere pasienten nå. Vurder sepsis."),
    _("Mål på nytt minst hver time."),
)
EMERGENCY = Response(
    "high",
    _("Høy risiko: akutt"),
    _("Tilkall lege øyeblikkelig. Vurder innleggelse og rød respons (113)."),
    _("Overvåk kontinuerlig."),
)


def score(
    values: Mapping[str, Measurement], *, age_years: int | None, pregnant: bool, scale: SpO2Scale = 1
) -> Score | Missing | NotShown:
    """The score of measurements by kind; what is missing, or why it is not shown at all."""
    if age_years is None:
        return UNKNOWN_AGE
    if age_years < ADULT_FROM:
        return TOO_YOUNG
    if pregnant:
        return PREGNANT
    parts = tuple(
        points(kind, values[kind], on_oxygen=_on_oxygen(values), scale=scale)
        for kind in VITALS
        if kind in values and _can_be_scored(kind, values, scale)
    )
    missing = tuple(kind for kind in VITALS if kind not in values)
    if missing:
        return Missing(missing, parts)
    total = sum(part.points for part in parts)
    single = SINGLE if any(part.points == 3 for part in parts) else None
    return Score(parts, scale, total, response_to(total), single)


def points(kind: str, one: Measurement, *, on_oxygen: bool, scale: SpO2Scale) -> Points:
    """What one measurement adds, and the band it falls in."""
    if kind == "air":
        return Points(kind, 2, "oksygen") if one.code == "oxygen" else Points(kind, 0, "luft")
    if kind == "acvpu":
        return Points(kind, 0 if one.code == "A" else 3, one.code)
    for top, found, text in _bands_of(kind, on_oxygen=on_oxygen, scale=scale):
        if top is None or one.values[0] <= top:
            return Points(kind, found, text)
    raise AssertionError("the last band has no end")


def response_to(total: int) -> Response:
    """What a total asks for."""
    if total >= 7:
        return EMERGENCY
    if total >= 5:
        return URGENT
    return LOW if total else ROUTINE


def _bands_of(kind: str, *, on_oxygen: bool, scale: SpO2Scale) -> tuple[Band, ...]:
    if kind == "sat":
        return _SAT_1 if scale == 1 else _SAT_2_OXYGEN if on_oxygen else _SAT_2_AIR
    return {"resp": _RESP, "bp": _SYSTOLIC, "pulse": _PULSE, "temp": _TEMP}[kind]


def _on_oxygen(values: Mapping[str, Measurement]) -> bool:
    return "air" in values and values["air"].code == "oxygen"


def _can_be_scored(kind: str, values: Mapping[str, Measurement], scale: SpO2Scale) -> bool:
    """On scale 2 the saturation's points hang on whether oxygen is given: unsaid, nothing is guessed."""
    return not (kind == "sat" and scale == 2 and "air" not in values)
