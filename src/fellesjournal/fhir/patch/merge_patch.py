"""JSON Merge Patch as RFC 7396 says: members replace members, null removes, a list is replaced as a whole."""

from __future__ import annotations

from typing import Any

from fellesjournal.fhir.patch.model import copy_tree


def apply_merge_patch(resource: dict[str, Any], patch: dict[str, Any]) -> dict[str, Any]:
    """Return the resource with the patch, a parsed JSON object, merged into it. The result is not validated."""
    return _merged(copy_tree(resource), copy_tree(patch))


def _merged(target: Any, patch: dict[str, Any]) -> dict[str, Any]:
    merged = target if type(target) is dict else {}
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = _merged(merged.get(name), value) if type(value) is dict else value
    return merged
