"""Answers of terminology as FHIR resources."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from fellesjournal.terminology.concept import Designation
from fellesjournal.terminology.expansion import Ask, Expansion, Shown

Json = dict[str, Any]


def expanded(head: Json, expansion: Expansion, *, ask: Ask, identifier: str, at: datetime) -> Json:
    """The ValueSet with its expansion, and without what it was made from."""
    made: Json = {"identifier": identifier, "timestamp": at.isoformat(timespec="seconds")}
    if expansion.total is not None:
        made["total"] = expansion.total
    if ask.offset or ask.count is not None:
        made["offset"] = ask.offset
    used = dict.fromkeys(f"{one.system}|{one.version}" for one in expansion.shown if one.version)
    warned = [{"name": "warning-fragment", "valueUri": canonical} for canonical in dict.fromkeys(expansion.partly)]
    made["parameter"] = [*_parameters(ask), *({"name": "version", "valueUri": one} for one in used), *warned]
    contains = _nested(expansion.shown, ask) if ask.is_nested else [_contained(one, ask) for one in expansion.shown]
    if contains:
        made["contains"] = contains
    return {"resourceType": "ValueSet", "status": "active", **head, "expansion": made}


def _parameters(ask: Ask) -> list[Json]:
    """What was asked for, as far as it shapes the answer."""
    found: list[Json] = [{"name": "filter", "valueString": ask.filter}] if ask.filter else []
    if ask.languages:
        found.append({"name": "displayLanguage", "valueCode": ask.languages[0]})
    if ask.is_active_only:
        found.append({"name": "activeOnly", "valueBoolean": True})
    if ask.is_selectable_only:
        found.append({"name": "excludeNotForUI", "valueBoolean": True})
    if ask.has_designations:
        found.append({"name": "includeDesignations", "valueBoolean": True})
    return [*found, {"name": "excludeNested", "valueBoolean": not ask.is_nested}]


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
