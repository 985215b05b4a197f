"""Whole records as FHIR R4, one person at a time, from the same seed always the same.

`directory_resources` gives organisations, places, services and staff. `person_resources` gives one person's record as
`Item`s: the resource, the unit that is its controller, the author, and the time it was lived. Ids are local keys and
references are `Type/key` by these keys; the loader makes them server ids. Items are in order of time, the Patient
first; a resource may refer to one that comes later (an encounter's diagnosis and its encounter name each other).

Shapes that others rely on:

* **A contact** is an `Encounter` with `reasonCode` and `diagnosis` in ICPC-2; each diagnosis is a `Condition` of
  category `encounter-diagnosis`. Only what was raised has a `Condition` of category `problem-list-item`; home visits
  and stays point at that one when there is one. `class` AMB, EMER, HH, VR, IMP; `type` in `CodeSystem/contact-type`;
  at the legevakt `priority` in `CodeSystem/urgency` (red, orange, yellow, green, blue).
* **A contact that goes on** at the legevakt is as `clinical.encounters` begins it: the reason in words, no diagnosis.
* **A signed note** is a `Composition` with status `final`, type Volven 9602 B02-2, an attester, and the text in
  `section[0].text` with section code `CodeSystem/note-section#note`.
* **A laboratory answer** is a `DiagnosticReport` with status `final` and its `Observation`s. Every report has a `Task`
  with code `CodeSystem/task#sign-result` whose focus is the report: `requested` and owned by the practice while nobody
  has signed, `completed` with the signer as author when signed. Other tasks: `follow-up`, `call-patient`,
  `renew-prescription`, `read-note`, all open.
* **Measurements** have LOINC codes; NEWS2 also needs SNOMED CT 1104441000000107 (value in `CodeSystem/acvpu`) and
  `CodeSystem/measurement#oxygen-given` (boolean).
* **Critical information** is a `Flag` with category `CodeSystem/flag-category#critical-information`.
* **A protected address** is marked in `meta.security` by the Grunndata code; strengt fortrolig has no address at all.

References to staff and units have their names as `display`.
All local code systems live under `https://fellesjournal.no/fhir/`.
"""

from __future__ import annotations

from datetime import date, datetime

from fellesjournal.demo.charts import (
    agenda,
    background,
    childhood,
    consultation,
    contacts,
    home,
    identity,
    legevakt,
    medicines,
    vaccines,
    ward,
    youth,
)
from fellesjournal.demo.charts.chart import Chart, Item
from fellesjournal.demo.charts.directory import directory_resources
from fellesjournal.demo.model import Person, World

__all__ = ["Item", "directory_resources", "patient_resource", "person_resources"]


def patient_resource(world: World, person: Person, *, seed: int, today: date, now: datetime) -> Item:
    """The person alone: the Patient that also stands first in `person_resources`."""
    chart = Chart(world, person, seed, today, now)
    identity.record(chart)
    return chart.items[0]


def person_resources(world: World, person: Person, *, seed: int, today: date, now: datetime) -> list[Item]:
    """One person's whole record; `now` must be an aware time of `today`."""
    chart = Chart(world, person, seed, today, now)
    identity.record(chart)
    medicines.start(chart)
    background.record(chart)
    medicines.record(chart)
    vaccines.record(chart)
    booked = agenda.appointments(chart)
    for contact in contacts.plan(chart):
        appointment = booked[contact.appointment] if contact.appointment is not None else None
        consultation.record(chart, contact, appointment)
    childhood.record(chart)
    home.record(chart)
    ward.record(chart)
    legevakt.record(chart)
    youth.record(chart)
    agenda.waiting(chart)
    patient, *rest = chart.items
    return [patient, *sorted(rest, key=lambda item: item.at)]
