"""One socket: the subscriptions that are bound to it, and what they send over it.

Events go as over the other channels: numbered, in order, decided and logged one by one, here for the session that bound
the socket. What was handed to the connection counts as received; a client that has lost something asks for `$events`.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from fellesjournal.access.decide import within
from fellesjournal.identity.model import Reader
from fellesjournal.identity.sessions import Sessions
from fellesjournal.record.journal import Vault
from fellesjournal.record.names import Key
from fellesjournal.record.subscriptions import store
from fellesjournal.record.subscriptions.binding import Bound
from fellesjournal.record.subscriptions.notification import Standing, as_media, bundle_of, visible
from fellesjournal.record.subscriptions.store import Event, State
from fellesjournal.record.subscriptions.wish import Wish

NOTICE: Final = "subscription"
"""The database's channel on which ids of subscriptions are told that have a new event for a socket (`note_event`)."""
_NO_LEASE: Final = timedelta(0)
Send = Callable[[str], Awaitable[None]]


class Ended(Exception):
    """The session that bound the socket has ended, or its right to the subscription."""


@dataclass
class Line:
    """One bound subscription: the version that was greeted, the last event that was sent, and when anything was."""

    key: Key
    id: str
    reader: Reader
    version: int = 0
    sent: int = 0
    at: float = 0.0


@dataclass
class Lines:
    """All that one socket carries."""

    vault: Vault
    sessions: Sessions
    send: Send
    lines: dict[Key, Line] = field(default_factory=dict)

    async def bind(self, bound: Bound) -> None:
        """Take subscriptions on. Raises Ended when the session is over."""
        reader = await self.sessions.who(bound.secret)
        if reader is None:
            raise Ended
        for key, id_ in bound.subscriptions:
            self.lines[key] = Line(key, id_, reader)

    def unbind(self, bound: Bound) -> None:
        """Let subscriptions go."""
        for key, _ in bound.subscriptions:
            self.lines.pop(key, None)

    async def stir(self) -> None:
        """A sign of life from the client, for the sessions that it is bound by. Raises Ended."""
        for line in self.lines.values():
            if await self.sessions.who(line.reader.secret) is None:
                raise Ended

    async def pump(self) -> None:
        """Send what is there to be sent. Raises Ended when no subscription is left to carry."""
        for line in list(self.lines.values()):
            if await self.sessions.seconds_left(line.reader.secret) is None:
                raise Ended
            state = await store.state(self.vault.db, secret=line.reader.secret, key=line.key)
            if state is None or state.wish is None or not state.is_own or state.status == "off":
                self.lines.pop(line.key, None)
                continue
            await self._pump(line, state, state.wish)
        if not self.lines:
            raise Ended

    async def _pump(self, line: Line, state: State, wish: Wish) -> None:
        if state.version != line.version:
            line.version, line.sent = state.version, state.sent
            await self._tell(line, state, wish, "handshake", [])
        while events := await self._events(line, wish):
            await self._tell(line, state, wish, "event-notification", events)
        if wish.heartbeat_s and time.monotonic() - line.at >= wish.heartbeat_s:
            await self._tell(line, state, wish, "heartbeat", [])

    async def _events(self, line: Line, wish: Wish) -> list[Event]:
        first, secret = line.sent + 1, line.reader.secret
        return await store.events(
            self.vault.db, secret=secret, key=line.key, first=first, last=2**62, limit=wish.max_count
        )

    async def _tell(self, line: Line, state: State, wish: Wish, kind: str, events: list[Event]) -> None:
        base = self.vault.terms.base
        shown = await visible(self.vault.open(within(line.reader)), events)
        last = events[-1].number if events else 0
        status = state.status if kind == "handshake" else "active"
        standing = Standing(
            f"{base}/Subscription/{line.id}", wish.topic, status, max(state.events, last), wish.content
        )
        bundle = bundle_of(standing, kind, base=base, events=events, shown=shown)
        await self.send(as_media(bundle, wish.media).decode())
        line.sent, line.at = max(line.sent, last), time.monotonic()
        await store.told(
            self.vault.db, secret=line.reader.secret, key=line.key, version=line.version, sent=last, lease=_NO_LEASE
        )
