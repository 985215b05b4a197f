"""What binds a socket to subscriptions: a token that is given to the subscriber, good for a short while.

It holds the secret of the session that asked for it, sealed: what goes over the socket is decided for that session, so
the socket ends with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import msgspec

from fellesjournal.identity.cookies import secret_of, secret_text
from fellesjournal.identity.sealed import Sealer
from fellesjournal.kit.clock import SystemClock
from fellesjournal.kit.keys import Keys
from fellesjournal.record.journal import Journal
from fellesjournal.record.lookup import Stored
from fellesjournal.record.names import Key
from fellesjournal.record.search.error import refusal
from fellesjournal.record.subscriptions import store

GOOD_FOR_S = 300
MOST = 20


class Binding(msgspec.Struct, frozen=True):
    """The rows of subscriptions and the ids that their client knows them by; whose."""

    secret: str
    subscriptions: tuple[tuple[int, int, str], ...]


@dataclass(frozen=True)
class Bound:
    """What a token stands for."""

    secret: bytes
    subscriptions: tuple[tuple[Key, str], ...]


async def token_for(journal: Journal, wanted: Sequence[Stored]) -> tuple[str, datetime]:
    """A token for subscriptions that were read, and when it runs out.

    Raises SearchError for one that is another's, goes over another channel, or is off.
    """
    if not wanted or len(wanted) > MOST:
        raise refusal("id", f"one subscription to {MOST} at a time", code="required")
    secret = journal.decision.secret
    for stored in wanted:
        state = await store.state(journal.vault.db, secret=secret, key=stored.key)
        if state is None or state.wish is None or state.status == "off":
            raise refusal("id", "this subscription is not carried out: send it with status requested")
        if state.wish.channel != "websocket":
            raise refusal("id", "the channel of this subscription is no websocket")
        if not state.is_own:
            raise refusal("id", "somebody else's subscription: the socket is for who wrote it", code="forbidden")
    named = tuple((*stored.key, stored.id) for stored in wanted)
    sealed = _sealer(journal.vault.keys).seal(Binding(secret_text(secret), named), ttl_s=GOOD_FOR_S)
    return sealed, datetime.now(UTC) + timedelta(seconds=GOOD_FOR_S)


def bound_by(token: str, *, keys: Keys) -> Bound | None:
    """What a token stands for; None when it is not ours, or has run out."""
    found = _sealer(keys).open(token, Binding)
    secret = secret_of(found.secret) if found else None
    if found is None or secret is None:
        return None
    return Bound(secret, tuple(((slot, pid), id_) for slot, pid, id_ in found.subscriptions))


def _sealer(keys: Keys) -> Sealer:
    return Sealer(keys=keys, clock=SystemClock())
