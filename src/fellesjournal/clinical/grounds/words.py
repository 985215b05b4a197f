"""What the rules, their refusals and the ways in are called."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from fellesjournal.web import _

DENIALS: Final = {
    "EGEN_SOM_ANSATT": _("Dette er din egen journal. Logg inn som innbygger for å se den."),
    "IKKE_PA_VAKT": _(
        "Du står ikke på vaktlisten til enheten nå, og enheten gir bare tilgang til dem som er på vakt. Be den som "
        "setter opp vaktlisten, om å føre deg opp. Blålys virker også uten vakt."
    ),
    "SPERRET": _("Pasienten har sperret journalen for deg eller enheten din."),
    "NAER_FAMILIE": _("Pasienten er i din nære familie. Du kan åpne journalen når du har skrevet hvorfor."),
}
"""By the refusal's own code."""

RULES: Final = {
    "rule_own_record": _("Egen journal"),
    "rule_gp_list": _("Fastlegens liste"),
    "rule_responsible": _("Ansvar for pasienten"),
    "rule_contact": _("Kontakt, opphold eller tjeneste"),
    "rule_call": _("Samtale med legevakten"),
    "rule_referral": _("Henvisning til enheten"),
    "rule_work_list": _("Enhetens arbeidsliste"),
    "rule_chosen": _("Grunn som du har valgt"),
    "rule_gap": _("Regelen mangler"),
    "rule_emergency": _("Blålys"),
    "rule_override": _("Overstyrt sperring"),
    "rule_relative": _("Nær familie, med skriftlig grunn"),
    "rule_support": _("Brukerstøtte"),
}
"""By the view of the rule."""


@dataclass(frozen=True, slots=True)
class Way:
    """One of the ways in: what the page says, and what its button says. `kinds` are the grounds it offers."""

    kinds: tuple[str, ...]
    title: str
    about: str
    reason: str
    button: str


WAYS: Final = {
    "familie": Way(
        ("relative",),
        _("Pasienten er i din nære familie"),
        _(
            "Den som kan, lar en kollega ta over. Må det være deg, som når ingen andre er på vakt, skriver du hvorfor. "
            "Da åpnes journalen som vanlig."
        ),
        _("Skriv hvorfor det må være deg"),
        _("Åpne journalen"),
    ),
    "velg": Way(
        ("chosen", "gap"),
        _("Velg grunn for tilgang"),
        _("Bruk dette når du trenger journalen i arbeidet ditt, og ingen registrert opplysning viser det."),
        _("Skriv hvorfor du trenger journalen"),
        _("Åpne journalen på denne grunnen"),
    ),
    "blalys": Way(
        ("emergency",),
        _("Blålys: øyeblikkelig hjelp"),
        _("Bruk blålys bare når pasienten trenger hjelp med én gang, og du ikke kan få tilgang på annen måte."),
        _("Skriv hva som haster"),
        _("Åpne journalen med blålys"),
    ),
    "overstyr": Way(
        ("override",),
        _("Åpne det pasienten har sperret"),
        _(
            "Pasienten har sperret hele eller deler av journalen. Du kan bare åpne det sperrede når tungtveiende "
            "grunner taler for det, som fare for liv eller alvorlig helseskade "
            "(pasient- og brukerrettighetsloven § 5-3)."
        ),
        _("Skriv hvilke tungtveiende grunner som foreligger"),
        _("Åpne det som er sperret"),
    ),
}
"""By the last part of the address."""

RELATIONS: Final = {
    "partner": _("Ektefellen eller partneren din"),
    "child": _("Barnet ditt"),
    "parent": _("Moren eller faren din"),
    "sibling": _("Søskenet ditt"),
    "household": _("En som bor på samme adresse som deg"),
}
"""What one of the close family is to the reader."""

LENGTHS: Final = ((60, _("1 time")), (240, _("4 timer")), (480, _("8 timer")), (1440, _("24 timer")))
"""How long a chosen ground may be asked for; it never lasts longer than the ground allows."""


def law_of(source: str) -> str:
    """The law of a rule as a reader is told it: without the mark of what is unverified, and without our design."""
    return "; ".join(part for part in source.removeprefix("[K] ").split("; ") if not part.startswith("access.md"))
