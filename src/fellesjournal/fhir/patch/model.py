"""What can be wrong with a patch, and the bounds that both kinds share."""

from __future__ import annotations

from typing import Any, Final

from fellesjournal.fhir.json_text import MAX_DEPTH

MAX_OPERATIONS: Final = 1_000
MAX_COPIED: Final = 200_000


class PatchError(Exception):
    """The patch was not applied. The message names the operation and the fault, never a value.

    `operation` counts from 0; None where the patch as a whole is at fault.
    """

    status = 422
    code = "processing"

    def __init__(self, reason: str, *, operation: int | None = None) -> None:
        self.reason = reason
        self.operation = operation
        super().__init__(reason if operation is None else f"operation {operation}: {reason}")


class BadPatch(PatchError):
    """The patch itself is malformed, whatever the resource."""

    status = 400
    code = "structure"


class PatchConflict(PatchError):
    """The patch is well formed, and does not fit this resource."""


class PatchTestFailed(PatchError):
    """A `test` operation did not find what it asked for."""

    code = "conflict"


class Budget:
    """How much a patch may still copy: a short patch can otherwise double a document again and again."""

    def __init__(self) -> None:
        self._left = MAX_COPIED

    def copy(self, value: Any, *, depth: int = 0) -> Any:
        """Copy a JSON value, so that no two places share it. Raises PatchConflict when it is too much."""
        self._left -= 1
        if self._left < 0:
            raise PatchConflict("the patch copies too much")
        if depth > MAX_DEPTH:
            raise PatchConflict(f"the patch nests deeper than {MAX_DEPTH} levels")
        if type(value) is dict:
            return {key: self.copy(inner, depth=depth + 1) for key, inner in value.items()}
        if type(value) is list:
            return [self.copy(inner, depth=depth + 1) for inner in value]
        return value


def copy_tree(value: Any) -> Any:
    """Copy a parsed document, which `parse` has bounded already."""
    if type(value) is dict:
        return {key: copy_tree(inner) for key, inner in value.items()}
    return [copy_tree(inner) for inner in value] if type(value) is list else value
