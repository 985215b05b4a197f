"""Why a question of terminology has no answer. Each says so in FHIR's words; no code that was asked for is quoted."""

from __future__ import annotations


class TerminologyError(Exception):
    """An expected refusal: status, FHIR issue code, a Norwegian text, and what went wrong in English."""

    status = 422
    code = "processing"
    text = "Spørsmålet om kodeverk kan ikke besvares."

    def __init__(self, english: str) -> None:
        super().__init__(english)
        self.english = english


class NotInstalled(TerminologyError):
    """A value set, a code system or a concept map that is not here."""

    status = 404
    code = "not-found"
    text = "Kodeverket eller verdisettet er ikke installert."


class UnknownCode(TerminologyError):
    """The code system has no such code."""

    status = 404
    code = "not-found"
    text = "Koden finnes ikke i kodeverket."


class NotEnumerable(TerminologyError):
    """What a value set names is not here as a whole, or has no end, so that its codes can't be listed."""

    code = "not-found"
    text = "Verdisettet kan ikke listes, for et kodeverk som det bygger på, er ikke installert."


class TooCostly(TerminologyError):
    """More codes than an answer holds."""

    code = "too-costly"
    text = "Verdisettet er for stort. Avgrens det, eller be om færre koder."


class BadDefinition(TerminologyError):
    """A value set, a code system or a concept map that can't be understood."""

    code = "invalid"
    text = "Verdisettet eller kodeverket kan ikke tolkes."


class BadQuestion(TerminologyError):
    """Parameters that are missing, or contradict each other."""

    status = 400
    code = "invalid"
    text = "Spørsmålet mangler noe, eller sier imot seg selv."
