"""What can be done with an entry that is wrong, and what a wish must hold."""

from __future__ import annotations

from typing import Final

from fellesjournal.clinical.pieces import HL7, VOLVEN, Json, concept
from fellesjournal.record.erasure import CORRECTION, KEEPER, PATIENT, WRONG_PERSON
from fellesjournal.web import _

STATUS: Final = f"{VOLVEN}9202"
"""Status of an entry in a record (EPJ-standard del 2)."""
WITHDRAWN: Final = "83"
LABEL: Final[Json] = {"system": STATUS, "code": WITHDRAWN, "display": "Fjernet som ledd i retting"}

BASES: Final = {
    CORRECTION: _("Ønske om retting"),
    KEEPER: _("etter initiativ fra den som er ansvarlig for journalen"),
    WRONG_PERSON: _("skrevet om feil person"),
    PATIENT: _("etter ønske fra pasienten"),
}
"""Volven 9234, as it is said to people. Helsepersonelloven § 43."""

STATES: Final = {
    "asked": _("Venter på første vurdering"),
    "proposed": _("Venter på vurdering av en person til"),
    "refused": _("Avslått"),
    "done": _("Slettet"),
}

_STANDING: Final = {"Composition": "amended", "Observation": "corrected", "Encounter": "finished"}


class CorrectionRefusal(Exception):
    """A wish that can't be carried out as it is; `field` is where the fault stands. What was typed is kept."""

    status = 422
    field = "begrunnelse"
    text = _("Skriv en begrunnelse.")


class NoAnswer(CorrectionRefusal):
    """A refusal must say why: it can be appealed."""

    field = "svar"
    text = _("Skriv hvorfor det ikke blir slettet. Den som ba om det, får se svaret og kan klage til statsforvalteren.")


class SameRecord(CorrectionRefusal):
    """Moved to the record that it is in."""

    field = "hvem"
    text = _("Dette er den samme personen som notatet står hos nå. Velg den rette.")


def withdrawn(resource: Json) -> Json:
    """The resource as withdrawn: entered in error, and labelled so that ordinary reading passes it by."""
    found = dict(resource)
    if found["resourceType"] == "Condition":
        found["verificationStatus"] = concept(f"{HL7}condition-ver-status", "entered-in-error")
        found.pop("clinicalStatus", None)
    else:
        found["status"] = "entered-in-error"
    meta = dict(found.get("meta", {}))
    meta["security"] = [*(one for one in meta.get("security", ()) if one.get("system") != STATUS), LABEL]
    return found | {"meta": meta}


def standing(resource: Json) -> Json:
    """A withdrawn resource as it stands again: a note as corrected, since it has been changed since it was signed."""
    found = dict(resource)
    if found["resourceType"] == "Condition":
        found["verificationStatus"] = concept(f"{HL7}condition-ver-status", "confirmed")
        found["clinicalStatus"] = concept(f"{HL7}condition-clinical", "active")
    else:
        found["status"] = _STANDING[found["resourceType"]]
    meta = {name: value for name, value in found.get("meta", {}).items() if name != "security"}
    labels = [one for one in found.get("meta", {}).get("security", ()) if one.get("system") != STATUS]
    return found | {"meta": meta | ({"security": labels} if labels else {})}


def is_withdrawn(resource: Json) -> bool:
    """Whether an entry is withdrawn."""
    labels = resource.get("meta", {}).get("security", ())
    return any(one.get("system") == STATUS and one.get("code") == WITHDRAWN for one in labels)
