"""Searches over several types at once: `/fhir?_type=…` and compartments (`/fhir/Patient/1/Observation`, `…/*`)."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from fellesjournal import fhir
from fellesjournal.fhir import Registry
from fellesjournal.record.search.condition import Writer
from fellesjournal.record.search.cursor import Cursor
from fellesjournal.record.search.drive import Driver, Order, merged
from fellesjournal.record.search.error import SearchError, refusal, refused
from fellesjournal.record.search.model import Clause, Condition, Group, ReferenceValue, SearchQuery
from fellesjournal.record.search.query import Pairs, parse_search
from fellesjournal.record.search.reading import reads
from fellesjournal.record.search.scope import Scope

MAX_TYPES: Final = 20
ANY_TYPE: Final = "*"
COMPARTMENTS: Final = ("Device", "Encounter", "Patient", "Practitioner", "RelatedPerson")


def parse_system_search(
    params: Pairs, *, strict: bool = True, base: str = "", registry: Registry = fhir.OFFICIAL
) -> SearchQuery:
    """A search over the types that `_type` names; every parameter must be one of all of them. Raises SearchError."""
    types = _types(params)
    if not types:
        raise refusal("_type", "a search without a type names the types to look in", code="required")
    if len(types) > MAX_TYPES:
        raise refusal("_type", f"at most {MAX_TYPES} types", code="too-costly")
    return _together(types, params, strict=strict, base=base, registry=registry)


def parse_compartment_search(
    compartment: tuple[str, str], rtype: str, params: Pairs, *, strict: bool = True, base: str = "",
    registry: Registry = fhir.OFFICIAL,
) -> SearchQuery:  # fmt: skip
    """A search in what belongs to one resource: of one type, or of all (`*`, fewer by `_type`). Raises SearchError.

    A patient's compartment is the patient's chart; the others are rows that refer to the resource.
    """
    owner, owner_id = compartment
    within = fhir.compartment_types(owner)
    types = (_types(params) or within) if rtype == ANY_TYPE else (rtype,)
    strangers = [t for t in types if t not in within]
    if strangers:
        raise refusal("type", f"no {strangers[0]} is in the compartment of a {owner}", code="not-supported")
    if rtype == ANY_TYPE:
        query = _together(types, params, strict=strict, base=base, registry=registry)
    else:
        query = parse_search(rtype, params, strict=strict, base=base, registry=registry)
    query = replace(query, path=f"{owner}/{owner_id}/{rtype}")
    if owner == "Patient":
        return replace(query, chart=owner_id)
    if not query.parts:
        return _referring(query, owner, owner_id)
    return replace(query, parts=tuple(_referring(part, owner, owner_id) for part in query.parts))


def _types(params: Pairs) -> tuple[str, ...]:
    found = dict.fromkeys(t.strip() for name, value in params if name == "_type" for t in value.split(","))
    unknown = [t for t in found if t not in fhir.TYPE_NUMBER]
    if unknown:
        raise refusal("_type", "one of the names is no resource type of R4", code="not-supported")
    return tuple(found)


def _together(types: Sequence[str], params: Pairs, *, strict: bool, base: str, registry: Registry) -> SearchQuery:
    own = [(name, value) for name, value in params if name != "_type"]
    parts, faults = list[SearchQuery](), dict[fhir.Issue, None]()
    for rtype in types:
        try:
            parts.append(parse_search(rtype, own, strict=strict, base=base, registry=registry))
        except SearchError as error:
            faults.update(dict.fromkeys(error.issues))
    if faults:
        raise refused(list(faults))
    first = parts[0]
    if any(key.code not in ("_id", "_lastUpdated") for part in parts for key in part.sort):
        raise refusal("_sort", "several types are sorted by _id or _lastUpdated", code="not-supported")
    if any(reads(condition) for part in parts for condition in part.clauses):
        raise refusal("_text", "words are looked for in one type at a time", code="not-supported")
    sort = tuple(replace(key, type="", param=0) if key.code == "_id" else key for key in first.sort)
    ignored = tuple(dict.fromkeys(name for part in parts for name in part.ignored))
    used = tuple(pair for pair in params if pair[0] == "_type" or all(pair in part.params for part in parts))
    editions = tuple(sorted({edition for part in parts for edition in part.editions}))
    return replace(
        first, rtype="", clauses=(), sort=sort, ignored=ignored, params=used, parts=tuple(parts),
        editions=editions,
    )  # fmt: skip


def _referring(query: SearchQuery, owner: str, owner_id: str) -> SearchQuery:
    """The search for rows that refer to the owner, by any of the compartment's parameters."""
    reference = f"{owner}/{owner_id}"
    value = ReferenceValue((reference,), (owner, owner_id))
    known = fhir.search_params(query.rtype)
    codes = [code for code in fhir.compartment_params(query.rtype, compartment=owner) if code in known]
    clauses: list[Condition] = [Clause(query.rtype, c, "reference", known[c].id, "", (value,)) for c in codes]
    if not clauses:
        raise refusal("type", f"nothing of type {query.rtype} refers to a {owner}", code="not-supported")
    belongs = clauses[0] if len(clauses) == 1 else Group(query.rtype, "or", tuple(clauses))
    return replace(query, clauses=(*query.clauses, belongs))


class Together(Driver):
    """The rows of several searches, in one order."""

    def __init__(self, query: SearchQuery, scope: Scope, writer: Writer) -> None:
        super().__init__(query.parts[0], scope, writer)
        self.drivers = [Driver(part, scope, writer) for part in query.parts]

    def matches(self, order: Order, *, limit: str, after: Cursor | None) -> str:
        """As every driver's."""
        branches = [f"({driver.matches(order, limit=limit, after=after)})" for driver in self.drivers]
        return merged(branches, order, limit)

    def probes(self, order: Order) -> list[tuple[int, int, int, int, int]]:
        """None: there is one plan alone."""
        del order
        return []
