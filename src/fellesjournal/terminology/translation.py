"""$translate: what a code of one system is in another, by a ConceptMap.

Source: https://hl7.org/fhir/R4/conceptmap-operation-translate.html
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from fellesjournal.terminology.checking import Coding
from fellesjournal.terminology.errors import BadDefinition

Json = dict[str, Any]

MAX_MATCHES: Final = 1_000
MAX_OTHERS: Final = 5
"""Maps that may be gone on to, one after another, for what a map leaves unmapped."""
NO_MATCH: Final = frozenset({"unmatched", "disjoint"})
_MIRRORED: Final = {"wider": "narrower", "narrower": "wider", "subsumes": "specializes", "specializes": "subsumes"}

Other = Callable[[str], Awaitable[Json | None]]
"""Finds the ConceptMap of a canonical."""


@dataclass(frozen=True, slots=True)
class Match:
    """One answer: how near it is, the code (None when it says that there is none), and the map that says so."""

    equivalence: str
    concept: Json | None
    source: str
    products: tuple[Json, ...] = ()


@dataclass(frozen=True, slots=True)
class Wanted:
    """A code to translate. `target`: into this system alone; `dependencies`: (element, value) that are told of it."""

    coding: Coding
    target: str = ""
    dependencies: tuple[tuple[str, str], ...] = ()
    is_reverse: bool = False


async def translate(concept_map: Json, wanted: Wanted, *, other: Other) -> list[Match]:
    """What a map says of a code, in its order; of what it leaves unmapped what another map says.

    Raises BadDefinition.
    """
    found: list[Match] = []
    for _ in range(MAX_OTHERS):
        found += _direct(concept_map, wanted)
        following = None if found or wanted.is_reverse else _unmapped(concept_map, wanted, found)
        if following is None:
            return found[:MAX_MATCHES]
        next_map = await other(following)
        if next_map is None:
            raise BadDefinition(f"The map goes on in {following}, which is not installed.")
        concept_map = next_map
    raise BadDefinition(f"Maps go on in each other more than {MAX_OTHERS} times.")


def _direct(concept_map: Json, wanted: Wanted) -> list[Match]:
    walk = _backwards if wanted.is_reverse else _forwards
    url = concept_map.get("url", "")
    return [match for group in concept_map.get("group", ()) for match in walk(group, url, wanted)]


def _forwards(group: Json, source: str, wanted: Wanted) -> Iterator[Match]:
    if not _is_group(group, wanted, begin="source", end="target"):
        return
    for element in group.get("element", ()):
        if element.get("code") == wanted.coding.code:
            for target in element.get("target", ()):
                if _depends(target, wanted):
                    concept = _concept(group.get("target"), group.get("targetVersion"), target)
                    yield Match(target.get("equivalence", "relatedto"), concept, source, tuple(_products(target)))


def _backwards(group: Json, source: str, wanted: Wanted) -> Iterator[Match]:
    if not _is_group(group, wanted, begin="target", end="source"):
        return
    for element in group.get("element", ()):
        for target in element.get("target", ()):
            equivalence = target.get("equivalence", "relatedto")
            if target.get("code") == wanted.coding.code and equivalence not in NO_MATCH and _depends(target, wanted):
                concept = _concept(group.get("source"), group.get("sourceVersion"), element)
                yield Match(_MIRRORED.get(equivalence, equivalence), concept, source)


def _is_group(group: Json, wanted: Wanted, *, begin: str, end: str) -> bool:
    is_begin = wanted.coding.system is None or group.get(begin) == wanted.coding.system
    version = group.get(f"{begin}Version")
    is_version = not wanted.coding.version or version in (None, wanted.coding.version)
    return is_begin and is_version and (not wanted.target or group.get(end) == wanted.target)


def _unmapped(concept_map: Json, wanted: Wanted, found: list[Match]) -> str | None:
    """Put what a map says of all that it leaves out into `found`; the map to go on with, if it names one."""
    for group in concept_map.get("group", ()):
        rule = group.get("unmapped")
        if not rule or not _is_group(group, wanted, begin="source", end="target"):
            continue
        if rule.get("mode") == "other-map":
            return str(rule.get("url", ""))
        kept = {"code": wanted.coding.code} if rule.get("mode") == "provided" else rule
        equivalence = "equal" if rule.get("mode") == "provided" else "relatedto"
        concept = _concept(group.get("target"), group.get("targetVersion"), kept)
        found.append(Match(equivalence, concept, concept_map.get("url", "")))
    return None


def _depends(target: Json, wanted: Wanted) -> bool:
    """Whether all that a target hangs on has been told."""
    told = [(one.get("property"), one.get("value")) for one in target.get("dependsOn", ())]
    return all(one in wanted.dependencies for one in told)


def _products(target: Json) -> Iterator[Json]:
    for one in target.get("product", ()):
        concept = {"system": one.get("system"), "code": one.get("value"), "display": one.get("display")}
        yield {"element": one.get("property"), "concept": {key: value for key, value in concept.items() if value}}


def _concept(system: str | None, version: str | None, named: Json) -> Json | None:
    if "code" not in named:
        return None
    found = {"system": system, "version": version, "code": named["code"], "display": named.get("display")}
    return {key: value for key, value in found.items() if value}
