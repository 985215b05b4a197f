"""Administration in the database: one typed function for each query of `ledger.sql`, and wishes all or none."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from fellesjournal.identity.administration.model import (
    Change,
    Refused,
    Report,
    RightWish,
    ScimClient,
    Staff,
    StaffPost,
    UnitRow,
    Wish,
)
from fellesjournal.kit import db

_SQL = db.sql_file("fellesjournal.identity.administration", "ledger.sql")
_FINE = ("done", "same")
_MOST_FAULTS = 200


@dataclass(frozen=True)
class Administrator:
    """An administrator, or a system that brings staff in, by the secret of their session."""

    secret: bytes


@dataclass(frozen=True)
class Operator:
    """Somebody on the server, by name; as the operator's role (fj_migrate)."""

    name: str


By = Administrator | Operator


class _RolledBack(Exception):
    """Ends a transaction that must change nothing."""


async def carry_out(database: db.Database, wishes: Sequence[Wish], *, by: By, is_dry: bool = False) -> Report:
    """Carry out all wishes or none; a dry run rolls back what it has done, and tells it.

    A wish may name the person of an earlier one by its place (`person_at`, `keep_at`). Raises Refused.
    """
    changes: tuple[Change, ...] = ()
    subjects: list[int] = []
    faults: dict[int, str] = {}
    try:
        async with database.transaction() as conn:
            for place, wish in enumerate(wishes):
                status, subject = await _one(conn, _resolved(wish, subjects), by)
                subjects.append(subject or 0)
                if status not in _FINE:
                    faults[place] = status
                if len(faults) >= _MOST_FAULTS:
                    break
            changes = tuple(_change(row) for row in await conn.fetch(_SQL.changed_now))
            if faults or is_dry:
                raise _RolledBack
    except _RolledBack:
        if faults:
            raise Refused(faults) from None
    return Report(changes, tuple(subjects), is_dry)


async def staff(
    database: db.Database, *, secret: bytes, id: int | None = None, user_name: str | None = None,
    words: Sequence[str] = (), after: int = 0, limit: int = 50,
) -> list[Staff]:  # fmt: skip
    """Those who work within reach, by number; all words must begin a name. Empty when the secret is nobody's."""
    rows = await database.fetch(_SQL.staff, secret, id, user_name, list(words), after, limit)
    return [_staff(row) for row in rows]


async def staff_count(database: db.Database, *, secret: bytes) -> int:
    """How many work within reach."""
    return int(await database.fetchval(_SQL.staff_count, secret))


async def units(database: db.Database, *, secret: bytes) -> list[UnitRow]:
    """The units within reach, by name."""
    return [UnitRow(**{**dict(row.items()), "code": row["code"] or "", "controller_name": row["controller_name"] or ""})
            for row in await database.fetch(_SQL.units, secret)]  # fmt: skip


async def roles(database: db.Database, *, secret: bytes) -> list[db.Row]:
    """The roles that can be given: code, names, needs_licence, grants."""
    return list(await database.fetch(_SQL.roles, secret))


async def rights(database: db.Database, *, secret: bytes) -> list[db.Row]:
    """A row for each right that can be given and each time that it holds in; kinds None: it does not."""
    return list(await database.fetch(_SQL.rights, secret))


async def kind_sets(database: db.Database, *, secret: bytes) -> list[db.Row]:
    """What a right may be limited to: code and names."""
    return list(await database.fetch(_SQL.kind_sets, secret))


async def right_wishes(database: db.Database, *, secret: bytes) -> list[RightWish]:
    """Rights that wait for another administrator, oldest first."""
    rows = await database.fetch(_SQL.right_wishes, secret)
    return [
        RightWish(
            id=row["id"], role=row["role"], action=row["action"], kinds=row["kinds"] or "", from_at=row["from_at"],
            until_at=row["until_at"], wished_by=row["wished_by"], is_own=row["is_own"],
        )
        for row in rows
    ]  # fmt: skip


