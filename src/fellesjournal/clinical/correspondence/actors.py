"""The systems of the worker, which carry messages, fill in search rows and carry out exports: who they are, and how
they get a session. None can do another's work.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import blake2b, sha256

from fellesjournal.access.model import SessionOver
from fellesjournal.identity.model import PostEnded, Reader
from fellesjournal.identity.numbers import system_hash
from fellesjournal.identity.sessions import Sessions
from fellesjournal.kit.db import Database
from fellesjournal.kit.keys import Keys

GRANTED_FOR = timedelta(days=365)
SESSION_S = 3600
_ALWAYS = (datetime(2000, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC))


@dataclass(frozen=True, slots=True)
class Actor:
    """A system: the name that the log shows, and what it may be granted."""

    key: str
    name: str
    purpose: str


FEED = Actor("correspondence-feed", "Endringsstrøm (automatisk)", "FEED")
DISTRIBUTE = Actor("correspondence-distribute", "Kopi til fastlege (automatisk)", "DISTRIBUTE")
INDEX = Actor("search-index", "Søkeregister (automatisk)", "INDEX")
BULK = Actor("bulk-export", "Uttrekk (automatisk)", "BULK")
CONTROL = Actor("log-analysis", "Logganalyse (automatisk)", "KONTROLL")
DIRECTORY = Actor("staff-directory", "Ansattkatalog (automatisk)", "KATALOG")
ACTORS = (FEED, DISTRIBUTE, INDEX, BULK, CONTROL, DIRECTORY)
"""In the order in which the worker starts them."""


async def ensure_system_actors(
    db: Database, *, keys: Keys, granted_by: str = "migrate", until: datetime | None = None
) -> None:
    """Make the systems with their grants, or renew these; as the operator's role (fj_migrate)."""
    for actor in ACTORS:
        await ensure_system_actor(
            db, keys=keys, actor=actor, granted_by=granted_by, until=until or datetime.now(UTC) + GRANTED_FOR
        )


async def ensure_system_actor(
    db: Database, *, keys: Keys, actor: Actor, granted_by: str, until: datetime
) -> None:
    """Make one system with its unit and its grant."""
    unit = unit_of(actor)
    await db.execute("SELECT identity.put_unit($1, $2, 'system', $1, '')", unit, actor.name)
    person = await db.fetchval(
        "SELECT identity.put_person('system', $1, $2, NULL, NULL, NULL, NULL)",
        system_hash(keys, actor.key),
        actor.name,
    )
    await db.execute("SELECT identity.put_grant($1, $2, $3, $4)", person, actor.purpose, until, granted_by)
    await db.execute(
        "SELECT identity.put_post($1, $2, 'system', NULL, NULL, NULL, $3, $4)", person, unit, *_ALWAYS
    )


@asynccontextmanager
async def acting_once(
    operator: Database, *, keys: Keys, actor: Actor, granted_by: str, lasts: timedelta
) -> AsyncIterator[bytes]:
    """The secret of a system's session for one errand of an operator on the server (fj_migrate), who grants it.

    The grant is taken back when the errand is done, and the session dies with it.
    """
    await ensure_system_actor(operator, keys=keys, actor=actor, granted_by=granted_by, until=datetime.now(UTC) + lasts)
    secret = os.urandom(32)
    try:
        await operator.fetchval(
            "SELECT identity.start_system($1, $2, $3, $4, $5, '')", sha256(secret).digest(),
            system_hash(keys, actor.key), unit_of(actor), actor.purpose, int(lasts.total_seconds()),
        )  # fmt: skip
        yield secret
    finally:
        await ensure_system_actor(operator, keys=keys, actor=actor, granted_by=granted_by, until=datetime.now(UTC))


def unit_of(actor: Actor) -> int:
    """The number of a system's unit: the same in every installation."""
    digest = blake2b(f"fellesjournal system {actor.key}".encode(), digest_size=8).digest()
    return 1 << 61 | int.from_bytes(digest, "big") >> 3


class SystemSession:
    """A system's live session, begun anew before it runs out. Raises SessionOver while there is no grant."""

    def __init__(
        self, sessions: Sessions, *, actor: Actor, session_s: int = SESSION_S, unit: int | None = None
    ) -> None:
        """`unit` is where it acts: its own if not said."""
        self._sessions = sessions
        self._unit = unit
        self._actor = actor
        self._session_s = session_s
        self._secret = b""
        self._fresh_until = 0.0
        self._lock = asyncio.Lock()

    async def secret(self) -> bytes:
        """The secret of a session that lives for a while yet. Raises SessionOver."""
        async with self._lock:
            if time.monotonic() >= self._fresh_until:
                await self._begin()
            return self._secret

    async def reader(self) -> Reader:
        """The system as a reader. Raises SessionOver."""
        reader = await self._sessions.who(await self.secret())
        if reader is None:
            self._fresh_until = 0.0
            raise SessionOver
        return reader

    async def end(self) -> None:
        """End the session."""
        if self._secret:
            await self._sessions.end(self._secret)

    async def _begin(self) -> None:
        found = await self._sessions.find_system(system_hash(self._sessions.keys, self._actor.key))
        if found is None:
            raise SessionOver
        former = self._secret
        try:
            self._secret = await self._sessions.start_system(
                name=self._actor.key, unit=self._unit or found[1], purpose=self._actor.purpose, max_s=self._session_s
            )
        except PostEnded:
            raise SessionOver from None
        self._fresh_until = time.monotonic() + self._session_s / 2
        if former:
            await self._sessions.end(former)
