"""Whether a resource fulfils search parameters, without a database: by the same rows that a search would find.

For what has a row of its own in every version: codes, references, dates, numbers, quantities, texts and addresses.
A value set, or what stands below or above a code, is what terminology says when a version is judged. Chains and `_has`
look at other rows, which may change without an event and be closed to the subscriber: nobody could say whether the
filter held. They are refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Final, cast
from urllib.parse import parse_qsl

from fellesjournal import fhir
from fellesjournal.fhir.keys import Hash64, canonical_param, fold, uri_key
from fellesjournal.kit.ids import decode
from fellesjournal.record.search import is_served, parse_search
from fellesjournal.record.search.coded import by_terminology
from fellesjournal.record.search.compare import counted
from fellesjournal.record.search.error import refusal
from fellesjournal.record.search.match import hashes
from fellesjournal.record.search.model import Clause, DateValue, NumberValue, ReferenceValue, SearchQuery, TextValue

_MODIFIERS: Final = {
    "token": ("", "not", "of-type", "text", "missing", "in", "not-in", "below", "above"),
    "reference": ("", "identifier", "text", "missing"),
    "date": ("", "missing"), "number": ("", "missing"), "quantity": ("", "missing"),
    "string": ("", "exact", "contains", "missing"), "uri": ("", "below", "above", "missing"),
}  # fmt: skip
"""What can be told of a version by itself, by the kind of parameter; "" is none."""
_MAX_LENGTH: Final = 2000
_NOT: Final = "not-supported"
_NO_ROW: Final = ("_lastUpdated", "_text", "_content")
_BY_CODE: Final = ("_tag", "_security")


@dataclass(frozen=True)
class Filter:
    """Search parameters of one type, all of which a resource must fulfil."""

    rtype: str
    query: SearchQuery

    @property
    def used(self) -> frozenset[tuple[str, str, str]]:
        """The parameters, each with its modifier and with the prefixes of its values ("" without)."""
        return frozenset(
            (clause.code, clause.modifier, getattr(value, "prefix", ""))
            for clause in _clauses(self.query) for value in clause.values
        )

    def split(self) -> tuple[SearchQuery, SearchQuery | None]:
        """What the version tells by itself, and what terminology is asked about, if anything."""
        coded = tuple(clause for clause in _clauses(self.query) if by_terminology(clause))
        plain = tuple(clause for clause in _clauses(self.query) if not by_terminology(clause))
        return replace(self.query, clauses=plain), replace(self.query, clauses=coded) if coded else None


@dataclass(frozen=True)
class Subject:
    """A version of a resource, with the rows that it has; `ids` are those that it is known by."""

    rows: fhir.IndexRows
    ids: frozenset[str]


def modifiers_of(rtype: str, code: str) -> tuple[str, ...]:
    """The modifiers by which a filter may use a parameter, "" for none; empty when it can't be used at all."""
    if code == "_id":
        return ("",)
    param = fhir.search_params(rtype).get(code)
    if param is None or code in _NO_ROW or not is_served(param):
        return ()
    return tuple(one for one in _MODIFIERS.get(param.type, ()) if one != "text" or code not in _BY_CODE)


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
        raise refusal("filter", "chains, _has, and what looks at more than one resource can't be used here", code=_NOT)
    for clause in clauses:
        allowed = modifiers_of(rtype, clause.code)
        if not allowed:
            raise refusal(clause.code[:64], "this parameter can't be used here", code=_NOT)
        if clause.modifier not in allowed:
            can = ", ".join(f":{one}" for one in allowed if one) or "none"
            raise refusal(clause.code[:64], f":{clause.modifier} can't be used here; what can: {can}", code=_NOT)
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
    if clause.modifier == "missing":
        return (cast(TextValue, clause.values[0]).text == "true") != _is_there(clause, rows)
    if clause.modifier == "text":
        return any(_called(clause, cast(TextValue, value).text, rows) for value in clause.values)
    if clause.type == "token":
        found = _meets(rows.token_param, rows.token_h, clause, hash64)
        return not found if clause.modifier == "not" else found
    if clause.type == "reference":
        return _meets(rows.reference_param, rows.reference_h, clause, hash64)
    if clause.type == "date":
        return any(_dated(cast(DateValue, value), *row) for value in clause.values for row in _dates(clause, rows))
    if clause.type in ("number", "quantity"):
        return any(_measured(clause, cast(NumberValue, value), rows, hash64) for value in clause.values)
    one = _addressed if clause.type == "uri" else _spelt
    return any(one(clause, cast(TextValue, value).text, rows) for value in clause.values)


def _is_there(clause: Clause, rows: fhir.IndexRows) -> bool:
    """Whether there is any value; a concept of a text alone is one."""
    kept = fhir.kept_as(clause.rtype, clause.code, clause.param)
    held: dict[str, list[int]] = {
        "token": rows.token_param, "reference": rows.reference_param, "date": rows.date_param, "uri": rows.uri_param,
        "number": rows.quantity_param, "quantity": rows.quantity_param, "string": rows.string_param,
    }  # fmt: skip
    has_text = clause.type in ("token", "reference") and any(param in kept for param in rows.string_param)
    return clause.param in held[clause.type] or has_text


def _called(clause: Clause, text: str, rows: fhir.IndexRows) -> bool:
    """As `record.search.match` says it: codes that stand for a text where there is none are not looked at."""
    kept, folded = fhir.kept_as(clause.rtype, clause.code, clause.param), fold(text)
    return any(
        param in kept and not exact and v.startswith(folded)
        for param, v, exact in zip(rows.string_param, rows.string_v, rows.string_exact, strict=True)
    )


def _measured(clause: Clause, wanted: NumberValue, rows: fhir.IndexRows, hash64: Hash64) -> bool:
    param = canonical_param(clause.param) if wanted.is_base else clause.param
    unit = 0 if clause.type == "number" else None if wanted.unit is None else hash64(wanted.unit)
    held = zip(rows.quantity_param, rows.quantity_unit, rows.quantity_lo, rows.quantity_hi, strict=True)
    return any(p == param and unit in (None, u) and counted(wanted, low, high) for p, u, low, high in held)


def _addressed(clause: Clause, uri: str, rows: fhir.IndexRows) -> bool:
    held = [v for param, v in zip(rows.uri_param, rows.uri_v, strict=True) if param == clause.param]
    if clause.modifier == "above":
        pieces = uri.split("/")
        return any(v in {uri_key("/".join(pieces[:n])) for n in range(1, len(pieces) + 1)} for v in held)
    below = uri.rstrip("/") + "/" if clause.modifier == "below" else None
    return any(v == uri_key(uri) or (below is not None and v.startswith(below)) for v in held)


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
