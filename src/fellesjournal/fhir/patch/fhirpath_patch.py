"""FHIRPath Patch: operations in a Parameters resource, each at a place that an expression names.

Source: https://hl7.org/fhir/R4/fhirpatch.html
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from fellesjournal.fhir.fhirpath import FhirPathError, Node, Work, compile_expression, resource_node
from fellesjournal.fhir.fhirpath.syntax import Member
from fellesjournal.fhir.json_text import MAX_DEPTH, is_deep
from fellesjournal.fhir.patch.elements import Lists, choices_beside, field_of, new_element, put, remove, replace
from fellesjournal.fhir.patch.model import (
    MAX_OPERATIONS,
    BadPatch,
    PatchConflict,
    PatchError,
    copy_tree,
)

Json = dict[str, Any]

_NEEDED: Final[dict[str, tuple[str, ...]]] = {
    "add": ("path", "name", "value"),
    "insert": ("path", "value", "index"),
    "delete": ("path",),
    "replace": ("path", "value"),
    "move": ("path", "source", "destination"),
}
_TEXTS: Final = {"type": ("valueCode", "valueString"), "path": ("valueString",), "name": ("valueString", "valueCode")}
_NUMBERS: Final = ("valueInteger", "valueUnsignedInt", "valuePositiveInt")


def apply_fhirpath_patch(resource: Json, parameters: Any) -> Json:
    """Return the resource with the operations applied, one after the other; all of them or none.

    `parameters` is the parsed Parameters resource. The result is not validated.
    Raises BadPatch (malformed, or a path that is no FHIRPath) and PatchConflict (no such place, or not the only one).
    """
    raw = _operations(parameters)
    parsed = [_numbered(_Operation, number, each) for number, each in enumerate(raw)]
    document: Json = copy_tree(resource)
    work = Work()
    for number, operation in enumerate(parsed):
        _numbered(lambda each: _apply(document, each, work), number, operation)
    if is_deep(document):
        raise PatchConflict(f"the result is nested deeper than {MAX_DEPTH} levels")
    return document


def _operations(parameters: Any) -> list[Any]:
    if type(parameters) is not dict or parameters.get("resourceType") != "Parameters":
        raise BadPatch("a FHIRPath Patch is a Parameters resource")
    found = parameters.get("parameter", [])
    if type(found) is not list:
        raise BadPatch("parameter is a list")
    if len(found) > MAX_OPERATIONS:
        raise BadPatch(f"more than {MAX_OPERATIONS} operations")
    return found


class _Operation:
    """One operation, read and checked for itself."""

    def __init__(self, raw: Any) -> None:
        if type(raw) is not dict or raw.get("name") != "operation":
            raise BadPatch("every parameter is named operation")
        parts = _named(raw.get("part"))
        self.kind = _text(parts, "type")
        if self.kind not in _NEEDED:
            raise BadPatch("type is none of add, insert, delete, replace, move")
        absent = [name for name in _NEEDED[self.kind] if name not in parts]
        if absent:
            raise BadPatch(f"{self.kind} needs {absent[0]}")
        self.path = _text(parts, "path")
        self.name = _text(parts, "name") if "name" in parts else ""
        self.value = parts.get("value", {})
        self.index = _number(parts, "index")
        self.source = _number(parts, "source")
        self.destination = _number(parts, "destination")


def _apply(document: Json, operation: _Operation, work: Work) -> None:
    match operation.kind:
        case "add":
            _add(document, operation, work)
        case "insert":
            _insert(document, operation, work)
        case "delete":
            _delete(document, operation, work)
        case "replace":
            _replace(document, operation, work)
        case _:
            _move(document, operation, work)


def _add(document: Json, operation: _Operation, work: Work) -> None:
    owner = _only(_find(document, operation.path, work))
    field = field_of(owner, operation.name)
    put(owner, new_element(field, operation.value), at=None)


def _insert(document: Json, operation: _Operation, work: Work) -> None:
    owner, name = _list_at(document, operation.path, work)
    put(owner, new_element(field_of(owner, name), operation.value), at=operation.index)


def _delete(document: Json, operation: _Operation, work: Work) -> None:
    found = _find(document, operation.path, work)
    if found:
        remove(_only(found))


def _replace(document: Json, operation: _Operation, work: Work) -> None:
    node = _only(_find(document, operation.path, work))
    if node.owner is None:
        raise PatchConflict("the whole resource cannot be replaced")
    replace(node, new_element(choices_beside(node), operation.value))


def _move(document: Json, operation: _Operation, work: Work) -> None:
    owner, name = _list_at(document, operation.path, work)
    lists = Lists(owner, field_of(owner, name))
    lists.move(operation.source, operation.destination)


def _find(document: Json, path: str, work: Work) -> list[Node]:
    """Return the elements at a path; all of them are in the document, for nothing outside can be resolved."""
    try:
        found = compile_expression(path).nodes(resource_node(document), work=work)
    except FhirPathError as error:
        raise BadPatch(f"path: {error}") from None
    if not all(type(node) is Node for node in found):
        raise PatchConflict("the path does not lead to elements of the resource")
    return found


def _only(found: list[Node]) -> Node:
    if len(found) != 1:
        many = "nothing" if not found else "several elements"
        raise PatchConflict(f"the path leads to {many}; one element was expected")
    return found[0]


def _list_at(document: Json, path: str, work: Work) -> tuple[Node, str]:
    """Return the element that holds the list, and the list's name; the list may be empty."""
    try:
        tree = compile_expression(path).tree
    except FhirPathError as error:
        raise BadPatch(f"path: {error}") from None
    if not isinstance(tree, Member):
        raise BadPatch("the path of a list ends in its name")
    if tree.target is None:
        return resource_node(document), tree.name
    owner_path = path[: tree.at].rstrip().removesuffix("`").rstrip().removesuffix(".")
    return _only(_find(document, owner_path, work)), tree.name


def _named(parts: Any) -> dict[str, Json]:
    """Read the parts of an operation by name; each may come once."""
    if type(parts) is not list:
        raise BadPatch("an operation has parts")
    found: dict[str, Json] = {}
    for part in parts:
        name = part.get("name") if type(part) is dict else None
        if type(name) is not str or name in found:
            raise BadPatch("every part of an operation has a name of its own")
        found[name] = part
    return found


def _text(parts: dict[str, Json], name: str) -> str:
    part = parts.get(name, {})
    value = next((part[key] for key in _TEXTS[name] if key in part), None)
    if type(value) is not str or not value:
        raise BadPatch(f"{name} has no text")
    return value


def _number(parts: dict[str, Json], name: str) -> int:
    if name not in parts:
        return 0
    value = next((parts[name][key] for key in _NUMBERS if key in parts[name]), None)
    if type(value) is not int or value < 0:
        raise BadPatch(f"{name} is no whole number from 0")
    return value


def _numbered(act: Callable[[Any], Any], number: int, argument: Any) -> Any:
    """Let an error say which operation it comes from."""
    try:
        return act(argument)
    except PatchError as error:
        raise type(error)(error.reason, operation=number) from None
