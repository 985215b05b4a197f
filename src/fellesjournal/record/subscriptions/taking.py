"""Subscriptions among what is written: checked before the write, taken in with it in the same transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from fellesjournal import fhir
from fellesjournal.access.decide import Decision
from fellesjournal.identity.model import Reader
from fellesjournal.identity.tokens import INTEGRATION
from fellesjournal.kit.db import Connection, Row
from fellesjournal.record.errors import Invalid, RecordError
from fellesjournal.record.rows import Wanted
from fellesjournal.record.search import CodeSets, SearchError, with_codes
from fellesjournal.record.subscriptions import store
from fellesjournal.record.subscriptions.wish import Asked, BadSubscription, Terms, asked_by

SUBSCRIPTION = "Subscription"
_MANY = "a hundred subscriptions of yours are there: delete one, or turn it off, before you make another"


@dataclass(frozen=True)
class Taking:
    """What the Subscriptions of one write ask for, by their places in it; None asks for nothing more."""

    asked: Mapping[int, Asked | None]

    async def take(self, conn: Connection, decision: Decision, wanted: Sequence[Wanted], rows: Sequence[Row]) -> None:
        """Take them in with what was just written. Raises Invalid when there are too many."""
        for n, asked in self.asked.items():
            item, row = wanted[n], rows[n]
            key = (item.slot, item.pid)
            if asked is None:
                await store.unsubscribe(conn, secret=decision.secret, key=key)
                continue
            done = await store.subscribe(
                conn, secret=decision.secret, key=key, version=row["version"], at=row["updated"], asked=asked
            )
            if done == "many":
                raise Invalid(issues=[item.placed(fhir.Issue("error", "too-costly", SUBSCRIPTION, _MANY))])


async def asked_in(wanted: Sequence[Wanted], *, reader: Reader, terms: Terms, codes: CodeSets) -> Taking | None:
    """What is to be taken in, of what was found valid; None when there is no Subscription among it.

    Whoever loads records, or carries something out, subscribes to nothing: what it writes is kept as it is.
    Raises Invalid with every fault of the first bad one, each with its place.
    """
    asked: dict[int, Asked | None] = {}
    subscribes = reader.kind != "system" or reader.purpose == INTEGRATION
    for n, item in enumerate(wanted):
        if item.rtype != SUBSCRIPTION or (item.resource and not subscribes):
            continue
        try:
            found = asked_by(item.resource, terms=terms, is_new=item.op == "C") if item.resource else None
            await _find_codes(found, terms, codes)
        except BadSubscription as error:
            raise Invalid(issues=[item.placed(issue) for issue in error.issues]) from None
        asked[n] = found
    return Taking(asked) if asked else None


async def _find_codes(asked: Asked | None, terms: Terms, codes: CodeSets) -> None:
    """Raise BadSubscription for codes that terminology knows nothing of now."""
    for one in asked.wish.read_filters(base=terms.base) if asked and asked.wish else ():
        _, coded = one.split()
        try:
            if coded is not None:
                await with_codes(coded, codes)
        except (SearchError, RecordError) as error:
            where = "Subscription.criteria.extension"
            code = error.issues[0].code if error.issues else error.code
            raise BadSubscription([fhir.Issue("error", code, where, str(error))]) from None
