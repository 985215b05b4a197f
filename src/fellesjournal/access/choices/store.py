"""One typed function for each query of `store.sql`. Only the choices import this."""

from datetime import datetime

from fellesjournal.kit.db import Database, Row, sql_file

_SQL = sql_file("fellesjournal.access.choices")


async def choices(db: Database, *, secret: bytes, patient: int) -> list[Row]:
    """The grounds that can be chosen, in order; empty for a secret that opens nothing."""
    rows: list[Row] = await db.fetch(_SQL.choices, secret, patient)
    return rows


async def choose(
    db: Database, *, secret: bytes, patient: int, ground: str, reason: str, minutes: int | None
) -> tuple[str, datetime | None]:
    """(status, until): ok, none, reason or refused."""
    row = await db.fetchrow(_SQL.choose, secret, patient, ground, reason, minutes)
    assert row is not None  # noqa: S101 - a function of one row
    return row["status"], row["until_at"]


async def end_choice(db: Database, *, secret: bytes, patient: int, ground: str) -> int:
    """How many choices ended."""
    return int(await db.fetchval(_SQL.end_choice, secret, patient, ground))


async def explain(db: Database, *, secret: bytes, patient: int) -> list[Row]:
    """What the rules say, denies first; empty when none says anything."""
    rows: list[Row] = await db.fetch(_SQL.explain, secret, patient)
    return rows


async def own_notices(db: Database, *, secret: bytes, since: datetime) -> list[Row]:
    """The exceptions, newest first."""
    rows: list[Row] = await db.fetch(_SQL.own_notices, secret, since)
    return rows


async def object_to(db: Database, *, secret: bytes, ground: str, objects: bool) -> bool:
    """False when the ground is none that a patient may refuse."""
    return bool(await db.fetchval(_SQL.object_to, secret, ground, objects))


async def grant_support(
    db: Database, *, secret: bytes, person: int, patient: int, ticket: str, reason: str, minutes: int | None
) -> tuple[str, datetime | None]:
    """(status, until): ok, none, self, reason, ticket or refused."""
    row = await db.fetchrow(_SQL.grant_support, secret, person, patient, ticket, reason, minutes)
    assert row is not None  # noqa: S101 - a function of one row
    return row["status"], row["until_at"]


async def kin_waiting(db: Database, *, secret: bytes) -> list[Row]:
    """(patient, slot, relation), the nearest first; empty for one without family here."""
    rows: list[Row] = await db.fetch(_SQL.kin_waiting, secret)
    return rows


async def own_supports(db: Database, *, secret: bytes) -> list[Row]:
    """(patient, slot, ticket, until_at), the first to close first; empty for who gives no support."""
    rows: list[Row] = await db.fetch(_SQL.own_supports, secret)
    return rows
