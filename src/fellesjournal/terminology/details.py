"""$lookup: all that is known of one code.

Source: https://hl7.org/fhir/R4/codesystem-operation-lookup.html
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Final

from fellesjournal.terminology.concept import Concept, Designation
from fellesjournal.terminology.errors import UnknownCode
from fellesjournal.terminology.language import Languages, display, speaks
from fellesjournal.terminology.system import Kin, System

Json = dict[str, Any]

_ALWAYS: Final = frozenset({"system", "name", "version", "display", "code"})
"""Properties that are answered with or without being asked for."""


async def details(system: System, code: str, *, languages: Languages, properties: Collection[str]) -> list[Json]:
    """The parameters of the answer; with `properties` no more than these. Raises UnknownCode."""
    concept = (await system.concepts([code])).get(code)
    if concept is None:
        raise UnknownCode("The code system has no such code.")
    head = system.head
    shown = display(concept.display, concept.designations, own=head.language, languages=languages)
    wanted = set(properties) - _ALWAYS
    found: list[Json] = [{"name": "name", "valueString": head.name or head.title or head.url}]
    if head.version:
        found.append({"name": "version", "valueString": head.version})
    # R4 asks for a display; of a code without one nothing else can be said.
    found.append({"name": "display", "valueString": shown or concept.code})
    found += [_designation(one) for one in _texts(concept, head.language, wanted)]
    kin = await system.kin(concept.code)
    return [*found, *(one for one in _properties(concept, kin) if not wanted or _code_of(one) in wanted)]


def _texts(concept: Concept, own: str, wanted: set[str]) -> list[Designation]:
    """Its designations, when all or these are wanted; `lang.nb` wants those of a language."""
    texts = [*((Designation(concept.display, own),) if own and concept.display else ()), *concept.designations]
    if not wanted or "designation" in wanted:
        return texts
    languages = [one.removeprefix("lang.").lower() for one in wanted if one.startswith("lang.")]
    return [one for one in texts if any(speaks(one.language, language) for language in languages)]


def _designation(one: Designation) -> Json:
    parts: list[Json] = [{"name": "language", "valueCode": one.language}] if one.language else []
    if one.use:
        parts.append({"name": "use", "valueCoding": one.use})
    return {"name": "designation", "part": [*parts, {"name": "value", "valueString": one.value}]}


def _properties(concept: Concept, kin: Kin) -> list[Json]:
    found = [_property("definition", "valueString", concept.definition)] if concept.definition else []
    relatives = {(name, code) for name, ones in (("parent", kin.parents), ("child", kin.children)) for code, _ in ones}
    found += [
        _property(one.code, one.kind, one.value)
        for one in concept.properties
        if (one.code, one.text) not in relatives
    ]  # fmt: skip
    if concept.is_inactive and not any(one.code == "inactive" for one in concept.properties):
        found.append(_property("inactive", "valueBoolean", True))
    found += [_property("parent", "valueCode", code, text) for code, text in kin.parents]
    return found + [_property("child", "valueCode", code, text) for code, text in kin.children]


def _property(code: str, kind: str, value: Any, text: str = "") -> Json:
    described: list[Json] = [{"name": "description", "valueString": text}] if text else []
    valued = [{"name": "code", "valueCode": code}, {"name": "value", kind: value}]
    return {"name": "property", "part": [*valued, *described]}


def _code_of(one: Json) -> Any:
    return one["part"][0]["valueCode"]
