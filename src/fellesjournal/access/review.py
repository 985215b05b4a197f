"""The reviewer's tasks: what somebody must look at again, and what was said of it.

The database decides for whom a task is, and logs each list and task that is shown. Source: the design's access.md,
"Exceptions" and "The log"; helsepersonelloven § 21 a.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from fellesjournal.access.decide import Decision
from fellesjournal.access.words import Words
from fellesjournal.kit.db import Database, Row, sql_file

_SQL = sql_file("fellesjournal.access", "review_store.sql")

REVIEWER: Final = "reviewer"
"""The role that judges how access was used, and opens no record."""
JUDGEMENTS: Final = ("OK", "DEVIATION", "SUSPECTED")
FOLLOW_UPS: Final = ("READER_TOLD", "LEADER_TOLD", "PATIENT_TOLD", "DPO_TOLD", "AUTHORITY_TOLD", "ROUTINE_CHANGED")
QUESTION: Final = "QUESTION"
PAGE: Final = 25


@dataclass(frozen=True, slots=True)
class Sign:
    """A sign of a reading without need: what it weighs, its own measure if it has one, and where it comes from."""

    code: str
    group: str
    points: int
    bound: int | None
    names: Words
    source: str
    threshold: int


@dataclass(frozen=True, slots=True)
class Wish:
    """Which tasks: state `open` or `judged`; kind, unit and reader if one is asked for."""

    state: str = "open"
    kind: str | None = None
    unit: int | None = None
    reader: int | None = None
    only_overdue: bool = False
    after: tuple[datetime, int] | None = None


@dataclass(frozen=True, slots=True)
class Summary:
    """A task in the list: says nothing of the patient. `signs` are codes, the heaviest first."""

    id: int
    kind: str
    unit: int
    unit_name: str
    reader: int | None
    reader_name: str
    signs: tuple[str, ...]
    made_at: datetime
    due_at: datetime
    is_overdue: bool
    judgement: str
    judged_at: datetime | None
    judged_by: str

    @property
    def place(self) -> tuple[datetime, int]:
        """Where the list goes on after this one."""
        return self.judged_at or self.due_at, self.id


@dataclass(frozen=True, slots=True)
class Reading:
    """One line of the log that a task is about. outcome: 0 shown, 1 refused."""

    at: datetime
    action: str
    kinds: int
    ground: str
    ground_names: Words
    role: str
    unit: str
    outcome: int


@dataclass(frozen=True, slots=True)
class Judged:
    """One judgement that was made."""

    at: datetime
    by: str
    judgement: str
    note: str


@dataclass(frozen=True, slots=True)
class Task:
    """A task with its evidence: times, counts, codes and relations, never clinical text. `patient` is 0 for nobody."""

    summary: Summary
    role: str
    patient: int
    reason: str
    evidence: dict[str, Any]
    state: str
    follow_up: tuple[str, ...]
    note: str
    answer: str
    trail: tuple[Reading, ...]
    events: tuple[Judged, ...]


@dataclass(frozen=True, slots=True)
class Count:
    """How many open tasks of a kind; `other` are about the reviewer, and a colleague's to judge."""

    kind: str
    waiting: int
    overdue: int
    other: int


@dataclass(frozen=True, slots=True)
class Figure:
    """The uses of one exception by one person at one unit in a period."""

    unit: int
    unit_name: str
    reader: int | None
    reader_name: str
    kind: str
    uses: int
    waiting: int
    overdue: int
    ok: int
    deviations: int
    suspected: int


async def kinds(db: Database) -> dict[str, Words]:
    """What makes a task, by code, the most urgent first."""
    return {row["code"]: _names(row) for row in await db.fetch(_SQL.kinds)}


async def list_tasks(db: Database, *, decision: Decision, wish: Wish, limit: int = PAGE) -> list[Summary]:
    """The tasks that are asked for, the most urgent first, judged ones newest first; logged."""
    at, number = wish.after or (None, None)
    rows = await db.fetch(
        _SQL.list_tasks, decision.secret, wish.state, wish.kind, wish.unit, wish.reader, wish.only_overdue, at, number,
        limit,
    )  # fmt: skip
    return [_summary(row) for row in rows]


async def get_task(db: Database, *, decision: Decision, task: int) -> Task | None:
    """One task; None when there is none, or it is not this reviewer's. Logged either way."""
    row = await db.fetchrow(_SQL.get_task, decision.secret, task)
    return _task(row) if row else None


async def judge(
    db: Database, *, decision: Decision, task: int, judgement: str, follow_up: Sequence[str], note: str, answer: str
) -> bool:
    """Say what it was; False when the task is not this reviewer's, or there is no such judgement. Logged."""
    said: str = await db.fetchval(_SQL.judge, decision.secret, task, judgement, list(follow_up), note, answer)
    return said == "ok"


async def counts(db: Database, *, decision: Decision) -> list[Count]:
    """How many tasks wait, by kind."""
    return [Count(**dict(row.items())) for row in await db.fetch(_SQL.counts, decision.secret)]


async def figures(db: Database, *, decision: Decision, since: datetime, until: datetime) -> list[Figure]:
    """Uses of emergency access, overrides and chosen grounds by unit and person, most uses first."""
    rows = await db.fetch(_SQL.figures, decision.secret, since, until)
    return [Figure(**{**dict(row.items()), "reader_name": row["reader_name"] or ""}) for row in rows]


async def signs(db: Database, *, decision: Decision) -> dict[str, Sign]:
    """What the analysis of the log weighs, by code."""
    return {
        row["code"]: Sign(
            row["code"], row["grp"], row["points"], row["bound"], _names(row), row["source"], row["threshold"]
        )
        for row in await db.fetch(_SQL.signs, decision.secret)
    }


def _task(row: Row) -> Task:
    return Task(
        summary=_summary(row), role=row["reader_role"] or "", patient=row["patient"], reason=row["reason"],
        evidence=json.loads(row["evidence"]), state=row["state"], follow_up=tuple(row["follow_up"]), note=row["note"],
        answer=row["answer"], trail=tuple(_reading(one) for one in json.loads(row["trail"])),
        events=tuple(
            Judged(datetime.fromisoformat(one["at"]), one["name"] or "", one["judgement"], one["note"])
            for one in json.loads(row["events"] or "[]")
        ),
    )  # fmt: skip


def _summary(row: Row) -> Summary:
    found = json.loads(row["evidence"]).get("signs", ())
    return Summary(
        id=row["id"], kind=row["kind"], unit=row["unit"], unit_name=row["unit_name"], reader=row["reader"],
        reader_name=row["reader_name"] or "", signs=tuple(one["code"] for one in found if one["points"] > 0),
        made_at=row["made_at"], due_at=row["due_at"], is_overdue=row["is_overdue"], judgement=row["judgement"] or "",
        judged_at=row["judged_at"], judged_by=row["judged_name"] or "",
    )  # fmt: skip


def _reading(one: dict[str, Any]) -> Reading:
    named = Words(one["name_nb"] or "", one["name_nn"] or "", one["name_en"] or "")
    return Reading(
        at=datetime.fromisoformat(one["at"]), action=one["action"],
        kinds=len(one["kinds"] or ()) or int(one["kind"] > 0), ground=one["ground"] or "", ground_names=named,
        role=one["role"] or "", unit=one["unit"] or "", outcome=one["outcome"],
    )  # fmt: skip


def _names(row: Row) -> Words:
    return Words(row["name_nb"], row["name_nn"], row["name_en"])
