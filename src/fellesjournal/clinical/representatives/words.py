"""What items of the record are called on the pages where they are withheld, and what a representative sees."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Final

from fellesjournal.clinical.pieces import Json, words
from fellesjournal.clinical.representatives.actions import Item
from fellesjournal.fhir import RESOURCE_TYPES
from fellesjournal.record.names import Key
from fellesjournal.web import _

KINDS: Final = {
    "Appointment": _("Time"), "Communication": _("Melding"), "Composition": _("Notat"), "Condition": _("Diagnose"),
    "DiagnosticReport": _("Prøvesvar"), "DocumentReference": _("Dokument"), "Encounter": _("Kontakt"),
    "Immunization": _("Vaksine"), "MedicationRequest": _("Resept"), "MedicationStatement": _("Legemiddel"),
    "Observation": _("Måling eller prøve"), "Procedure": _("Behandling"), "ServiceRequest": _("Henvisning"),
}  # fmt: skip
OTHER_KIND: Final = _("Annen opplysning")
OPENS: Final = {
    "ALL": ("success", "✓", _("Ser og handler"), _("Ser journalen og kan handle for pasienten.")),
    "READ": ("success", "✓", _("Ser"), _("Ser journalen, men kan ikke handle for pasienten.")),
    "LESS": ("info", "✓", _("Ser det meste"), _("Ser ikke det som er sensitivt, og kan ikke handle (12–15 år).")),
    "AREAS": ("info", "✓", _("Ser en del"), _("Ser bare det fullmakten gjelder.")),
    "CUT": ("danger", "!", _("Stengt ute"), _("Stengt ute av helsepersonell.")),
    "NONE": ("neutral", "–", _("Ser ingenting nå"),
             _("Alderen, foreldreansvaret, bostedet eller en skjermet adresse er til hinder.")),
}  # fmt: skip
"""By what is open now: a color, a mark, a word and a sentence."""
DONE: Final = {
    "stengt": _("Innsynet er stengt, også for den som er inne nå."),
    "sluppet": _("Forelderen kan se journalen igjen."),
    "holdt": _("Foreldrene ser det ikke lenger, heller ikke i loggen, timene eller tallene."),
    "vist": _("Foreldrene kan se det igjen."),
    "fortalt": _("Det står i journalen, og den unge ser det i innsynsloggen."),
}
"""What was done, for the overview."""
_TEXTS: Final = ("code", "medicationCodeableConcept", "vaccineCode", "reasonCode", "serviceType")


@dataclass(frozen=True)
class Line:
    """An item as a page shows it: how a form and an address name it, kind (bokmål), words of its own, day."""

    name: str
    kind: str
    text: str
    on: date | None
    is_withheld: bool


def line_of(item: Item, withheld: set[Key]) -> Line:
    """An item as a line."""
    kind = KINDS.get(item.rtype, OTHER_KIND)
    return Line(item.name, kind, _text_of(item.resource), item.on, item.key in withheld)


def kinds_named(numbers: Iterable[int]) -> list[str]:
    """Type numbers in words (bokmål), each once."""
    names = (RESOURCE_TYPES[number - 1] for number in numbers if 0 < number <= len(RESOURCE_TYPES))
    return list(dict.fromkeys(KINDS.get(name, OTHER_KIND) for name in names))


def _text_of(resource: Json) -> str:
    found = resource.get("title") or resource.get("description")
    for name in _TEXTS:
        value = resource.get(name) or {}
        found = found or words(value[0] if isinstance(value, list) else value)
    return str(found or "")
