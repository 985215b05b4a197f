"""Whether codes are in value sets, for many elements at once: what a check of profiles asks.

Value sets are resolved once and kept; for codes of whole systems in the database one call is made for all questions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fellesjournal.fhir.profile import CodeAsked
from fellesjournal.kit.db import Database
from fellesjournal.terminology import store
from fellesjournal.terminology.checking import Coding, fits, may_hold
from fellesjournal.terminology.resolve import Part, Resolved
from fellesjournal.terminology.stored import Stored

Question = tuple[str, Sequence[CodeAsked]]
"""A value set's canonical, and codes: is one of them in it?"""


@dataclass(frozen=True, slots=True)
class _Open:
    """What the database must say: whether a question's code is one of a system."""

    question: int
    system: Stored
    code: str


async def answers(
    db: Database, questions: Sequence[Question], resolved: Sequence[Resolved | None]
) -> list[bool | None]:
    """For each question whether one of its codes is in the value set; None where nobody here can tell.

    `resolved` are the value sets, None for one that is not here. One call to the database at most.
    """
    told: list[bool | None] = [None if one is None else False for one in resolved]
    unsure: set[int] = set()
    still_open: list[_Open] = []
    for n, ((_, codes), value_set) in enumerate(zip(questions, resolved, strict=True)):
        if value_set is None:
            continue
        for asked in codes:
            coding = Coding(asked.system, asked.code or "", asked.version or "")
            for part in value_set.parts:
                if not fits(part, coding):
                    # Of a code in another version than the one that is here nothing is known.
                    unsure.update([n] if coding.system == part.key.url else [])
                elif part.has(coding.code) and not await _is_hidden(value_set, part, coding.code):
                    await _look(n, part, coding.code, told, unsure, still_open)
            if any(may_hold(one, coding) for one in value_set.missing):
                unsure.add(n)
    await _ask(db, still_open, told, unsure)
    return [None if answer is False and n in unsure else answer for n, answer in enumerate(told)]


async def _is_hidden(value_set: Resolved, part: Part, code: str) -> bool:
    """Whether a code is inactive in a value set that has active codes alone."""
    if part.system is None or not (value_set.definition.is_active_only and part.system.head.inactive):
        return False
    known = (await part.system.concepts([code])).get(code)
    return known is not None and known.is_inactive


async def _look(
    n: int, part: Part, code: str, told: list[bool | None], unsure: set[int], still_open: list[_Open]
) -> None:
    """What a part says at once, or what is to be asked."""
    if not part.codes.is_rest:
        told[n] = True
    elif part.system is None:
        unsure.add(n)
    elif isinstance(part.system, Stored):
        still_open.append(_Open(n, part.system, code))
    elif await part.system.concepts([code]):
        told[n] = True
    elif not part.system.head.is_whole:
        unsure.add(n)


async def _ask(db: Database, still_open: Sequence[_Open], told: list[bool | None], unsure: set[int]) -> None:
    wanted = [one for one in still_open if told[one.question] is not True]
    if not wanted:
        return
    found = await store.existing(db, wanted=[(one.system.id, one.system.plain(one.code)) for one in wanted])
    for place, one in enumerate(wanted):
        if place in found:
            told[one.question] = True
        elif not one.system.head.is_whole:
            unsure.add(one.question)
