"""How subscriptions stand, and their events: for their unit, and for the operator."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from fellesjournal.kit.db import Database, Row
from fellesjournal.record.journal import Journal
from fellesjournal.record.lookup import Stored
from fellesjournal.record.subscriptions import store
from fellesjournal.record.subscriptions.notification import Standing, visible
from fellesjournal.record.subscriptions.store import Event
from fellesjournal.record.subscriptions.wish import MAX_COUNT


async def standing_of(journal: Journal, stored: Stored, *, base: str, content: str = "") -> Standing:
    """How a Subscription that was read stands; `content` instead of what it asks for itself."""
    state = await store.state(journal.vault.db, secret=journal.decision.secret, key=stored.key)
    address = f"{base}/Subscription/{stored.id}"
    if state is None or state.wish is None:
        resource = stored.resource()
        return Standing(address, str(resource["criteria"]), str(resource["status"]), 0, content or "empty")
    return Standing(address, state.wish.topic, state.status, state.events, content or state.wish.content, state.error)


async def events_of(
    journal: Journal, stored: Stored, *, first: int, last: int
) -> tuple[Sequence[Event], Mapping[int, Stored]]:
    """The first events between two numbers, and what of them the journal's reader may see: decided and logged."""
    events = await store.events(
        journal.vault.db, secret=journal.decision.secret, key=stored.key, first=first, last=last, limit=MAX_COUNT
    )
    return events, await visible(journal, events)


async def listed(db: Database) -> list[Row]:
    """Every subscription, for the operator; those that were given up first."""
    return await store.listed(db)


async def resend(db: Database, *, key: tuple[int, int], first: int | None) -> bool:
    """Send again from a number, or what was not received; False for one that is off or unknown."""
    return await store.resend(db, key=key, first=first)


async def sweep(db: Database) -> None:
    """Throw away events that were received a month ago; the worker does it each night."""
    await store.sweep(db)
