"""The rules that a profile sets for one element, and the tree of them: read from ElementDefinitions.

A tree is never changed once it is in a library: who merges into it copies first.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import Any, Final

from fellesjournal.fhir.profile.model import Json

ABSENT: Final = object()
"""No fixed value, pattern or bound is given (null is not a FHIR value, but this says so plainly)."""
_TYPE_LISTS: Final = ("profile", "targetProfile", "aggregation")
_MAX_VALUE_SET: Final = "http://hl7.org/fhir/StructureDefinition/elementdefinition-maxValueSet"


@dataclass(frozen=True, slots=True)
class TypeRef:
    """One type that an element may have. `profiles` and `targets` are canonicals; any one of them is enough."""

    code: str
    profiles: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    aggregation: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Binding:
    """The value set of an element; `most` is the outer bound of an extensible one (maxValueSet)."""

    strength: str
    value_set: str
    most: str | None = None


@dataclass(frozen=True, slots=True)
class Constraint:
    """One FHIRPath invariant."""

    key: str
    severity: str
    human: str
    expression: str
    source: str | None


@dataclass(frozen=True, slots=True)
class Discriminator:
    """What tells slices apart."""

    kind: str
    path: str


@dataclass(frozen=True, slots=True)
class Slicing:
    """How the repetitions of an element are told apart."""

    discriminators: tuple[Discriminator, ...]
    rules: str = "open"
    ordered: bool = False


BY_URL: Final = Slicing((Discriminator("value", "url"),))
BY_TYPE: Final = Slicing((Discriminator("type", "$this"),))
ONLY_TYPES: Final = Slicing((Discriminator("type", "$this"),), rules="closed")
"""A choice that `valueQuantity` was said of: it has this type, and those named in the same way, and no other."""


@dataclass(slots=True)
class Element:
    """The rules for one element, or one slice of it. `most` is None for `*`; `slices` stand in their order."""

    name: str
    slice_name: str | None = None
    least: int = 0
    most: int | None = None
    types: tuple[TypeRef, ...] = ()
    content_reference: str | None = None
    fixed: Any = ABSENT
    pattern: Any = ABSENT
    binding: Binding | None = None
    constraints: tuple[Constraint, ...] = ()
    max_length: int | None = None
    min_value: Any = ABSENT
    max_value: Any = ABSENT
    slicing: Slicing | None = None
    is_modifier: bool = False
    children: dict[str, Element] = field(default_factory=dict)
    slices: dict[str, Element] = field(default_factory=dict)

    def copied(self) -> Element:
        """Return a copy that may be changed, children and slices too."""
        return replace(
            self,
            children={name: child.copied() for name, child in self.children.items()},
            slices={name: part.copied() for name, part in self.slices.items()},
        )

    def all_slices(self) -> Iterator[Element]:
        """Return the slices, each before those that it is sliced into again."""
        for part in self.slices.values():
            yield part
            yield from part.all_slices()


def facets(definition: Json) -> dict[str, Any]:
    """Read what an ElementDefinition says, as fields of `Element`; what it does not say is left out."""
    found: dict[str, Any] = {}
    if "min" in definition:
        found["least"] = int(definition["min"])
    if "max" in definition:
        found["most"] = None if definition["max"] == "*" else int(definition["max"])
    if "type" in definition:
        found["types"] = _types(definition["type"])
    if "contentReference" in definition:
        found["content_reference"] = definition["contentReference"].rpartition("#")[2]
    if "binding" in definition:
        found["binding"] = _binding(definition["binding"])
    if "constraint" in definition:
        found["constraints"] = tuple(_constraints(definition["constraint"]))
    if "maxLength" in definition:
        found["max_length"] = int(definition["maxLength"])
    if "slicing" in definition:
        found["slicing"] = _slicing(definition["slicing"])
    if "isModifier" in definition:
        found["is_modifier"] = bool(definition["isModifier"])
    for key, name in (("fixed", "fixed"), ("pattern", "pattern"), ("minValue", "min_value"), ("maxValue", "max_value")):
        value = _choice(definition, key)
        if value is not ABSENT:
            found[name] = value
    return found


def _choice(definition: Json, prefix: str) -> Any:
    """Return the value of a choice such as `fixed[x]`; its type is said by the element's own type."""
    for key, value in definition.items():
        if key.startswith(prefix) and key[len(prefix) : len(prefix) + 1].isupper():
            return value
    return ABSENT


def _types(given: list[Json]) -> tuple[TypeRef, ...]:
    """Read types; those of the same code are one, as R4 has it (older tools repeat it for each profile)."""
    groups: dict[str, list[Json]] = {}
    for one in given:
        groups.setdefault(type_code(one), []).append(one)
    return tuple(_type(code, same) for code, same in groups.items())


def _type(code: str, same: list[Json]) -> TypeRef:
    told = {key: [_texts(one, key) for one in same] for key in _TYPE_LISTS}
    every = {key: () if () in lists else tuple(chain(*lists)) for key, lists in told.items()}
    return TypeRef(code, every["profile"], every["targetProfile"], every["aggregation"])


def type_code(given: Mapping[str, Any]) -> str:
    """Name a type as FHIR does: the official definitions give some as `http://hl7.org/fhirpath/System.String`."""
    code = str(given.get("code", ""))
    if code.startswith("http://hl7.org/fhirpath/System."):
        name = code.rpartition(".")[2]
        return name[0].lower() + name[1:]
    return code.removeprefix("http://hl7.org/fhir/StructureDefinition/")


def _texts(given: Json, key: str) -> tuple[str, ...]:
    return tuple(one for one in given.get(key, ()) if type(one) is str)


def _binding(given: Json) -> Binding | None:
    url = given.get("valueSet")
    if type(url) is not str:
        return None
    outer = (e.get("valueCanonical") for e in given.get("extension", ()) if e.get("url") == _MAX_VALUE_SET)
    return Binding(str(given.get("strength", "example")), url, next(outer, None))


def _constraints(given: list[Json]) -> Iterator[Constraint]:
    for one in given:
        if type(one.get("expression")) is str:
            yield Constraint(
                key=str(one.get("key", "")),
                severity=str(one.get("severity", "error")),
                human=str(one.get("human", "")).strip(),
                expression=one["expression"],
                source=one.get("source"),
            )


def _slicing(given: Json) -> Slicing:
    told = (Discriminator(str(d.get("type", "")), str(d.get("path", ""))) for d in given.get("discriminator", ()))
    return Slicing(tuple(told), str(given.get("rules", "open")), given.get("ordered") is True)
