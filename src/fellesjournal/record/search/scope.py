"""Where a search looks: opened charts, or the acting unit's lists. The policy's predicate, for the plan."""

from dataclasses import dataclass
from typing import Final, TypeAlias

from fellesjournal.record.ownership import DIRECTORY_TYPES
from fellesjournal.record.search.sql import Params

OWN_DATE: Final = {
    "Appointment": "date", "CarePlan": "date", "Communication": "sent", "Composition": "date",
    "Consent": "date",
    "DiagnosticReport": "date", "DocumentReference": "date", "Encounter": "date", "EpisodeOfCare": "date",
    "Flag": "date", "Goal": "start-date", "Immunization": "date", "List": "date",
    "MedicationRequest": "authoredon",
    "MedicationStatement": "effective", "Observation": "date", "Patient": "birthdate", "Procedure": "date",
    "QuestionnaireResponse": "authored", "ServiceRequest": "authored", "Slot": "start", "Task": "authored-on",
}  # fmt: skip
"""The date parameter of each type that its rows are kept in order of (`fhir.ownership.clinical_date`)."""


@dataclass(frozen=True)
class Chart:
    """Charts that were opened: their Patients' pids."""

    patients: tuple[int, ...]


@dataclass(frozen=True)
class Listing:
    """The acting unit's own lists."""

    unit: int


Scope: TypeAlias = Chart | Listing


def is_people(scope: Scope, rtype: str) -> bool:
    """Whether the search is for the unit's people: others control their rows, so the roster leads to them."""
    return isinstance(scope, Listing) and rtype == "Patient"


def bounds(scope: Scope, rtype: str, params: Params) -> str:
    """A predicate of one alias, written `{a}`, that every row of this type in this scope fulfils.

    For a unit's people there is none: whoever drives the search takes them from `access.people`.
    """
    if rtype in DIRECTORY_TYPES:
        return "{a}.patient = 0"
    if isinstance(scope, Listing):
        return "" if rtype == "Patient" else "{a}.org = " + params.number(scope.unit)
    if len(scope.patients) == 1:
        return "{a}.patient = " + params.number(scope.patients[0])
    return "{a}.patient = ANY (" + params.numbers(scope.patients) + ")"
