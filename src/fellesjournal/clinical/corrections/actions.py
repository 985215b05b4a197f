"""Withdraw an entry, move it to the right person's record, and what is to be deleted with it.

All gather into the journal; the caller commits, so that a move is one commit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from fellesjournal.access.model import PatientId, WrongUnit
from fellesjournal.clinical.corrections.entries import KINDS, Single, single_from, without_links
from fellesjournal.clinical.corrections.model import (
    CorrectionRefusal,
    HoldsContent,
    SameRecord,
    is_withdrawn,
    standing,
    withdrawn,
)
from fellesjournal.clinical.notes.actions import read_note
from fellesjournal.clinical.notes.model import Note
from fellesjournal.clinical.pieces import (
    HL7,
    Json,
    concept,
    id_in,
    instant,
    patient_id,
    patient_ref,
    practitioner_ref,
    ref,
    unit_ref,
)
from fellesjournal.identity.model import Reader
from fellesjournal.kit import ids
from fellesjournal.record.errors import NotFound, VersionConflict
from fellesjournal.record.journal import Journal
from fellesjournal.record.lookup import Stored
from fellesjournal.record.names import Key

_MOST = "200"


@dataclass(frozen=True)
class Entry:
    """A note with its diagnoses, and with its contact and measurements when it is the only note there."""

    note: Note
    stored: Stored
    conditions: tuple[Stored, ...]
    encounter: Stored | None
    observations: tuple[Stored, ...]

    @property
    def parts(self) -> tuple[Stored, ...]:
        """All of it, the note first."""
        return (self.stored, *self.conditions, *self.observations, *((self.encounter,) if self.encounter else ()))

    @property
    def along(self) -> list[Key]:
        """The rows that go with the note."""
        return [one.key for one in self.parts[1:]]


async def read_entry(journal: Journal, *, patient: PatientId, reader: Reader, note_id: str) -> Entry:
    """A note of the acting unit, with what goes with it. Raises NotFound, WrongUnit (another unit's note)."""
    stored, note = await read_note(journal, patient=patient, note_id=note_id)
    if reader.kind == "staff" and note.unit_id not in (None, ids.encode(0, reader.unit or 1)):
        raise WrongUnit
    conditions = await journal.read_all([("Condition", one, 0) for one in note.conditions])
    if not note.encounter:
        return Entry(note, stored, tuple(conditions), None, ())
    about = [("patient", patient_id(patient)), ("encounter", f"Encounter/{note.encounter}"), ("_count", _MOST)]
    notes = await journal.search("Composition", about)
    if any(one.id != stored.id and not is_withdrawn(one.resource()) for one in notes.matches):
        return Entry(note, stored, tuple(conditions), None, ())
    measured = await journal.search("Observation", about)
    own = tuple(one for one in measured.matches if _unit_of(one.resource()) in (None, note.unit_id))
    return Entry(note, stored, tuple(conditions), await journal.read("Encounter", note.encounter), own)


def withdraw(
    journal: Journal, entry: Entry | Single, *, patient: PatientId, reader: Reader, version: int, reason: str,
    at: datetime,
) -> None:  # fmt: skip
    """Gather new versions that ordinary reading passes by, and a Provenance that tells why.

    Raises CorrectionRefusal (no reason), VersionConflict.
    """
    if not reason.strip():
        raise CorrectionRefusal
    if entry.stored.version != version:
        raise VersionConflict
    for part in entry.parts:
        journal.update(part.id, withdrawn(part.resource()), expect=part.version)
    journal.create(_reason(entry.stored, patient=patient, reader=reader, reason=reason, code="NULLIFY", at=at))


def take_up(
    journal: Journal, rows: Sequence[Stored], *, patient: PatientId, reader: Reader, rtype: str, id: str, at: datetime
) -> None:
    """Gather versions that stand again: a withdrawn entry; with a note, what was withdrawn with it. Raises NotFound."""
    found = {(one.rtype, one.id): one for one in rows}
    entry = found.get((rtype, id))
    if entry is None:
        raise NotFound
    for one in (entry, *(_withdrawn_with(entry, found) if rtype == "Composition" else ())):
        journal.update(one.id, standing(one.resource()), expect=one.version)
    journal.create(_reason(entry, patient=patient, reader=reader, reason=_TAKEN_UP, code="UPDATE", at=at))


def withdrawn_alone(rows: Sequence[Stored]) -> list[Single]:
    """Of what was withdrawn, the entries that did not follow a note."""
    found = {(one.rtype, one.id): one for one in rows}
    notes = [one for one in rows if one.rtype == "Composition"]
    followed = {(one.rtype, one.id) for note in notes for one in _withdrawn_with(note, found)}
    return [single_from(one) for one in rows if one.rtype in KINDS and (one.rtype, one.id) not in followed]


def _withdrawn_with(note: Stored, found: dict[tuple[str, str], Stored]) -> list[Stored]:
    resource = note.resource()
    about = resource.get("encounter")
    return [
        one
        for key, one in found.items()
        if key[0] != "Composition"
        and about is not None
        and (one.resource().get("encounter") == about or about == ref("Encounter", one.id))
    ]


def move(
    journal: Journal, entry: Entry | Single, *, patient: PatientId, to: PatientId, reader: Reader, version: int,
    reason: str, at: datetime,
) -> str:  # fmt: skip
    """Gather copies in the right person's record and withdraw the originals; the new entry's id.

    Neither record names the other person. Raises CorrectionRefusal, SameRecord, HoldsContent, VersionConflict.
    """
    if to == patient:
        raise SameRecord
    moved = _copy_entry(journal, entry, to=to) if isinstance(entry, Single) else _copy_note(journal, entry, to=to)
    made = Stored(entry.stored.rtype, moved, 1, at, "", ids.decode(moved) or (0, 0))
    journal.create(_reason(made, patient=to, reader=reader, reason=_MOVED_HERE, code="CREATE", at=at))
    withdraw(journal, entry, patient=patient, reader=reader, version=version, reason=reason, at=at)
    return moved


def _copy_entry(journal: Journal, entry: Single, *, to: PatientId) -> str:
    if not entry.may_move:
        raise HoldsContent
    resource = entry.stored.resource()
    whose = "patient" if "patient" in resource else "subject"
    bare = {name: value for name, value in resource.items() if name not in ("id", "meta", "identifier")}
    return journal.create(without_links(bare) | {whose: patient_ref(to)})


def _copy_note(journal: Journal, entry: Entry, *, to: PatientId) -> str:
    encounter = None
    if entry.encounter:
        encounter = journal.create(_copied(entry.encounter.resource(), to=to, encounter=None))
    for one in entry.observations:
        journal.create(_copied(one.resource(), to=to, encounter=encounter))
    conditions = {
        one.id: journal.create(_copied(one.resource(), to=to, encounter=encounter)) for one in entry.conditions
    }
    copy = _copied(entry.stored.resource(), to=to, encounter=encounter)
    for section in copy.get("section", ()):
        named = (id_in(one, "Condition") for one in section.pop("entry", ()))
        kept = [ref("Condition", conditions[one]) for one in named if one in conditions]
        section.update({"entry": kept} if kept else {})
    return journal.create(copy)


_TAKEN_UP = "Tatt inn i journalen igjen."
_MOVED_HERE = "Flyttet hit fra en annen journal, der det var skrevet ved en feil."


def _copied(resource: Json, *, to: PatientId, encounter: str | None) -> Json:
    found = {key: value for key, value in resource.items() if key not in ("id", "meta", "encounter", "identifier")}
    found["subject"] = patient_ref(to)
    if resource["resourceType"] == "Encounter":
        # Who else was there, the booking and the episode are the other person's.
        for name in ("appointment", "episodeOfCare", "basedOn", "diagnosis", "account", "partOf"):
            found.pop(name, None)
    elif encounter:
        found["encounter"] = ref("Encounter", encounter)
    for name in ("basedOn", "partOf", "derivedFrom", "hasMember", "focus", "relatesTo", "event", "evidence"):
        if resource["resourceType"] != "Encounter":
            found.pop(name, None)
    return found


def _reason(entry: Stored, *, patient: PatientId, reader: Reader, reason: str, code: str, at: datetime) -> Json:
    return {
        "resourceType": "Provenance",
        "target": [ref(entry.rtype, entry.id), patient_ref(patient)],
        "recorded": instant(at),
        "activity": concept(f"{HL7}v3-DataOperation", code),
        "reason": [{"text": reason.strip()}],
        "agent": [{"who": practitioner_ref(reader), "onBehalfOf": unit_ref(reader)}],
    }


def _unit_of(resource: Json) -> str | None:
    named = (id_in(one, "Organization") for one in resource.get("performer", ()))
    return next(filter(None, named), None)
