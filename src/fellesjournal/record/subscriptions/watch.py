"""The feed's reader for subscriptions: what somebody wants to be told of gets a number in their subscription.

The subscriptions are asked for after each look at the feed, so that none is missed that was there when an entry was
written, whichever worker took it in. Whether somebody may be told is asked first, without a word in the log; what a
filter must look into is then read as theirs, and logged.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from fellesjournal.access.decide import within
from fellesjournal.identity.sessions import Sessions
from fellesjournal.kit import ids
from fellesjournal.kit.log import get_logger
from fellesjournal.record import names
from fellesjournal.record.errors import Gone, NotFound, RecordError
from fellesjournal.record.feed import Entry
from fellesjournal.record.journal import Journal, Vault
from fellesjournal.record.search import SearchError, SearchQuery, with_codes
from fellesjournal.record.subscriptions import store
from fellesjournal.record.subscriptions.match import Filter, Subject, fulfils, is_elsewhere, subject_of
from fellesjournal.record.subscriptions.store import Subscribed, secret_of
from fellesjournal.record.subscriptions.topics import Trigger
from fellesjournal.record.value_sets import Visible

READER: Final = "subscriptions"
PARKED: Final = "subscriptions.note"
_log = get_logger("record.subscriptions")
Secret = Callable[[], Awaitable[bytes]]


@dataclass(frozen=True)
class _Watched:
    """A subscription with what it wants, understood."""

    of: Subscribed
    triggers: tuple[Trigger, ...]
    filters: tuple[Filter, ...]

    def triggers_of(self, entry: Entry) -> list[Trigger]:
        if entry.updated < self.of.since:
            return []
        return [one for one in self.triggers if one.rtype == entry.rtype and entry.op in one.ops]

    def filters_of(self, rtype: str) -> list[Filter]:
        return [one for one in self.filters if one.rtype == rtype]


class Watcher:
    """Handles entries of the feed for all subscriptions."""

    def __init__(self, vault: Vault, *, sessions: Sessions, secret: Secret) -> None:
        self._vault = vault
        self._sessions = sessions
        self._secret = secret
        self._watched: list[_Watched] = []

    async def renew(self) -> None:
        """Know the subscriptions as they are now; what they want is understood once for each version."""
        db, secret = self._vault.db, await self._secret()
        await store.begin_new(db, secret=secret, keys=self._vault.keys)
        found = await store.subscriptions(db, secret=secret)
        before = {(one.of.key, one.of.version): one for one in self._watched}
        known = [before.get((one.key, one.version)) for one in found]
        fresh = [
            replace(old, of=one) if old else self._understood(one) for one, old in zip(found, known, strict=True)
        ]
        self._watched = [one for one in fresh if one]

    def wants(self, entry: Entry) -> bool:
        """Whether an entry concerns anybody: a type and an interaction that a topic tells of."""
        return any(one.triggers_of(entry) for one in self._watched)

    async def handle(self, entry: Entry) -> None:
        """Number an entry in every subscription that wants it. Told twice, it has its numbers already."""
        watched = [one for one in self._watched if one.triggers_of(entry)]
        secret = await self._secret()
        told = await store.may_be_told(
            self._vault.db, secret=secret, sessions=[one.of.session for one in watched], key=(entry.slot, entry.pid),
            rtype=entry.rtype, version=entry.version,
        )  # fmt: skip
        for one in watched:
            if one.of.session in told and await self._is_wanted(one, entry):
                await store.note_event(
                    self._vault.db, secret=secret, subscription=one.of.key, key=(entry.slot, entry.pid),
                    version=entry.version, rtype=entry.rtype, op=entry.op, at=entry.updated,
                )  # fmt: skip

    async def handle_job(self, payload: Mapping[str, int | str]) -> None:
        """Number an entry that was put aside."""
        await self.renew()
        await self.handle(Entry.of_payload(payload))

    def _understood(self, one: Subscribed) -> _Watched | None:
        topic = self._vault.terms.topics.find(one.wish.topic)
        if topic is None:
            # The operator has taken the topic away.
            return None
        try:
            filters = tuple(one.wish.read_filters(base=self._vault.terms.base))
        except SearchError:
            _log.warning("a filter is not understood any more", subscription=ids.encode(*one.key))
            return None
        return _Watched(one, topic.triggers, filters)

    async def _is_wanted(self, watched: _Watched, entry: Entry) -> bool:
        triggers, filters = watched.triggers_of(entry), watched.filters_of(entry.rtype)
        if any(is_elsewhere(one, patient=entry.patient) for one in filters):
            return False
        if not filters and any(one.previous is None and one.current is None for one in triggers):
            return True
        reader = await self._sessions.who(secret_of(self._vault.keys, watched.of.key, watched.of.version))
        if reader is None:
            return False
        look = _Look(self._vault.open(within(reader)), entry)
        return await look.fulfils_all(filters) and await look.is_met(triggers)


@dataclass
class _Look:
    """An entry as the subscriber sees it: the version that was made, and the one before."""

    journal: Journal
    entry: Entry

    async def fulfils_all(self, filters: list[Filter]) -> bool:
        """Of a deletion the version before it is looked at."""
        version = self.entry.version - (self.entry.op == "D")
        return all([await self._holds(one, version) for one in filters])

    async def is_met(self, triggers: list[Trigger]) -> bool:
        return any([await self._is_met(one) for one in triggers])

    async def _is_met(self, trigger: Trigger) -> bool:
        """R5, SubscriptionTopic.resourceTrigger.queryCriteria."""
        results: list[bool] = []
        if trigger.previous is not None:
            at_first, before = trigger.for_create == "test-passes", self.entry.version - 1
            results.append(at_first if self.entry.op == "C" else await self._holds(trigger.previous, before))
        if trigger.current is not None:
            at_last, now = trigger.for_delete == "test-passes", self.entry.version
            results.append(at_last if self.entry.op == "D" else await self._holds(trigger.current, now))
        return not results or (all(results) if trigger.needs_both else any(results))

    async def _holds(self, wanted: Filter, version: int) -> bool:
        vault = self.journal.vault
        try:
            stored = await self.journal.read(self.entry.rtype, self.entry.id, version=version)
        except (NotFound, Gone):
            return False
        plain, coded = wanted.split()
        asked, foreign = names.asked_for(plain), names.foreign(stored.body)
        await self.journal.know([*asked, *foreign])
        query = names.answered(plain, self.journal.known(asked))
        subject = self._subject(stored.resource(), stored.body, frozenset({stored.id, stored.own_id}))
        if not fulfils(query, subject, hash64=vault.keys.hash64):
            return False
        return coded is None or await self._is_coded_so(coded, subject)

    async def _is_coded_so(self, coded: SearchQuery, subject: Subject) -> bool:
        """By terminology as it is now. What can't be judged any more is told of, rather than lost."""
        try:
            query = await with_codes(coded, Visible(self.journal))
        except (SearchError, RecordError):
            _log.warning("a filter's codes can't be told any more: it holds for everything", rtype=self.entry.rtype)
            return True
        return fulfils(query, subject, hash64=self.journal.vault.keys.hash64)

    def _subject(self, resource: dict[str, Any], body: str, own: frozenset[str]) -> Subject:
        known = self.journal.known(names.foreign(body))
        return subject_of(names.with_own_ids(resource, body, known), ids=own, hash64=self.journal.vault.keys.hash64)

