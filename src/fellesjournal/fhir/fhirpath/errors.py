"""What can go wrong with an expression."""

from __future__ import annotations


class FhirPathError(Exception):
    """The expression cannot be read, or cannot be evaluated on this input.

    `position` counts characters of the expression from 0; None where no place in it is at fault.
    The message may quote the expression, never the resource.
    """

    status = 400
    code = "invalid"

    def __init__(self, reason: str, *, position: int | None = None) -> None:
        self.reason = reason
        self.position = position
        super().__init__(reason)

    def __str__(self) -> str:
        return self.reason if self.position is None else f"{self.reason} (at character {self.position})"


class TooCostly(FhirPathError):
    """The expression asks for more work, depth or time than it is given."""

    code = "too-costly"
