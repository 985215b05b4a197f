"""Texts in three languages, and what the log says was done, for all who read it: staff, reviewers and the citizen."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from fellesjournal.web import _


@dataclass(frozen=True, slots=True)
class Words:
    """A text of the database in the three languages."""

    nb: str
    nn: str
    en: str

    def text(self, language: str) -> str:
        """The text in a language (`nb`, `nn`, `en`); bokmål where it has no other."""
        return {"nn": self.nn, "en": self.en}.get(language) or self.nb


DONE: Final[Mapping[str, str]] = MappingProxyType({
    "open": _("Åpnet"),
    "read": _("Leste"),
    "search": _("Leste"),
    "history": _("Leste eldre utgaver"),
    "list": _("Så i en liste"),
    "identify": _("Slo opp"),
    "write": _("Skrev"),
    "export": _("Hentet ut"),
    "import": _("Leste inn"),
    "index": _("Gjorde søkbart"),
    "print": _("Skrev ut eller lastet ned"),
    "address": _("Ba om adressen"),
    "name": _("Ga navngitt personell tilgang"),
    "sensitive": _("Åpnet sensitive opplysninger"),
    "log": _("Leste loggen"),
    "review": _("Kontrollerte"),
    "judge": _("Vurderte"),
    "ask": _("Spurte om et oppslag"),
    "block": _("Laget en sperring"),
    "unblock": _("Opphevet en sperring"),
    "choose": _("Valgte en grunn for tilgang"),
    "choose_end": _("Avsluttet tilgangen"),
    "object": _("Reserverte seg"),
    "represent": _("Endret hva foreldre ser"),
    "withhold": _("Holdt tilbake for foreldrene"),
    "withhold_end": _("Åpnet for foreldrene igjen"),
    "cut": _("Stengte innsynet for en forelder"),
    "cut_end": _("Ga en forelder innsynet tilbake"),
    "tell": _("Fortalte foreldrene"),
    "proxy": _("Ga eller tok tilbake fullmakt"),
    "kin": _("Endret pårørende"),
    "duty": _("Arbeidet med vaktlisten"),
})  # fmt: skip
"""Bokmål, by the log's own codes (`access.log.action`)."""


def done(action: str) -> str:
    """What was done, in bokmål, to be translated where it is shown. What has no words yet was at least read."""
    return DONE.get(action, DONE["read"])
