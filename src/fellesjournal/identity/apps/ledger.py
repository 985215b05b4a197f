"""Apps in the database: one typed function for each query of `ledger.sql`; secrets go in as their hashes."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from fellesjournal.identity.apps.model import App, Grant, Registration, Status
from fellesjournal.identity.apps.registration import BadRegistration, read_registration, stored_text
from fellesjournal.identity.apps.scopes import Scopes, read_scopes, type_mask
from fellesjournal.identity.cookies import secret_of, secret_text
from fellesjournal.identity.numbers import system_hash
from fellesjournal.kit import db
from fellesjournal.kit.clock import OSLO
from fellesjournal.kit.keys import Keys

_SQL = db.sql_file("fellesjournal.identity.apps", "ledger.sql")
LAUNCH_S = 300
CODE_S = 60


@dataclass(frozen=True)
class Given:
    """A grant as the person who gave it sees it."""

    id: int
    app: Registration
    scopes: Scopes
    patient: tuple[int, int] | None
    is_offline: bool
    made_at: datetime
    until_at: datetime
    used_at: datetime | None


@dataclass(frozen=True)
class Inspected:
    """What a token is worth."""

    grant: int
    app: int
    is_access: bool
    scopes: Scopes
    until_at: datetime
    made_at: datetime | None


@dataclass(frozen=True)
class Event:
    """Something that was done with an app; `by` is "" for the operator."""

    at: datetime
    did: str
    by: str


def hashed(secret: bytes | str) -> bytes:
    """What the database keeps of a secret, as its holder writes it."""
    return hashlib.sha256(secret.encode() if isinstance(secret, str) else secret).digest()


# ── Registration ─────────────────────────────────────────────────────────────────────────────────


async def find(pool: db.Database, client_id: str) -> App | None:
    """An app that was not removed."""
    row = await pool.fetchrow(_SQL.find, client_id)
    return None if row is None else _app(row)


async def everyone(pool: db.Database) -> list[App]:
    """All apps that were not removed, by name."""
    return [_app(row) for row in await pool.fetch(_SQL.all)]


async def has_secret(signin: db.Database, client_id: str, secret: str) -> bool:
    """Whether this is the app's secret."""
    return bool(await signin.fetchval(_SQL.has_secret, client_id, hashed(secret)))


async def register(
    pool: db.Database, made: Registration, *, keys: Keys, secret: str, by: bytes | None = None
) -> int | None:
    """Write a registration, which waits for approval then; its number.

    As the operator, or as the administrator whose session's secret is `by`: None for anybody else.
    Raises BadRegistration for a unit that is not there.
    """
    unit = await pool.fetchval(_SQL.unit_named, made.unit) if made.unit else None
    if made.unit and unit is None:
        raise BadRegistration("unit", "is not the name of one unit")
    until = datetime.combine(date.fromisoformat(made.until_on) + timedelta(days=1), time(), OSLO) if unit else None
    arguments: list[Any] = [
        made.client_id, made.name, stored_text(made), hashed(secret) if secret else None,
        system_hash(keys, f"app {made.client_id}"), unit, until.astimezone(UTC) if until else None,
    ]  # fmt: skip
    query, first = (_SQL.write, []) if by is None else (_SQL.write_by, [by])
    number: int | None = await pool.fetchval(query, *first, *arguments)
    return number


async def mark(pool: db.Database, client_id: str, status: Status, *, by: bytes | None = None) -> bool:
    """Approve, suspend or remove an app; False when there is none, or `by` is no administrator's."""
    if by is None:
        return bool(await pool.fetchval(_SQL.mark, client_id, status))
    return bool(await pool.fetchval(_SQL.mark_by, by, client_id, status))


async def events(web: db.Database, *, by: bytes, client_id: str) -> list[Event]:
    """What was done with an app, newest first; empty for who is no administrator."""
    rows = await web.fetch(_SQL.events, by, client_id)
    return [Event(row["at"], row["did"], row["by_name"]) for row in rows]


# ── Launch and grant ─────────────────────────────────────────────────────────────────────────────


async def start_launch(
    web: db.Database, *, secret: bytes, app: App, launch: bytes, patient: tuple[int, int], encounter: str
) -> bool:
    """Keep a launch for this session; False when the session is over."""
    slot, pid = patient
    query = _SQL.launch_start
    return bool(await web.fetchval(query, secret, app.id, hashed(launch), pid, slot, encounter, LAUNCH_S))


async def use_launch(
    web: db.Database, *, secret: bytes, app: App, launch: bytes
) -> tuple[tuple[int, int], str] | None:
    """(patient, encounter) of a launch, once; None for one of another session or app."""
    row = await web.fetchrow(_SQL.launch_use, secret, app.id, hashed(launch))
    return None if row is None else ((row["patient_slot"], row["patient"]), row["encounter"])


async def start_grant(
    signin: db.Database, *, secret: bytes, app: App, scopes: Scopes, patient: tuple[int, int] | None, encounter: str,
    is_bound: bool, offline_s: int, code: bytes, redirect_uri: str, challenge: str, nonce: str,
) -> int | None:  # fmt: skip
    """A grant with its code; None when the session is over. `offline_s` 0: it ends with the session."""
    slot, pid = patient or (None, None)
    number: int | None = await signin.fetchval(
        _SQL.grant_start, secret, app.id, str(scopes), pid, slot, is_bound, encounter, offline_s, hashed(code),
        redirect_uri, challenge, nonce, CODE_S,
    )  # fmt: skip
    return number


