"""The profiles that resources are held against: those that they claim, those that the operator requires.

What is made of installed definitions holds until the number of their last change is another one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from fellesjournal import fhir
from fellesjournal.fhir.profile import BindingQuestion, CodeAsked, Profiles, Report, complaint
from fellesjournal.fhir.recommended import ELSEWHERE, codes_elsewhere, recommended_codes
from fellesjournal.kit.settings import SettingsError
from fellesjournal.packages import Library, NotLoaded, Source
from fellesjournal.terminology import Terminology

Required = Mapping[str, Sequence[str]]

MAX_NAMED: Final = 500
"""Definitions that are loaded for one resource before it is looked at: one with more is refused by the check."""
_MOST_LOADS: Final = 200
_MOST_SECONDS: Final = 2.0
_MOST_ROUNDS: Final = 10
_NOT_TOLD: Final = "whether the code is in the value set {} can't be told here"


@dataclass(frozen=True)
class _Known:
    """What was loaded and compiled at one number of the last change."""

    source: Source
    profiles: Profiles


class Conformance:
    """The installed profiles as this process knows them. `required`: those of every resource of a type."""

    def __init__(self, library: Library, *, terminology: Terminology, required: Required) -> None:
        self._library, self._terminology = library, terminology
        self.required = required
        self._known: _Known | None = None

    async def may_object(self, rtype: str, named: Sequence[str]) -> bool:
        """Whether there is anything to hold a resource of this type against, which names these definitions."""
        if rtype in self.required or rtype in ELSEWHERE:
            return True
        return bool(named) and await self._is_any_installed(named)

    async def issues(
        self, resource: dict[str, Any], named: Sequence[str], *, profiles: Sequence[str] = ()
    ) -> list[fhir.Issue]:
        """What is wrong with a resource that `fhir.validate` accepts: errors, warnings, and what can't be told.

        `named` are the definitions that it names, `profiles` others to hold it against.
        """
        report = await self._report(resource, [*named, *profiles], profiles)
        return [*report.issues, *await self._bound([*report.bindings, *codes_elsewhere(resource)])]

    async def recommended(self, resource: dict[str, Any]) -> list[fhir.Issue]:
        """Warnings of codes outside of the value sets that R4 itself recommends; what can't be told is left out."""
        return [issue for issue in await self._bound(recommended_codes(resource)) if issue.severity == "warning"]

    async def faults(self, resource: dict[str, Any], named: Sequence[str]) -> list[fhir.Issue]:
        """The errors among them, without a look at what can't be one: what a write asks."""
        report = await self._report(resource, named, ())
        required = [question for question in report.bindings if question.strength == "required"]
        found = [*report.issues, *await self._bound([*required, *codes_elsewhere(resource)])]
        return [issue for issue in found if issue.severity in ("fatal", "error")]

    async def _bound(self, questions: Sequence[BindingQuestion]) -> list[fhir.Issue]:
        """What terminology says of bound elements."""
        told = await self._terminology.answer([(one.value_set, one.codings) for one in questions])
        answered = zip(questions, told, strict=True)
        return [complaint(one) if yes is False else _not_told(one) for one, yes in answered if not yes]

    async def _is_any_installed(self, named: Sequence[str]) -> bool:
        known = await self._current()
        await known.source.load(named[:MAX_NAMED])
        try:
            return any(known.source.has(canonical) for canonical in named)
        except NotLoaded:
            # There are too many, or the source has just let go of some: the check itself goes on from there.
            return True

    async def _report(self, resource: dict[str, Any], named: Sequence[str], profiles: Sequence[str]) -> Report:
        known = await self._current()
        await known.source.load(named[:MAX_NAMED])
        members = _Members(self._terminology)
        for _ in range(_MOST_LOADS):
            try:
                report = known.profiles.check(
                    resource, profiles=profiles, seconds=_MOST_SECONDS, member_of=members.is_member
                )
            except NotLoaded as lacking:
                await known.source.load([lacking.canonical])
                continue
            if not await members.learn():
                return report
        what = "its profiles stand on too many other definitions to be checked"
        return Report((fhir.Issue("error", "too-costly", resource["resourceType"], what),))

    async def _current(self) -> _Known:
        version = await self._library.version()
        if self._known is None or self._known.source.version != version:
            source = await self._library.source_for(one for many in self.required.values() for one in many)
            self._known = _Known(source, Profiles(source, required=self.required))
        return self._known


class _Members:
    """What terminology says of the codes that a check meets on its way: asked afterwards, for the check made again."""

    def __init__(self, terminology: Terminology) -> None:
        self._terminology = terminology
        self._known: dict[tuple[str, tuple[CodeAsked, ...]], bool | None] = {}
        self._open: dict[tuple[str, tuple[CodeAsked, ...]], None] = {}
        self._rounds = 0

    def is_member(self, value_set: str, codes: tuple[CodeAsked, ...]) -> bool | None:
        """What is known; None for now of what is not."""
        question = (value_set, codes)
        if question not in self._known:
            self._open[question] = None
        return self._known.get(question)

    async def learn(self) -> bool:
        """Ask what is open; whether there was anything, so that the check is to be made again."""
        asked = list(self._open)
        if not asked or self._rounds == _MOST_ROUNDS:
            return False
        self._rounds += 1
        self._known.update(zip(asked, await self._terminology.answer(asked), strict=True))
        self._open.clear()
        return True


def read_required(texts: Sequence[str]) -> Required:
    """The profiles of the setting `required_profiles`, by type. Raises SettingsError for another form."""
    found: dict[str, list[str]] = {}
    for text in texts:
        rtype, _, canonical = text.partition("=")
        if rtype not in fhir.TYPE_NUMBER or ":" not in canonical:
            raise SettingsError("setting required_profiles: expected a list of Type=canonical")
        found.setdefault(rtype, []).append(canonical)
    return found


def _not_told(question: BindingQuestion) -> fhir.Issue:
    return fhir.Issue("information", "not-supported", question.path, _NOT_TOLD.format(question.value_set))
