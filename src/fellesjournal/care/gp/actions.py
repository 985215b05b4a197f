"""Read the practice's appointments, and find patients by name among those whom the practice may see."""

from __future__ import annotations

from datetime import date, timedelta

from fellesjournal.care.gp.fhir import appointment_from
from fellesjournal.care.gp.model import Appointment
from fellesjournal.clinical.directory import directory_for, person_name
from fellesjournal.clinical.pieces import day
from fellesjournal.record.journal import Journal
from fellesjournal.web.formats import day as as_day


async def read_appointments(journal: Journal, *, first: date, count: int) -> tuple[Appointment, ...]:
    """The acting unit's appointments from a date and some days on, in order."""
    page = await journal.search(
        "Appointment",
        [
            ("date", f"ge{first.isoformat()}"),
            ("date", f"lt{(first + timedelta(days=count)).isoformat()}"),
            ("_sort", "date"),
            ("_count", "500"),
            ("_include", "Appointment:patient"),
        ],
    )
    rows = [stored.resource() for stored in page.matches]
    people = {one.id: one.resource() for one in page.included if one.rtype == "Patient"}
    directory = await directory_for(journal, rows)
    found = (appointment_from(row, people, directory) for row in rows)
    return tuple(one for one in found if one)


async def find_patients(journal: Journal, *, name: str, limit: int = 8) -> list[tuple[str, str, str]]:
    """(id, name, birth date) of the unit's own patients by the beginnings of their names."""
    wanted = [("name", word) for word in name.split()[:4]]
    page = await journal.search("Patient", [*wanted, ("_count", str(limit))])
    people = [stored.resource() for stored in page.matches]
    return [(one["id"], person_name(one), as_day(day(one.get("birthDate")))) for one in people]
