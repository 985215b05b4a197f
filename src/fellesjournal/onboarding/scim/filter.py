"""Filters and attribute paths (RFC 7644 § 3.4.2.2, § 3.5.2): read once, then asked about each resource.

All operators (eq ne co sw ew pr gt ge lt le, and or not), groups, and conditions in brackets; texts alone are
ordered. Texts are compared without case, as userName is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from fellesjournal.onboarding.scim.model import ScimError, attribute

MAX_LENGTH: Final = 2_000
MAX_DEPTH: Final = 20
_MAX_TERMS: Final = 100
_lexed = re.compile(
    r"""\s*(?:(?P<string>"(?:[^"\\]|\\.)*")|(?P<number>-?[0-9]+(?:\.[0-9]+)?)|(?P<mark>[()\[\]])|(?P<word>[A-Za-z$_][A-Za-z0-9$_.:-]*))"""
).match

_COMPARED: Final[dict[str, Callable[[str, str], bool]]] = {
    "co": lambda a, b: b in a,
    "sw": lambda a, b: a.startswith(b),
    "ew": lambda a, b: a.endswith(b),
    "gt": lambda a, b: a > b,
    "ge": lambda a, b: a >= b,
    "lt": lambda a, b: a < b,
    "le": lambda a, b: a <= b,
}


@dataclass(frozen=True)
class Compare:
    """One comparison of an attribute's values; `pr` has no value."""

    path: tuple[str, ...]
    operator: str
    value: Any = None

    def holds(self, resource: Mapping[str, Any]) -> bool:
        """Whether any value of the attribute is so; `ne`: whether none is equal."""
        values = list(values_at(resource, self.path))
        if self.operator == "pr":
            return any(value not in (None, "", [], {}) for value in values)
        if self.operator == "ne":
            return not any(_equal(value, self.value) for value in values)
        if self.operator == "eq":
            return any(_equal(value, self.value) for value in values)
        compare = _COMPARED[self.operator]
        return isinstance(self.value, str) and any(
            isinstance(value, str) and compare(value.casefold(), self.value.casefold()) for value in values
        )


@dataclass(frozen=True)
class Joined:
    """All of the parts (`and`) or any of them (`or`)."""

    word: str
    parts: tuple[Filter, ...]

    def holds(self, resource: Mapping[str, Any]) -> bool:
        """Whether it is so."""
        found = (part.holds(resource) for part in self.parts)
        return all(found) if self.word == "and" else any(found)


@dataclass(frozen=True)
class Not:
    """The opposite."""

    part: Filter

    def holds(self, resource: Mapping[str, Any]) -> bool:
        """Whether it is not so."""
        return not self.part.holds(resource)


@dataclass(frozen=True)
class Inside:
    """Whether some value of a complex attribute is as the condition in brackets says."""

    path: tuple[str, ...]
    part: Filter

    def holds(self, resource: Mapping[str, Any]) -> bool:
        """Whether one is."""
        return any(isinstance(value, dict) and self.part.holds(value) for value in values_at(resource, self.path))


Filter = Compare | Joined | Not | Inside


@dataclass(frozen=True)
class Path:
    """An attribute path of a PATCH: the attribute, which of its values, and a part of them ("" for all)."""

    names: tuple[str, ...]
    chosen: Filter | None = None
    part: str = ""


def parse_filter(text: str) -> Filter:
    """Understand a filter. Raises ScimError (invalidFilter)."""
    return _Parser(text, "invalidFilter").whole()


def parse_path(text: str) -> Path:
    """Understand a PATCH's path. Raises ScimError (invalidPath)."""
    return _Parser(text, "invalidPath").path()


def names_of(text: str) -> tuple[str, ...]:
    """The steps of an attribute's name; a schema's name before it is a step of its own unless it is the core's."""
    if text.lower().startswith("urn:"):
        schema, colon, rest = text.rpartition(":")
        if re.search(r":[0-9]+\.[0-9]+:[A-Za-z]+$", text):
            return (text,)
        is_core = ":core:2.0:" in schema.lower()
        return (*(() if is_core else (schema,)), *_steps(rest)) if colon else (text,)
    return _steps(text)


def values_at(resource: Any, path: tuple[str, ...]) -> Iterator[Any]:
    """The values of an attribute, each of a list by itself."""
    if isinstance(resource, list):
        for inner in resource:
            yield from values_at(inner, path)
    elif not path:
        yield resource
    elif isinstance(resource, dict):
        found = attribute(resource, path[0])
        if found is not None:
            yield from values_at(found, path[1:])