async def grant_of(signin: db.Database, number: int) -> Grant | None:
    """A grant that is alive."""
    row = await signin.fetchrow(_SQL.grant_of, number)
    if row is None:
        return None
    patient = None if row["patient"] is None else (row["patient_slot"], row["patient"])
    return Grant(
        id=row["app_grant"], app=row["app"], kind=row["kind"], person=row["person"], scopes=read_scopes(row["scopes"]),
        patient=patient, encounter=row["encounter"], practitioner=row["practitioner"], is_offline=row["is_offline"],
        until_at=row["until_at"], jkt=row["jkt"],
    )  # fmt: skip


async def end_grant(signin: db.Database, number: int, *, why: str) -> None:
    """End a grant with all its tokens."""
    await signin.fetchval(_SQL.grant_end, number, why)


async def bind_grant(signin: db.Database, number: int, *, jkt: str) -> bool:
    """Bind a grant to a key, before its first token; False when it is bound to another or can't be any more."""
    return bool(await signin.fetchval(_SQL.grant_bind, number, jkt))


async def use_code(
    signin: db.Database, *, app: App, code: str, redirect_uri: str, challenge: str
) -> tuple[int, str] | None:
    """(grant, nonce) of a code, once. A second use ends what came of the first."""
    row = await signin.fetchrow(_SQL.code_use, app.id, hashed(_bytes(code)), redirect_uri, challenge)
    return None if row is None else (row["app_grant"], row["nonce"])


# ── Tokens ───────────────────────────────────────────────────────────────────────────────────────


async def start_token(signin: db.Database, *, grant: int, token: bytes, scopes: Scopes, max_s: int) -> datetime:
    """Start an access token; until when."""
    given = (grant, hashed(token), str(scopes), max_s, list(type_mask(scopes)))
    until: datetime = await signin.fetchval(_SQL.token_start, *given)
    return until


async def put_refresh(signin: db.Database, *, grant: int, token: bytes) -> None:
    """Keep a refresh token."""
    await signin.fetchval(_SQL.refresh_put, grant, hashed(token))


async def use_refresh(signin: db.Database, *, app: App, token: str, jkt: str) -> int | None:
    """The grant of a refresh token, once. A second use ends the grant."""
    number: int | None = await signin.fetchval(_SQL.refresh_use, app.id, hashed(_bytes(token)), jkt)
    return number


async def app_of_refresh(signin: db.Database, token: str) -> str:
    """The client id of the app whose refresh token it is, or was; "" for nobody's."""
    return str(await signin.fetchval(_SQL.refresh_app, hashed(_bytes(token))) or "")


async def start_backend(signin: db.Database, *, app: App, scopes: Scopes, jkt: str, max_s: int) -> int | None:
    """A grant of an app to itself; None without a unit, or after its last day."""
    number: int | None = await signin.fetchval(_SQL.backend_start, app.id, str(scopes), jkt, max_s)
    return number


async def inspect(signin: db.Database, token: str) -> Inspected | None:
    """What a token is worth now; None for nothing."""
    row = await signin.fetchrow(_SQL.inspect, hashed(_bytes(token)))
    if row is None:
        return None
    return Inspected(
        row["app_grant"], row["app"], row["is_access"], read_scopes(row["scopes"]), row["until_at"], row["made_at"]
    )


async def revoke(signin: db.Database, *, app: App, token: str) -> None:
    """End a token of this app; nothing happens to another's."""
    await signin.fetchval(_SQL.revoke, app.id, hashed(_bytes(token)))


# ── What the person sees ─────────────────────────────────────────────────────────────────────────


async def grants_of(web: db.Database, *, secret: bytes) -> list[Given]:
    """What the person of a session has let apps do and not taken back, newest first."""
    return [_given(row) for row in await web.fetch(_SQL.grants_of, secret)]


async def withdraw(web: db.Database, *, secret: bytes, grant: int) -> bool:
    """Take a grant back; False when it is not theirs."""
    return bool(await web.fetchval(_SQL.withdraw, secret, grant))


async def signing_keys(signin: db.Database) -> dict[str, str]:
    """The sealed keys by algorithm."""
    return {row["alg"]: row["sealed"] for row in await signin.fetch(_SQL.signing_keys)}


async def put_signing_key(signin: db.Database, *, alg: str, sealed: str, former: str) -> None:
    """Keep a key, unless another process has put one in the place of `former` already."""
    await signin.fetchval(_SQL.signing_key_put, alg, sealed, former)


def issued(secret: bytes) -> str:
    """A code or token as its holder writes it."""
    return secret_text(secret)


def _bytes(text: str) -> bytes:
    """The secret behind the text; what can't be one of ours is nobody's."""
    return secret_of(text) or b""


def _app(row: Any) -> App:
    stored = row["registration"].encode()
    return App(
        id=row["id"], status=row["status"], registration=_registration(stored), has_secret=row["has_secret"],
        unit=row["unit"], unit_name=row["unit_name"] or "", changed_at=row["changed_at"],
    )  # fmt: skip


def _given(row: Any) -> Given:
    patient = None if row["patient"] is None else (row["patient_slot"], row["patient"])
    return Given(
        row["app_grant"], _registration(row["registration"].encode()), read_scopes(row["scopes"]), patient,
        row["is_offline"], row["made_at"], row["until_at"], row["used_at"],
    )  # fmt: skip


def _registration(stored: bytes) -> Registration:
    # What was accepted once is read again, whichever hosts keys may come from today.
    return read_registration(stored, key_hosts=None)
