"""The text of a `_filter`, read into a tree. No parameter is looked up here.

Source: https://hl7.org/fhir/R4/search_filter.html. `and` and `or` are evaluated from left to right, neither before
the other; `not` stands before parentheses. Bounded in length, depth and number of tests.
"""

import json
import re
from dataclasses import dataclass
from typing import Final, Literal, NoReturn, TypeAlias

from fellesjournal.record.search.error import refusal

MAX_LENGTH: Final = 4000
MAX_DEPTH: Final = 12
MAX_TESTS: Final = 40
OPERATORS: Final = (
    "eq", "ne", "co", "sw", "ew", "gt", "lt", "ge", "le", "ap", "sa", "eb", "pr", "po", "ss", "sb", "in", "ni", "re",
)  # fmt: skip

_space = re.compile(r"\s*").match
_name = re.compile(r"[A-Za-z_][A-Za-z0-9_\-]*(?::[A-Za-z]+)?").match
_word = re.compile(r"[a-z]+").match
_string = re.compile(r'"(?:[^"\\\x00-\x1f]|\\.)*"').match
_token = re.compile(r"[^\s)\]]+").match


@dataclass(frozen=True)
class Step:
    """One name of a path; `inner` is the filter in brackets behind it."""

    name: str
    inner: "Tree | None" = None


@dataclass(frozen=True)
class Test:
    """`path operator value`."""

    __test__ = False
    path: tuple[Step, ...]
    operator: str
    value: str


@dataclass(frozen=True)
class Logical:
    """All of the parts, any of them, or not the one."""

    op: Literal["and", "or", "not"]
    parts: tuple["Tree", ...]


Tree: TypeAlias = Test | Logical


def parse_filter(text: str) -> Tree:
    """The tree of a filter. Raises SearchError with the place of the fault; no value is quoted."""
    if len(text) > MAX_LENGTH:
        raise refusal("_filter", f"at most {MAX_LENGTH} characters", code="too-costly")
    reader = _Reader(text)
    tree = reader.expression(0)
    reader.skip()
    if reader.at < len(text):
        reader.fail("expected `and`, `or` or the end")
    return tree


class _Reader:
    """Reads from left to right, and never looks back."""

    def __init__(self, text: str) -> None:
        self.text, self.at, self.tests = text, 0, 0

    def fail(self, what: str) -> NoReturn:
        """Refuse, with the place."""
        raise refusal("_filter", f"{what} (at character {self.at + 1})")

    def skip(self) -> None:
        """Go over white space."""
        match = _space(self.text, self.at)
        self.at = match.end() if match else self.at

    def expression(self, depth: int) -> Tree:
        """Terms between `and` and `or`, from left to right."""
        if depth > MAX_DEPTH:
            raise refusal("_filter", f"at most {MAX_DEPTH} levels of parentheses", code="too-costly")
        left = self._term(depth)
        while (op := self._keyword()) is not None:
            right = self._term(depth)
            if isinstance(left, Logical) and left.op == op:
                left = Logical(op, (*left.parts, right))
            else:
                left = Logical(op, (left, right))
        return left

    def _keyword(self) -> Literal["and", "or"] | None:
        self.skip()
        for word in ("and", "or"):
            end = self.at + len(word)
            if self.text.startswith(word, self.at) and (
                self.text[end : end + 1].isspace() or self.text[end:][:1] == "("
            ):
                self.at = end
                return "and" if word == "and" else "or"
        return None

    def _term(self, depth: int) -> Tree:
        self.skip()
        if self.text.startswith("(", self.at):
            return self._bracketed("(", ")", depth)
        if self.text.startswith("not", self.at) and self.text[self.at + 3 :].lstrip().startswith("("):
            self.at += 3
            self.skip()
            return Logical("not", (self._bracketed("(", ")", depth),))
        return self._test(depth)

    def _bracketed(self, opening: str, closing: str, depth: int) -> Tree:
        self.at += len(opening)
        inner = self.expression(depth + 1)
        self.skip()
        if not self.text.startswith(closing, self.at):
            self.fail(f"expected {closing}")
        self.at += len(closing)
        return inner

    def _test(self, depth: int) -> Test:
        self.tests += 1
        if self.tests > MAX_TESTS:
            raise refusal("_filter", f"at most {MAX_TESTS} tests", code="too-costly")
        path = self._path(depth)
        self._gap()
        match = _word(self.text, self.at)
        if match is None or match[0] not in OPERATORS:
            self.fail("expected one of " + ", ".join(OPERATORS))
        self.at = match.end()
        self._gap()
        return Test(path, match[0], self._value())

    def _path(self, depth: int) -> tuple[Step, ...]:
        steps: list[Step] = []
        while True:
            match = _name(self.text, self.at)
            if match is None:
                self.fail("expected the name of a parameter")
            self.at = match.end()
            inner = self._bracketed("[", "]", depth) if self.text.startswith("[", self.at) else None
            steps.append(Step(match[0], inner))
            if not self.text.startswith(".", self.at):
                if inner is not None:
                    self.fail("expected a further name after ]")
                return tuple(steps)
            self.at += 1

    def _gap(self) -> None:
        before = self.at
        self.skip()
        if self.at == before:
            self.fail("expected a space")

    def _value(self) -> str:
        if not self.text.startswith('"', self.at):
            match = _token(self.text, self.at)
            if match is None:
                self.fail("expected a value")
            self.at = match.end()
            return match[0]
        match = _string(self.text, self.at)
        if match is None:
            self.fail("a text that does not end")
        try:
            value = str(json.loads(match[0]))
            value.encode()
        except ValueError:
            self.fail("a text that can't be read")
        self.at = match.end()
        return value
