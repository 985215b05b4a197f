"""A search as it was understood: clauses, chains and what the answer should look like. No SQL here.

Clauses of one query are joined by AND, the values of one clause by OR.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256
from typing import Final, Literal, TypeAlias

from fellesjournal.record.search.words import WordsValue

Total: TypeAlias = Literal["none", "estimate", "accurate"]


@dataclass(frozen=True)
class TextValue:
    """A token, string or uri as the searcher wrote it, unescaped."""

    text: str


NOTHING: Final = TextValue("\0")
"""Stands for no code or id at all: a clause always has a value, and no text that is stored holds this character."""


@dataclass(frozen=True)
class ReferenceValue:
    """The keys that a matching reference has; `local` is (type, id) of a resource here, type '' if unsaid."""

    keys: tuple[str, ...]
    local: tuple[str, str] | None = None


@dataclass(frozen=True)
class DateValue:
    """A comparison with the half-open range that the searcher's precision implies."""

    prefix: str
    lo: datetime
    hi: datetime


@dataclass(frozen=True)
class NumberValue:
    """A comparison with a number: just `value`, or its range. `unit` is a unit's key, None for any.

    With `is_base` all are in UCUM's base units.
    """

    prefix: str
    value: float
    lo: float
    hi: float
    unit: str | None = None
    is_base: bool = False


@dataclass(frozen=True)
class CompositeValue:
    """What the values of one group must be like: a clause of one value for each component, in their order."""

    parts: tuple["Clause", ...]


@dataclass(frozen=True)
class PlaceValue:
    """Not further away than so many kilometres."""

    latitude: float
    longitude: float
    km: float


Value: TypeAlias = TextValue | ReferenceValue | DateValue | NumberValue | CompositeValue | PlaceValue | WordsValue


@dataclass(frozen=True)
class Clause:
    """One condition on a value of the resource itself. `param` is the parameter's number, 0 for `_id`."""

    rtype: str
    code: str
    type: str
    param: int
    modifier: str
    values: tuple[Value, ...]


@dataclass(frozen=True)
class Chain:
    """The resource refers, by `code`, to one that fulfils one of `links`: one for each possible type."""

    rtype: str
    code: str
    param: int
    links: tuple["Condition", ...]


@dataclass(frozen=True)
class Has:
    """A resource that refers to this one, by `code` of `rtype`, fulfils `link`."""

    rtype: str
    code: str
    param: int
    link: "Condition"


@dataclass(frozen=True)
class Group:
    """Conditions on one resource of a type: all of them, any of them, or not the one."""

    rtype: str
    op: Literal["and", "or", "not"]
    parts: tuple["Condition", ...]


Condition: TypeAlias = Clause | Chain | Has | Group


def inner(condition: Condition) -> tuple[Condition, ...]:
    """The conditions that it is made of; none for a clause."""
    if isinstance(condition, Clause):
        return ()
    if isinstance(condition, Has):
        return (condition.link,)
    return condition.links if isinstance(condition, Chain) else condition.parts


def clauses_in(conditions: Iterable[Condition]) -> Iterator[Clause]:
    """Every clause in some conditions, however deep."""
    for condition in conditions:
        if isinstance(condition, Clause):
            yield condition
        else:
            yield from clauses_in(inner(condition))


def changed(condition: Condition, change: Callable[[Clause], Clause]) -> Condition:
    """The same condition with every clause in it changed."""
    if isinstance(condition, Clause):
        return change(condition)
    if isinstance(condition, Has):
        return replace(condition, link=changed(condition.link, change))
    parts = tuple(changed(part, change) for part in inner(condition))
    return replace(condition, links=parts) if isinstance(condition, Chain) else replace(condition, parts=parts)


def pieces(condition: Condition) -> int:
    """How much SQL it becomes: every clause, chain and group in it."""
    return 1 + sum(map(pieces, inner(condition)))


def leaves(condition: Condition) -> int:
    """How many clauses there are in it; the alternatives of a chain, one for each type, count as one."""
    found = [leaves(part) for part in inner(condition)]
    if not found:
        return 1
    return max(found) if isinstance(condition, Chain) else sum(found)


@dataclass(frozen=True)
class SortKey:
    """One key of `_sort`. `type` is '' for `_id`, else date, string, number or quantity."""

    code: str
    type: str
    param: int
    descending: bool


@dataclass(frozen=True)
class Include:
    """One `_include` or `_revinclude`: params of `source`, empty for all; only targets of a type, if said.

    What comes along is of the types `among`, if any are named.
    """

    source: str
    params: tuple[int, ...]
    target: str = ""
    iterate: bool = False
    among: tuple[str, ...] = ()


@dataclass(frozen=True)
class SearchQuery:
    """What to find, in which order, how many, and what to send along.

    Over several types `rtype` is empty and `parts` has a search for each. `path` is the address in a compartment,
    `chart` the id of the Patient whose compartment it is. `editions` are those of the added parameters that it uses.
    With `newest` the answer is the so many newest of each code.
    """

    rtype: str
    clauses: tuple[Condition, ...] = ()
    sort: tuple[SortKey, ...] = ()
    count: int = 50
    total: Total = "none"
    includes: tuple[Include, ...] = ()
    revincludes: tuple[Include, ...] = ()
    summary: str = ""
    elements: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()
    params: tuple[tuple[str, str], ...] = ()
    parts: tuple["SearchQuery", ...] = ()
    path: str = ""
    chart: str = ""
    editions: tuple[int, ...] = ()
    newest: int = 0

    @property
    def address(self) -> str:
        """Where it is asked, below the server's own address."""
        return self.path or self.rtype

    def fingerprint(self) -> bytes:
        """Sixteen bytes that are the same for the same search alone; a cursor is bound to them."""
        lines = [self.address, *(f"{name}\x1f{value}" for name, value in self.params)]
        return sha256("\x1e".join(lines).encode()).digest()[:16]


def unescaped_split(text: str, separator: str) -> list[str]:
    """Split at separators that no backslash stands before; the backslashes stay."""
    parts, start, skip = [], 0, False
    for at, char in enumerate(text):
        if skip:
            skip = False
        elif char == "\\":
            skip = True
        elif char == separator:
            parts.append(text[start:at])
            start = at + 1
    return [*parts, text[start:]]


def unescape(text: str) -> str:
    """Take away the backslashes that R4 escapes comma, bar, dollar and backslash with."""
    if "\\" not in text:
        return text
    out, skip = [], False
    for char in text:
        if char == "\\" and not skip:
            skip = True
            continue
        out.append(char)
        skip = False
    return "".join(out)


def local_ids(query: SearchQuery) -> Sequence[tuple[str, str]]:
    """Every (type, id) that `_id` clauses of the query name, in order."""
    found: list[tuple[str, str]] = []
    for clause in query.clauses:
        if isinstance(clause, Clause) and clause.code == "_id":
            found += [(clause.rtype, v.text) for v in clause.values if isinstance(v, TextValue)]
    return found
