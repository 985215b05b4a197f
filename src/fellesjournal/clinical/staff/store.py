"""What the database has for the keeper of the directory: one typed function for each query."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from fellesjournal.access.model import SessionOver
from fellesjournal.clinical.staff.model import Held, Member
from fellesjournal.kit import db

_SQL = db.sql_file("fellesjournal.clinical.staff", "store.sql")


async def behind(worker: db.Database, *, secret: bytes, after: int, limit: int) -> list[Member]:
    """Staff of whom the directory doesn't tell what holds now, by number; empty without a grant."""
    return [_member(row) for row in await worker.fetch(_SQL.behind, secret, after, limit)]


async def told(worker: db.Database, *, secret: bytes, member: Member, pid: int, roles: dict[int, int]) -> None:
    """The directory tells of a member as of then; `roles`: the PractitionerRole of each post. Raises SessionOver."""
    known = await worker.fetchval(
        _SQL.told, secret, member.person, member.version, member.at, pid, list(roles), list(roles.values())
    )
    if not known:
        raise SessionOver


def _member(row: db.Row) -> Member:
    return Member(
        person=row["person"], name=row["name"], licence=row["licence"] or "", version=row["version"], at=row["at"],
        pid=row["practitioner"], posts=tuple(_held(post) for post in json.loads(row["posts"])),
    )  # fmt: skip


def _held(found: dict[str, Any]) -> Held:
    return Held(
        id=found["id"], unit=found["unit"], unit_name=found["unit_name"], role=found["role"],
        from_at=_instant(found["from"]), until_at=_instant(found["until"]), is_over=found["is_over"],
        pid=found["practitioner_role"],
    )  # fmt: skip


def _instant(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
