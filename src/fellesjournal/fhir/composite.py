"""Rows of composite parameters: one for each combination of values that stand together in one group.

A token is (h, hs, hy): its code in any system, in its own, and the system alone. The columns of a row are taken in
the order of the components: a token or a reference first in h, else in h2 (as units are: the code in any system, in
its own, the unit's text); numbers in lo and hi, then in lo2 and hi2; dates in dlo and dhi; a string in v.
Quantities in units that UCUM knows stand in base units too, under `keys.canonical_param`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from functools import lru_cache
from itertools import product
from typing import Any, Final, NamedTuple

from fellesjournal.fhir import spans
from fellesjournal.fhir.base_units import base_span, base_unit
from fellesjournal.fhir.index_rows import CompositeRow, Sink
from fellesjournal.fhir.keys import (
    Hash64,
    canonical_keys,
    canonical_param,
    code_key,
    fold,
    no_system_key,
    reference_key,
    system_code_key,
    system_key,
    unit_key,
)
from fellesjournal.fhir.ranges import Span, date_range, decimal_range
from fellesjournal.fhir.spans import Json

ANY_PARAM: Final = 0
"""Tokens of composites are hashed as if of one parameter: some parameters share their groups."""

Hashes = tuple[int | None, int | None, int | None]
NO_HASHES: Final[Hashes] = (None, None, None)
_NO_SPAN: Final = (None, None)


class Part(NamedTuple):
    """One value of a component, in the columns that it takes."""

    hashes: Hashes = NO_HASHES
    span: tuple[float, float] | None = None
    dates: Span | None = None
    text: str | None = None
    in_base: bool = False


Reader = Callable[[Any, Hash64], Iterator[Part]]
"""The parts of one value."""


def reader(kind: str, type_name: str) -> Reader | None:
    """Return the reader for a component's search type and a FHIR type; None where the pair has no values."""
    return _READERS.get((kind, type_name))


def write_rows(param: int, values: list[list[Part]], sink: Sink) -> None:
    """Add a row for each combination of the components' values (each in its order)."""
    for parts in product(*values):
        in_base = any(part.in_base for part in parts)
        sink.rows.composite_row.append(_row(canonical_param(param) if in_base else param, parts))


def _row(param: int, parts: tuple[Part, ...]) -> CompositeRow:
    hashes = [*(part.hashes for part in parts if part.hashes is not NO_HASHES), NO_HASHES, NO_HASHES]
    (h, hs, hy), (h2, h2s, h2y) = hashes[0], hashes[1]
    numbers = [*(part.span for part in parts if part.span is not None), None, None]
    (lo, hi), (lo2, hi2) = numbers[0] or _NO_SPAN, numbers[1] or _NO_SPAN
    dlo, dhi = next((part.dates for part in parts if part.dates is not None), _NO_SPAN)
    text = next((part.text for part in parts if part.text is not None), None)
    return CompositeRow(param, h, hs, hy, h2, h2s, h2y, lo, hi, lo2, hi2, dlo, dhi, text)


@lru_cache(maxsize=4096)
def token_hashes(hash64: Hash64, system: str | None, code: str | None) -> Hashes:
    """Return what a token is found by: its code, its code in its system, its system."""
    by_system = hash64(system_key(ANY_PARAM, system)) if system else None
    if not code:
        return None, None, by_system
    own = system_code_key(ANY_PARAM, system, code) if system else no_system_key(ANY_PARAM, code)
    return hash64(code_key(ANY_PARAM, code)), hash64(own), by_system


def _token(system: str | None, code: str | None, hash64: Hash64) -> Iterator[Part]:
    if system or code:
        yield Part(token_hashes(hash64, system, code))


def _coding(value: Json, hash64: Hash64) -> Iterator[Part]:
    return _token(value.get("system"), value.get("code"), hash64)


def _concept(value: Json, hash64: Hash64) -> Iterator[Part]:
    for coding in value.get("coding", ()):
        yield from _coding(coding, hash64)


def _identifier(value: Json, hash64: Hash64) -> Iterator[Part]:
    return _token(value.get("system"), value.get("value"), hash64)


def _plain(value: str, hash64: Hash64) -> Iterator[Part]:
    return _token(None, value, hash64)


def _boolean(value: bool, hash64: Hash64) -> Iterator[Part]:  # noqa: FBT001 - the value itself
    return _token(None, "true" if value else "false", hash64)


def _reference(value: Json, hash64: Hash64) -> Iterator[Part]:
    text = value.get("reference")
    if text is not None and text[0] != "#":
        yield Part((hash64(reference_key(text)), None, None))


def _canonical(value: str, hash64: Hash64) -> Iterator[Part]:
    for key in canonical_keys(value):
        yield Part((hash64(key), None, None))


@lru_cache(maxsize=2048)
def _unit(hash64: Hash64, system: str | None, code: str | None, text: str | None) -> Hashes:
    name = code or text
    return (
        hash64(unit_key(None, name)) if name else None,
        hash64(unit_key(system, code)) if system and code and base_unit(system, code) is None else None,
        hash64(unit_key(None, text)) if text and text != name else None,
    )


def _quantity(value: Json, hash64: Hash64) -> Iterator[Part]:
    if "value" not in value:
        return
    number, comparator, system, code = value["value"], value.get("comparator"), value.get("system"), value.get("code")
    yield Part(_unit(hash64, system, code, value.get("unit")), span=spans.span_of(number, comparator))
    base = base_unit(system, code)
    if base is not None:
        yield Part((hash64(base.key), None, None), span=base_span(number, comparator, base), in_base=True)


def _range(value: Json, hash64: Hash64) -> Iterator[Part]:
    first = spans.range_unit(value)
    if first is None:
        return
    unit = _unit(hash64, first.get("system"), first.get("code"), first.get("unit"))
    yield Part(unit, span=spans.range_span(value))
    in_base = spans.range_base_span(value)
    if in_base is not None:
        yield Part((hash64(in_base[0]), None, None), span=in_base[1:], in_base=True)


def _number(value: Any, _hash64: Hash64) -> Iterator[Part]:
    yield Part(span=decimal_range(value))


def _date(value: str, _hash64: Hash64) -> Iterator[Part]:
    yield Part(dates=date_range(value))


def _of_span(span: tuple[datetime, datetime] | None) -> Iterator[Part]:
    if span is not None:
        yield Part(dates=span)


def _string(value: str, _hash64: Hash64) -> Iterator[Part]:
    yield Part(text=fold(value))


_READERS: Final[dict[tuple[str, str], Reader]] = {
    ("token", "Coding"): _coding, ("token", "CodeableConcept"): _concept,
    ("token", "Identifier"): _identifier, ("token", "ContactPoint"): _identifier, ("token", "boolean"): _boolean,
    **{("token", t): _plain for t in ("code", "id", "string", "markdown", "uri", "url", "canonical", "oid", "uuid")},
    ("reference", "Reference"): _reference,
    **{("reference", t): _canonical for t in ("uri", "url", "canonical", "oid", "uuid")},
    **{("quantity", t): _quantity for t in ("Quantity", "Age", "Duration", "Count", "Distance")},
    ("quantity", "Range"): _range,
    **{("number", t): _number for t in ("decimal", "integer", "positiveInt", "unsignedInt")},
    **{("date", t): _date for t in ("date", "dateTime", "instant")},
    ("date", "Period"): lambda value, _: _of_span(spans.period_span(value)),
    ("date", "Timing"): lambda value, _: _of_span(spans.timing_span(value)),
    **{("string", t): _string for t in ("string", "markdown", "code", "uri")},
}  # fmt: skip
