"""Invariants written by hand: those that look all over a resource, or that the official expression makes quadratic.

Each takes the element that it stands on, answers as the official expression does, and is linear in its size.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

import msgspec

from fellesjournal.fhir.fhirpath import FhirPathError, TooCostly, compile_expression
from fellesjournal.fhir.invariants.native import NotPlain
from fellesjournal.fhir.scope import current
from fellesjournal.fhir.structures import structure

Json = dict[str, Any]

_frozen = msgspec.json.Encoder(order="deterministic").encode
_REQUESTS: Final = frozenset({"batch", "transaction", "history"})
_RESPONSES: Final = frozenset({"batch-response", "transaction-response", "history"})
_CANONICAL: Final = frozenset({"canonical"})
_URIS: Final = frozenset({"canonical", "uri", "url"})
_LOW_BELOW_HIGH: Final = "low <= high"


def _contained_is_used(resource: Json) -> bool:
    """dom-3: what is contained is referred to from elsewhere, or refers to what contains it."""
    # The check has just come by most of them.
    met = {later.text for later in current().inside or ()}
    left = [c for c in resource["contained"] if f"#{c['id']}" not in met]
    if not left:
        return True
    named = _references(resource)
    left = [c for c in left if f"#{c['id']}" not in named and "#" not in _references(c)]
    # Rarely, and slowly: addresses of any kind may name what is contained.
    named = set(_texts(resource, _URIS)) if left else set()
    return all(f"#{c['id']}" in named or "#" in _texts(c, _CANONICAL) for c in left)


def _references(resource: Json) -> set[str]:
    """Every `reference` into the document itself: no element of this name is a text that says anything else."""
    found: set[str] = set()
    waiting: list[Any] = [resource]
    for item in waiting:
        for key, value in item.items() if type(item) is dict else enumerate(item):
            if type(value) is dict or type(value) is list:
                waiting.append(value)
            elif key == "reference" and type(value) is str and value[:1] == "#":
                found.add(value)
    return found


def _texts(resource: Json, types: frozenset[str]) -> Iterator[str]:
    """Every text of elements of these types, in a resource and what it contains."""
    waiting: list[tuple[Json, str]] = [(resource, resource["resourceType"])]
    for item, shape in waiting:
        fields = structure(shape).fields
        for key, value in item.items():
            field = fields.get(key.removeprefix("_"))
            if field is None:
                continue
            is_twin = key[0] == "_"
            for each in value if type(value) is list else (value,):
                if type(each) is dict:
                    waiting.append((each, "Element" if is_twin else each.get("resourceType") or field.type))
                elif field.type in types and type(each) is str:
                    yield each


def _component_codes_differ(observation: Json) -> bool:
    """obs-7: no component has a code of the observation that has a value of its own."""
    has_value = any(key.startswith(("value", "_value")) for key in observation)
    own = {_frozen(coding) for coding in observation["code"].get("coding", ())} if has_value else set()
    return not own or not any(
        _frozen(coding) in own
        for component in observation["component"]
        for coding in component["code"].get("coding", ())
    )


def _has_requests(bundle: Json) -> bool:
    """bdl-3: each entry has a request, in a Bundle of requests, and none in any other."""
    return _all_have("request", bundle, _REQUESTS)


def _has_responses(bundle: Json) -> bool:
    """bdl-4: each entry has a response, in a Bundle of responses, and none in any other."""
    return _all_have("response", bundle, _RESPONSES)


def _all_have(name: str, bundle: Json, kinds: frozenset[str]) -> bool:
    is_wanted = _plain(bundle, "type") in kinds
    return all((name in entry) is is_wanted for entry in bundle["entry"])


def _entries_differ(bundle: Json) -> bool:
    """bdl-7: an address stands once, or once for each version."""
    if bundle.get("type") == "history":
        return True
    named = [
        entry.get("fullUrl", "") + entry.get("resource", {}).get("meta", {}).get("versionId", "")
        for entry in bundle["entry"]
        if "fullUrl" in entry or "_fullUrl" in entry
    ]
    return len(set(named)) == len(named)


def _begins_as_document(bundle: Json) -> bool:
    """bdl-11: a document's first resource is a Composition."""
    return bundle.get("type") != "document" or _first_type(bundle) in (None, "Composition")


