"""A value set as its resource defines it, and those that have no resource: everything of a code system.

Source: https://hl7.org/fhir/R4/valueset.html
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import unquote

from fellesjournal.terminology.concept import Designation, read_designation
from fellesjournal.terminology.errors import BadDefinition, TooCostly

Json = dict[str, Any]

MAX_INCLUDES: Final = 1_000
MAX_NAMED: Final = 100_000
OPERATORS: Final = frozenset(
    {"=", "is-a", "descendent-of", "is-not-a", "regex", "in", "not-in", "generalizes", "exists"}
)
_HEAD: Final = (
    "id", "url", "identifier", "version", "name", "title", "status", "experimental", "date", "publisher", "purpose",
    "copyright", "language",
)  # fmt: skip
_UNCLOSED: Final = "http://hl7.org/fhir/StructureDefinition/valueset-unclosed"
_everything = re.compile(r"(?P<system>[^?]+)\?(?:fhir_vs|vs)(?:=(?P<what>.*))?", re.DOTALL).fullmatch


@dataclass(frozen=True, slots=True)
class Filter:
    """One filter: what a property of a concept must be like."""

    property: str
    op: str
    value: str


@dataclass(frozen=True, slots=True)
class Named:
    """A code that is named one by one, with texts of the value set's own."""

    code: str
    display: str = ""
    designations: tuple[Designation, ...] = ()


@dataclass(frozen=True, slots=True)
class Include:
    """Codes of one system, or of other value sets; with both, what is in all of them."""

    system: str = ""
    version: str = ""
    named: tuple[Named, ...] = ()
    tests: tuple[Filter, ...] = ()
    value_sets: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Definition:
    """A value set. `expanded`: the codes of an expansion that its resource brings; None without a whole one."""

    url: str
    version: str
    includes: tuple[Include, ...]
    excludes: tuple[Include, ...] = ()
    is_active_only: bool = False
    expanded: tuple[Include, ...] | None = None
    head: Json = field(default_factory=dict, compare=False)
    """What an expansion keeps of its resource."""


def read_value_set(resource: Json) -> Definition:
    """The definition in a ValueSet. Raises BadDefinition, TooCostly."""
    compose = resource.get("compose", {})
    includes, excludes = compose.get("include", ()), compose.get("exclude", ())
    if len(includes) + len(excludes) > MAX_INCLUDES:
        raise TooCostly(f"A value set has at most {MAX_INCLUDES} includes and excludes.")
    expanded = _expanded(resource.get("expansion", {}))
    if not includes and expanded is None:
        raise BadDefinition("The value set has neither includes nor a whole expansion.")
    return Definition(
        resource.get("url", ""), resource.get("version", ""),
        tuple(map(_include, includes)) or (expanded or ()), tuple(map(_include, excludes)),
        is_active_only=compose.get("inactive") is False, expanded=expanded if includes else None,
        head={name: resource[name] for name in _HEAD if name in resource},
    )  # fmt: skip


def implicit(url: str) -> tuple[str, tuple[Filter, ...]] | None:
    """(code system, filters) of a value set that a code system implies by its address; None for any other.

    `…?vs`, `…?fhir_vs` and `…/vs` are the whole; `…?fhir_vs=isa/CODE` is a code and what is below it.
    """
    match = _everything(url)
    if match is None:
        return (url.removesuffix("/vs"), ()) if url.endswith("/vs") else None
    system, what = match["system"], match["what"]
    if not what:
        return system, ()
    kind, slash, code = what.partition("/")
    return (system, (Filter("concept", "is-a", unquote(code)),)) if kind == "isa" and slash and code else None


def whole(system: str, *, url: str, version: str = "", tests: tuple[Filter, ...] = ()) -> Definition:
    """The value set of all codes of a system, or of those that filters pick."""
    head = {"url": url, **({"version": version} if version else {}), "status": "active"}
    return Definition(url, version, (Include(system, version, tests=tests),), head=head)


def _include(raw: Json) -> Include:
    named = tuple(map(_named, raw.get("concept", ())))
    tests = tuple(
        Filter(one.get("property", ""), one.get("op", ""), one.get("value", "")) for one in raw.get("filter", ())
    )
    value_sets = tuple(raw.get("valueSet", ()))
    if not raw.get("system") and (named or tests or not value_sets):
        raise BadDefinition("An include names a code system, or other value sets.")
    if named and tests:
        raise BadDefinition("An include has either concepts or filters, not both.")
    if any(test.op not in OPERATORS for test in tests):
        raise BadDefinition("A filter has an operator that R4 does not define.")
    if len(named) > MAX_NAMED:
        raise TooCostly(f"An include names at most {MAX_NAMED} codes.")
    return Include(raw.get("system", ""), raw.get("version", ""), named, tests, value_sets)


def _named(raw: Json) -> Named:
    designations = tuple(read_designation(one) for one in raw.get("designation", ()) if one.get("value"))
    return Named(raw.get("code", ""), raw.get("display", ""), designations)


def _expanded(expansion: Json) -> tuple[Include, ...] | None:
    """The codes of an expansion, by their systems; None for one that is a page, or says that there are others."""
    if "contains" not in expansion or expansion.get("offset") or _is_unclosed(expansion):
        return None
    found: dict[tuple[str, str], list[Named]] = {}
    count = 0
    for one in _contained(expansion["contains"]):
        count += 1
        if one.get("code") and one.get("system") and not one.get("abstract"):
            found.setdefault((one["system"], one.get("version", "")), []).append(_named(one))
    total = expansion.get("total")
    if count > MAX_NAMED or (isinstance(total, int) and total > count):
        return None
    return tuple(Include(system, version, tuple(named)) for (system, version), named in found.items())


def _is_unclosed(expansion: Json) -> bool:
    return any(one.get("url") == _UNCLOSED and one.get("valueBoolean") for one in expansion.get("extension", ()))


def _contained(nested: Iterable[Json]) -> Iterator[Json]:
    todo = list(nested)[::-1]
    while todo:
        one = todo.pop()
        yield one
        todo += list(one.get("contains", ()))[::-1]
