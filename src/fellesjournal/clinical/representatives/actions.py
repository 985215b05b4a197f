"""What there is to withhold from parents with an item: the contact it belongs to, and what was made on the same day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from fellesjournal.access.model import PatientId
from fellesjournal.clinical.pieces import Json, day, id_in, patient_id
from fellesjournal.kit import ids
from fellesjournal.record.errors import NotFound
from fellesjournal.record.everything import EverythingQuery
from fellesjournal.record.journal import Journal
from fellesjournal.record.lookup import Stored
from fellesjournal.record.names import Key
from fellesjournal.record.ownership import DIRECTORY_TYPES

_DATES: Final = {
    "Appointment": ("start",), "MedicationStatement": ("dateAsserted", "effectivePeriod.start"),
    "MedicationRequest": ("authoredOn",), "Condition": ("recordedDate",), "Observation": ("effectiveDateTime",),
    "DiagnosticReport": ("effectiveDateTime", "issued"), "ServiceRequest": ("authoredOn",),
    "DocumentReference": ("date",), "Immunization": ("occurrenceDateTime",), "Communication": ("sent",),
}  # fmt: skip
"""What may tell of a contact besides what names it, and when each was made."""
_OTHERWISE: Final = ("date", "period.start")
_MANY: Final = "200"


@dataclass(frozen=True)
class Item:
    """One row of the record."""

    rtype: str
    id: str
    key: Key
    resource: Json

    @property
    def name(self) -> str:
        """How a form and an address name it."""
        return f"{self.rtype}/{self.id}"

    @property
    def on(self) -> date | None:
        """The Norwegian day that it was made or lived on; None when it tells none."""
        paths = _DATES.get(self.rtype, _OTHERWISE)
        return next((on for path in paths if (on := day(_at(self.resource, path)))), None)


@dataclass(frozen=True)
class Telling:
    """An item with what tells of it.

    `contact` is all that belongs to the same contact, the contact first; empty when the item belongs to none.
    `same_day` is what was made on that day, and what is agreed for later.
    """

    item: Item
    contact: tuple[Item, ...]
    same_day: tuple[Item, ...]

    @property
    def everything(self) -> tuple[Item, ...]:
        """All of it, the item first."""
        return (self.item, *self.contact, *self.same_day)


async def telling_of(journal: Journal, *, patient: PatientId, rtype: str, id: str) -> Telling:
    """The item and what tells of it. Raises NotFound for what is not in this patient's record."""
    item = _item(await journal.read(rtype, id))
    if rtype in DIRECTORY_TYPES or rtype == "Patient" or not _is_about(item.resource, patient):
        raise NotFound
    encounter = id if rtype == "Encounter" else id_in(item.resource.get("encounter"), "Encounter")
    contact = await _contact(journal, encounter) if encounter else []
    known = {item.key, *(one.key for one in contact)}
    same_day = [one for one in await _of_that_day(journal, patient, item.on) if one.key not in known]
    return Telling(item, tuple(one for one in contact if one.key != item.key), tuple(same_day))


def item_from(resource: Json) -> Item:
    """A row of one of our searches as an item."""
    return Item(resource["resourceType"], resource["id"], ids.decode(resource["id"]) or (0, 0), resource)


async def _contact(journal: Journal, encounter: str) -> list[Item]:
    """A contact, what belongs to it, and the appointment that it was made by; as far as it can be seen."""
    try:
        page = await journal.everything(EverythingQuery("Encounter", encounter))
    except NotFound:
        return []
    found = [_item(one) for one in page.matches]
    named = [id_in(one, "Appointment") for item in found for one in item.resource.get("appointment", ())]
    booked = await journal.read_all([("Appointment", name, 0) for name in named if name])
    found = [one for one in found if one.rtype not in DIRECTORY_TYPES and one.rtype != "Patient"]
    return sorted([*found, *map(_item, booked)], key=lambda one: one.rtype != "Encounter")


async def _of_that_day(journal: Journal, patient: PatientId, on: date | None) -> list[Item]:
    """What was made for this patient on that day, and what is agreed for later."""
    if on is None:
        return []
    wishes = [(rtype, rtype, [("patient", patient_id(patient)), ("_count", _MANY)]) for rtype in _DATES]
    pages = await journal.search_many(wishes)
    found = [_item(one) for page in pages.values() for one in page.matches]
    return [one for one in found if one.on == on or one.resource.get("status") == "booked"]


def _item(stored: Stored) -> Item:
    return Item(stored.rtype, stored.id, stored.key, stored.resource())


def _at(resource: Json, path: str) -> Any:
    value: Any = resource
    for part in path.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return value


def _is_about(resource: Json, patient: PatientId) -> bool:
    mine = f"Patient/{patient_id(patient)}"
    named = [resource.get(name) for name in ("subject", "patient", "for")]
    named += [one.get("actor") for one in resource.get("participant", ()) if isinstance(one, dict)]
    return any(isinstance(one, dict) and one.get("reference") == mine for one in named)
