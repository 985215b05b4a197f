"""Answers of terminology as FHIR resources."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from fellesjournal.terminology.concept import Designation
from fellesjournal.terminology.expansion import Ask, Expansion, Shown

Json = dict[str, Any]

_KEPT = (
    "id", "url", "identifier", "version", "name", "title", "status", "experimental", "date", "publisher", "purpose",
    "copyright", "language",
)  # fmt: skip
"""What an expanded value set keeps of its resource."""


def expanded(
    resource: Json, expansion: Expansion, *, ask: Ask, identifier: str, at: datetime, parameters: Sequence[Json]
) -> Json:
    """The ValueSet with its expansion, and without what it was made from."""
    kept = {name: resource[name] for name in _KEPT if name in resource}
    made: Json = {"identifier": identifier, "timestamp": at.isoformat(timespec="seconds")}
    if expansion.total is not None:
        made["total"] = expansion.total
    if ask.offset or ask.count is not None:
        made["offset"] = ask.offset
    used = dict.fromkeys(f"{one.system}|{one.version}" for one in expansion.shown if one.version)
    warned = [{"name": "warning-fragment", "valueUri": canonical} for canonical in dict.fromkeys(expansion.partly)]
    told = [*parameters, *({"name": "version", "valueUri": one} for one in used), *warned]
    if told:
        made["parameter"] = told
    contains = _nested(expansion.shown, ask) if ask.is_nested else [_contained(one, ask) for one in expansion.shown]
    if contains:
        made["contains"] = contains
    return {"resourceType": "ValueSet", "status": "active", **kept, "expansion": made}


def designation(one: Designation) -> Json:
    """A designation, as CodeSystem and ValueSet write it."""
    written: Json = {"language": one.language} if one.language else {}
    if one.use:
        written["use"] = one.use
    return {**written, "value": one.value}


def _nested(shown: Iterable[Shown], ask: Ask) -> list[Json]:
    """Every code inside the nearest that stands above it on the page; of several parents the first."""
    top: list[Json] = []
    placed: dict[tuple[int, int], Json] = {}
    rows = list(shown)
    for one in rows:
        placed[one.part, one.concept.n] = _contained(one, ask)
    for one in rows:
        written = placed[one.part, one.concept.n]
        above = next((placed[one.part, n] for n in one.concept.parents if (one.part, n) in placed), None)
        (top if above is None else above.setdefault("contains", [])).append(written)
    return top


def _contained(one: Shown, ask: Ask) -> Json:
    concept = one.concept
    written: Json = {"system": one.system} if one.system else {}
    if concept.is_abstract:
        written["abstract"] = True
    if concept.is_inactive:
        written["inactive"] = True
    if one.version:
        written["version"] = one.version
    written["code"] = concept.code
    if one.display:
        written["display"] = one.display
    if ask.has_designations and concept.designations:
        written["designation"] = [designation(text) for text in concept.designations]
    return written
