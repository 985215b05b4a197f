"""What can be done with an entry that is wrong, and what a wish must hold."""

from __future__ import annotations

from typing import Final

from fellesjournal.clinical.pieces import HL7, LOCAL, VOLVEN, Json, codes_in, concept
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

FORMER: Final = f"{LOCAL}former-"
"""Systems of tags that say what a withdrawn entry's status was."""
_VERIFIED: Final = {
    "Condition": ("condition-clinical", "condition-ver-status"),
    "AllergyIntolerance": ("allergyintolerance-clinical", "allergyintolerance-verification"),
}
"""Types whose status stands in two elements, with their code systems."""
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


class HoldsContent(CorrectionRefusal):
    """Its attachment stands by itself in the first person's record."""

    text = _("Dokumenter med vedlegg kan ikke flyttes. Legg det inn hos rett person, og foreslå dette slettet.")


def withdrawn(resource: Json) -> Json:
    """The resource as withdrawn: entered in error, and labelled so that ordinary reading passes it by.

    What its status was is kept as tags, for when it is taken up again.
    """
    found, meta = dict(resource), dict(resource.get("meta", {}))
    verified = _VERIFIED.get(found["resourceType"])
    if verified:
        former = [(name, codes_in(found.pop(name, None))) for name in ("clinicalStatus", "verificationStatus")]
        found["verificationStatus"] = concept(f"{HL7}{verified[1]}", "entered-in-error")
        kept = [_was(name, codes[0]) for name, codes in former if codes]
    else:
        kept = [_was("status", found["status"])]
        found["status"] = "entered-in-error"
    meta["tag"] = [*(one for one in meta.get("tag", ()) if not _is_former(one)), *kept]
    meta["security"] = [*(one for one in meta.get("security", ()) if one.get("system") != STATUS), LABEL]
    return found | {"meta": meta}


def standing(resource: Json) -> Json:
    """A withdrawn resource as it stands again: a note as corrected, since it has been changed since it was signed."""
    found, meta = dict(resource), dict(resource.get("meta", {}))
    former = {one["system"].removeprefix(FORMER): one["code"] for one in meta.get("tag", ()) if _is_former(one)}
    verified = _VERIFIED.get(found["resourceType"])
    if verified:
        found["verificationStatus"] = concept(f"{HL7}{verified[1]}", former.get("verificationStatus", "confirmed"))
        found["clinicalStatus"] = concept(f"{HL7}{verified[0]}", former.get("clinicalStatus", "active"))
    else:
        found["status"] = _STANDING.get(found["resourceType"]) or former.get("status", "unknown")
    left = {
        "security": [one for one in meta.pop("security", ()) if one.get("system") != STATUS],
        "tag": [one for one in meta.pop("tag", ()) if not _is_former(one)],
    }
    return found | {"meta": meta | {name: labels for name, labels in left.items() if labels}}


def _was(name: str, code: str) -> Json:
    return {"system": f"{FORMER}{name}", "code": code}


def _is_former(label: Json) -> bool:
    return str(label.get("system", "")).startswith(FORMER)


def is_withdrawn(resource: Json) -> bool:
    """Whether an entry is withdrawn."""
    labels = resource.get("meta", {}).get("security", ())
    return any(one.get("system") == STATUS and one.get("code") == WITHDRAWN for one in labels)
