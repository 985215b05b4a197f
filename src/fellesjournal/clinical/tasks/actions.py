"""Read the inbox; make a task, finish it, hand it over.

Writing gathers into the journal; the caller commits.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from fellesjournal.access.model import PatientId
from fellesjournal.access.relations import Fact
from fellesjournal.clinical.directory import Directory, directory_for
from fellesjournal.clinical.pieces import Json, id_in, patient_id, ref, words
from fellesjournal.clinical.signatures import read_answer, sign_answer
from fellesjournal.clinical.tasks import fhir
from fellesjournal.clinical.tasks.model import (
    SIGN_RESULT,
    SIGNERS,
    AlreadyDone,
    AnswerChanged,
    DoctorsAlone,
    Inbox,
    Item,
    NotAColleague,
    NotThisTask,
    in_order,
)
from fellesjournal.identity.model import Reader
from fellesjournal.kit import ids
from fellesjournal.record.errors import NotFound, VersionConflict
from fellesjournal.record.journal import Journal

OPEN: Final = "requested,received,accepted,ready,in-progress,on-hold"
_MOST: Final = 500


@dataclass(frozen=True, slots=True)
class Colleague:
    """Somebody at the unit who can be given a task."""

    id: str
    name: str
    role: str


async def read_inbox(journal: Journal, *, reader: Reader, at: datetime, language: str) -> Inbox:
    """Every open task of the acting unit, with its patient. `language` is that of what stands for hidden units."""
    page = await journal.search(
        "Task",
        [("status", OPEN), ("_sort", "-authored-on"), ("_count", str(_MOST)), ("_include", "Task:patient")],
    )
    rows = [stored.resource() for stored in page.matches]
    people = {one.id: one.resource() for one in page.included if one.rtype == "Patient"}
    directory = await directory_for(journal, [*rows, *people.values()])
    items = in_order([_item(row, directory, at, people, language) for row in rows])
    own = None if reader.practitioner is None else ids.encode(0, reader.practitioner)
    return Inbox(items, own)


def _item(row: Json, directory: Directory, at: datetime, people: Mapping[str, Json], language: str) -> Item:
    person = people.get(id_in(row.get("for"), "Patient") or "", {})
    return fhir.item_from(row, directory.about(person, language), at, people)


async def read_colleagues(journal: Journal, *, reader: Reader) -> tuple[Colleague, ...]:
    """The others who hold a role at the acting unit, by name."""
    if reader.unit is None:
        return ()
    unit = ids.encode(0, reader.unit)
    page = await journal.search(
        "PractitionerRole", [("organization", f"Organization/{unit}"), ("active", "true"), ("_count", "200")]
    )
    rows = [stored.resource() for stored in page.matches]
    directory = await directory_for(journal, rows)
    found = {
        key: Colleague(key, directory.name(row["practitioner"]), words(next(iter(row.get("code", ())), None)))
        for row in rows
        if (key := id_in(row.get("practitioner"), "Practitioner"))
    }
    found.pop(ids.encode(0, reader.practitioner) if reader.practitioner else "", None)
    return tuple(sorted((one for one in found.values() if one.name), key=lambda one: one.name))


def add_task(
    journal: Journal,
    *,
    patient: PatientId,
    reader: Reader,
    kind: str,
    text: str,
    due_at: datetime | None,
    at: datetime,
    focus: tuple[str, str] | None = None,
) -> str:
    """Gather a task for the own unit, and the need that it makes; the Task's id."""
    about = ref(*focus) if focus else None
    made = journal.create(fhir.task(kind, text, patient=patient, reader=reader, focus=about, due_at=due_at, at=at))
    key = ids.decode(made)
    if key and reader.unit is not None:
        # The need lasts until the task is done (`finish_task`).
        ground = "SVAR" if kind == SIGN_RESULT else "ARBFLYT"
        journal.establish(Fact(patient.pid, reader.unit, ground, at, source=key[1]))
    return made


async def finish_task(
    journal: Journal,
    *,
    patient: PatientId,
    reader: Reader,
    task: str,
    version: int,
    comment: str,
    at: datetime,
    seen: str = "",
) -> Item:
    """Gather that a task is done: a result signed, a note read, a patient called. The need it made ends.

    A result gets its signature in the same commit; `seen` are the versions of it that were on the screen
    (`Answer.seen`). Raises NotThisTask, AlreadyDone, VersionConflict, DoctorsAlone, AnswerChanged, NotFound.
    """
    resource, item = await _open_task(journal, patient=patient, task=task, version=version, at=at)
    if item.kind == SIGN_RESULT:
        await _sign(journal, patient=patient, reader=reader, item=item, seen=seen, at=at)
    fhir.complete(resource, reader=reader, comment=comment, at=at)
    journal.update(task, resource, expect=version)
    journal.end_facts(patient=patient, source=task)
    return item


async def hand_over(
    journal: Journal,
    *,
    patient: PatientId,
    reader: Reader,
    task: str,
    version: int,
    to: str,
    comment: str,
    at: datetime,
) -> Colleague:
    """Gather that a colleague of the unit has the task from now. Raises NotAColleague, and as finish_task."""
    colleague = next((one for one in await read_colleagues(journal, reader=reader) if one.id == to), None)
    if colleague is None:
        raise NotAColleague
    resource, _item = await _open_task(journal, patient=patient, task=task, version=version, at=at)
    owner = {"reference": f"Practitioner/{colleague.id}", "display": colleague.name}
    fhir.give_to(resource, owner=owner, reader=reader, comment=comment, at=at)
    journal.update(task, resource, expect=version)
    return colleague


async def read_task(journal: Journal, *, patient: PatientId, task: str, at: datetime) -> tuple[dict[str, Any], Item]:
    """A task of this patient, open or done. Raises NotThisTask."""
    try:
        resource: Json = (await journal.read("Task", task)).resource()
    except NotFound:
        raise NotThisTask from None
    if id_in(resource.get("for"), "Patient") != patient_id(patient):
        raise NotThisTask
    return resource, fhir.item_from(resource, await directory_for(journal, [resource]), at)


async def _sign(
    journal: Journal, *, patient: PatientId, reader: Reader, item: Item, seen: str, at: datetime
) -> None:
    if reader.role not in SIGNERS:
        raise DoctorsAlone
    if item.focus is None or item.focus[0] != "DiagnosticReport":
        return
    answer = await read_answer(journal, patient=patient, report=item.focus[1])
    if answer.seen != seen:
        raise AnswerChanged
    journal.create(sign_answer(answer, patient=patient, reader=reader, at=at))


async def _open_task(
    journal: Journal, *, patient: PatientId, task: str, version: int, at: datetime
) -> tuple[dict[str, Any], Item]:
    resource, item = await read_task(journal, patient=patient, task=task, at=at)
    if not item.is_open:
        raise AlreadyDone
    if item.version != version:
        raise VersionConflict
    return resource, item
