"""What those who look after the log may know of people: whom a task is about, and who lives where and is whose family.

Both through doors of their own in the database, which show no more than that, and log it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from fellesjournal import fhir
from fellesjournal.kit.db import Database, sql_file

_SQL = sql_file("fellesjournal.record", "review_store.sql")


@dataclass(frozen=True, slots=True)
class Subject:
    """The person of a task. Of the strictly protected nothing is told."""

    name: str = ""
    born_on: date | None = None
    is_protected: bool = False


async def subject_of(db: Database, *, secret: bytes, task: int) -> Subject | None:
    """The person of one of this reviewer's tasks; None for nobody, or a task that is another's. Logged."""
    row = await db.fetchrow(_SQL.subject, secret, task, fhir.TYPE_NUMBER["Patient"])
    if row is None:
        return None
    if row["is_protected"]:
        return Subject(is_protected=True)
    names = json.loads(row["names"] or "[]")
    chosen = next((one for one in names if one.get("use") == "official"), names[0] if names else {})
    name = " ".join([*chosen.get("given", ()), chosen.get("family", "")]).strip()
    return Subject(name, date.fromisoformat(row["born"]) if len(row["born"] or "") == 10 else None)


@dataclass(frozen=True, slots=True)
class PeoplePage:
    """People as the analysis compares them: (patient, its Patient and RelatedPersons). `end` is where the page ends."""

    people: tuple[tuple[int, list[dict[str, Any]]], ...]
    end: tuple[datetime, int, int] | None


async def people_written(
    db: Database, *, secret: bytes, after: tuple[datetime, int, int] | None, limit: int
) -> PeoplePage:
    """The next people in the order in which they were written; from where the last run ended when `after` is None."""
    rows = await db.fetch(_SQL.people, secret, *(after or (None, None, None)), limit)
    end = (rows[0]["at"], rows[0]["at_slot"], rows[0]["at_pid"]) if rows else None
    return PeoplePage(tuple((row["patient"], json.loads(row["people"])) for row in rows), end)


async def people_were_read(db: Database, *, secret: bytes, upto: datetime) -> None:
    """Remember how far people were read."""
    await db.execute(_SQL.people_read, secret, upto)
