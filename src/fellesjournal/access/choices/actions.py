"""Choose a ground, end it, ask why; what a citizen is told, and may refuse; what an administrator gives to support."""

from datetime import datetime
from typing import Final

from fellesjournal.access.choices import store
from fellesjournal.access.choices.model import (
    CannotChoose,
    Choice,
    Explanation,
    Notice,
    NoTicket,
    Reason,
    ReasonTooShort,
    Relative,
    Supported,
)
from fellesjournal.access.decide import Decision
from fellesjournal.access.model import AccessError, NotAdministrator, PatientId, SessionOver, ToOneself
from fellesjournal.access.words import Words
from fellesjournal.identity.model import Reader
from fellesjournal.kit.db import Database, Row

_REFUSED: Final[dict[str, type[AccessError]]] = {
    "none": SessionOver,
    "reason": ReasonTooShort,
    "refused": CannotChoose,
    "self": ToOneself,
    "ticket": NoTicket,
}


async def choices(db: Database, *, reader: Reader, patient: PatientId) -> tuple[Choice, ...]:
    """The grounds that this reader can choose for this patient: chosen ones, the gap, emergency, override, family."""
    rows = await store.choices(db, secret=reader.secret, patient=patient.pid)
    return tuple(
        Choice(
            row["code"], row["kind"], _words(row, "name"), _words(row, "hint"), row["max_min"], row["may_write"],
            row["source"],
        )
        for row in rows
    )  # fmt: skip


async def choose(
    db: Database, *, reader: Reader, patient: PatientId, ground: str, reason: str, minutes: int | None = None
) -> datetime:
    """Choose a ground: until when. Logged, with a task for the unit's reviewer; the patient is told of exceptions.

    Chosen again it goes on, from now, on a new reason. Raises SessionOver, ReasonTooShort, CannotChoose.
    """
    status, until_at = await store.choose(
        db, secret=reader.secret, patient=patient.pid, ground=ground, reason=reason, minutes=minutes
    )
    return _until(status, until_at)


async def end_choice(db: Database, *, reader: Reader, patient: PatientId, ground: str) -> int:
    """End what this reader chose before its time; how many choices ended."""
    return await store.end_choice(db, secret=reader.secret, patient=patient.pid, ground=ground)


async def explain(db: Database, *, reader: Reader, patient: PatientId) -> Explanation:
    """Which facts and rules give access and until when, or what refuses it."""
    rows = await store.explain(db, secret=reader.secret, patient=patient.pid)
    return Explanation(
        tuple(
            Reason(
                row["rule"], row["allow"], row["ground"], row["kind"], _words(row, "name"), row["source"],
                row["from_at"], row["until_at"], row["may_write"],
            )
            for row in rows
        )
    )  # fmt: skip


async def kin_waiting(db: Database, *, reader: Reader) -> tuple[Relative, ...]:
    """The reader's close family whom the unit has a need for, and whose records wait for a written reason."""
    rows = await store.kin_waiting(db, secret=reader.secret)
    return tuple(Relative(PatientId(row["slot"], row["patient"]), row["relation"]) for row in rows)


async def own_supports(db: Database, *, reader: Reader) -> tuple[Supported, ...]:
    """The records that are open to this member of support, the first to close first; empty for anybody else."""
    rows = await store.own_supports(db, secret=reader.secret)
    return tuple(Supported(PatientId(row["slot"], row["patient"]), row["ticket"], row["until_at"]) for row in rows)


async def own_notices(db: Database, *, decision: Decision, since: datetime) -> tuple[Notice, ...]:
    """When emergency access, an override or support opened the citizen's own record, newest first."""
    rows = await store.own_notices(db, secret=decision.secret, since=since)
    return tuple(
        Notice(
            row["at"], row["until_at"], row["kind"], _words(row, "name"), row["reader_name"] or "", row["role"],
            row["unit_name"] or "", row["judged_at"],
        )
        for row in rows
    )  # fmt: skip


async def object_to(db: Database, *, decision: Decision, ground: str, objects: bool) -> bool:
    """Refuse a use of the own record that the law lets the patient refuse, or allow it again. False: no such ground."""
    return await store.object_to(db, secret=decision.secret, ground=ground, objects=objects)


async def grant_support(
    db: Database, *, reader: Reader, person: int, patient: PatientId, ticket: str, reason: str,
    minutes: int | None = None,
) -> datetime:  # fmt: skip
    """An administrator gives one member of support one record for one ticket: until when. A reviewer gets a task.

    Raises NotAdministrator, ToOneself, ReasonTooShort, NoTicket, CannotChoose (no such patient, or no post in support).
    """
    status, until_at = await store.grant_support(
        db, secret=reader.secret, person=person, patient=patient.pid, ticket=ticket, reason=reason, minutes=minutes
    )
    if status == "none":
        raise NotAdministrator
    return _until(status, until_at)


def _until(status: str, until_at: datetime | None) -> datetime:
    if until_at is None or status != "ok":
        raise _REFUSED[status]
    return until_at


def _words(row: Row, name: str) -> Words:
    return Words(row[f"{name}_nb"] or "", row[f"{name}_nn"] or "", row[f"{name}_en"] or "")
