"""The duty list of a unit as its leader keeps it: who is at work now and later, put on and taken off.

The database decides who may, and writes each change down. Where a unit keeps to its list, nobody else has access
there but in an emergency (`duty.sql`). Source: Akson SHS 5.3.2.2; Normen 5.2.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from fellesjournal.access.decide import Decision
from fellesjournal.access.model import NotLeader
from fellesjournal.kit.db import Database, sql_file

_SQL = sql_file("fellesjournal.access", "duty_store.sql")

LEADER: Final = "leder"
"""The role that keeps the duty list of the unit, and opens no record unless it is given more."""


@dataclass(frozen=True, slots=True)
class Shift:
    """Somebody's time on duty; `is_now`: it has begun."""

    id: int
    name: str
    from_at: datetime
    until_at: datetime
    is_now: bool


@dataclass(frozen=True, slots=True)
class Colleague:
    """One who can be put on duty, with the roles of their posts at the unit."""

    person: int
    name: str
    roles: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DutyList:
    """A unit's list. `is_kept`: only those on it have access there."""

    unit_name: str
    is_kept: bool
    shifts: tuple[Shift, ...]
    staff: tuple[Colleague, ...]


async def duty_list(db: Database, *, decision: Decision) -> DutyList:
    """The list of the unit that the reader acts in, by time. Raises NotLeader."""
    kept = await db.fetchrow(_SQL.reach, decision.secret)
    if kept is None:
        raise NotLeader
    shifts = await db.fetch(_SQL.shifts, decision.secret)
    staff = await db.fetch(_SQL.staff, decision.secret)
    return DutyList(
        kept["unit_name"], kept["is_kept"], tuple(Shift(**dict(row.items())) for row in shifts),
        tuple(Colleague(row["person"], row["name"], tuple(row["roles"])) for row in staff),
    )  # fmt: skip


async def put_on(db: Database, *, decision: Decision, person: int, from_at: datetime, until_at: datetime) -> str:
    """Put somebody on duty, from now at the earliest: done, self, person, period or there. Raises NotLeader."""
    status: str = await db.fetchval(_SQL.put_on, decision.secret, person, from_at, until_at)
    if status == "nobody":
        raise NotLeader
    return status


async def take_off(db: Database, *, decision: Decision, shift: int) -> bool:
    """End a shift now, or take away one that is planned; False when the unit has no such shift."""
    return bool(await db.fetchval(_SQL.take_off, decision.secret, shift))
