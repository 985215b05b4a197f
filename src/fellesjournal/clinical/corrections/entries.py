"""Entries other than notes, each by itself: measurements, diagnoses, allergies, critical information, medicines …

A kind of entry is a row of `KINDS`; nothing else here knows which kinds there are.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from fellesjournal import fhir
from fellesjournal.access.model import PatientId
from fellesjournal.clinical.overview.fhir import value_from
from fellesjournal.clinical.pieces import Json, id_in, moment, patient_id, words
from fellesjournal.fhir.ownership import clinical_date
from fellesjournal.kit import ids
from fellesjournal.record.errors import NotFound
from fellesjournal.record.journal import Journal
from fellesjournal.record.lookup import Stored
from fellesjournal.record.names import Key
from fellesjournal.web import _

_MOST: Final = "100"


@dataclass(frozen=True)
class Kind:
    """A kind of entry: what it is called, and the element that says what it is."""

    name: str
    element: str = "code"


KINDS: Final[Mapping[str, Kind]] = {
    "Flag": Kind(_("Kritisk informasjon")),
    "AllergyIntolerance": Kind(_("Allergier")),
    "Condition": Kind(_("Diagnoser og problemer")),
    "MedicationStatement": Kind(_("Legemidler i bruk"), "medicationCodeableConcept"),
    "Observation": Kind(_("Målinger og prøver")),
    "DiagnosticReport": Kind(_("Prøvesvar")),
    "Immunization": Kind(_("Vaksiner"), "vaccineCode"),
    "DocumentReference": Kind(_("Dokumenter"), "type"),
}


@dataclass(frozen=True)
class Single:
    """An entry by itself. `number` is its type's, which addresses carry: no word of what it is.

    `title` may be one of our own texts, in bokmål; `amount` is what was measured, '' for what is no measurement.
    """

    stored: Stored
    kind: str
    title: str
    amount: str
    at: datetime | None

    @property
    def number(self) -> int:
        """The number of its type."""
        return fhir.TYPE_NUMBER[self.stored.rtype]

    @property
    def id(self) -> str:
        """Its id."""
        return self.stored.id

    @property
    def version(self) -> int:
        """The version that is shown."""
        return self.stored.version

    @property
    def parts(self) -> tuple[Stored, ...]:
        """All of it."""
        return (self.stored,)

    @property
    def along(self) -> list[Key]:
        """The content that it holds by its address: what is deleted with it."""
        return list(_contents(self.stored.resource()))

    @property
    def may_move(self) -> bool:
        """Content that stands by itself is the first person's: such an entry is written anew by hand."""
        return not self.along


async def read_single(journal: Journal, *, patient: PatientId, number: int, entry_id: str) -> Single:
    """An entry of this patient. Raises NotFound, also for another patient's and for a kind that is none of these."""
    rtype = next((name for name in KINDS if fhir.TYPE_NUMBER[name] == number), None)
    if rtype is None:
        raise NotFound
    found = single_from(await journal.read(rtype, entry_id))
    resource = found.stored.resource()
    if id_in(resource.get("subject") or resource.get("patient"), "Patient") != patient_id(patient):
        raise NotFound
    return found


async def all_singles(journal: Journal, *, patient: PatientId) -> list[tuple[str, list[Single]]]:
    """(what the kind is called, its entries) of a chart: at most a hundred of each, newest first; no empty kinds."""
    about = [("patient", patient_id(patient)), ("_count", _MOST)]
    pages = await journal.search_many([(rtype, rtype, about) for rtype in KINDS])
    found = ((kind.name, [single_from(one) for one in pages[rtype].matches]) for rtype, kind in KINDS.items())
    return [(name, entries) for name, entries in found if entries]


def single_from(stored: Stored) -> Single:
    """A row as an entry: what it is in a few words, and when."""
    resource, kind = stored.resource(), KINDS[stored.rtype]
    value = value_from(resource) if stored.rtype == "Observation" else None
    title = value.label if value else resource.get("description") or words(resource.get(kind.element)) or kind.name
    amount = f"{value.shown} {value.unit}".strip() if value else ""
    at = clinical_date(resource) or moment(resource.get("meta", {}).get("lastUpdated"))
    return Single(stored, kind.name, str(title), amount, at)


def _contents(value: Any) -> Iterator[Key]:
    """The rows of content that stand in attachments."""
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        if isinstance(item, dict | list):
            yield from _contents(item)
    url = value.get("url") if isinstance(value, dict) else None
    name = url.rpartition("Binary/")[2].partition("/")[0] if isinstance(url, str) and "Binary/" in url else ""
    key = ids.decode(name) if name else None
    if key:
        yield key


def without_links(resource: Json) -> Json:
    """The resource without what it refers to in a person's record; who works where may stay."""
    kept: Json = {}
    for name, value in resource.items():
        if isinstance(value, dict):
            if not _is_link(value):
                kept[name] = without_links(value)
        elif isinstance(value, list):
            items = [without_links(one) if isinstance(one, dict) else one for one in value if not _is_link(one)]
            kept.update({name: items} if items else {})
        else:
            kept[name] = value
    return kept


def _is_link(value: Any) -> bool:
    named = value.get("reference") if isinstance(value, dict) else None
    return isinstance(named, str) and named.partition("/")[0] not in _DIRECTORY


_DIRECTORY: Final = frozenset({"Practitioner", "PractitionerRole", "Organization", "Location", "HealthcareService"})
