"""What of a query is worth starting from: which conditions an index leads to, and which are likely few."""

from datetime import datetime
from typing import Final, TypeAlias, TypeGuard

from fellesjournal.fhir import implied_systems
from fellesjournal.fhir.keys import COMMON_PARAMS
from fellesjournal.record.ownership import DIRECTORY_TYPES
from fellesjournal.record.search.compare import NEAR
from fellesjournal.record.search.match import is_hashed, rows_of
from fellesjournal.record.search.model import Chain, Clause, Condition, DateValue, Group, Has, NumberValue

GATHER_CAP: Final = 40
"""Tokens and references that are gathered before another start is tried. Each row costs its policy."""
RANGE_CAP: Final = 2000
"""The same for texts, ranges and chains: no index has them in order, so that a walk instead costs more."""
_BOUNDED: Final = ("eq", "ap")
_STARTING: Final = ("", "exact", "below", "identifier", "eq", "sw", "text", "of-type")
"""Modifiers of clauses that an index leads to."""
Gathered: TypeAlias = Clause | Chain | Group | Has
"""What can be gathered: a clause, a chain from its far end, alternatives of these, a List's members."""
COUNTED: Final = {"token": 0, "reference": 1}
"""What `vault.is_few` calls the tables that it counts in."""
_BEYOND: Final = {"gt": True, "ge": True, "sa": True, "lt": False, "le": False, "eb": False}
"""Prefixes of ranges that are open at one end: whether it is the upper one."""


def is_far(condition: Condition) -> TypeGuard[Chain]:
    """Whether a chain can be gathered from its far end: people and the directory look alike from everywhere."""
    if not isinstance(condition, Chain) or len(condition.links) != 1:
        return False
    link = condition.links[0]
    if not isinstance(link, Clause) or link.type == "id" or link.code in COMMON_PARAMS:
        return False
    return (link.rtype == "Patient" or link.rtype in DIRECTORY_TYPES) and can_start(link)


def is_choice(condition: Condition) -> TypeGuard[Group]:
    """Whether every one of the alternatives can be gathered."""
    if not isinstance(condition, Group) or condition.op != "or":
        return False
    return all(is_far(part) or (isinstance(part, Clause) and can_start(part)) for part in condition.parts)


def is_listed(condition: Condition) -> TypeGuard[Has]:
    """Whether it asks for the members of a List."""
    if not isinstance(condition, Has) or condition.rtype != "List" or not isinstance(condition.link, Clause):
        return False
    return condition.link.type == "id"


def is_counted(condition: Condition) -> TypeGuard[Clause]:
    """Whether its rows can be counted by a look at one place of an index."""
    if not isinstance(condition, Clause) or len(rows_of(condition)) != 1:
        return False
    return is_open(condition) or is_keyed(condition)


def is_keyed(clause: Clause) -> bool:
    """Whether an index has what fulfils it at a few places, each in order of the rows' date."""
    return clause.type in COUNTED and is_hashed(clause)


def is_open(clause: Clause) -> bool:
    """Whether it asks for what lies beyond one date or number: an index has the ends of ranges in order."""
    if clause.modifier or len(clause.values) != 1:
        return False
    wanted = clause.values[0]
    return isinstance(wanted, DateValue | NumberValue) and wanted.prefix in _BEYOND


def beyond(clause: Clause) -> tuple[bool, datetime | float]:
    """Whether what is asked for ends after a place, or begins before it, and the place; more may do so than match."""
    wanted = clause.values[0]
    if isinstance(wanted, DateValue):
        is_up = _BEYOND[wanted.prefix]
        return is_up, wanted.lo if is_up else wanted.hi
    if isinstance(wanted, NumberValue):
        slack = abs(wanted.value) * NEAR
        is_up = _BEYOND[wanted.prefix]
        return is_up, wanted.value - slack if is_up else wanted.value + slack
    raise TypeError("neither a date nor a number")


def can_start(clause: Clause) -> bool:
    """Whether an index leads to what fulfils it."""
    if clause.modifier not in _STARTING or clause.type == "text":
        return False
    if clause.type == "composite" and not is_hashed(clause):
        return False
    return all(v.prefix in _BOUNDED for v in clause.values if isinstance(v, DateValue | NumberValue))


def narrowness(clause: Clause) -> tuple[int, int]:
    """Lower is likely fewer rows: keys and numbers, then texts, ranges, references, tokens."""
    first = 0 if clause.code in ("_id", "identifier") else 1 + (clause.code in COMMON_PARAMS)
    return first, _NARROW.index(_kind(clause))


def cap_of(condition: Gathered) -> int:
    """How much of it is gathered before another start is tried."""
    is_keyed = isinstance(condition, Clause) and condition.type in (*COUNTED, "composite") and is_hashed(condition)
    return GATHER_CAP if is_keyed else RANGE_CAP


def is_change(condition: Condition) -> bool:
    """Whether it bounds the last change."""
    return isinstance(condition, Clause) and condition.code == "_lastUpdated" and not condition.modifier


def names_ids(ranked: list[Clause]) -> bool:
    """Whether ids are what there is to start from."""
    return bool(ranked) and ranked[0].type == "id"


_NARROW: Final = ("id", "place", "uri", "composite", "string", "date", "quantity", "number", "reference", "token")
_RANKS: Final = ("id", "place", "uri", "composite", "token", "reference", "string", "date", "quantity", "number")


def _kind(clause: Clause) -> str:
    return "string" if clause.modifier == "text" else clause.type


def selectivity(clause: Clause) -> tuple[int, int, int]:
    """Lower is better: keys, then identifiers, then one value before several, tokens before ranges.

    A plain code (a status, yes or no) is shared by many rows, and comes after what names its system.
    """
    many = clause.code in COMMON_PARAMS or (
        clause.type == "token" and implied_systems(clause.rtype, clause.code) is not None
    )
    first = 0 if clause.code in ("_id", "identifier") else 1 + many
    return first, len(clause.values), _RANKS.index(_kind(clause))
