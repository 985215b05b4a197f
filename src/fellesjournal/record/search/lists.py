"""`_list`: the members of a List, or R4's functional lists, which are conditions on the resources themselves.

In a chart a List need not lie there (a unit's own list of people, another's): it is read first, as any resource is, and
what it names is what is looked for. What it names is under the chart's rules as before.

Source: https://hl7.org/fhir/R4/lifecycle.html#lists
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, Protocol, TypeGuard

from fellesjournal import fhir
from fellesjournal.kit.ids import decode
from fellesjournal.record.search.error import refusal
from fellesjournal.record.search.model import NOTHING, Clause, Condition, Has, SearchQuery, TextValue
from fellesjournal.record.search.values import split_values

Key = tuple[int, int]
Member = tuple[str, str]
"""Type and id."""
Members = Mapping[Key, Sequence[Member]]
MAX_LISTS: Final = 20
MAX_MEMBERS: Final = 5_000
_ITEM: Final = "item"
_REFUTED: Final = ("verification-status:not", "refuted,entered-in-error")
_ALLERGIES: Final = (("clinical-status", "active"), _REFUTED)
_CURRENT: Final[dict[str, dict[str, tuple[tuple[str, str], ...]]]] = {
    "$current-problems": {
        "Condition": (
            ("category", "problem-list-item"), ("clinical-status", "active,recurrence,relapse"), _REFUTED,
        )
    },
    "$current-allergies": {"AllergyIntolerance": _ALLERGIES},
    "$current-drug-allergies": {"AllergyIntolerance": (("category", "medication"), *_ALLERGIES)},
    "$current-medications": {
        "MedicationRequest": (("status", "active"),),
        "MedicationStatement": (("status", "active,intended"),),
    },
}  # fmt: skip
"""What is current of each type that a functional list may be asked for."""


class Lists(Protocol):
    """Where Lists are read, for one reader."""

    async def members(self, lists: Sequence[Key]) -> Members:
        """What each of the Lists that may be seen names, by ids of our own form."""


def read_list(
    rtype: str, name: str, value: str, parse: Callable[[str, str, str], Condition]
) -> tuple[Condition, ...]:
    """The conditions of `_list`; `parse` reads a parameter of a type. Raises SearchError."""
    if value.startswith("$"):
        return tuple(parse(rtype, code, wanted) for code, wanted in _current(rtype, name, value))
    ids = [part.strip().removeprefix("List/") for part in split_values(name, value)]
    lists = Clause("List", "_id", "id", 0, "", tuple(map(TextValue, ids)))
    return (Has("List", _ITEM, fhir.search_params("List")[_ITEM].id, lists),)


def _current(rtype: str, name: str, value: str) -> tuple[tuple[str, str], ...]:
    if value not in _CURRENT:
        raise refusal(name, "the functional lists are " + ", ".join(_CURRENT), code="not-supported")
    if rtype not in _CURRENT[value]:
        raise refusal(name, f"{value} is a list of {' and '.join(_CURRENT[value])}")
    return _CURRENT[value][rtype]


def members_of(resource: Mapping[str, Any]) -> list[Member]:
    """What a List names in this record, in its order."""
    found = [entry.get("item", {}).get("reference", "").split("/") for entry in resource.get("entry", ())]
    return [(parts[0], parts[1]) for parts in found if len(parts) in (2, 4)]


async def with_members(query: SearchQuery, lists: Lists) -> SearchQuery:
    """The search with the members of its Lists; itself when it names none. A List that isn't there has none.

    Raises SearchError for too many Lists or members, and what `lists` raises.
    """
    conditions = [condition for part in (query, *query.parts) for condition in part.clauses]
    keys = list(dict.fromkeys(key for condition in conditions for key in _keys(condition)))
    if len(keys) > MAX_LISTS:
        raise refusal("_list", f"more than {MAX_LISTS} Lists", code="too-costly")
    return _replaced(query, await lists.members(keys)) if any(map(_is_list, conditions)) else query


def _replaced(query: SearchQuery, members: Members) -> SearchQuery:
    clauses = tuple(_by_id(query.rtype, condition, members) for condition in query.clauses)
    return replace(query, clauses=clauses, parts=tuple(_replaced(part, members) for part in query.parts))


def _by_id(rtype: str, condition: Condition, members: Members) -> Condition:
    if not _is_list(condition):
        return condition
    ids = dict.fromkeys(name[1] for key in _keys(condition) for name in members.get(key, ()) if name[0] == rtype)
    if len(ids) > MAX_MEMBERS:
        raise refusal("_list", f"more than {MAX_MEMBERS} members", code="too-costly")
    return Clause(rtype, "_id", "id", 0, "", tuple(map(TextValue, ids)) or (NOTHING,))


def _keys(condition: Condition) -> Iterator[Key]:
    link = condition.link if _is_list(condition) else None
    for value in link.values if isinstance(link, Clause) else ():
        key = decode(value.text) if isinstance(value, TextValue) else None
        if key:
            yield key


def _is_list(condition: Condition) -> TypeGuard[Has]:
    """Whether it is `_list`; where an app's scope bounds the Lists, it stays a question to the chart."""
    if not isinstance(condition, Has) or (condition.rtype, condition.code) != ("List", _ITEM):
        return False
    return isinstance(condition.link, Clause) and condition.link.type == "id"
