"""The timeline: every contact in all of the municipality's services on one axis, a lane for each service."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import groupby

from fellesjournal.clinical.notes.fhir import note_from
from fellesjournal.clinical.notes.model import Note
from fellesjournal.clinical.overview.fhir import LANES, contact_from
from fellesjournal.clinical.overview.frame import ALONG, Frame
from fellesjournal.clinical.overview.model import Contact
from fellesjournal.clinical.overview.storyboard import Wish
from fellesjournal.clinical.pieces import Json
from fellesjournal.kit.clock import OSLO
from fellesjournal.web import Event, Lane
from fellesjournal.web.i18n import translated

_OFTEN = ("home", "ward")
"""Lanes with several contacts a day, which are shown as one line for each day."""


def recent_contacts(patient: str) -> list[Wish]:
    """The newest contacts with their notes; visits at home by themselves, since they would crowd out all
    else.
    """
    who, newest = ("patient", patient), ("_sort", "-date")
    notes = ("_revinclude", "Composition:encounter")
    return [
        ("contacts", "Encounter", [who, ("class:not", "HH"), newest, ("_count", "8"), notes]),
        ("visits", "Encounter", [who, ("class", "HH"), newest, ("_count", "12"), notes]),
    ]


def by_service(contacts: Sequence[Contact]) -> list[Contact]:
    """Newest first, with only the newest of those that come several times a day, one that has a note if any
    has.
    """
    often = [one for one in contacts if one.lane == "home"]
    shown = next((one for one in often if one.notes), None)
    kept = {one.id for one in (often[0], shown) if one} if often else set()
    return [one for one in contacts if one.lane != "home" or one.id in kept]


def contacts_of(frame: Frame) -> list[Contact]:
    """The contacts that the frame found under `contacts` and `visits`, each with its notes, newest first."""
    notes = notes_of(frame)
    by_contact: dict[str, list[Note]] = {}
    for note in notes:
        by_contact.setdefault(note.encounter or "", []).append(note)
    contacts = (row for row in _rows(frame) if row["resourceType"] == "Encounter")
    rows = (_contact(row, frame, by_contact) for row in contacts)
    found = [one for one in rows if one]
    return sorted(found, key=lambda one: one.at, reverse=True)


def notes_of(frame: Frame) -> list[Note]:
    """The notes that the frame found, alone or with contacts, newest first, with the authors' names."""
    written = [row for row in _rows(frame) if row["resourceType"] == "Composition"]
    rows = [row for row in written if row.get("status") != "entered-in-error"]
    found = [named(row, frame) for row in rows]
    return sorted(found, key=lambda one: one.at, reverse=True)


def named(row: Json, frame: Frame) -> Note:
    """A note with its author and unit by name."""
    note = note_from(row, version=int(row.get("meta", {}).get("versionId", "1")))
    authors = (frame.directory.name(one) for one in row.get("author", ()))
    return replace(
        note,
        author=next(filter(None, authors), ""),
        unit=frame.directory.name(row.get("custodian")),
    )


def lanes(contacts: Iterable[Contact], *, url: str, language: str) -> tuple[Lane, ...]:
    """A lane for each service that has seen the person, in a fixed order."""
    by_lane: dict[str, list[Contact]] = {}
    for one in contacts:
        by_lane.setdefault(one.lane, []).append(one)
    return tuple(
        Lane(key, translated(language, label), _events(by_lane[key], key, url, language))
        for key, label in LANES.items()
        if key in by_lane
    )


def span(contacts: Sequence[Contact], *, since: datetime | None, until: datetime) -> tuple[datetime, datetime]:
    """The axis: from the filter's start or the oldest contact, to now."""
    oldest = min((one.at for one in contacts), default=until)
    return since or oldest, until


def _rows(frame: Frame) -> list[Json]:
    return [row for name in ("contacts", "visits", "notes", ALONG) for row in frame.found.get(name, ())]


def _contact(row: Json, frame: Frame, notes: dict[str, list[Note]]) -> Contact | None:
    found = contact_from(row, frame.directory)
    if found is None:
        return None
    own = sorted(notes.get(found.id, ()), key=lambda note: note.at)
    return replace(found, notes=tuple((note.id, note.title, note.text) for note in own))


def _events(contacts: list[Contact], lane: str, url: str, language: str) -> tuple[Event, ...]:
    if lane not in _OFTEN:
        return tuple(_event(one, url, language) for one in contacts)
    days = groupby(contacts, key=lambda one: (one.at.astimezone(OSLO).date(), one.title))
    return tuple(_day([*rows], url, language) for _key, rows in days)


def _event(one: Contact, url: str, language: str) -> Event:
    tags = [translated(language, one.urgency)] if one.urgency else []
    return Event(
        at=one.at,
        title=translated(language, one.title),
        id=f"k-{one.id}",
        detail=", ".join(one.diagnoses),
        body=_body([one]),
        url=f"{url}/notat/{one.notes[0][0]}" if one.notes else None,
        tags=tuple(tags),
    )


def _day(rows: list[Contact], url: str, language: str) -> Event:
    """All visits of a day as one event; those with a note tell it."""
    first = min(rows, key=lambda one: one.at)
    event = _event(replace(first, notes=()), url, language)
    noted = [one for one in reversed(rows) if one.notes]
    count = f"{len(rows)} × " if len(rows) > 1 else ""
    return replace(
        event,
        title=f"{count}{event.title.lower() if count else event.title}",
        body=_body(noted or [first]),
        url=f"{url}/notat/{noted[0].notes[0][0]}" if noted else None,
    )


def _body(rows: Sequence[Contact]) -> str:
    parts = []
    for one in rows:
        who = " · ".join(filter(None, (one.unit, one.author)))
        texts = [f"{title}\n{text}" if len(one.notes) > 1 else text for _id, title, text in one.notes]
        parts.append("\n\n".join([who, *texts]))
    return "\n\n".join(parts)
