"""$validate-code: is this a code, is it in this value set, and is that its text.

Source: https://hl7.org/fhir/R4/valueset-operation-validate-code.html, codesystem-operation-validate-code.html
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from fellesjournal.terminology.concept import Concept, Head
from fellesjournal.terminology.language import Languages, display
from fellesjournal.terminology.resolve import ANY_SYSTEM, Missing, Part, Resolved
from fellesjournal.terminology.system import System
from fellesjournal.terminology.words import split

MAX_CODINGS: Final = 100


@dataclass(frozen=True, slots=True)
class Coding:
    """A code to be checked. Without a system (None) it may be of any."""

    system: str | None
    code: str
    version: str = ""
    display: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was found. With `message` it says why not, or what else there is to say."""

    is_valid: bool
    message: str = ""
    display: str = ""


async def check_in_system(system: System, coding: Coding, *, languages: Languages, may_be_abstract: bool) -> Verdict:
    """Whether a code system has a code, with this text if one is given."""
    concept = (await system.concepts([coding.code])).get(coding.code)
    if concept is None:
        if system.head.is_whole:
            return Verdict(False, f"The code system {_named(system.head)} has no such code.")
        return Verdict(False, f"The code is not in the part of {_named(system.head)} that is known here.")
    return _judged(concept, system.head, coding, languages, may_be_abstract=may_be_abstract)


async def check_in_value_set(
    resolved: Resolved, codings: Sequence[Coding], *, languages: Languages, may_be_abstract: bool
) -> Verdict:
    """Whether one of some codes is in a value set; the first that is, else what is wrong with the first."""
    wrong: Verdict | None = None
    for coding in codings:
        verdict = await _check_one(resolved, coding, languages, may_be_abstract)
        if verdict.is_valid:
            return verdict
        wrong = wrong or verdict
    return wrong or Verdict(False, "There is no code to be checked.")


async def _check_one(
    resolved: Resolved,
    coding: Coding,
    languages: Languages,
    may_be_abstract: bool,  # noqa: FBT001 - as it was asked
) -> Verdict:
    is_doubted = False
    for part in resolved.parts:
        if not (fits(part, coding) and part.has(coding.code)):
            continue
        concept = await known_in(part, coding.code)
        if concept is None:
            is_doubted |= part.system is None or not part.system.head.is_whole
        elif not (concept.is_inactive and resolved.definition.is_active_only):
            head = part.system.head if part.system else Head(part.key.url, part.key.version)
            return _judged(concept, head, coding, languages, may_be_abstract=may_be_abstract)
    lacking = [one.canonical for one in resolved.missing if may_hold(one, coding)]
    if lacking or is_doubted:
        names = ", ".join(dict.fromkeys(lacking or [coding.system or ""]))
        return Verdict(False, f"It can't be told: {names} is not installed, or not as a whole.")
    return Verdict(False, "The code is not in the value set.")


def fits(part: Part, coding: Coding) -> bool:
    """Whether a code may be of a part's system. A version that isn't known says nothing."""
    if coding.system is not None and coding.system != part.key.url:
        return False
    return not (coding.version and part.key.version and coding.version != part.key.version)


def may_hold(missing: Missing, coding: Coding) -> bool:
    """Whether a code could be in what is missing."""
    return not missing.is_excluded and (missing.system == ANY_SYSTEM or coding.system in (None, missing.system))


async def known_in(part: Part, code: str) -> Concept | None:
    """The concept of a code that a part's set has: what the value set names is there, whatever the system says."""
    found = (await part.system.concepts([code])).get(code) if part.system else None
    if found is None and not part.codes.is_rest:
        named = part.named.get(code)
        return Concept(0, code, named.display if named else "", designations=named.designations if named else ())
    return found


def _judged(concept: Concept, head: Head, coding: Coding, languages: Languages, *, may_be_abstract: bool) -> Verdict:
    shown = display(concept.display, concept.designations, own=head.language, languages=languages)
    if concept.is_abstract and not may_be_abstract:
        return Verdict(False, "The code is abstract: it stands for others, and is not to be used itself.", shown)
    if coding.display and not _is_said(coding.display, concept):
        return Verdict(False, "The text is not one that the code has.", shown)
    return Verdict(True, "The code is inactive." if concept.is_inactive else "", shown)


def _is_said(text: str, concept: Concept) -> bool:
    """Whether a code has a text, case and punctuation apart; of a code without texts anything may be said."""
    texts = [concept.display, *(one.value for one in concept.designations)]
    known = [split(one) for one in texts if one]
    return not known or split(text) in known


def _named(head: Head) -> str:
    return f"{head.url}|{head.version}" if head.version else head.url
