"""Sessions on the server: started by sign-in alone, asked about at every request, ended for good.

A secret is 32 random bytes with its holder; the database keeps its SHA-256. Starting goes through a
database role that
the pages don't have: whoever takes over the pages' role can use the secrets that pass by, and make none.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from fellesjournal.identity.apps.model import AppSession
from fellesjournal.identity.cookies import Cookies
from fellesjournal.identity.model import Acting, MayNotRepresent, NoRecord, Person, Post, PostEnded, Reader
from fellesjournal.identity.numbers import number_hash, number_keys, system_hash
from fellesjournal.kit import db
from fellesjournal.kit.clock import Clock, SystemClock
from fellesjournal.kit.keys import Keys
from fellesjournal.kit.migrate import installation
from fellesjournal.kit.settings import Settings

CACHE_S = 5.0
SEEN_EVERY_S = 60
"""How seldom activity is written down, as `identity.who` does it: this much later than the last one."""
_CACHE_SIZE = 10_000
_DEVICE_LENGTH = 120
_QUERIES = db.sql_file("fellesjournal.identity", "store.sql")


class Sessions:
    """Starts, finds and ends sessions.

    `signin` is a pool of a role that may start them, `web` of one that may only use them.
    """

    def __init__(
        self,
        *,
        signin: db.Database,
        web: db.Database,
        settings: Settings,
        keys: Keys,
        clock: Clock | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._signin = signin
        self._web = web
        self._settings = settings
        self.keys = keys
        self.cookies = Cookies.of(settings)
        self.clock = clock or SystemClock()
        self._monotonic = monotonic
        self._known: OrderedDict[bytes, tuple[float, Reader]] = OrderedDict()

    async def who(self, secret: bytes) -> Reader | None:
        """The reader of a live session, or None. Counts as activity.

        A yes is remembered for at most five seconds, as a hint: every decision asks the database again.
        """
        digest = hashlib.sha256(secret).digest()
        return self._remembered(digest) or await self._ask(secret, digest)

    async def seconds_left(self, secret: bytes) -> int | None:
        """Seconds until the session ends if nothing is done, or None when it has. Does not count as
        activity.
        """
        found = await self._web.fetchval(_QUERIES.seconds_left, secret)
        return None if found is None else int(found)

    async def extend(self, secret: bytes) -> bool:
        """Start the idle time anew; False when the session has ended."""
        return bool(await self._web.fetchval(_QUERIES.extend, secret))

    async def end(self, secret: bytes) -> bool:
        """End the session for good; False when it was not alive."""
        self._forget(secret)
        return bool(await self._web.fetchval(_QUERIES.end_session, secret))

    def shown_left_s(self, reader: Reader) -> int:
        """Seconds that a page may promise after activity: never more than the database will give."""
        idle_s = reader.idle_s - min(SEEN_EVERY_S, reader.idle_s / 4) - min(CACHE_S, reader.idle_s / 4)
        return max(1, int(min(idle_s, (reader.expires_at - self.clock.now()).total_seconds())))

    async def recognise(self, national_id: str) -> Person | None:
        """The person whom the sign-in service vouched for, linked to their own record before anything is opened."""
        hashes = number_hash(self.keys, national_id), number_keys(self.keys, national_id)
        row = await self._signin.fetchrow(_QUERIES.recognise, *hashes)
        return None if row is None else Person(id=row["person"], name=row["name"], patient=row["patient"])

    async def own_record(self, person: int) -> int | None:
        """The number of somebody's own record, None when they have none here."""
        found = await self._signin.fetchval(_QUERIES.own_record, person)
        return None if found is None else int(found)

    async def posts_of(self, person: int) -> tuple[Post, ...]:
        """The roles that a person may act in now, by unit name; empty for none."""
        rows = await self._signin.fetch(_QUERIES.posts_of, person)
        return tuple(_post(row) for row in rows)

    async def start_staff(
        self, *, person: int, post: int, level: int, device: str = "", idle_s: int | None = None
    ) -> bytes:
        """The secret of a new session in one post. Raises PostEnded when the post is not theirs and valid."""
        secret = os.urandom(32)
        made = await self._signin.fetchval(
            _QUERIES.start_staff, _digest(secret), person, post, level, idle_s or self._idle_s, self._max_s,
            device[:_DEVICE_LENGTH],
        )  # fmt: skip
        return _started(secret, made, PostEnded())

    async def switch_staff(self, secret: bytes, *, post: int, device: str = "") -> bytes:
        """End this session and start one in another post of the same person, both or neither. Raises
        PostEnded.
        """
        new = os.urandom(32)
        made = await self._signin.fetchval(
            _QUERIES.switch_staff, secret, _digest(new), post, self._idle_s, device[:_DEVICE_LENGTH]
        )
        self._forget(secret)
        return _started(new, made, PostEnded())

    async def switch_citizen(self, secret: bytes, *, patient: int, device: str = "") -> bytes:
        """End this citizen's session and start one on the record of somebody whom they act for, or on their own.

        Both or neither. Raises MayNotRepresent.
        """
        new = os.urandom(32)
        made = await self._signin.fetchval(
            _QUERIES.switch_citizen, secret, _digest(new), patient, device[:_DEVICE_LENGTH]
        )
        self._forget(secret)
        return _started(new, made, MayNotRepresent())

    async def acting_over(self, secret: bytes) -> int | None:
        """The own record of one who may no longer act for another, to go on with; None for every other session."""
        found = await self._signin.fetchval(_QUERIES.acting_over, secret)
        return None if found is None else int(found)

    async def start_citizen(
        self, *, person: int, level: int, device: str = "", idle_s: int | None = None
    ) -> bytes:
        """The secret of a new session on the own record. Raises NoRecord when there is none."""
        secret = os.urandom(32)
        made = await self._signin.fetchval(
            _QUERIES.start_citizen, _digest(secret), person, level, idle_s or self._idle_s, self._max_s,
            device[:_DEVICE_LENGTH],
        )  # fmt: skip
        return _started(secret, made, NoRecord())

    async def start_system(
        self, *, name: str, unit: int | None, purpose: str, max_s: int | None = None, device: str = ""
    ) -> bytes:
        """The secret of a session of the system with this name. Raises PostEnded without a live grant for this."""
        secret = os.urandom(32)
        made = await self._signin.fetchval(
            _QUERIES.start_system, _digest(secret), system_hash(self.keys, name), unit, purpose, max_s or self._max_s,
            device[:_DEVICE_LENGTH],
        )  # fmt: skip
        return _started(secret, made, PostEnded())

    async def find_system(self, name_hash: bytes) -> tuple[int, int] | None:
        """(person, unit) of a system by its hashed name, or None."""
        row = await self._web.fetchrow(_QUERIES.find_system, name_hash)
        return None if row is None else (row["person"], row["unit"])

    async def find_demo(self, name: str) -> tuple[int, str] | None:
        """(person, human or system) of a demo name, or None."""
        row = await self._signin.fetchrow(_QUERIES.find_demo, name)
        return None if row is None else (row["person"], row["kind"])

    async def use_once(self, text: str, *, ttl_s: int) -> bool:
        """True the first time, False ever after, in all processes; remembered for `ttl_s` seconds."""
        return bool(await self._signin.fetchval(_QUERIES.use_once, _digest(text.encode()), ttl_s))

    async def is_demo(self) -> bool:
        """Whether the database is marked as a demo; the mark can never change."""
        async with self._signin.acquire() as connection:
            return (await installation(connection)).demo

    @property
    def _idle_s(self) -> int:
        return self._settings.session_idle_minutes * 60

    @property
    def _max_s(self) -> int:
        return self._settings.session_max_hours * 3600

    async def _ask(self, secret: bytes, digest: bytes) -> Reader | None:
        row = await self._web.fetchrow(_QUERIES.who, secret)
        if row is None:
            return None
        reader = _reader(row, secret)
        # Never past a quarter of the idle time: the database must see that somebody is there.
        self._known[digest] = (self._monotonic() + min(CACHE_S, reader.idle_s / 4), reader)
        if len(self._known) > _CACHE_SIZE:
            self._known.popitem(last=False)
        return reader

    def _remembered(self, digest: bytes) -> Reader | None:
        until, reader = self._known.get(digest, (0.0, None))
        if reader is None:
            return None
        if self._monotonic() < until and reader.expires_at > self.clock.now():
            return reader
        self._known.pop(digest, None)
        return None

    def _forget(self, secret: bytes) -> None:
        self._known.pop(_digest(secret), None)


