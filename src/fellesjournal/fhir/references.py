"""What a reference may name: a type that the element allows, and a place that is there.

Source: https://hl7.org/fhir/R4/references.html
"""

from __future__ import annotations

import re
from typing import Any, Final

from fellesjournal.fhir.resource_types import TYPE_NUMBER
from fellesjournal.fhir.scope import Frame, Later, here

Json = dict[str, Any]
Fault = tuple[str, str]
"""Issue code and what is wrong."""

_CORE: Final = "http://hl7.org/fhir/StructureDefinition/"
_ADDRESS: Final = re.compile(
    r"https?://(?:[^?#]*/)?([A-Z][A-Za-z]+)/[A-Za-z0-9\-.]{1,64}(?:/_history/[A-Za-z0-9\-.]{1,64})?"
).fullmatch
_LIKE_A_TYPE: Final = re.compile(r"([A-Z][A-Za-z]{1,60})/[A-Za-z0-9\-.]{1,64}(?:/_history/[0-9]+)?").fullmatch
_MAX_ADDRESS: Final = 2_000


def is_inside(text: str) -> bool:
    """Tell whether a reference is into its own document: a contained resource, or another entry of a Bundle."""
    return text.startswith(("#", "urn:"))


def fault_of(reference: Json, targets: frozenset[str]) -> Fault | None:
    """Tell what is wrong with a Reference as far as it says its type itself; None when nothing is.

    `targets` are the types that the element allows, empty for any.
    """
    text, type_ = reference.get("reference"), _type_named(reference.get("type"))
    said = _type_in(text) if type(text) is str else ""
    if said and said not in TYPE_NUMBER:
        return "value", "this refers to a resource type that R4 does not have"
    if said and type_ and said != type_:
        return "value", "type and reference name different resource types"
    if said and str(text).startswith(f"{said}?") and not _is_sent_in_bundle():
        return "value", "a search stands for a reference in a Bundle alone, which resolves it as it is written"
    return _not_allowed(said or type_, targets)


def _is_sent_in_bundle() -> bool:
    frame = here.frame
    while frame is not None and frame.outer is not None:
        frame = frame.outer
    return frame is not None and frame.resource.get("resourceType") == "Bundle"


def fault_inside(later: Later, known: dict[str, str]) -> Fault | None:
    """Tell what is wrong with a reference into its own document; `known` are the types of what is there."""
    found = known.get(later.text)
    if found is None:
        is_local = later.text[0] == "#"
        return ("invariant", "this refers to a contained resource that is not there (ref-1)") if is_local else None
    return _not_allowed(found, later.targets)


def places_in(frame: Frame) -> dict[str, str]:
    """Return the types of what references in a resource may name: what it contains, or the entries of a Bundle."""
    resource = frame.resource
    contained = _named(resource.get("contained"))
    places = {f"#{inner['id']}": inner["resourceType"] for inner in contained if type(inner.get("id")) is str}
    places["#"] = resource["resourceType"]
    if resource["resourceType"] == "Bundle":
        entries = resource.get("entry")
        for entry in entries if type(entries) is list else ():
            inner = _named([entry.get("resource")]) if type(entry) is dict else []
            if inner and type(entry.get("fullUrl")) is str:
                places[entry["fullUrl"]] = inner[0]["resourceType"]
    return places


def _named(resources: Any) -> list[Json]:
    """Keep what is a resource: the slow path comes here with any JSON."""
    found = resources if type(resources) is list else []
    return [one for one in found if type(one) is dict and type(one.get("resourceType")) is str]


def _type_in(text: str) -> str:
    """Return the type that a literal reference names, "" when it does not say."""
    start = text.partition("/")[0].partition("?")[0]
    if start in TYPE_NUMBER:
        return start
    if match := _LIKE_A_TYPE(text):
        return match[1]
    match = _ADDRESS(text) if len(text) <= _MAX_ADDRESS else None
    return match[1] if match and match[1] in TYPE_NUMBER else ""


def _type_named(type_: Any) -> str:
    """Return the resource type in `Reference.type`, "" for another type (a logical model's) and for none."""
    name = type_.removeprefix(_CORE) if type(type_) is str else ""
    return name if name in TYPE_NUMBER else ""


def _not_allowed(said: str, targets: frozenset[str]) -> Fault | None:
    if not said or not targets or said in targets:
        return None
    return "value", f"this may refer to {_listed(sorted(targets))}, not to {said}"


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"
