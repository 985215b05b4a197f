"""PATCH (RFC 7644 § 3.5.2): operations on a resource's own JSON, which is then taken as a PUT would be."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any, Final

from fellesjournal.onboarding.scim.filter import Path, names_of, parse_path
from fellesjournal.onboarding.scim.model import PATCH, STAFF, Json, ScimError, attribute

_MOST: Final = 200
_LISTS: Final = frozenset({"posts", "members"})
_READ_ONLY: Final = frozenset({"id", "meta", "schemas"})


def patched(resource: Json, body: Mapping[str, Any]) -> Json:
    """The resource with all operations of a PatchOp carried out. Raises ScimError."""
    operations = attribute(body, "Operations")
    if PATCH not in (attribute(body, "schemas") or []) or not isinstance(operations, list) or len(operations) > _MOST:
        raise ScimError(400, f"a PATCH needs the schema {PATCH} and at most {_MOST} Operations", "invalidSyntax")
    made = copy.deepcopy(resource)
    for operation in operations:
        if not isinstance(operation, dict):
            raise ScimError(400, "an operation must be an object", "invalidSyntax")
        _carry_out(made, operation)
    return made


def _carry_out(made: Json, operation: Mapping[str, Any]) -> None:
    op, path, value = (attribute(operation, name) for name in ("op", "path", "value"))
    word = op.lower() if isinstance(op, str) else ""
    if word not in ("add", "replace", "remove"):
        raise ScimError(400, "op must be add, replace or remove", "invalidSyntax")
    if path is None and word != "remove" and isinstance(value, dict):
        for name, inner in value.items():
            _at(made, Path(names_of(name)), word, inner)
    elif isinstance(path, str) and path:
        _at(made, parse_path(path), word, value)
    else:
        raise ScimError(400, "the operation names no target", "noTarget")


def _at(made: Json, path: Path, word: str, value: Any) -> None:
    names = path.names
    if names[0].lower() in _READ_ONLY:
        raise ScimError(400, f"{names[0][:40]} can not be changed", "mutability")
    holder = made
    for name in names[:-1]:
        inner = attribute(holder, name)
        if not isinstance(inner, dict):
            inner = {}
            _put(holder, name, inner)
        holder = inner
    name = names[-1]
    if path.chosen is not None:
        _chosen(holder, name, path, word, value)
    elif word == "remove":
        _remove(holder, name, value)
    else:
        _set(made, holder, name, word, value)


def _set(made: Json, holder: Json, name: str, word: str, value: Any) -> None:
    former = attribute(holder, name)
    if name.lower() in _LISTS and word == "add" and isinstance(former, list):
        added = value if isinstance(value, list) else [value]
        _put(holder, name, [*former, *(one for one in added if one not in former)])
    elif isinstance(former, dict) and isinstance(value, dict):
        for inner, content in value.items():
            _set(made, former, inner, word, content)
    else:
        _put(holder, name, value)
    if name.lower() in ("displayname", "formatted", "givenname", "familyname"):
        _keep_name(made, name.lower(), value)


def _keep_name(made: Json, name: str, value: Any) -> None:
    """The parts of a name say the same: the last that was set counts."""
    parts = made.get("name")
    if not isinstance(parts, dict):
        parts = made["name"] = {}
    if name in ("displayname", "formatted"):
        parts["formatted"] = value
    else:
        parts["formatted"] = f"{attribute(parts, 'givenName') or ''} {attribute(parts, 'familyName') or ''}".strip()


def _remove(holder: Json, name: str, value: Any) -> None:
    former = attribute(holder, name)
    if isinstance(former, list) and isinstance(value, list):
        _put(holder, name, [one for one in former if not any(_is_same(one, gone) for gone in value)])
    elif name.lower() in _LISTS:
        _put(holder, name, [])
    else:
        for key in [key for key in holder if key.lower() == name.lower()]:
            del holder[key]


def _chosen(holder: Json, name: str, path: Path, word: str, value: Any) -> None:
    values = attribute(holder, name)
    chosen = path.chosen
    if not isinstance(values, list) or chosen is None:
        values = []
    hits = [one for one in values if isinstance(one, dict) and chosen and chosen.holds(one)]
    if not hits:
        raise ScimError(400, "the path's condition finds nothing", "noTarget")
    if word == "remove" and not path.part:
        _put(holder, name, [one for one in values if one not in hits])
        return
    for hit in hits:
        if word == "remove":
            _remove(hit, path.part, None)
        elif path.part:
            _put(hit, path.part, value)
        elif isinstance(value, dict):
            hit.update(value)
        else:
            raise ScimError(400, "the value must be an object", "invalidValue")


def _is_same(one: Any, gone: Any) -> bool:
    """Whether a value of a list is the one that is named: by its `value`, or by unit and role."""
    if not isinstance(one, dict) or not isinstance(gone, dict):
        return bool(one == gone)
    keys = [key for key in ("value", "unit", "role") if key in gone]
    return bool(keys) and all(one.get(key) == gone[key] for key in keys)


def _put(holder: Json, name: str, value: Any) -> None:
    """Set an attribute under the name that it has, whatever its case."""
    folded = name.lower()
    key = next((key for key in holder if key.lower() == folded), STAFF if folded == STAFF.lower() else name)
    holder[key] = value