async def scim_clients(database: db.Database, *, secret: bytes) -> list[ScimClient]:
    """The systems of the own legal entity that bring staff in."""
    rows = await database.fetch(_SQL.scim_clients, secret)
    return [
        ScimClient(
            id=row["id"], name=row["name"], unit_name=row["unit_name"], until_at=row["until_at"],
            seen_at=row["seen_at"], keepers=tuple(row["keepers"]),
        )
        for row in rows
    ]  # fmt: skip


async def new_token(signin: db.Database, *, secret: bytes, client: int) -> tuple[bytes, datetime] | None:
    """A new token of a system, shown once, and when it ends; None when it is not the administrator's."""
    token = os.urandom(32)
    until = await signin.fetchval(_SQL.scim_token, secret, client, hashlib.sha256(token).digest())
    return None if until is None else (token, until)


async def changes(
    database: db.Database, *, secret: bytes, before: int = 0, about: int | None = None, limit: int = 50
) -> list[Change]:
    """What was changed within reach, newest first; of one person when one is named."""
    rows = await database.fetch(_SQL.changes, secret, before, about, limit)
    return [
        _change(row, id=row["id"], at=row["at"], by=row["by_name"], operator=row["operator"], about=row["about"],
                unit_name=row["unit_name"] or "")
        for row in rows
    ]  # fmt: skip


async def propose(operator: db.Database, *, by: str, code: str, number_hash: bytes, name: str, unit: str) -> str:
    """Propose a first administrator: done, unit (unknown) or there (there is one)."""
    status: str = await operator.fetchval(_SQL.propose, by, _hashed(code), number_hash, name, unit)
    return status


async def confirm(operator: db.Database, *, by: str, code: str) -> str:
    """Confirm one: done, code (wrong, old or used), same (operator) or there."""
    status: str = await operator.fetchval(_SQL.confirm, by, _hashed(code))
    return status


async def keep_controllers(worker: db.Database) -> None:
    """Give every unit the controller that holds now, since a date may have come; the worker does it."""
    await worker.execute(_SQL.keep_controllers)


async def _one(conn: db.Connection, wish: Wish, by: By) -> tuple[str, int | None]:
    text = json.dumps(wish, default=_text)
    if isinstance(by, Administrator):
        row = await conn.fetchrow(_SQL.administer, by.secret, text)
    else:
        row = await conn.fetchrow(_SQL.administer_as_operator, by.name, text)
    if row is None:
        raise LookupError("a wish has one answer")
    return row["status"], row["subject"]


def _resolved(wish: Wish, subjects: Sequence[int]) -> Wish:
    if "person_at" in wish:
        return {**_without(wish, "person_at"), "person": subjects[wish["person_at"]]}
    if "keep_at" in wish:
        return {**_without(wish, "keep_at"), "keep": [(subjects[at], role) for at, role in wish["keep_at"]]}
    return wish


def _without(wish: Wish, name: str) -> dict[str, Any]:
    return {key: value for key, value in wish.items() if key != name}


def _text(value: Any) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(type(value).__name__)


def _hashed(code: str) -> bytes:
    return hashlib.sha256(b"fellesjournal proposal\0" + code.strip().upper().encode()).digest()


def _change(row: db.Row, **more: Any) -> Change:
    return Change(
        subject=row["subject"], did=row["did"], about_name=row["about_name"] or "", before=json.loads(row["before"]),
        after=json.loads(row["after"]), **more,
    )  # fmt: skip


def _staff(row: db.Row) -> Staff:
    return Staff(
        id=row["id"], name=row["name"], user_name=row["user_name"] or "", external=row["external"] or "",
        licence=row["licence"] or "", active=row["active"], version=row["version"], made_at=row["made_at"],
        changed_at=row["changed_at"], is_managed=bool(row["is_managed"]), is_self=row["is_self"],
        posts=tuple(_post(post) for post in json.loads(row["posts"])),
    )  # fmt: skip


def _post(found: dict[str, Any]) -> StaffPost:
    return StaffPost(
        id=found["id"], unit=found["unit"], unit_code=found["unit_code"] or "", unit_name=found["unit_name"],
        role=found["role"], licence=found["licence"] or "", from_at=_instant(found["from"]),
        until_at=_instant(found["until"]), is_live=found["is_live"], is_over=found["is_over"],
    )  # fmt: skip


def _instant(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
