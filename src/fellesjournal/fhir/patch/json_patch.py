"""JSON Patch as RFC 6902 says, with RFC 6901's pointers; exact decimals and the order of elements are kept.

Our own, because the library at hand takes `true` for 1 in a `test`, and lets `copy` double a document without end.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

from fellesjournal.fhir.json_text import MAX_DEPTH, is_deep
from fellesjournal.fhir.patch.model import (
    MAX_OPERATIONS,
    BadPatch,
    Budget,
    PatchConflict,
    PatchError,
    PatchTestFailed,
    copy_tree,
)

Pointer = tuple[str, ...]

_INDEX = re.compile(r"0|[1-9][0-9]{0,8}").fullmatch
_PLAIN = re.compile(r"_?[A-Za-z][A-Za-z0-9]{0,39}|[0-9]{1,4}|-").fullmatch
_BAD_ESCAPE = re.compile(r"~(?![01])").search
_MEMBERS: Final[dict[str, tuple[str, ...]]] = {
    "add": ("path", "value"),
    "remove": ("path",),
    "replace": ("path", "value"),
    "move": ("from", "path"),
    "copy": ("from", "path"),
    "test": ("path", "value"),
}


def apply_json_patch(resource: dict[str, Any], operations: Any) -> dict[str, Any]:
    """Return the resource with the operations applied, one after the other; all of them or none.

    `operations` is the parsed JSON array. The result is not validated.
    Raises BadPatch, PatchConflict (no such place) and PatchTestFailed.
    """
    if type(operations) is not list:
        raise BadPatch("a JSON Patch is an array of operations")
    if len(operations) > MAX_OPERATIONS:
        raise BadPatch(f"more than {MAX_OPERATIONS} operations")
    parsed = [_numbered(_Operation, number, raw) for number, raw in enumerate(operations)]
    work = _Work(copy_tree(resource))
    for number, operation in enumerate(parsed):
        _numbered(work.apply, number, operation)
    return _checked(work.document)


class _Operation:
    """One operation, read and checked for itself. Members that it does not need are ignored (RFC 6902 § 4)."""

    def __init__(self, raw: Any) -> None:
        if type(raw) is not dict:
            raise BadPatch("an operation is a JSON object")
        name = raw.get("op")
        if type(name) is not str or name not in _MEMBERS:
            raise BadPatch("op is none of add, remove, replace, move, copy, test")
        absent = [member for member in _MEMBERS[name] if member not in raw]
        if absent:
            raise BadPatch(f"{name} needs {absent[0]}")
        self.name = name
        self.path = _pointer(raw["path"])
        self.source = _pointer(raw["from"]) if "from" in _MEMBERS[name] else ()
        self.value = raw.get("value")


class _Work:
    """The document while the operations run."""

    def __init__(self, document: Any) -> None:
        self.document = document
        self._budget = Budget()

    def apply(self, operation: _Operation) -> None:
        match operation.name:
            case "add":
                self._add(operation.path, self._budget.copy(operation.value))
            case "remove":
                self._remove(operation.path)
            case "replace":
                self._replace(operation.path, self._budget.copy(operation.value))
            case "move":
                self._move(operation.source, operation.path)
            case "copy":
                self._add(operation.path, self._budget.copy(self._find(operation.source)))
            case _:
                if not _is_same(self._find(operation.path), operation.value):
                    raise PatchTestFailed(f"test found another value at {_spell(operation.path)}")

    def _find(self, path: Pointer) -> Any:
        place = self.document
        for depth, name in enumerate(path):
            place = _step(place, name, path=path[: depth + 1])
        return place

    def _add(self, path: Pointer, value: Any) -> None:
        if not path:
            self.document = value
            return
        holder, name = self._find(path[:-1]), path[-1]
        if type(holder) is dict:
            holder[name] = value
        elif type(holder) is list:
            holder.insert(len(holder) if name == "-" else _index(name, at_most=len(holder), path=path), value)
        else:
            raise _nowhere(path)

    def _remove(self, path: Pointer) -> Any:
        if not path:
            raise PatchConflict("the whole resource cannot be removed")
        holder, name = self._find(path[:-1]), path[-1]
        removed = _step(holder, name, path=path)
        del holder[name if type(holder) is dict else int(name)]
        return removed

    def _replace(self, path: Pointer, value: Any) -> None:
        if not path:
            self.document = value
            return
        holder, name = self._find(path[:-1]), path[-1]
        _step(holder, name, path=path)
        holder[name if type(holder) is dict else int(name)] = value

    def _move(self, source: Pointer, path: Pointer) -> None:
        if source == path:
            self._find(source)
        elif path[: len(source)] == source:
            raise PatchConflict(f"{_spell(source)} cannot be moved into itself")
        else:
            self._add(path, self._remove(source))


def _numbered(act: Callable[[Any], Any], number: int, argument: Any) -> Any:
    """Let an error say which operation it comes from."""
    try:
        return act(argument)
    except PatchError as error:
        raise type(error)(error.reason, operation=number) from None


def _pointer(text: Any) -> Pointer:
    if type(text) is not str or (text and not text.startswith("/")) or _BAD_ESCAPE(text):
        raise BadPatch("a path is a JSON Pointer: empty, or starting with /")
    names = text.split("/")[1:]
    if len(names) > MAX_DEPTH:
        raise BadPatch(f"a path is longer than {MAX_DEPTH} steps")
    return tuple(name.replace("~1", "/").replace("~0", "~") for name in names)


def _step(place: Any, name: str, *, path: Pointer) -> Any:
    if type(place) is dict and name in place:
        return place[name]
    if type(place) is list and name != "-":
        return place[_index(name, at_most=len(place) - 1, path=path)]
    raise _nowhere(path)


def _index(name: str, *, at_most: int, path: Pointer) -> int:
    if not name.isascii() or not _INDEX(name) or int(name) > at_most:
        raise _nowhere(path)
    return int(name)


def _nowhere(path: Pointer) -> PatchConflict:
    return PatchConflict(f"there is nothing at {_spell(path)}")


def _spell(path: Pointer) -> str:
    """Write a pointer back; a step that is no element's name is left out, it may hold anything."""
    return "".join("/" + (name if _PLAIN(name) else "…") for name in path[:20])


def _is_same(one: Any, other: Any) -> bool:
    """Compare as RFC 6902 § 4.6 says: numbers by value, objects in any order; `true` is no number."""
    if type(one) is dict and type(other) is dict:
        return one.keys() == other.keys() and all(_is_same(one[key], other[key]) for key in one)
    if type(one) is list and type(other) is list:
        return len(one) == len(other) and all(map(_is_same, one, other))
    return bool(one == other) and (type(one) is bool) == (type(other) is bool)


def _checked(document: Any) -> dict[str, Any]:
    if type(document) is not dict:
        raise PatchConflict("the result is not a JSON object")
    if is_deep(document):
        raise PatchConflict(f"the result is nested deeper than {MAX_DEPTH} levels")
    return document
