"""One typed function for each query of `store.sql`. Only `access` imports this."""

from collections.abc import Sequence
from datetime import datetime

from fellesjournal.kit.db import Connection, Database, Row, sql_file

_SQL = sql_file("fellesjournal.access")


async def decide(db: Database, *, secret: bytes, patient: int, action: str, kind: int) -> Row | None:
    """May this reader open this patient? Logged in its own transaction. None: the secret opens nothing."""
    row: Row | None = await db.fetchrow(_SQL.decide, secret, patient, action, kind)
    return row


async def log_refusal(
    db: Database | Connection, *, secret: bytes, patients: Sequence[int], action: str, kind: int
) -> None:
    """Log a refused wish by itself."""
    await db.execute(_SQL.log_refusal, secret, list(patients), action, kind)


async def establish(
    conn: Connection, *, secret: bytes, patient: int, unit: int, person: int | None, ground: str,
    source: int | None, from_at: datetime, until_at: datetime | None,
) -> bool:  # fmt: skip
    """Tell a fact in the caller's transaction; False when this reader may not."""
    return bool(
        await conn.fetchval(_SQL.establish, secret, patient, unit, person, ground, source, from_at, until_at)
    )


async def end_relation(conn: Connection, *, secret: bytes, patient: int, source: int) -> int:
    """End the facts that a resource made; how many."""
    return int(await conn.fetchval(_SQL.end_relation, secret, patient, source))


async def keep_referral(
    db: Database, *, secret: bytes, patient: int, source: int, units: Sequence[int], ground: str, at_once: bool
) -> bool:
    """Make the facts of a referral what it says; whether this secret may."""
    return bool(await db.fetchval(_SQL.keep_referral, secret, patient, source, list(units), ground or None, at_once))


async def own_log(
    db: Database, *, secret: bytes, since: datetime | None, until: datetime | None, manner: str | None,
    person: str | None, unit: str | None, only_people: bool, with_own: bool, after: tuple[datetime, int] | None,
    limit: int,
) -> list[Row]:  # fmt: skip
    """The citizen's own access log, newest first, narrowed, after a place."""
    at, pos = after or (None, None)
    rows: list[Row] = await db.fetch(
        _SQL.own_log, secret, since, until, manner, person, unit, only_people, with_own, at, pos, limit
    )
    return rows


async def audit_events(
    db: Database, *, secret: bytes, patient: int | None, practitioner: int | None, unit: int | None,
    since: datetime | None, until: datetime | None, actions: Sequence[str] | None, not_actions: Sequence[str],
    outcomes: Sequence[int] | None, disclosed: bool | None, after: tuple[datetime, int] | None, limit: int,
    is_one: bool,
) -> list[Row]:  # fmt: skip
    """The log as FHIR asks for it: the verdict stands in each row; one row without a time when there are none.

    `is_one`: the row just below `after` is asked for by its id.
    """
    at, pos = after or (None, None)
    rows: list[Row] = await db.fetch(
        _SQL.audit_events, secret, patient, practitioner, unit, since, until, actions, list(not_actions), outcomes,
        disclosed, at, pos, limit, is_one,
    )  # fmt: skip
    return rows


async def ask_about(db: Database, *, secret: bytes, at: datetime, pos: int, question: str) -> Row | None:
    """Ask the unit about a line of the own log: verdict and when an answer is due; None when there is no such line."""
    row: Row | None = await db.fetchrow(_SQL.ask_about, secret, at, pos, question)
    return row


async def questions(db: Database, *, secret: bytes) -> list[Row]:
    """What the citizen asked, newest first."""
    rows: list[Row] = await db.fetch(_SQL.questions, secret)
    return rows


async def patient_log(db: Database, *, secret: bytes, patient: int, before: datetime, limit: int) -> list[Row]:
    """A patient's access log for staff with a need, newest first; empty when refused."""
    rows: list[Row] = await db.fetch(_SQL.patient_log, secret, patient, before, limit)
    return rows


async def keep_partitions(db: Database) -> None:
    """Make the log's partitions for this month and the two next."""
    await db.execute(_SQL.keep_partitions)


async def show_address(db: Database, *, secret: bytes, patient: int, reason: str) -> str:
    """Ask for a protected address: 'ok', 'refused', 'strict', 'open' or 'reason'."""
    return str(await db.fetchval(_SQL.show_address, secret, patient, reason))


async def may_name(db: Database, *, secret: bytes, patient: int) -> bool:
    """May this reader name personnel for a strictly protected patient?"""
    return bool(await db.fetchval(_SQL.may_name, secret, patient))


async def named_for(db: Database, *, secret: bytes, patient: int) -> list[Row]:
    """Who is and was named."""
    rows: list[Row] = await db.fetch(_SQL.named_for, secret, patient)
    return rows


async def nameable(db: Database, *, secret: bytes, patient: int, words: str) -> list[Row]:
    """Who can be named, by a part of their name."""
    rows: list[Row] = await db.fetch(_SQL.nameable, secret, patient, words)
    return rows


async def name_personnel(db: Database, *, secret: bytes, patient: int, person: int, until_at: datetime) -> str:
    """Name somebody: 'ok', 'refused', 'self', 'unknown' or 'until'."""
    return str(await db.fetchval(_SQL.name_personnel, secret, patient, person, until_at))


async def end_naming(db: Database, *, secret: bytes, patient: int, id: int) -> bool:
    """End what was named; False when there is nothing, or this reader may not."""
    return bool(await db.fetchval(_SQL.end_naming, secret, patient, id))


async def open_sensitive(db: Database, *, secret: bytes, patient: int, reason: str) -> str:
    """Choose to see what is sensitive: 'ok', 'refused' or 'reason'."""
    return str(await db.fetchval(_SQL.open_sensitive, secret, patient, reason))
