"""One closure for each pair of search type and FHIR type: turns a value into index rows.

A closure writes the rows of all parameters that stand at the same place (`code` and `combo-code`) at once.
Values are those of a validated resource. A value whose size no index can hold (an absurd number) makes no row.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from functools import lru_cache
from math import inf
from typing import Any, Final

from fellesjournal.fhir.index_rows import Sink
from fellesjournal.fhir.keys import (
    Hash64,
    canonical_keys,
    fold,
    identifier_key,
    reference_key,
    token_keys,
    unit_key,
    uri_key,
)
from fellesjournal.fhir.ranges import OPEN_END, OPEN_START, Span, date_range, decimal_range
from fellesjournal.fhir.resource_types import TYPE_NUMBER

Emit = Callable[[Any, Sink], None]
Params = tuple[int, ...]
Json = dict[str, Any]

_NAME_PARTS: Final = ("text", "family", "given", "prefix", "suffix")
_ADDRESS_PARTS: Final = ("text", "line", "city", "district", "state", "postalCode", "country")
_CURRENCY: Final = "urn:iso:std:iso:4217"
_REMEMBERED: Final = 512
_OPEN_LOW: Final = frozenset({"<", "<="})
_OPEN_HIGH: Final = frozenset({">", ">="})


def emitter(kind: str, *, type_name: str, params: Params, rank: int | None = None) -> Emit | None:
    """Return the closure for a search type and a FHIR type, or None where the pair makes no rows.

    `rank` marks a reference that puts the resource into a patient's compartment; the lowest names the owner.
    """
    if kind == "reference" and type_name == "Reference":
        return _reference(params, rank)
    make = _MAKERS.get((kind, type_name))
    return make(params) if make else None


def emit_token(params: Params, *, system: str | None, code: str) -> Callable[[Sink], None]:
    """Return a closure that writes one fixed token."""
    write = _token_writer(params)
    return lambda sink: write(sink, system, code)


def _token_writer(params: Params) -> Callable[[Sink, str | None, str | None], None]:
    @lru_cache(maxsize=_REMEMBERED)
    def rows(hash64: Hash64, system: str | None, code: str | None) -> tuple[Params, tuple[int, ...]]:
        keyed = [(p, hash64(key)) for p in params for key in token_keys(p, system=system, code=code)]
        return tuple(p for p, _ in keyed), tuple(h for _, h in keyed)

    def write(sink: Sink, system: str | None, code: str | None) -> None:
        owners, hashes = rows(sink.hash64, system, code)
        sink.rows.token_param.extend(owners)
        sink.rows.token_h.extend(hashes)

    return write


def _coding(params: Params) -> Emit:
    write = _token_writer(params)
    return lambda v, sink: write(sink, v.get("system"), v.get("code"))


def _concept(params: Params) -> Emit:
    write = _token_writer(params)

    def emit(value: Json, sink: Sink) -> None:
        for coding in value.get("coding", ()):
            write(sink, coding.get("system"), coding.get("code"))

    return emit


def _identifier(params: Params) -> Emit:
    write = _token_writer(params)
    return lambda v, sink: write(sink, v.get("system"), v.get("value"))


def _plain_token(params: Params) -> Emit:
    """A code without a system of its own is stored once; search knows which systems it implies."""

    @lru_cache(maxsize=_REMEMBERED)
    def hashes(hash64: Hash64, code: str) -> tuple[int, ...]:
        return tuple(hash64(token_keys(p, system=None, code=code)[0]) for p in params)

    def emit(value: str, sink: Sink) -> None:
        sink.rows.token_param.extend(params)
        sink.rows.token_h.extend(hashes(sink.hash64, value))

    return emit


def _boolean(params: Params) -> Emit:
    emit = _plain_token(params)
    return lambda v, sink: emit("true" if v else "false", sink)


@lru_cache(maxsize=8192)
def local_target(reference: str) -> str | None:
    """Return "Type/id" of a reference to a resource of this server (relative, version left out), else None."""
    parts = reference.split("/")
    is_versioned = len(parts) == 4 and parts[2] == "_history"
    if parts[0] not in TYPE_NUMBER or not (len(parts) == 2 or is_versioned) or not parts[1] or "?" in parts[1]:
        return None
    return f"{parts[0]}/{parts[1]}"


def _reference(params: Params, rank: int | None) -> Emit:
    def emit(value: Json, sink: Sink) -> None:
        text = value.get("reference")
        if text is not None and text[0] != "#":
            target = local_target(text)
            _write_reference(sink, params, key=target or reference_key(text), target=target)
            if rank is not None and target is not None and target.startswith("Patient/"):
                sink.named.append((rank, target))
        identifier = value.get("identifier")
        if identifier is not None and "value" in identifier:
            key = identifier_key(identifier.get("system"), identifier["value"])
            _write_reference(sink, params, key=key, target=None)

    return emit


def _write_reference(sink: Sink, params: Params, *, key: str, target: str | None) -> None:
    rows = sink.rows
    hashed = sink.hash64(key)
    for param in params:
        rows.reference_param.append(param)
        rows.reference_h.append(hashed)
        rows.reference_target.append(target)


def _canonical(params: Params) -> Emit:
    def emit(value: str, sink: Sink) -> None:
        for key in canonical_keys(value):
            _write_reference(sink, params, key=key, target=local_target(key))

    return emit


def _inline_resource(params: Params) -> Emit:
    """A resource that stands in place (a bundle's composition) is referred to by its type and id."""

    def emit(value: Json, sink: Sink) -> None:
        if "id" in value:
            target = f"{value['resourceType']}/{value['id']}"
            _write_reference(sink, params, key=target, target=target)

    return emit


def _date(params: Params) -> Emit:
    def emit(value: str, sink: Sink) -> None:
        _write_span(sink, params, date_range(value))

    return emit


def _period(params: Params) -> Emit:
    def emit(value: Json, sink: Sink) -> None:
        span = period_span(value)
        if span is not None:
            _write_span(sink, params, span)

    return emit


def _timing(params: Params) -> Emit:
    def emit(value: Json, sink: Sink) -> None:
        span = timing_span(value)
        if span is not None:
            _write_span(sink, params, span)

    return emit


def period_span(value: Json) -> Span | None:
    """Return what a Period covers, open ends far away; None for one with neither start nor end."""
    start, end = value.get("start"), value.get("end")
    if start is None and end is None:
        return None
    return (date_range(start)[0] if start else OPEN_START), (date_range(end)[1] if end else OPEN_END)


def timing_span(value: Json) -> Span | None:
    """Return what a Timing covers from its first to its last event, or its bounds; None where it says neither."""
    spans = [date_range(e) for e in value.get("event", ()) if e is not None]
    bounds = period_span(value.get("repeat", {}).get("boundsPeriod", {}))
    spans += [bounds] if bounds else []
    return (min(s[0] for s in spans), max(s[1] for s in spans)) if spans else None


def _write_span(sink: Sink, params: Params, span: Span) -> None:
    rows = sink.rows
    for param in params:
        rows.date_param.append(param)
        rows.date_lo.append(span[0])
        rows.date_hi.append(span[1])


def _quantity(params: Params) -> Emit:
    def emit(value: Json, sink: Sink) -> None:
        if "value" not in value:
            return
        low, high = _span_of(value["value"], value.get("comparator"))
        for unit in _units(sink.hash64, value.get("system"), value.get("code"), value.get("unit")):
            _write_quantity(sink, params, low=low, high=high, unit=unit)

    return emit


def _money(params: Params) -> Emit:
    def emit(value: Json, sink: Sink) -> None:
        if "value" not in value:
            return
        low, high = _span_of(value["value"], None)
        currency = value.get("currency")
        for unit in _units(sink.hash64, _CURRENCY if currency else None, currency, None):
            _write_quantity(sink, params, low=low, high=high, unit=unit)

    return emit


def _range(params: Params) -> Emit:
    """A Range is as wide as its ends; its units are those of either end."""

    def emit(value: Json, sink: Sink) -> None:
        ends = [value[key] for key in ("low", "high") if "value" in value.get(key, {})]
        if not ends:
            return
        low = _span_of(value["low"]["value"], None)[0] if "value" in value.get("low", {}) else -inf
        high = _span_of(value["high"]["value"], None)[1] if "value" in value.get("high", {}) else inf
        for unit in _units(sink.hash64, ends[0].get("system"), ends[0].get("code"), ends[0].get("unit")):
            _write_quantity(sink, params, low=low, high=high, unit=unit)

    return emit


def _number(params: Params) -> Emit:
    def emit(value: Decimal | int, sink: Sink) -> None:
        low, high = _span_of(value, None)
        _write_quantity(sink, params, low=low, high=high, unit=0)

    return emit


def _span_of(value: Decimal | int, comparator: str | None) -> tuple[float, float]:
    if comparator is None:
        return decimal_range(value)
    exact = float(value)
    if comparator in _OPEN_LOW:
        return -inf, exact
    return (exact, inf) if comparator in _OPEN_HIGH else decimal_range(value)


@lru_cache(maxsize=2048)
def _units(hash64: Hash64, system: str | None, code: str | None, text: str | None) -> tuple[int, ...]:
    """Hash every way in which a unit may be asked for; (0,) for none."""
    keys = [unit_key(system, code)] if system and code else []
    keys += [unit_key(None, name) for name in (code, text) if name]
    return tuple(hash64(key) for key in dict.fromkeys(keys)) or (0,)


def _write_quantity(sink: Sink, params: Params, *, low: float, high: float, unit: int) -> None:
    rows = sink.rows
    for param in params:
        rows.quantity_param.append(param)
        rows.quantity_lo.append(low)
        rows.quantity_hi.append(high)
        rows.quantity_unit.append(unit)


def _string(params: Params) -> Emit:
    return lambda v, sink: _write_text(sink, params, v)


def _parts(names: tuple[str, ...]) -> Callable[[Params], Emit]:
    """A name or an address is found by any of its parts."""

    def make(params: Params) -> Emit:
        def emit(value: Json, sink: Sink) -> None:
            texts: dict[str, None] = {}
            for name in names:
                part = value.get(name)
                if type(part) is str:
                    texts[part] = None
                elif part is not None:
                    texts.update(dict.fromkeys(p for p in part if p is not None))
            for text in texts:
                _write_text(sink, params, text)

        return emit

    return make


def _write_text(sink: Sink, params: Params, text: str) -> None:
    rows = sink.rows
    folded = fold(text)
    for param in params:
        rows.string_param.append(param)
        rows.string_v.append(folded)
        rows.string_exact.append(text)


def _uri(params: Params) -> Emit:
    def emit(value: str, sink: Sink) -> None:
        key = uri_key(value)
        for param in params:
            sink.rows.uri_param.append(param)
            sink.rows.uri_v.append(key)

    return emit


_TEXTS: Final = ("string", "markdown")
_URIS: Final = ("uri", "url", "canonical", "oid", "uuid")
_QUANTITIES: Final = ("Quantity", "Age", "Duration", "Count", "Distance")

_MAKERS: Final[dict[tuple[str, str], Callable[[Params], Emit]]] = {
    ("token", "Coding"): _coding,
    ("token", "CodeableConcept"): _concept,
    ("token", "Identifier"): _identifier,
    ("token", "ContactPoint"): _identifier,
    ("token", "boolean"): _boolean,
    **{("token", t): _plain_token for t in ("code", "id", *_TEXTS, *_URIS)},
    **{("reference", t): _canonical for t in _URIS},
    ("reference", "Resource"): _inline_resource,
    **{("date", t): _date for t in ("date", "dateTime", "instant")},
    ("date", "Period"): _period,
    ("date", "Timing"): _timing,
    **{("quantity", t): _quantity for t in _QUANTITIES},
    ("quantity", "Money"): _money,
    **{(kind, "Range"): _range for kind in ("quantity", "number")},
    **{("number", t): _number for t in ("decimal", "integer", "positiveInt", "unsignedInt")},
    **{("string", t): _string for t in (*_TEXTS, "code", "uri")},
    ("string", "HumanName"): _parts(_NAME_PARTS),
    ("string", "Address"): _parts(_ADDRESS_PARTS),
    **{("uri", t): _uri for t in _URIS},
}
