"""What a person reads of a code or a reference: rows for `:text`, and for sorting by it.

A concept without any text is sorted by its codes: those rows have the code in `string_exact`, and `:text` leaves them
out. Labels and tags have no such rows: they are for machines, and a row on every resource is dear.
"""

from __future__ import annotations

from functools import lru_cache

from fellesjournal.fhir.index_rows import Sink
from fellesjournal.fhir.keys import TEXTLESS, fold, param_id
from fellesjournal.fhir.resource_types import RESOURCE_TYPES
from fellesjournal.fhir.search_params import COMBINED
from fellesjournal.fhir.spans import Json, Params

_WITHOUT = frozenset(
    [param_id("Observation", code) for code in COMBINED]
    + [param_id(rtype, code) for rtype in RESOURCE_TYPES for code in TEXTLESS]
)


def with_texts(params: Params) -> Params:
    """Leave out the parameters whose texts are kept under others, or not at all."""
    return tuple(p for p in params if p not in _WITHOUT)


def write_coding_text(value: Json, params: Params, sink: Sink) -> None:
    """Write what a Coding is called."""
    _write(_names(value.get("display"), value.get("code")), params, sink)


def write_concept_texts(value: Json, params: Params, sink: Sink) -> None:
    """Write what a CodeableConcept is called, each text once."""
    pairs = [part for c in value.get("coding", ()) for part in (c.get("display"), c.get("code"))]
    _write(_names(value.get("text"), None, *pairs), params, sink)


def write_text(text: str | None, params: Params, sink: Sink) -> None:
    """Write one text, if there is one."""
    if text:
        _write(_names(text), params, sink)


@lru_cache(maxsize=8192)
def _names(*pairs: str | None) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the rows of texts and codes in turn: (`string_v`, `string_exact`)."""
    folded = {fold(text): "" for text in pairs[::2] if text}
    folded = folded or {fold(code): code for code in pairs[1::2] if code}
    return tuple(folded), tuple(folded.values())


def _write(names: tuple[tuple[str, ...], tuple[str, ...]], params: Params, sink: Sink) -> None:
    rows = sink.rows
    for param in params:
        rows.string_param.extend([param] * len(names[0]))
        rows.string_v.extend(names[0])
        rows.string_exact.extend(names[1])
