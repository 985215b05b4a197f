"""What kinds of data a line of the log is about, in words, for all who read it."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from fellesjournal.access.audit import LogLine
from fellesjournal.fhir import RESOURCE_TYPES
from fellesjournal.web import _

KINDS: Final[Mapping[str, str]] = MappingProxyType({
    "AllergyIntolerance": _("Allergier"),
    "Appointment": _("Timer"),
    "CarePlan": _("Tiltaksplan"),
    "Communication": _("Meldinger"),
    "Composition": _("Notater"),
    "Consent": _("Sperringer og samtykker"),
    "Condition": _("Diagnoser og helseproblemer"),
    "DiagnosticReport": _("Prøvesvar"),
    "DocumentReference": _("Dokumenter"),
    "Encounter": _("Kontakter"),
    "EpisodeOfCare": _("Tjenester"),
    "Flag": _("Kritisk informasjon"),
    "Immunization": _("Vaksiner"),
    "MedicationRequest": _("Resepter"),
    "MedicationStatement": _("Legemidler"),
    "Observation": _("Målinger og prøver"),
    "Patient": _("Navn, adresse og kontaktopplysninger"),
    "Procedure": _("Behandling"),
    "RelatedPerson": _("Pårørende"),
    "ServiceRequest": _("Henvisninger og vedtak"),
    "Task": _("Oppgaver"),
})  # fmt: skip
"""Kinds of data by resource type, in bokmål; other types are `OTHER_KIND`."""

OTHER_KIND: Final = _("Andre opplysninger")
WHOLE: Final = _("Journalens forside")
THE_LOG: Final = _("Innsynsloggen")
IDENTITY: Final = _("Navn, fødselsdato og fødselsnummer")

_REFUSED: Final = 1
_ON_DATA: Final = frozenset(
    {"open", "read", "search", "history", "list", "identify", "write", "export", "import", "index", "print"}
)


def data_in(line: LogLine) -> tuple[str, ...]:
    """What kinds of data were seen or written, in bokmål; empty for a refusal, and for what is done to no data."""
    return kinds_of(line) if line.action in _ON_DATA and line.outcome != _REFUSED else ()


def kinds_of(line: LogLine, *, names: Mapping[str, str] = KINDS) -> tuple[str, ...]:
    """What kinds of data a line of the log is about, in bokmål; at least one."""
    if line.action in ("log", "review", "judge"):
        return (THE_LOG,)
    if line.action == "identify":
        return (IDENTITY,)
    return tuple(dict.fromkeys(_kind(number, names) for number in line.kinds or (line.kind,)))


def _kind(number: int, names: Mapping[str, str]) -> str:
    if number < 0:  # closed to who reads the log
        return OTHER_KIND
    if not 0 < number <= len(RESOURCE_TYPES):
        return WHOLE
    return names.get(RESOURCE_TYPES[number - 1], OTHER_KIND)
