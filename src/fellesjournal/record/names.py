"""Ids that clients chose: found in resources and searches, and told apart from those of our own form.

A name is (type, id). Which row it stands for depends on who asks (`vault.find_ids`), so nothing here is kept beyond
one request. Search rows always hold the row's own id: then both ways to write a reference find the same.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any, Final

from fellesjournal import fhir
from fellesjournal.kit.ids import decode, encode
from fellesjournal.national.identifiers import DNR, FHN, FNR, kind_of
from fellesjournal.packages import DEFINITIONS
from fellesjournal.record.search import SearchQuery
from fellesjournal.record.search.model import (
    Clause,
    CompositeValue,
    ReferenceValue,
    TextValue,
    Value,
    changed,
    clauses_in,
)

Name = tuple[str, str]
Key = tuple[int, int]

is_id: Final = re.compile(r"[A-Za-z0-9\-.]{1,64}").fullmatch
"""FHIR's rule for an id (datatypes.html#id)."""

_FOREIGN: Final = re.compile(r'"reference":"([A-Z][A-Za-z]+)/(?![0-9a-hjkmnp-tv-z]{15}["/])([A-Za-z0-9\-.]{1,64})["/]')
"""References in compact JSON to ids that are not of our own form: a quote inside a text has a backslash before it."""
_INSTALLED: Final = re.compile(r"pkg-([1-9][0-9]{0,17})").fullmatch
_NUMBER: Final = re.compile(r"(?<![0-9])[0-9]{11}(?![0-9])")
_REFERENCE: Final = re.compile(r"([A-Z][A-Za-z]+)/([A-Za-z0-9\-.]{1,64})(/_history/.*)?").fullmatch


def installed_number(rtype: str, id: str) -> int | None:
    """The number of an installed definition that an id stands for; None for every other id."""
    match = _INSTALLED(id) if rtype in DEFINITIONS else None
    return int(match[1]) if match else None


def is_telling(id: str) -> bool:
    """Whether a national number stands in an id."""
    numbers = _NUMBER.findall(id)
    return any(kind_of(system, number) for number in numbers for system in (FNR, DNR, FHN))


def foreign(text: str) -> list[Name]:
    """The names, in a resource's text, of what clients may have chosen ids for."""
    return [name for name in _FOREIGN.findall(text) if name[0] in fhir.TYPE_NUMBER] if "/" in text else []


def relative(body: bytes, *, base: str) -> bytes:
    """Absolute references to this server made relative: whose a resource is does not hang on how it is written."""
    prefix = base.encode()
    if prefix not in body:
        return body
    return re.sub(rb'("reference"\s*:\s*")' + re.escape(prefix), rb"\1", body)


def name_in(reference: str) -> Name | None:
    """The name in a relative reference whose id is not of our own form, else None."""
    match = _REFERENCE(reference)
    if match is None or match[1] not in fhir.TYPE_NUMBER or decode(match[2]):
        return None
    return match[1], match[2]


def id_of(rtype: str, body: str, key: Key) -> str:
    """The id that stands in a stored body: the client's own, or that of our own form."""
    start = len(rtype) + len('{"resourceType":"","id":"')
    if body.startswith('","id":"', start - 8):
        return body[start : body.index('"', start)]
    return encode(*key)


def with_own_ids(resource: dict[str, Any], text: str, known: Mapping[Name, Key]) -> dict[str, Any]:
    """The resource with its references to known names in our own form: itself when there are none.

    `text` is its JSON, in which they are looked for first. Nothing is changed in place.
    """
    if not known or not any(name in known for name in foreign(text)):
        return resource
    found: dict[str, Any] = _renamed(resource, known)
    return found


def _renamed(value: Any, known: Mapping[Name, Key]) -> Any:
    """The same value, or another one where a name in it is known: what holds none is not made anew."""
    made = value
    for key, item in value.items() if type(value) is dict else enumerate(value):
        kind = type(item)
        if kind is dict or kind is list:
            other = _renamed(item, known)
        elif key == "reference" and kind is str:
            other = _own(item, known)
        else:
            continue
        if other is not item:
            if made is value:
                made = value.copy()
            made[key] = other
    return made


def _own(reference: str, known: Mapping[Name, Key]) -> str:
    match = _REFERENCE(reference)
    key = known.get((match[1], match[2])) if match else None
    return f"{match[1]}/{encode(*key)}{match[3] or ''}" if match and key else reference


def asked_for(query: SearchQuery) -> list[Name]:
    """The names that a search asks for, by `_id` or by a reference."""
    found = [name for clause in clauses_in(query.clauses) for name in _named(clause)]
    chart = [("Patient", query.chart)] if query.chart and is_id(query.chart) and not decode(query.chart) else []
    return found + chart + [name for part in query.parts for name in asked_for(part)]


def answered(query: SearchQuery, known: Mapping[Name, Key]) -> SearchQuery:
    """The search with the rows of its names: references find what is written either way."""
    if not known:
        return query
    chart = known.get(("Patient", query.chart))
    return replace(
        query,
        clauses=tuple(changed(condition, partial(_clause, known)) for condition in query.clauses),
        parts=tuple(answered(part, known) for part in query.parts),
        chart=encode(*chart) if chart else query.chart,
    )


def _named(clause: Clause) -> list[Name]:
    if clause.type == "id":
        found = [(clause.rtype, value.text) for value in clause.values if isinstance(value, TextValue)]
        return [name for name in found if is_id(name[1]) and not decode(name[1])]
    keys = [key for value in clause.values if isinstance(value, ReferenceValue) and value.local for key in value.keys]
    parts = [part for value in clause.values if isinstance(value, CompositeValue) for part in value.parts]
    return [name for name in map(name_in, keys) if name] + [name for part in parts for name in _named(part)]


def _clause(known: Mapping[Name, Key], clause: Clause) -> Clause:
    rtype = clause.rtype if clause.type == "id" else ""
    return replace(clause, values=tuple(_value(value, known, rtype) for value in clause.values))


def _value(value: Value, known: Mapping[Name, Key], rtype: str) -> Value:
    """What names a row finds references to the row; what was written before there was such a row stays findable."""
    if isinstance(value, TextValue):
        key = known.get((rtype, value.text)) if rtype else None
        return TextValue(encode(*key)) if key else value
    if isinstance(value, CompositeValue):
        return CompositeValue(tuple(_clause(known, part) for part in value.parts))
    if not isinstance(value, ReferenceValue) or value.local is None:
        return value
    found = {key: own for key in value.keys if (own := _own(key, known)) != key}
    if not found:
        return value
    # Without a type a patient is what is most likely meant: it is the one that opens a chart.
    target = next((own for own in found.values() if own.startswith("Patient/")), next(iter(found.values())))
    return ReferenceValue((*value.keys, *found.values()), (value.local[0], target.partition("/")[2]))
