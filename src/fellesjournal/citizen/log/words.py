"""What the log's codes are called: kinds of data, what was done, grounds without a name of their own."""

from __future__ import annotations

from typing import Final

from fellesjournal.access import kinds
from fellesjournal.access.audit import LogLine
from fellesjournal.access.words import DONE, done
from fellesjournal.web import _

KINDS: Final = {**kinds.KINDS, "EpisodeOfCare": _("Tjenester du får"), "Task": _("Oppgaver som gjelder deg")}
"""By resource type, said to the patient."""

GROUNDS: Final = {
    "ENHET": _("Enhetens egen liste"),
    "KATALOG": _("Opplysninger som er åpne for alle som er logget inn"),
    "SPERRET": _("Du har sperret journalen"),
    "EGEN_SOM_ANSATT": _("Ansatte får ikke åpne sin egen journal på jobb"),
}
"""Grounds that stand in no national list."""

SERVICES: Final = {
    "gp": "KA01", "legevakt": "KA02", "child_health": "KF01", "nursing_home": "KP01", "home_care": "KP02",
}  # fmt: skip
"""Kinds of units as Volven 8663 has them: what may be told of a unit that may not be named."""

NO_GROUND: Final = _("Ingen grunn er registrert")


def kinds_of(line: LogLine) -> tuple[str, ...]:
    """What kinds of data a line is about, in bokmål; at least one."""
    return kinds.kinds_of(line, names=KINDS)


def action_of(line: LogLine) -> str:
    """What was done, in bokmål; what a log line is about stands beside it, so the log was simply read."""
    return DONE["read"] if line.action == "log" else done(line.action)


def why_of(line: LogLine, language: str) -> str:
    """Why: the ground's name in the language, or a bokmål text to be translated. Never the free text."""
    if any(line.ground_names):
        return line.why(language)
    return GROUNDS.get(line.ground, NO_GROUND)
