"""Sets of codes of one system, closed under union, intersection and difference without knowing the system.

A set either names its codes, or is the rest: every code but those that it names. So "all of LOINC but two" can be
computed with, and asked for membership, though nobody here knows all of LOINC.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Codes:
    """Some codes, in order; with `is_rest` all but these."""

    named: dict[str, None] = field(default_factory=dict)
    is_rest: bool = False

    def __contains__(self, code: str) -> bool:
        return (code in self.named) != self.is_rest

    def __bool__(self) -> bool:
        return self.is_rest or bool(self.named)

    def __or__(self, other: Codes) -> Codes:
        if self.is_rest or other.is_rest:
            return ~(~self & ~other)
        return Codes({**self.named, **other.named})

    def __and__(self, other: Codes) -> Codes:
        if self.is_rest and other.is_rest:
            return Codes({**self.named, **other.named}, is_rest=True)
        one, by = (other, self) if self.is_rest else (self, other)
        return Codes({code: None for code in one.named if (code in by.named) != by.is_rest})

    def __sub__(self, other: Codes) -> Codes:
        return self & ~other

    def __invert__(self) -> Codes:
        return Codes(self.named, is_rest=not self.is_rest)


NONE = Codes()
ALL = Codes(is_rest=True)


def some(codes: Iterable[str]) -> Codes:
    """These codes, in this order."""
    return Codes(dict.fromkeys(codes))
