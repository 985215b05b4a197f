"""Scopes in words that a person understands: what information, and whether the app may only read it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from fellesjournal.identity.apps import Scope
from fellesjournal.web import _

READS: Final = _("kan lese")
WRITES: Final = _("kan skrive nytt og endre")
BOTH: Final = _("kan lese, skrive nytt og endre")

_ALL: Final = _("Alt som står i journalen")
_KINDS: Final = {
    "Patient": _("Navn, fødselsnummer, adresse og andre personopplysninger"),
    "Observation": _("Målinger og prøvesvar"),
    "Condition": _("Diagnoser og helseproblemer"),
    "AllergyIntolerance": _("Allergier og overfølsomhet"),
    "Immunization": _("Vaksiner"),
    "Encounter": _("Besøk og kontakter med helsetjenesten"),
    "Appointment": _("Timeavtaler"),
    "Procedure": _("Behandlinger og inngrep"),
    "CarePlan": _("Planer for behandling og oppfølging"),
    "DiagnosticReport": _("Rapporter fra undersøkelser og prøver"),
    "FamilyMemberHistory": _("Sykdom i familien"),
    "QuestionnaireResponse": _("Svar på skjemaer"),
    "Task": _("Oppgaver"),
    "RelatedPerson": _("Pårørende"),
    "Binary": _("Vedlegg og filer"),
    **dict.fromkeys(("Composition", "DocumentReference", "ClinicalImpression"), _("Journalnotater og dokumenter")),
    **dict.fromkeys(
        ("Medication", "MedicationRequest", "MedicationStatement", "MedicationAdministration", "MedicationDispense"),
        _("Legemidler"),
    ),
    **dict.fromkeys(
        ("Practitioner", "PractitionerRole", "Organization", "Location", "HealthcareService"),
        _("Hvem som arbeider i helsetjenesten, og hvor"),
    ),
}
_PARTS: Final = {
    ("Observation", "laboratory"): _("Prøvesvar"),
    ("Observation", "vital-signs"): _("Målinger som blodtrykk, puls og vekt"),
    ("Observation", "social-history"): _("Opplysninger om levevaner, som røyking"),
    ("Condition", "problem-list-item"): _("Problemlisten"),
    ("Condition", "encounter-diagnosis"): _("Diagnoser fra besøk"),
}


@dataclass(frozen=True)
class Wish:
    """One thing that an app asks for, as it stands beside a box. `kind` and `part` complete a text that is general."""

    value: str
    text: str
    may: str
    kind: str = ""
    part: str = ""


def wish_of(scope: Scope) -> Wish:
    """The scope as it is asked for."""
    named = next((value.rpartition("|")[2] for name, value in scope.params if name == "category"), "")
    known = _PARTS.get((scope.rtype, named)) if len(scope.params) == 1 else None
    text = known or (_ALL if scope.rtype == "*" else _KINDS.get(scope.rtype, ""))
    part = "" if known else ", ".join(f"{name} = {value}" for name, value in scope.params)
    return Wish(str(scope), text, _may(scope), "" if text else scope.rtype, part)


def _may(scope: Scope) -> str:
    reads, writes = (any(one in scope.actions for one in some) for some in ("rs", "cud"))
    return BOTH if reads and writes else READS if reads else WRITES