def equals(found: Filter, name: str) -> str | None:
    """The text that an attribute must equal for the filter to hold, if it says so; for looking it up at once."""
    if isinstance(found, Compare) and found.operator == "eq" and ".".join(found.path).lower() == name.lower():
        return found.value if isinstance(found.value, str) else None
    if isinstance(found, Joined) and found.word == "and":
        return next((value for part in found.parts if (value := equals(part, name)) is not None), None)
    return None


class _Parser:
    """Recursive descent over the tokens of one text."""

    def __init__(self, text: str, fault: str) -> None:
        self._fault = fault
        if len(text) > MAX_LENGTH:
            raise self._refusal("it is too long")
        self._text, self._at, self._terms = text, 0, 0
        self._kind, self._word = "", ""
        self._next()

    def whole(self) -> Filter:
        """The filter, to its end."""
        found = self._or(0)
        if self._kind:
            raise self._refusal(f"{self._word[:40]!r} was not expected")
        return found

    def path(self) -> Path:
        """The path, to its end."""
        names = self._name()
        chosen, part = None, ""
        if self._word == "[":
            self._next()
            chosen = self._or(1)
            rest = self._text[self._at :]
            self._expect("]")
            if rest.startswith("."):
                part, self._kind = rest[1:], ""
                if not re.fullmatch(r"[A-Za-z$][A-Za-z0-9$_-]*", part):
                    raise self._refusal("what follows the brackets is no attribute")
        if self._kind:
            raise self._refusal(f"{self._word[:40]!r} was not expected")
        return Path(names, chosen, part)

    def _or(self, depth: int) -> Filter:
        return self._joined("or", lambda: self._joined("and", lambda: self._term(depth)))

    def _joined(self, word: str, read: Callable[[], Filter]) -> Filter:
        parts = [read()]
        while self._kind == "word" and self._word.lower() == word:
            self._next()
            parts.append(read())
        return parts[0] if len(parts) == 1 else Joined(word, tuple(parts))

    def _term(self, depth: int) -> Filter:
        self._terms += 1
        if depth > MAX_DEPTH or self._terms > _MAX_TERMS:
            raise self._refusal("it is too deep or has too many conditions")
        if self._word == "(":
            return self._group(depth)
        if self._kind == "word" and self._word.lower() == "not":
            self._next()
            return Not(self._group(depth))
        names = self._name()
        if self._word == "[":
            self._next()
            part = self._or(depth + 1)
            self._expect("]")
            return Inside(names, part)
        return self._compare(names)

    def _group(self, depth: int) -> Filter:
        self._expect("(")
        part = self._or(depth + 1)
        self._expect(")")
        return part

    def _compare(self, names: tuple[str, ...]) -> Filter:
        operator = self._word.lower() if self._kind == "word" else ""
        if operator not in ("eq", "ne", "pr", *_COMPARED):
            raise self._refusal("an operator was expected: eq ne co sw ew pr gt ge lt le")
        self._next()
        return Compare(names, operator) if operator == "pr" else Compare(names, operator, self._value())

    def _value(self) -> Any:
        kind, token = self._kind, self._word
        if kind not in ("string", "number") and token not in ("true", "false", "null"):
            raise self._refusal("a value was expected")
        self._next()
        try:
            return msgspec.json.decode(token)
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise self._refusal("a value can not be read") from None

    def _name(self) -> tuple[str, ...]:
        if self._kind != "word":
            raise self._refusal("the name of an attribute was expected")
        names = names_of(self._word)
        self._next()
        return names

    def _expect(self, mark: str) -> None:
        if self._word != mark:
            raise self._refusal(f"{mark!r} was expected")
        self._next()

    def _next(self) -> None:
        if not self._text[self._at :].strip() or (self._fault == "invalidPath" and self._text[self._at] == "."):
            self._kind, self._word = "", ""
            return
        match = _lexed(self._text, self._at)
        if match is None or match.lastgroup is None:
            raise self._refusal(f"it can not be read from place {self._at}")
        self._kind, self._word, self._at = match.lastgroup, match[match.lastgroup], match.end()

    def _refusal(self, why: str) -> ScimError:
        what = "filter" if self._fault == "invalidFilter" else "path"
        return ScimError(400, f"the {what} can not be read: {why}", self._fault)


def _steps(text: str) -> tuple[str, ...]:
    return tuple(text.split("."))


def _equal(value: Any, wanted: Any) -> bool:
    if isinstance(value, str) and isinstance(wanted, str):
        return value.casefold() == wanted.casefold()
    return bool(value == wanted) and isinstance(value, bool) == isinstance(wanted, bool)
