"""The seven vitals as they stand in a form, live or sent: values, faults by field, what is asked about."""

from __future__ import annotations

from dataclasses import dataclass, field

import msgspec

from fellesjournal.clinical.measurements import (
    VITALS,
    BadValue,
    Basis,
    Measurement,
    assess,
    doubts,
    parse,
)
from fellesjournal.clinical.measurements.news2 import Missing, NotShown, Score, SpO2Scale
from fellesjournal.web import FieldErrors, Form, _, keep_typed
from fellesjournal.web.i18n import translated

PREFIX = "v_"
CONFIRMED = "stemmer"
PREGNANT = "gravid"
BASIS_S = 12 * 3600
_YES, _NO = "ja", "nei"

keep_typed(
    begrunnelse=_("Begrunnelse for skala 2 (88–92 %)"),
    v_resp=_("Respirasjon"),
    v_sat=_("SpO₂"),
    v_sys=_("Overtrykk"),
    v_dia=_("Undertrykk"),
    v_pulse=_("Puls"),
    v_temp=_("Temperatur"),
    v_acvpu=_("Bevissthet (ACVPU)"),
)


class SealedBasis(msgspec.Struct, frozen=True):
    """What NEWS2 hangs on, given to the page so that the live score needs no look into the chart."""

    age_years: int | None
    pregnant: bool
    scale: SpO2Scale

    def basis(self, *, says_pregnant: bool | None) -> Basis:
        """With what is ticked now: what the patient says counts over the record."""
        pregnant = self.pregnant if says_pregnant is None else says_pregnant
        return Basis(self.age_years, pregnant, self.scale)


@dataclass(frozen=True, slots=True)
class Vitals:
    """What a form holds. `asked` are the doubts that are not confirmed."""

    values: dict[str, Measurement]
    errors: FieldErrors
    asked: tuple[str, ...]
    says_pregnant: bool | None

    @property
    def is_fit(self) -> bool:
        """Whether it can be recorded as it stands."""
        return not self.errors and not self.asked

    @property
    def in_order(self) -> tuple[Measurement, ...]:
        """The measurements, in the order of NEWS2."""
        return tuple(self.values[kind] for kind in VITALS if kind in self.values)

    def score(self, sealed: SealedBasis) -> Score | Missing | NotShown:
        """NEWS2 of these values."""
        return assess(self.values, sealed.basis(says_pregnant=self.says_pregnant))


@dataclass
class _Reading:
    form: Form
    language: str
    values: dict[str, Measurement] = field(default_factory=dict)
    errors: FieldErrors = field(default_factory=FieldErrors)

    def take(self, kind: str) -> None:
        """One field, if there is anything in it."""
        text = self._pressure() if kind == "bp" else self.form.text(PREFIX + kind)
        if not text:
            return
        try:
            self.values[kind] = parse(kind, text)
        except BadValue as error:
            name = PREFIX + ("sys" if kind == "bp" else kind)
            self.errors.add(name, _told(error, self.language))

    def _pressure(self) -> str:
        above, below = self.form.text(PREFIX + "sys"), self.form.text(PREFIX + "dia")
        if bool(above) != bool(below):
            missing = "dia" if above else "sys"
            self.errors.add(PREFIX + missing, translated(self.language, _("Skriv både overtrykk og undertrykk.")))
            return ""
        return f"{above}/{below}" if above else ""


def read_vitals(form: Form, language: str) -> Vitals:
    """The vitals of a form: whichever are filled in."""
    reading = _Reading(form, language)
    for kind in VITALS:
        reading.take(kind)
    asked = () if form.is_on(CONFIRMED) else doubts(list(reading.values.values()))
    told = tuple(_told(one, language) for one in asked)
    says = {_YES: True, _NO: False}.get(form.text(PREGNANT))
    return Vitals(reading.values, reading.errors, told, says)


def _told(error: BadValue, language: str) -> str:
    about = {name: translated(language, value) for name, value in error.about.items()}
    return translated(language, error.text, **about)
