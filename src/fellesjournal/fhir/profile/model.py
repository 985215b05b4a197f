"""What a check of profiles asks for, and what it answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from fellesjournal.fhir.outcome import Issue

Json = dict[str, Any]
Strength = Literal["required", "extensible"]
CodedKind = Literal["code", "Coding", "CodeableConcept"]


class Source(Protocol):
    """Where definitions are found: what an operator has installed, or a dict of them in a test."""

    def find(self, canonical: str) -> Json | None:
        """Return the StructureDefinition, ValueSet or CodeSystem of a canonical (`url` or `url|version`), or None.

        Asked seldom: what was made of a definition is kept. What it returns is read, never changed. It may raise, for
        example to have a definition loaded first: nothing is kept half done, and the check can be made again.
        """
        ...


@dataclass(frozen=True, slots=True)
class CodeAsked:
    """One code of a question; the system is None for a plain `code`."""

    system: str | None
    code: str | None
    version: str | None = None
    display: str | None = None


MemberOf = Callable[[str, tuple[CodeAsked, ...]], bool | None]
"""Tells whether one of some codes is in the value set of a canonical; None where it cannot be told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BindingQuestion:
    """Is one of these codes in the value set? Asked where the vendored value sets do not answer.

    `value_set` is a canonical. At least one code is asked for: an element that has text alone is settled here.
    A no is an error for `required`, a warning for `extensible`. `has_text` tells that the concept has a text beside
    its codes. `path` is the element's FHIRPath, `profile` the canonical of the profile that binds it.
    """

    value_set: str
    strength: Strength
    kind: CodedKind
    codings: tuple[CodeAsked, ...]
    path: str
    has_text: bool
    profile: str


@dataclass(frozen=True, slots=True)
class Report:
    """What was found: every issue once, in the order met, and the questions that terminology must answer."""

    issues: tuple[Issue, ...] = ()
    bindings: tuple[BindingQuestion, ...] = ()

    @property
    def is_valid(self) -> bool:
        """Tell whether nothing worse than a warning was found; the questions are still open."""
        return not any(issue.severity in {"error", "fatal"} for issue in self.issues)


class ProfileError(Exception):
    """A profile cannot be used: unknown, unreadable, or built on what is not installed. The message says which."""

    status = 422
    code = "not-found"


def codes_in(value: Any) -> tuple[CodeAsked, ...]:
    """Return the codes of a code, a Coding, a Quantity or a CodeableConcept as JSON."""
    if type(value) is str:
        return (CodeAsked(None, value),)
    codings = value.get("coding", [value]) if type(value) is dict else None
    listed = codings if type(codings) is list else []
    return tuple(_asked(one) for one in listed if type(one) is dict and type(one.get("code")) is str)


def _asked(one: Json) -> CodeAsked:
    return CodeAsked(_text(one, "system"), _text(one, "code"), _text(one, "version"), _text(one, "display"))


def _text(one: Json, key: str) -> str | None:
    value = one.get(key)
    return value if type(value) is str else None
