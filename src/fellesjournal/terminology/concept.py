"""A code system and its concepts, read once from the CodeSystem resource that brings them.

Source: https://hl7.org/fhir/R4/codesystem.html
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final, Literal

import msgspec

Json = dict[str, Any]
Content = Literal["not-present", "example", "fragment", "complete", "supplement"]

_RETIRED: Final = frozenset({"retired", "inactive", "withdrawn"})
_WELL_KNOWN: Final = "http://hl7.org/fhir/concept-properties#"
_ABSTRACT: Final = ("notSelectable", "abstract")
_UP: Final = ("parent", "subsumedBy")


@dataclass(frozen=True, slots=True)
class Designation:
    """Another text for a concept: in a language ('' if unsaid), for a use (a Coding, or None)."""

    value: str
    language: str = ""
    use: Json | None = None


@dataclass(frozen=True, slots=True)
class Property:
    """A property of a concept. `kind` is how R4 writes its type: `valueCode`, `valueBoolean`…"""

    code: str
    kind: str
    value: Any

    @property
    def text(self) -> str:
        """The value as a filter writes it; a Coding by its code."""
        if isinstance(self.value, bool):
            return "true" if self.value else "false"
        return str(self.value.get("code", "")) if isinstance(self.value, Mapping) else str(self.value)


@dataclass(frozen=True, slots=True)
class Concept:
    """One code. `n` is its place in the system, parents before children; `parents` are places."""

    n: int
    code: str
    display: str = ""
    definition: str = ""
    designations: tuple[Designation, ...] = ()
    properties: tuple[Property, ...] = ()
    parents: tuple[int, ...] = ()
    is_inactive: bool = False
    is_abstract: bool = False


@dataclass(frozen=True, slots=True)
class Head:
    """A code system without its concepts. `properties` are its declarations (code, type, uri, description)."""

    url: str
    version: str = ""
    name: str = ""
    title: str = ""
    language: str = ""
    value_set: str = ""
    supplements: str = ""
    content: Content = "complete"
    is_case_sensitive: bool = True
    count: int = 0
    inactive: int = 0
    abstract: int = 0
    properties: tuple[Json, ...] = field(default=(), hash=False)

    @property
    def is_whole(self) -> bool:
        """Whether a code that is not among its concepts is no code of the system."""
        return self.content == "complete"


def read_head(resource: Json, *, concepts: Sequence[Concept] = ()) -> Head:
    """The head of a CodeSystem. Upper and lower case are told apart where it says so, or where its codes need it."""
    codes = [concept.code for concept in concepts]
    needs_case = len({code.lower() for code in codes}) < len(codes)
    return Head(
        url=resource.get("url", ""), version=resource.get("version", ""), name=resource.get("name", ""),
        title=resource.get("title", ""), language=resource.get("language", ""),
        value_set=resource.get("valueSet", ""), supplements=resource.get("supplements", ""),
        content=resource.get("content", "complete"),
        is_case_sensitive=resource.get("caseSensitive") is True or needs_case, count=len(codes),
        inactive=sum(one.is_inactive for one in concepts), abstract=sum(one.is_abstract for one in concepts),
        properties=tuple(resource.get("property", ())),
    )  # fmt: skip


def read_concepts(resource: Json) -> list[Concept]:
    """Every concept of a CodeSystem, in its order; of a code that stands twice the first.

    Hierarchy comes from nesting and from the properties parent, child and subsumedBy. A circle is broken where it
    closes.
    """
    known = _known_properties(resource)
    raw: list[tuple[Json, int | None]] = []
    place: dict[str, int] = {}
    for concept, parent in _walk(resource.get("concept", ())):
        code = concept.get("code", "")
        if code not in place:
            place[code] = len(raw)
            raw.append((concept, place[parent] if parent is not None else None))
    properties = [tuple(_properties(concept)) for concept, _ in raw]
    parents = _parents(raw, properties, place, known)
    return [_concept(n, concept, properties[n], parents[n], known) for n, (concept, _) in enumerate(raw)]


def _walk(nested: Iterable[Json]) -> Iterator[tuple[Json, str | None]]:
    """Every concept with its parent's code, parents first; without recursion, so that depth costs nothing."""
    todo: list[tuple[Json, str | None]] = [(concept, None) for concept in reversed(list(nested))]
    while todo:
        concept, parent = todo.pop()
        yield concept, parent
        todo += [(child, concept.get("code", "")) for child in reversed(concept.get("concept", ()))]


def _known_properties(resource: Json) -> dict[str, str]:
    """Code of a declared property → its well-known name, for those that have one."""
    return {
        one["code"]: one["uri"].removeprefix(_WELL_KNOWN)
        for one in resource.get("property", ())
        if str(one.get("uri", "")).startswith(_WELL_KNOWN) and "code" in one
    }


def _properties(concept: Json) -> Iterator[Property]:
    for one in concept.get("property", ()):
        for key, value in one.items():
            if key.startswith("value"):
                # As bodies are read that keep their digits.
                exact = Decimal(bytes(value).decode()) if isinstance(value, msgspec.Raw) else value
                yield Property(one.get("code", ""), key, exact)


def _parents(
    raw: list[tuple[Json, int | None]],
    properties: list[tuple[Property, ...]],
    place: dict[str, int],
    known: dict[str, str],
) -> list[tuple[int, ...]]:
    found: list[dict[int, None]] = [{} if parent is None else {parent: None} for _, parent in raw]
    for n, owned in enumerate(properties):
        for one in owned:
            other = place.get(one.text)
            name = known.get(one.code, one.code)
            if other is None or other == n:
                continue
            if name in _UP:
                found[n][other] = None
            elif name == "child":
                found[other][n] = None
    return _without_circles([tuple(parents) for parents in found])


def _without_circles(parents: list[tuple[int, ...]]) -> list[tuple[int, ...]]:
    """The same without the links that lead back to where one came from."""
    state = [0] * len(parents)
    kept: list[list[int]] = [[] for _ in parents]
    for start in range(len(parents)):
        if state[start]:
            continue
        state[start] = 1
        path = [(start, iter(parents[start]))]
        while path:
            n, left = path[-1]
            up = next(left, None)
            if up is None:
                state[n] = 2
                path.pop()
            elif state[up] != 1:
                kept[n].append(up)
                if not state[up]:
                    state[up] = 1
                    path.append((up, iter(parents[up])))
    return [tuple(one) for one in kept]


def _concept(
    n: int, raw: Json, properties: tuple[Property, ...], parents: tuple[int, ...], known: dict[str, str]
) -> Concept:
    names = {(known.get(one.code, one.code), one.text) for one in properties}
    return Concept(
        n, raw.get("code", ""), raw.get("display", ""), raw.get("definition", ""),
        tuple(read_designation(one) for one in raw.get("designation", ()) if one.get("value")),
        properties, parents,
        is_inactive=("inactive", "true") in names or any(("status", word) in names for word in _RETIRED),
        is_abstract=any((name, "true") in names for name in _ABSTRACT),
    )  # fmt: skip


def read_designation(raw: Json) -> Designation:
    """A designation of a CodeSystem or a ValueSet."""
    return Designation(raw.get("value", ""), raw.get("language", ""), raw.get("use"))
