"""The journal of somebody with fullmakt for a part of a record: its areas are a ceiling, as an app's scopes are.

An app that they let in is under both.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from fellesjournal.access.decide import Decision
from fellesjournal.access.model import BeyondScopes
from fellesjournal.identity.apps import AppSession, Scope
from fellesjournal.identity.model import Acting
from fellesjournal.record.capped import CappedJournal
from fellesjournal.record.ceiling import SEARCH
from fellesjournal.record.journal import Vault
from fellesjournal.record.lookup import Page, Pairs
from fellesjournal.web import _

_NAMES: Final = ("Practitioner", "PractitionerRole", "Organization", "Location", "HealthcareService", "Medication")
"""What names the people and places in what they may see."""


class BeyondFullmakt(BeyondScopes):
    """The fullmakt does not hold this part of the record."""

    text = _("Fullmakten du har, gjelder ikke denne delen av journalen.")
    english = "The power of attorney does not reach this part of the record."


@dataclass(kw_only=True)
class ActingJournal(CappedJournal):
    """One representative's view for one request, through the areas of their fullmakt."""

    async def search_many(self, wishes: Sequence[tuple[str, str, Pairs]]) -> dict[str, Page]:
        """As Journal; a question outside of the areas has no answer."""
        open_ = [wish for wish in wishes if self._any(wish[1], SEARCH)]
        found = {name: await self.search(rtype, params) for name, rtype, params in open_}
        return {name: found.get(name, Page()) for name, _, _ in wishes}

    async def _need(self, found: Iterable[Any], *, action: str = "read") -> None:
        """As the app's, in other words. Raises BeyondFullmakt."""
        try:
            await super()._need(found, action=action)
        except BeyondScopes:
            raise BeyondFullmakt from None


def capped_journal(vault: Vault, decision: Decision) -> CappedJournal:
    """The journal of an app's token, of a bounded fullmakt, or of an app that one with such a fullmakt let in."""
    app, acting = decision.reader.app, decision.reader.acting
    if acting is None or not acting.types:
        assert app is not None  # noqa: S101 - one of the two makes a reader capped
        return CappedJournal(vault=vault, decision=decision, app=app)
    if app is not None:
        both = " ".join(map(str, _within(app.scopes.resources, acting)))
        words = " ".join(app.scopes.words)
        return CappedJournal(vault=vault, decision=decision, app=replace(app, scope_text=f"{words} {both}"))
    return ActingJournal(vault=vault, decision=decision, app=_as_app(decision, acting))


def _as_app(decision: Decision, acting: Acting) -> AppSession:
    reader = decision.reader
    scopes = " ".join(f"patient/{rtype}.rs" for rtype in dict.fromkeys((*acting.types, *_NAMES)))
    patient = (reader.patient_slot or 0, reader.patient or 0)
    return AppSession(0, "", "", scopes, patient=patient, is_bound=True)


def _within(scopes: Iterable[Scope], acting: Acting) -> list[Scope]:
    """What of an app's scopes lies within the areas."""
    types = dict.fromkeys((*acting.types, *_NAMES))
    named = [scope for scope in scopes if scope.rtype in types]
    whole = [replace(scope, rtype=rtype) for scope in scopes if scope.rtype == "*" for rtype in types]
    return [*named, *whole]
