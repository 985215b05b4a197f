"""Carries subscriptions out: handshake, events in order, heartbeat, and the end; again until they are received.

Events have their numbers before they are sent. What was received is written down after the answer, so that a worker
that is killed sends the same numbers again: at least once, in order. When nothing is received for long the
subscription stands in error with its events behind it (the dead letter), until the subscriber or an operator sends
it on.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

from fellesjournal.access.decide import within
from fellesjournal.access.model import AccessError, SessionOver
from fellesjournal.identity.model import Reader
from fellesjournal.identity.sessions import Sessions
from fellesjournal.kit import metrics
from fellesjournal.kit.db import ConnectionLost
from fellesjournal.kit.log import get_logger
from fellesjournal.kit.outbound import NotTold, Outbound
from fellesjournal.record.errors import RecordError
from fellesjournal.record.journal import Vault
from fellesjournal.record.names import Key
from fellesjournal.record.subscriptions import store
from fellesjournal.record.subscriptions.notification import Standing, as_media, bundle_of, visible
from fellesjournal.record.subscriptions.store import Due, secret_of
from fellesjournal.record.subscriptions.taking import SUBSCRIPTION
from fellesjournal.record.subscriptions.wish import Wish

LOOK_EVERY_S: Final = 0.25
AT_ONCE: Final = 16
FIRST_PAUSE: Final = timedelta(seconds=1)
LONGEST_PAUSE: Final = timedelta(minutes=10)
TRIES: Final = 14
"""With the pauses between them an hour."""
_LEASE: Final = timedelta(seconds=10)
"""So soon after a worker was killed does another go on. One that lives says every three seconds that it is at work."""
_HOLD_EVERY_S: Final = 3.0
_IN_A_ROW: Final = 100
_GONE: Final = 410
_NOT_SERVED: Final = (
    "Subscriptions by search are not carried out here: subscribe to a topic (profile backport-subscription)."
)
_log = get_logger("record.subscriptions")
_sent = metrics.counter("subscription_notifications", "Notifications to subscribers, by outcome.", ("outcome",))
Secret = Callable[[], Awaitable[bytes]]
ReaderAt = Callable[[int], Awaitable[Reader]]


@dataclass(frozen=True)
class Pace:
    """How soon to try again, and how often."""

    first: timedelta = FIRST_PAUSE
    longest: timedelta = LONGEST_PAUSE
    tries: int = TRIES

    def pause(self, failures: int) -> timedelta:
        """After so many failures before this one."""
        return min(self.first * (1 << min(failures, 20)), self.longest)


class Deliverer:
    """Sends what is due, several subscriptions at once, each one's events one after the other.

    `secret` is a session that may read the feed; `reader_at` a system in a unit, to write how a subscription stands.
    """

    def __init__(
        self, vault: Vault, *, sessions: Sessions, secret: Secret, reader_at: ReaderAt, outbound: Outbound,
        pace: Pace | None = None,
    ) -> None:  # fmt: skip
        self._vault = vault
        self._sessions = sessions
        self._secret = secret
        self._reader_at = reader_at
        self._outbound = outbound
        self._pace = pace or Pace()
        self._base = vault.terms.base

    async def run(self, stop: asyncio.Event) -> None:
        """Work until told to stop; what is under way is ended, to be done again."""
        running: dict[asyncio.Task[None], Key] = {}
        held_at = time.monotonic()
        try:
            while not stop.is_set():
                with contextlib.suppress(*ConnectionLost, SessionOver, TimeoutError):
                    secret = await self._secret()
                    if running and time.monotonic() - held_at > _HOLD_EVERY_S:
                        held_at = time.monotonic()
                        await store.held(self._vault.db, secret=secret, keys=[*running.values()], lease=_LEASE)
                    await store.begin_new(self._vault.db, secret=secret, keys=self._vault.keys)
                    found = await store.due(
                        self._vault.db, secret=secret, lease=_LEASE, limit=AT_ONCE - len(running)
                    )
                    running |= {asyncio.create_task(self.carry_out(due, stop)): due.key for due in found}
                await _wait(stop, running)
                running = {task: key for task, key in running.items() if not task.done()}
        finally:
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)

    async def carry_out(self, due: Due, stop: asyncio.Event | None = None) -> None:
        """All that one subscription has to do now."""
        try:
            if due.wish is None:
                await self._over(due, "not-by-topic", text=_NOT_SERVED)
            elif due.is_over:
                await self._over(due, "ended")
            else:
                await self._tell(due, due.wish, stop or asyncio.Event())
        except (*ConnectionLost, AccessError) as error:
            _log.warning("a subscription waits", subscription=due.id, error=type(error).__name__)
            await self._let_go(due)
        except asyncio.CancelledError:
            await self._let_go(due)
            raise
        except Exception as error:  # noqa: BLE001 logged without its text, tried again
            _log.warning("a subscription failed", subscription=due.id, exc_info=error)
            await self._failed(due, "internal")

    async def _tell(self, due: Due, wish: Wish, stop: asyncio.Event) -> None:
        sent, is_new = due.sent, due.status == "requested"
        try:
            if is_new and not await self._send(due, wish, "handshake"):
                return
            if wish.channel == "websocket":
                return
            if not is_new and due.events <= due.sent:
                await self._send(due, wish, "heartbeat")
                return
            for _ in range(_IN_A_ROW):
                last = await self._send(due, wish, "event-notification", after=sent)
                if not last or stop.is_set():
                    break
                sent, due = last, replace(due, failures=0)
        except NotTold as error:
            await self._failed(due, error.code)
        else:
            await self._let_go(due)

    async def _let_go(self, due: Due) -> None:
        with contextlib.suppress(*ConnectionLost, SessionOver):
            await store.let_go(self._vault.db, secret=await self._secret(), key=due.key)

    async def _send(self, due: Due, wish: Wish, kind: str, *, after: int = 0) -> int:
        """Send one notification; the number of the last event in it (1 without events), 0 when nothing was to be sent.

        Raises NotTold, SessionOver.
        """
        secret, events = await self._secret(), list[store.Event]()
        if kind == "event-notification":
            events = await store.events(
                self._vault.db, secret=secret, key=due.key, first=after + 1, last=2**62, limit=wish.max_count
            )
            if not events:
                return 0
        if wish.channel == "rest-hook":
            await self._post(due, wish, kind, events)
        last = events[-1].number if events else 0
        told = await store.told(
            self._vault.db, secret=secret, key=due.key, version=due.version, sent=last, lease=_LEASE
        )
        if told and told[0] != told[1]:
            await self._show(due, told[1])
        return (last or 1) if told else 0

    async def _post(self, due: Due, wish: Wish, kind: str, events: list[store.Event]) -> None:
        reader = await self._sessions.who(secret_of(self._vault.keys, due.key, due.version))
        if reader is None:
            raise SessionOver
        shown = await visible(self._vault.open(within(reader)), events)
        standing = Standing(
            f"{self._base}/Subscription/{due.id}", wish.topic, due.status if kind == "handshake" else "active",
            max(due.events, events[-1].number if events else 0), wish.content,
        )  # fmt: skip
        bundle = bundle_of(standing, kind, base=self._base, events=events, shown=shown)
        headers = dict(line.split(":", 1) for line in wish.headers)
        headers = {name: value.strip() for name, value in headers.items()} | {"Content-Type": wish.media}
        try:
            status = await self._outbound.post(
                wish.endpoint, headers=headers, content=as_media(bundle, wish.media), timeout_s=wish.timeout_s
            )
        except NotTold:
            _sent.labels("not reached").inc()
            raise
        if not 200 <= status < 300:
            _sent.labels("refused").inc()
            raise NotTold(f"answered-{status}")
        _sent.labels("received").inc()

    async def _failed(self, due: Due, error: str) -> None:
        failures = due.failures
        is_last = failures + 1 >= self._pace.tries or error == f"answered-{_GONE}"
        given_up = await store.failed(
            self._vault.db, secret=await self._secret(), due=due, error=error, pause=self._pace.pause(failures),
            is_last=is_last,
        )  # fmt: skip
        _log.info("a subscriber did not receive", subscription=due.id, error=error, failures=failures + 1)
        if given_up:
            await self._show(due, "error", f"Not received, {failures + 1} times: {error}.")

    async def _over(self, due: Due, error: str, *, text: str = "") -> None:
        if await store.over(self._vault.db, secret=await self._secret(), due=due, error=error):
            await self._show(due, "off", text or "The subscription has ended, or the right of who made it.")

    async def _show(self, due: Due, status: str, error: str = "") -> None:
        """Write into the resource how it stands, unless somebody has written another version in the meantime."""
        try:
            reader = await self._reader_at(due.org)
            journal = self._vault.open(within(reader))
            stored = await journal.read(SUBSCRIPTION, due.id)
            state = await store.state(self._vault.db, secret=reader.secret, key=due.key)
            if state is None or (state.version, state.status) != (due.version, status):
                return
            resource = {**stored.resource(), "status": status}
            resource.pop("error", None)
            if error:
                resource["error"] = error
            journal.update(due.id, resource, expect=stored.version)
            await journal.commit()
        except (AccessError, RecordError) as refusal:
            _log.info("a subscription was changed meanwhile", subscription=due.id, error=type(refusal).__name__)


async def _wait(stop: asyncio.Event, running: Collection[asyncio.Task[None]]) -> None:
    """Until the next look, or until something is done and there is room for more."""
    waiting = asyncio.create_task(stop.wait())
    tasks = {waiting, *(running if len(running) >= AT_ONCE else ())}
    await asyncio.wait(tasks, timeout=LOOK_EVERY_S, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
