"""A task as a Task, and back."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from fellesjournal.access.model import PatientId
from fellesjournal.clinical.directory import Directory, person_name
from fellesjournal.clinical.pieces import (
    TASK,
    Json,
    codes_in,
    concept,
    day,
    id_in,
    instant,
    moment,
    patient_ref,
    practitioner_ref,
    unit_ref,
    words,
)
from fellesjournal.clinical.tasks.model import DUE_AFTER, KINDS, Item
from fellesjournal.identity.model import Reader

_OPEN = frozenset(("requested", "received", "accepted", "ready", "in-progress", "on-hold"))


def task(
    kind: str,
    text: str,
    *,
    patient: PatientId,
    reader: Reader,
    focus: Json | None,
    due_at: datetime | None,
    at: datetime,
) -> Json:
    """A task for the reader's own unit."""
    found: Json = {
        "resourceType": "Task",
        "status": "requested",
        "intent": "order",
        "priority": "routine",
        "code": concept(TASK, kind, KINDS.get(kind, "")),
        "description": text,
        "for": patient_ref(patient),
        "authoredOn": instant(at),
        "lastModified": instant(at),
        "requester": practitioner_ref(reader),
        "owner": unit_ref(reader),
        "restriction": {"period": {"start": instant(at), "end": instant(due_at or at + DUE_AFTER)}},
    }
    return found | ({"focus": focus} if focus else {})


def complete(resource: Json, *, reader: Reader, comment: str, at: datetime) -> None:
    """Finish a task: who, when, and what was said about it."""
    resource["status"] = "completed"
    resource["executionPeriod"] = {
        "start": resource.get("executionPeriod", {}).get("start") or resource.get("authoredOn") or instant(at),
        "end": instant(at),
    }
    resource["lastModified"] = instant(at)
    resource["owner"] = practitioner_ref(reader)
    say(resource, reader=reader, text=comment, at=at)


def give_to(resource: Json, *, owner: Json, reader: Reader, comment: str, at: datetime) -> None:
    """Hand a task over."""
    resource["owner"] = owner
    resource["lastModified"] = instant(at)
    say(resource, reader=reader, text=comment, at=at)


def say(resource: Json, *, reader: Reader, text: str, at: datetime) -> None:
    """Put a remark on a task."""
    if text:
        note = {"authorReference": practitioner_ref(reader), "time": instant(at), "text": text}
        resource["note"] = [*resource.get("note", ()), note]


def item_from(resource: Json, directory: Directory, at: datetime, people: Mapping[str, Json] | None = None) -> Item:
    """A task as a line; `people` holds the Patients by id, for lists."""
    due = moment(resource.get("restriction", {}).get("period", {}).get("end"))
    code = next(iter(codes_in(resource.get("code"), TASK)), "")
    patient = id_in(resource.get("for"), "Patient") or ""
    person = (people or {}).get(patient, {})
    is_open = resource.get("status") in _OPEN
    text = directory.told(resource.get("description", ""), resource.get("requester"), resource.get("owner"))
    return Item(
        id=resource["id"],
        version=int(resource.get("meta", {}).get("versionId", "1")),
        kind=code,
        text=text or KINDS.get(code) or words(resource.get("code")),
        patient=patient,
        patient_name=person_name(person),
        born_on=day(person.get("birthDate")),
        owner=directory.name(resource.get("owner")),
        owner_id=id_in(resource.get("owner"), "Practitioner"),
        requester=directory.name(resource.get("requester")),
        focus=_focus(resource),
        is_urgent=resource.get("priority") in ("urgent", "asap", "stat"),
        authored_at=moment(resource.get("authoredOn")),
        due_at=due,
        is_overdue=is_open and due is not None and due < at,
        gp_id=_gp(person),
        gp=directory.name({"reference": f"Practitioner/{_gp(person)}"}),
        is_open=is_open,
        notes=tuple(note["text"] for note in resource.get("note", ()) if note.get("text")),
    )


def _focus(resource: Json) -> tuple[str, str] | None:
    rtype, _, id_ = resource.get("focus", {}).get("reference", "").partition("/")
    return (rtype, id_) if id_ else None


def _gp(person: Json) -> str | None:
    parties = person.get("generalPractitioner", ())
    return next((found for one in parties if (found := id_in(one, "Practitioner"))), None)
