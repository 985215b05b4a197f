"""Index rows of what has an extent: dates and periods, numbers and quantities."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from functools import lru_cache
from math import inf
from typing import Any, Final

from fellesjournal.fhir.base_units import OPEN_HIGH, OPEN_LOW, base_span, base_unit
from fellesjournal.fhir.index_rows import Sink
from fellesjournal.fhir.keys import Hash64, canonical_param, unit_key
from fellesjournal.fhir.ranges import OPEN_END, OPEN_START, Span, date_range, decimal_range

Emit = Callable[[Any, Sink], None]
Params = tuple[int, ...]
Json = dict[str, Any]

_NOTHING: Final[Json] = {}
_CURRENCY: Final = "urn:iso:std:iso:4217"


def date_emitter(params: Params) -> Emit:
    """Return the closure for a date, dateTime or instant."""

    def emit(value: str, sink: Sink) -> None:
        _write_span(sink, params, date_range(value))

    return emit


def period_emitter(params: Params) -> Emit:
    """Return the closure for a Period."""

    def emit(value: Json, sink: Sink) -> None:
        span = period_span(value)
        if span is not None:
            _write_span(sink, params, span)

    return emit


def timing_emitter(params: Params) -> Emit:
    """Return the closure for a Timing."""

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
    """Return what a Timing covers from its first to its last event, or its bounds; None where it says
    neither.
    """
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


def quantity_emitter(params: Params) -> Emit:
    """Return the closure for a Quantity and its kin."""
    in_base = tuple(canonical_param(p) for p in params)

    def emit(value: Json, sink: Sink) -> None:
        if "value" not in value:
            return
        number, comparator = value["value"], value.get("comparator")
        system, code = value.get("system"), value.get("code")
        low, high = span_of(number, comparator)
        for unit in _units(sink.hash64, system, code, value.get("unit")):
            _write_quantity(sink, params, low=low, high=high, unit=unit)
        base = base_unit(system, code)
        if base is not None:
            low, high = base_span(number, comparator, base)
            _write_quantity(sink, in_base, low=low, high=high, unit=sink.hash64(base.key))

    return emit


def money_emitter(params: Params) -> Emit:
    """Return the closure for Money: the currency is its unit."""

    def emit(value: Json, sink: Sink) -> None:
        if "value" not in value:
            return
        low, high = span_of(value["value"], None)
        currency = value.get("currency")
        for unit in _units(sink.hash64, _CURRENCY if currency else None, currency, None):
            _write_quantity(sink, params, low=low, high=high, unit=unit)

    return emit


def range_emitter(params: Params) -> Emit:
    """Return the closure for a Range: it is as wide as its ends; its units are those of the first end."""
    in_base = tuple(canonical_param(p) for p in params)

    def emit(value: Json, sink: Sink) -> None:
        first = range_unit(value)
        if first is None:
            return
        low, high = range_span(value)
        for unit in _units(sink.hash64, first.get("system"), first.get("code"), first.get("unit")):
            _write_quantity(sink, params, low=low, high=high, unit=unit)
        span = range_base_span(value)
        if span is not None:
            key, low, high = span
            _write_quantity(sink, in_base, low=low, high=high, unit=sink.hash64(key))

    return emit


def range_unit(value: Json) -> Json | None:
    """Return the first end of a Range that says a number; None without one."""
    return next((value[key] for key in ("low", "high") if "value" in value.get(key, _NOTHING)), None)


def range_span(value: Json) -> tuple[float, float]:
    """Return what a Range covers; infinite where an end is missing."""
    low, high = value.get("low", _NOTHING), value.get("high", _NOTHING)
    return (
        span_of(low["value"], None)[0] if "value" in low else -inf,
        span_of(high["value"], None)[1] if "value" in high else inf,
    )


def range_base_span(value: Json) -> tuple[str, float, float] | None:
    """Return a Range in base units, with their key; None where its ends have none, or different ones."""
    found: dict[str, tuple[str, tuple[float, float]]] = {}
    for name in ("low", "high"):
        end = value.get(name, _NOTHING)
        if "value" in end:
            base = base_unit(end.get("system"), end.get("code"))
            if base is None:
                return None
            found[name] = base.key, base_span(end["value"], None, base)
    if len({key for key, _ in found.values()}) != 1:
        return None
    low = found["low"][1][0] if "low" in found else -inf
    high = found["high"][1][1] if "high" in found else inf
    return next(iter(found.values()))[0], low, high


def number_emitter(params: Params) -> Emit:
    """Return the closure for a plain number: unit 0."""

    def emit(value: Decimal | int, sink: Sink) -> None:
        low, high = span_of(value, None)
        _write_quantity(sink, params, low=low, high=high, unit=0)

    return emit


def span_of(value: Decimal | int, comparator: str | None) -> tuple[float, float]:
    """Return [low, high) of a stored number in its own unit. Raises ValueError for an absurd one."""
    return _span_of(str(value), comparator)


@lru_cache(maxsize=16384)
def _span_of(text: str, comparator: str | None) -> tuple[float, float]:
    value = Decimal(text)
    if comparator is None:
        return decimal_range(value)
    exact = float(value)
    if comparator in OPEN_LOW:
        return -inf, exact
    return (exact, inf) if comparator in OPEN_HIGH else decimal_range(value)


@lru_cache(maxsize=2048)
def _units(hash64: Hash64, system: str | None, code: str | None, text: str | None) -> tuple[int, ...]:
    """Hash every way in which a unit may be asked for; (0,) for none. A UCUM code is asked for in base units."""
    keys = [unit_key(system, code)] if system and code and base_unit(system, code) is None else []
    keys += [unit_key(None, name) for name in (code, text) if name]
    return tuple(hash64(key) for key in dict.fromkeys(keys)) or (0,)


def _write_quantity(sink: Sink, params: Params, *, low: float, high: float, unit: int) -> None:
    rows = sink.rows
    for param in params:
        rows.quantity_param.append(param)
        rows.quantity_lo.append(low)
        rows.quantity_hi.append(high)
        rows.quantity_unit.append(unit)
