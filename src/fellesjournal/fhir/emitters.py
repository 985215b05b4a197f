"""One closure for each pair of search type and FHIR type: turns a value into index rows.

A closure writes the rows of all parameters that stand at the same place (`code` and `combo-code`) at once.
Values are those of a validated resource. A value whose size no index can hold (an absurd number) makes
no row.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Final

from fellesjournal.fhir import spans
from fellesjournal.fhir.composite import Part, write_rows
from fellesjournal.fhir.index_rows import Sink
from fellesjournal.fhir.keys import (
    Hash64,
    canonical_keys,
    fold,
    identifier_key,
    of_type_key,
    reference_key,
    token_keys,
    uri_key,
)
from fellesjournal.fhir.primitives import CHECKS
from fellesjournal.fhir.resource_types import TYPE_NUMBER
from fellesjournal.fhir.spans import Emit, Json, Params
from fellesjournal.fhir.texts import with_texts, write_coding_text, write_concept_texts, write_text

MIXED: Final = "token beside codings"
"""The search type of plain values in a token parameter that has values with systems of their own too."""

_NAME_PARTS: Final = ("text", "family", "given", "prefix", "suffix")
_ADDRESS_PARTS: Final = ("text", "line", "city", "district", "state", "postalCode", "country")
_REMEMBERED: Final = 512


def emitter(kind: str, *, type_name: str, params: Params, rank: int | None = None) -> Emit | None:
    """Return the closure for a search type and a FHIR type, or None where the pair makes no rows.

    `rank` marks a reference that puts the resource into a patient's compartment; the lowest names the owner.
    """
    if kind == "reference" and type_name == "Reference":
        return _reference(params, rank)
    make = _MAKERS.get((kind, type_name))
    return make(params) if make else None


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
    write, texts = _token_writer(params), with_texts(params)

    def emit(value: Json, sink: Sink) -> None:
        write(sink, value.get("system"), value.get("code"))
        write_coding_text(value, texts, sink)

    return emit


def _concept(params: Params) -> Emit:
    write, texts = _token_writer(params), with_texts(params)

    def emit(value: Json, sink: Sink) -> None:
        for coding in value.get("coding", ()):
            write(sink, coding.get("system"), coding.get("code"))
        write_concept_texts(value, texts, sink)

    return emit


def _contact_point(params: Params) -> Emit:
    write = _token_writer(params)
    return lambda v, sink: write(sink, v.get("system"), v.get("value"))


def _identifier(params: Params) -> Emit:
    write = _token_writer(params)

    def emit(value: Json, sink: Sink) -> None:
        write(sink, value.get("system"), value.get("value"))
        kind = value.get("type")
        if kind is not None:
            write_text(kind.get("text"), params, sink)
            _write_of_type(kind, value.get("value"), params, sink)

    return emit


def _write_of_type(kind: Json, value: str | None, params: Params, sink: Sink) -> None:
    """An identifier by its type and value: in the type's system, and in any."""
    codings = [c for c in kind.get("coding", ()) if "code" in c] if value else []
    for system, code in dict.fromkeys((s, c["code"]) for c in codings for s in (c.get("system"), None)):
        for param in params:
            sink.rows.token_param.append(param)
            sink.rows.token_h.append(sink.hash64(of_type_key(param, system=system, code=code, value=value or "")))


def _plain_token(params: Params) -> Emit:
    """A code without a system of its own is stored once; search knows which systems it implies."""

    @lru_cache(maxsize=_REMEMBERED)
    def hashes(hash64: Hash64, code: str) -> tuple[int, ...]:
        return tuple(hash64(token_keys(p, system=None, code=code)[0]) for p in params)

    def emit(value: str, sink: Sink) -> None:
        sink.rows.token_param.extend(params)
        sink.rows.token_h.extend(hashes(sink.hash64, value))

    return emit


def _own_system(params: Params) -> Emit:
    """A uri beside Codings in the same parameter is a token that says no system."""
    write = _token_writer(params)
    return lambda v, sink: write(sink, None, v)


def boolean_emitter(params: Params) -> Emit:
    """Return the closure for true and false."""
    return _boolean_of(_plain_token(params))


def _boolean_of(emit: Emit) -> Emit:
    return lambda v, sink: emit("true" if v else "false", sink)


@lru_cache(maxsize=8192)
def local_target(reference: str) -> str | None:
    """Return "Type/id" of a reference to a resource of this server (relative, version left out), else
    None.
    """
    parts = reference.split("/")
    is_versioned = len(parts) == 4 and parts[2] == "_history"
    if parts[0] not in TYPE_NUMBER or not (len(parts) == 2 or is_versioned) or not CHECKS["id"](parts[1]):
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
        write_text(value.get("display"), params, sink)

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


def _canonical_uri(params: Params) -> Emit:
    """A canonical in a uri parameter (`_profile`) is found with its version and without."""
    write = _uri(params)

    def emit(value: str, sink: Sink) -> None:
        for key in canonical_keys(value):
            write(key, sink)

    return emit


def _place(params: Params) -> Emit:
    """A position stands in a row of its own, latitude in `lo` and longitude in `hi`: `near` asks for both at once."""

    def emit(value: Json, sink: Sink) -> None:
        span = float(value["latitude"]), float(value["longitude"])
        for param in params:
            write_rows(param, [[Part(span=span)]], sink)

    return emit


_TEXTS: Final = ("string", "markdown")
_URIS: Final = ("uri", "url", "canonical", "oid", "uuid")
_QUANTITIES: Final = ("Quantity", "Age", "Duration", "Count", "Distance")

_MAKERS: Final[dict[tuple[str, str], Callable[[Params], Emit]]] = {
    **{(kind, "Coding"): _coding for kind in ("token", MIXED)},
    **{(kind, "CodeableConcept"): _concept for kind in ("token", MIXED)},
    **{(kind, "Identifier"): _identifier for kind in ("token", MIXED)},
    **{(kind, "ContactPoint"): _contact_point for kind in ("token", MIXED)},
    ("token", "boolean"): boolean_emitter,
    **{("token", t): _plain_token for t in ("code", "id", *_TEXTS, *_URIS)},
    **{(MIXED, t): _own_system for t in ("code", "id", *_TEXTS, *_URIS)},
    (MIXED, "boolean"): lambda params: _boolean_of(_own_system(params)),
    **{("reference", t): _canonical for t in _URIS},
    ("reference", "Resource"): _inline_resource,
    **{("date", t): spans.date_emitter for t in ("date", "dateTime", "instant")},
    ("date", "Period"): spans.period_emitter,
    ("date", "Timing"): spans.timing_emitter,
    **{("quantity", t): spans.quantity_emitter for t in _QUANTITIES},
    ("quantity", "Money"): spans.money_emitter,
    **{(kind, "Range"): spans.range_emitter for kind in ("quantity", "number")},
    **{("number", t): spans.number_emitter for t in ("decimal", "integer", "positiveInt", "unsignedInt")},
    **{("string", t): _string for t in (*_TEXTS, "code", "uri")},
    ("string", "HumanName"): _parts(_NAME_PARTS),
    ("string", "Address"): _parts(_ADDRESS_PARTS),
    **{("uri", t): _uri for t in _URIS if t != "canonical"},
    ("uri", "canonical"): _canonical_uri,
    ("special", "Location.position"): _place,
}