def _digest(secret: bytes) -> bytes:
    return hashlib.sha256(secret).digest()


def _started(secret: bytes, made: int | None, refusal: Exception) -> bytes:
    if made is None:
        raise refusal
    return secret


def _post(row: Any) -> Post:
    return Post(
        id=row["post"],
        unit=row["unit"],
        unit_name=row["unit_name"],
        unit_kind=row["unit_kind"],
        role=row["role"],
    )


def _reader(row: Any, secret: bytes) -> Reader:
    return Reader(
        session=row["session"],
        kind=row["kind"],
        person=row["person"],
        name=row["name"],
        post=row["post"],
        unit=row["unit"],
        unit_name=row["unit_name"] or "",
        unit_kind=row["unit_kind"] or "",
        role=row["role"],
        purpose=row["purpose"],
        patient=row["patient"],
        patient_slot=None if row["patient"] is None else row["patient_slot"],
        practitioner=row["practitioner"],
        practitioner_role=row["practitioner_role"],
        expires_at=row["expires_at"],
        idle_s=row["idle_s"],
        secret=secret,
        app=_app(row),
        acting=_acting(row),
    )


def _acting(row: Any) -> Acting | None:
    if row["acts_for"] is None:
        return None
    return Acting(
        row["acts_for"], row["acts_as"] or "", row["acts_on"] or "", bool(row["may_act"]), row["acts_until_at"],
        tuple(row["acts_types"] or ()),
    )  # fmt: skip


def _app(row: Any) -> AppSession | None:
    if row["app"] is None:
        return None
    patient = None if row["app_patient"] is None else (row["app_patient_slot"], row["app_patient"])
    return AppSession(
        row["app"], row["client_id"], row["app_name"], row["app_scopes"], patient, row["is_bound"], row["jkt"]
    )
