"""A part of a resource, as `_summary` and `_elements` ask for it; marked SUBSETTED, so that nobody takes it for whole.

Source: https://hl7.org/fhir/R4/search.html#summary and #elements
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import cache
from typing import Any, Final, Literal

from fellesjournal.fhir.structures import Field, Structure, is_primitive, is_resource, structure

Json = dict[str, Any]
Summary = Literal["", "true", "text", "data", "count", "false"]

SUMMARIES: Final[tuple[Summary, ...]] = ("true", "text", "data", "count", "false")
SUBSETTED: Final = {"system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue", "code": "SUBSETTED"}
_ALWAYS: Final = frozenset({"id", "meta", "implicitRules", "modifierExtension"})
"""What a reader needs whatever it asked for: which resource, which version, what changes its meaning."""

Keep = Callable[[Field], bool]


def subset(resource: Json, *, summary: Summary = "", elements: Collection[str] = ()) -> Json:
    """Return what is asked for of a valid R4 resource, with the mandatory elements; the resource itself when that is
    all of it.

    `elements` are names of elements on the top level (`value` for any value[x]), or `Type.name` for one type alone:
    where none of them is for this type, all of it is kept. With both, an element must be in both.
    Raises KeyError for what is no R4 resource.
    """
    rtype = resource["resourceType"]
    shape = structure(rtype)
    kept = resource
    if summary == "true":
        kept = _in_summary(kept, shape)
    elif summary == "text":
        kept = _only(kept, shape, _is_text)
    elif summary == "data":
        kept = {key: value for key, value in kept.items() if key != "text"}
    named = _names(rtype, elements)
    if named:
        kept = _only(kept, shape, lambda field: field.name in named or field.key in named)
    return resource if kept is resource else _marked(kept)


def is_subset(resource: Json) -> bool:
    """Tell whether a valid resource says that it is a part of another."""
    tags = resource.get("meta", {}).get("tag", ())
    return any(tag.get("code") == SUBSETTED["code"] and tag.get("system") == SUBSETTED["system"] for tag in tags)


def _only(resource: Json, shape: Structure, keep: Keep) -> Json:
    """Keep whole elements of the top level."""
    wanted = _keys(shape, lambda field: field.required or field.name in _ALWAYS or keep(field))
    return {key: value for key, value in resource.items() if key == "resourceType" or key.removeprefix("_") in wanted}


def _is_text(field: Field) -> bool:
    return field.name == "text"


def _names(rtype: str, elements: Collection[str]) -> set[str]:
    """Return the names that are for a type; one further down names the whole element that it is in."""
    named: set[str] = set()
    for element in elements:
        first, _, rest = element.partition(".")
        if not is_resource(first):
            named.add(first)
        elif first == rtype:
            named.add(rest.partition(".")[0])
    return {name.removesuffix("[x]") for name in named}


def _in_summary(value: Json, shape: Structure) -> Json:
    """Keep what the definitions mark, on every level; resources within are summed up by their own definitions."""
    known = _summary_fields(shape.path)
    kept: Json = {"resourceType": shape.path} if shape.is_resource else {}
    for key, item in value.items():
        field = known.get(key.removeprefix("_"))
        if field is None:
            continue
        is_whole = is_primitive(field.type) or field.type == "Extension"
        part = item if is_whole else _summed_up(item, field)
        if is_whole or part:
            kept[key] = part
    return kept


def _summed_up(item: Any, field: Field) -> Any:
    """Sum up a part; empty where nothing in it belongs in a summary."""
    if type(item) is list:
        return [part for one in item if (part := _summed_up(one, field))]
    return _in_summary(item, structure(item["resourceType"] if field.type == "Resource" else field.type))


@cache
def _summary_fields(path: str) -> dict[str, Field]:
    """Return the elements of a structure that a summary shows.

    A data type that is shown keeps its extensions: they belong to the value.
    """
    shape = structure(path)
    is_type = "." not in path and not shape.is_resource
    own = _ALWAYS | {"extension"} if is_type else _ALWAYS
    keys = _keys(shape, lambda field: field.summary or field.required or field.name in own)
    return {key: shape.fields[key] for key in keys}


def _keys(shape: Structure, keep: Keep) -> frozenset[str]:
    return frozenset(field.key for field in shape.fields.values() if keep(field))


def _marked(resource: Json) -> Json:
    """Add the tag, as the last of its kind; `meta` stays where it is, or comes first."""
    meta = dict(resource.get("meta", {}))
    others = [tag for tag in meta.get("tag", []) if tag.get("code") != SUBSETTED["code"]]
    meta["tag"] = [*others, SUBSETTED]
    if "meta" in resource:
        return {**resource, "meta": meta}
    head: Json = {key: resource[key] for key in ("resourceType", "id") if key in resource}
    return {**head, "meta": meta, **resource}