def _begins_as_message(bundle: Json) -> bool:
    """bdl-12: a message's first resource is a MessageHeader."""
    return bundle.get("type") != "message" or _first_type(bundle) in (None, "MessageHeader")


def _first_type(bundle: Json) -> str | None:
    found: str | None = bundle["entry"][0].get("resource", {}).get("resourceType")
    return found


def _codes_differ(code_system: Json) -> bool:
    """csd-1: a code stands once in the whole hierarchy."""
    codes = [_plain(concept, "code") for concept in _all(code_system, "concept")]
    return len(set(codes)) == len(codes)


def _link_ids_differ(questionnaire: Json) -> bool:
    """que-2: a link id stands once in the whole questionnaire."""
    named = [_plain(item, "linkId") for item in _all(questionnaire, "item")]
    return len(set(named)) == len(named)


def _all(top: Json, name: str) -> list[Json]:
    """Everything of a name that nests in itself."""
    found: list[Json] = list(top.get(name, ()))
    for item in found:
        found.extend(item.get(name, ()))
    return found


def _low_is_below_high(span: Json) -> bool:
    """rng-2; where the two can't be compared it holds, as R4B says (`comparable()`)."""
    low, high = span["low"], span.get("high")
    if high is None:
        return True
    low_value, high_value = low.get("value"), high.get("value")
    if low_value is None or high_value is None:
        return True
    if all(low.get(name) == high.get(name) for name in ("code", "system", "unit")):
        return bool(low_value <= high_value)
    try:
        return current().holds(compile_expression(_LOW_BELOW_HIGH), span, type_name="Range")
    except TooCostly:
        raise
    except FhirPathError:
        return True


def _snapshot_has_one_root(snapshot: Json) -> bool:
    """sdf-8: the paths of a snapshot begin with the type, and go on from the first."""
    first, *rest = (_plain(element, "path") for element in snapshot["element"])
    owner = current().resource
    is_typed = _plain(owner, "kind") == "logical" or first == _plain(owner, "type")
    return is_typed and all(path.startswith(f"{first}.") for path in rest)


def _differential_has_one_root(differential: Json) -> bool:
    """sdf-8a: the paths of a differential begin with the type, and all have the same start."""
    first, *rest = (_plain(element, "path") for element in differential["element"])
    owner = current().resource
    is_typed = _plain(owner, "kind") == "logical" or first.startswith(_plain(owner, "type"))
    start = first.partition(".")[0]
    return is_typed and all(path.startswith(f"{start}.") for path in rest)


def _plain(holder: Json, name: str) -> str:
    found = holder.get(name)
    if type(found) is not str:
        raise NotPlain
    return found


BY_HAND: Final[dict[str, tuple[frozenset[str] | None, Callable[[Json], bool]]]] = {
    "dom-3": (frozenset({"contained"}), _contained_is_used),
    "obs-7": (frozenset({"component"}), _component_codes_differ),
    "bdl-3": (frozenset({"entry"}), _has_requests),
    "bdl-4": (frozenset({"entry"}), _has_responses),
    "bdl-7": (frozenset({"entry"}), _entries_differ),
    "bdl-11": (frozenset({"entry"}), _begins_as_document),
    "bdl-12": (frozenset({"entry"}), _begins_as_message),
    "csd-1": (frozenset({"concept"}), _codes_differ),
    "que-2": (frozenset({"item"}), _link_ids_differ),
    "rng-2": (frozenset({"low"}), _low_is_below_high),
    "sdf-8": (frozenset({"element"}), _snapshot_has_one_root),
    "sdf-8a": (frozenset({"element"}), _differential_has_one_root),
}
"""By key: without any of these properties it holds, and how it is answered else."""
