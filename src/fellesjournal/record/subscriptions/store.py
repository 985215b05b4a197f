"""One typed function for each query of `store.sql`; a subscription is named by the row of its resource."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec

from fellesjournal import fhir
from fellesjournal.kit import ids
from fellesjournal.kit.db import Connection, Database, Row, sql_file
from fellesjournal.kit.keys import Keys
from fellesjournal.record.names import Key
from fellesjournal.record.subscriptions.wish import Asked, Wish

_SQL = sql_file("fellesjournal.record.subscriptions")


@dataclass(frozen=True, slots=True)
class Subscribed:
    """One that is to be told of something."""

    key: Key
    version: int
    session: int
    wish: Wish
    since: datetime


@dataclass(frozen=True, slots=True)
class Due:
    """One that has something to do now. `wish` None: a subscription by search, which is not served."""

    key: Key
    version: int
    org: int
    channel: str
    wish: Wish | None
    status: str
    failures: int
    events: int
    sent: int
    is_over: bool

    @property
    def id(self) -> str:
        """The id of its resource."""
        return ids.encode(*self.key)


@dataclass(frozen=True, slots=True)
class Event:
    """A version that is told of under a number. `is_open`: whoever it is for may see it now. op: C, U or D."""

    number: int
    key: Key
    version: int
    rtype: str
    op: str
    at: datetime
    is_open: bool


@dataclass(frozen=True, slots=True)
class State:
    """How a subscription stands. `is_own`: whoever asked is the subscriber."""

    version: int
    status: str
    error: str
    wish: Wish | None
    events: int
    sent: int
    is_own: bool


def secret_of(keys: Keys, key: Key, version: int) -> bytes:
    """The secret of the session that a version of a Subscription is carried out with."""
    text = f"fellesjournal subscription\0{ids.encode(*key)}/{version}"
    return hmac.digest(keys.current("hash"), text.encode(), hashlib.sha256)


async def subscribe(conn: Connection, *, secret: bytes, key: Key, version: int, at: datetime, asked: Asked) -> str:
    """Take a version in, in the transaction that wrote it: ok, skip, many, none."""
    wish = asked.wish
    channel, heartbeat_s = (wish.channel, wish.heartbeat_s) if wish else ("search", 0)
    text = msgspec.json.encode(wish).decode() if wish else ""
    done: str = await conn.fetchval(
        _SQL.subscribe, secret, *key, version, channel, text, heartbeat_s, asked.is_off, at, asked.until
    )
    return done


async def unsubscribe(conn: Connection, *, secret: bytes, key: Key) -> None:
    """Forget a Subscription that was deleted."""
    await conn.execute(_SQL.unsubscribe, secret, *key)


async def begin_new(db: Database, *, secret: bytes, keys: Keys) -> None:
    """Give every version that was taken in the session that it is carried out with."""
    for row in await db.fetch(_SQL.new, secret):
        key, version = (row["slot"], row["pid"]), row["version"]
        own = hashlib.sha256(secret_of(keys, key, version)).digest()
        await db.execute(_SQL.begin, secret, *key, version, own)


async def subscriptions(db: Database, *, secret: bytes) -> list[Subscribed]:
    """All that are to be told of something; none without the grant."""
    return [
        Subscribed((row["slot"], row["pid"]), row["version"], row["session"], _wish(row["wish"]), row["since"])
        for row in await db.fetch(_SQL.subscriptions, secret)
    ]


async def may_be_told(
    db: Database, *, secret: bytes, sessions: Sequence[int], key: Key, rtype: str, version: int
) -> frozenset[int]:
    """Those of some sessions that may be told of a version."""
    number = fhir.TYPE_NUMBER[rtype]
    return frozenset(await db.fetchval(_SQL.may_be_told, secret, list(sessions), *key, number, version))


async def note_event(
    db: Database, *, secret: bytes, subscription: Key, key: Key, version: int, rtype: str, op: str, at: datetime
) -> int | None:
    """The number of a new event; None when it has one."""
    number: int | None = await db.fetchval(
        _SQL.note_event, secret, *subscription, *key, version, fhir.TYPE_NUMBER[rtype], op, at
    )
    return number


async def due(db: Database, *, secret: bytes, lease: timedelta, limit: int) -> list[Due]:
    """What has something to do now, taken for as long as the lease."""
    return [_due(row) for row in await db.fetch(_SQL.due, secret, lease, limit)]


async def told(
    db: Database, *, secret: bytes, key: Key, version: int, sent: int, lease: timedelta
) -> tuple[str, str] | None:
    """The status before and after something was received; None when it is another version by now, or stopped."""
    row = await db.fetchrow(_SQL.told, secret, *key, version, sent, lease)
    return (row["before"], row["status"]) if row else None


async def failed(
    db: Database, *, secret: bytes, due: Due, error: str, pause: timedelta, is_last: bool
) -> bool:
    """Whether it was given up."""
    return bool(await db.fetchval(_SQL.failed, secret, *due.key, due.version, error, pause, is_last))


async def over(db: Database, *, secret: bytes, due: Due, error: str) -> bool:
    """End it; False when it had ended."""
    return bool(await db.fetchval(_SQL.over, secret, *due.key, due.version, error))


async def held(db: Database, *, secret: bytes, keys: Sequence[Key], lease: timedelta) -> None:
    """Keep what was taken for longer."""
    await db.execute(_SQL.held, secret, [slot for slot, _ in keys], [pid for _, pid in keys], lease)


async def let_go(db: Database, *, secret: bytes, key: Key) -> None:
    """Let another worker take it."""
    await db.execute(_SQL.let_go, secret, *key)


async def events(db: Database, *, secret: bytes, key: Key, first: int, last: int, limit: int) -> list[Event]:
    """Events between two numbers, in order; none for another unit's subscription."""
    return [
        Event(
            row["number"], (row["slot"], row["pid"]), row["version"], fhir.RESOURCE_TYPES[row["rtype"] - 1], row["op"],
            row["at"], bool(row["is_open"]),
        )
        for row in await db.fetch(_SQL.events, secret, *key, first, last, limit)
    ]  # fmt: skip


async def state(db: Database, *, secret: bytes, key: Key) -> State | None:
    """How it stands; None for one that is not carried out, or another unit's."""
    row = await db.fetchrow(_SQL.state, secret, *key)
    if row is None:
        return None
    return State(
        row["version"], row["status"], row["error"], _known_wish(row), row["events"], row["sent"], bool(row["is_own"])
    )


async def listed(db: Database) -> list[Row]:
    """Every subscription, for the operator; those that were given up first."""
    rows: list[Row] = await db.fetch(_SQL.listed)
    return rows


async def resend(db: Database, *, key: Key, first: int | None) -> bool:
    """Send again from a number, or what was not received; False for one that is off or unknown."""
    return bool(await db.fetchval(_SQL.resend, *key, first))


async def sweep(db: Database) -> None:
    """Throw away what was received a month ago."""
    await db.execute(_SQL.sweep)


def _wish(text: str) -> Wish:
    return msgspec.json.decode(text, type=Wish)


def _known_wish(row: Row) -> Wish | None:
    return _wish(row["wish"]) if row["wish"] else None


def _due(row: Row) -> Due:
    return Due(
        (row["slot"], row["pid"]), row["version"], row["org"], row["channel"], _known_wish(row), row["status"],
        row["failures"], row["events"], row["sent"], bool(row["is_over"]),
    )  # fmt: skip
