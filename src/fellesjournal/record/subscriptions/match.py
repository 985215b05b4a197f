"""Whether a resource fulfils search parameters, without a database: by the same rows that a search would find.

For what has a row of its own in every version: codes, references, dates, texts and addresses, without chains.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, cast
from urllib.parse import parse_qsl

from fellesjournal import fhir
from fellesjournal.fhir.keys import Hash64, fold, uri_key
from fellesjournal.kit.ids import decode
from fellesjournal.record.search import parse_search
from fellesjournal.record.search.error import refusal
from fellesjournal.record.search.match import hashes
from fellesjournal.record.search.model import Clause, DateValue, ReferenceValue, SearchQuery, TextValue

_MODIFIERS: Final = {
    "token": ("", "not"), "reference": ("", "identifier"), "date": ("",), "string": ("", "exact", "contains"),
    "uri": ("",), "id": ("",),
}  # fmt: skip
_MAX_LENGTH: Final = 2000


@dataclass(frozen=True)
class Filter:
    """Search parameters of one type, all of which a resource must fulfil."""

    rtype: str
    query: SearchQuery

    @property
    def codes(self) -> frozenset[str]:
        """The parameters."""
        return frozenset(clause.code for clause in _clauses(self.query))


@dataclass(frozen=True)
class Subject:
    """A version of a resource, with the rows that it has; `ids` are those that it is known by."""

    rows: fhir.IndexRows
    ids: frozenset[str]


def read_filter(rtype: str, text: str, *, base: str = "") -> Filter:
    """Understand `status=final&patient=Patient/1`. Raises SearchError for what can't be told without a search."""
    if len(text) > _MAX_LENGTH:
        raise refusal("filter", "is too long")
    pairs = parse_qsl(text, keep_blank_values=True)
    if not pairs:
        raise refusal("filter", "is empty")
    query = parse_search(rtype, pairs, base=base)
    clauses = [clause for clause in query.clauses if isinstance(clause, Clause)]
    if len(clauses) != len(pairs):
        raise refusal("filter", "chains, _has, and what looks at more than one resource can't be used here")
    for clause in clauses:
        if clause.modifier not in _MODIFIERS.get(clause.type, ()):
            raise refusal(clause.code[:64], "this kind of parameter, or its modifier, can't be used here")
    return Filter(rtype, query)


def is_elsewhere(wanted: Filter, *, patient: int) -> bool:
    """Whether the filter can't hold, since it names other patients alone than the one whom the resource is about.

    Needs no look into the resource. False when only that would tell.
    """
    return any(_names_others(clause, patient) for clause in _clauses(wanted.query))


def _names_others(clause: Clause, patient: int) -> bool:
    if clause.type != "reference" or clause.modifier or not _names_the_owner(clause.rtype, clause.code):
        return False
    named = [value.local for value in clause.values if isinstance(value, ReferenceValue)]
    keys = [decode(local[1]) for local in named if local and local[0] in ("", "Patient")]
    return len(keys) == len(clause.values) and all(key is not None and key[1] != patient for key in keys)


def _names_the_owner(rtype: str, code: str) -> bool:
    """Whether a patient whom this parameter names is always the one whom the resource is about."""
    others = fhir.other_owner_params(rtype, code)
    if others is None or code not in ("patient", "subject"):
        return False
    stronger = fhir.search_params(rtype).get("patient")
    return code == "patient" or stronger is None or stronger.id not in others


def subject_of(resource: dict[str, Any], *, ids: frozenset[str], hash64: Hash64) -> Subject:
    """A resource whose references are in our own form, ready to be compared."""
    rows = fhir.IndexRows()
    fhir.extract(resource, into=rows, n=1, hash64=hash64)
    return Subject(rows, ids)


def fulfils(wanted: SearchQuery, subject: Subject, *, hash64: Hash64) -> bool:
    """Whether all of them hold."""
    return all(_holds(clause, subject, hash64) for clause in _clauses(wanted))


def _clauses(query: SearchQuery) -> list[Clause]:
    return [cast(Clause, clause) for clause in query.clauses]


def _holds(clause: Clause, subject: Subject, hash64: Hash64) -> bool:
    rows = subject.rows
    if clause.type == "id":
        return any(cast(TextValue, value).text in subject.ids for value in clause.values)
    if clause.type == "token":
        found = _meets(rows.token_param, rows.token_h, clause, hash64)
        return not found if clause.modifier == "not" else found
    if clause.type == "reference":
        return _meets(rows.reference_param, rows.reference_h, clause, hash64)
    if clause.type == "date":
        return any(_dated(cast(DateValue, value), *row) for value in clause.values for row in _dates(clause, rows))
    if clause.type == "uri":
        wanted = {uri_key(cast(TextValue, value).text) for value in clause.values}
        return any(p == clause.param and v in wanted for p, v in zip(rows.uri_param, rows.uri_v, strict=True))
    return any(_spelt(clause, cast(TextValue, value).text, rows) for value in clause.values)


def _meets(params: list[int], held: list[int], clause: Clause, hash64: Hash64) -> bool:
    wanted = set(hashes(clause, hash64))
    return any(param == clause.param and h in wanted for param, h in zip(params, held, strict=True))


def _dates(clause: Clause, rows: fhir.IndexRows) -> Iterator[tuple[Any, Any]]:
    for param, lo, hi in zip(rows.date_param, rows.date_lo, rows.date_hi, strict=True):
        if param == clause.param:
            yield lo, hi


def _dated(wanted: DateValue, low: Any, high: Any) -> bool:
    """As `record.search.compare.dated` says it to the database."""
    lo, hi = wanted.lo, wanted.hi
    inside = low >= lo and low < hi and high <= hi
    return bool({
        "eq": inside, "ne": low < lo or high > hi, "gt": high > hi, "lt": low < lo,
        "ge": high > hi or inside, "le": low < lo or inside, "sa": low >= hi, "eb": high <= lo,
        "ap": low < hi and high > lo,
    }[wanted.prefix])  # fmt: skip


def _spelt(clause: Clause, text: str, rows: fhir.IndexRows) -> bool:
    folded = fold(text)
    for param, v, exact in zip(rows.string_param, rows.string_v, rows.string_exact, strict=True):
        if param != clause.param:
            continue
        if clause.modifier == "exact" and v == folded and exact == text:
            return True
        if clause.modifier == "contains" and folded in v:
            return True
        if not clause.modifier and v.startswith(folded):
            return True
    return False
