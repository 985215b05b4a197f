"""Phrases with choices: `[a|b]` is one of several, `{name}` a fact, `{2-5}` a whole number between.

A fact that begins with a capital letter in the phrase is written with one.
A phrase that needs a fact which is missing is never chosen, unless the choice that needs it can be left.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from random import Random

Facts = dict[str, str]

_MARK = re.compile(r"\[([^\]]*)\]|\{([^}]*)\}")
_RANGE = re.compile(r"^(\d+)-(\d+)$")
_OPTIONAL = frozenset(("v", "labs", "poc", "rx"))


@dataclass(frozen=True, slots=True)
class Template:
    """A compiled phrase."""

    parts: tuple[str | _Choice | _Fact | _Number, ...]
    needs: frozenset[str]

    def is_possible(self, facts: Facts) -> bool:
        """Whether every fact outside of choices is known."""
        return self.needs <= facts.keys()

    def render(self, rng: Random, facts: Facts) -> str:
        """The phrase with one of each choice and all facts filled in."""
        return "".join(part if isinstance(part, str) else part.render(rng, facts) for part in self.parts)


@dataclass(frozen=True, slots=True)
class _Choice:
    options: tuple[Template, ...]

    def render(self, rng: Random, facts: Facts) -> str:
        possible = [option for option in self.options if option.is_possible(facts)]
        return possible[int(rng.random() * len(possible))].render(rng, facts) if possible else ""


@dataclass(frozen=True, slots=True)
class _Fact:
    name: str

    def render(self, rng: Random, facts: Facts) -> str:  # noqa: ARG002
        text = facts.get(self.name.lower(), "")
        return text[:1].upper() + text[1:] if self.name[0].isupper() else text


@dataclass(frozen=True, slots=True)
class _Number:
    low: int
    high: int

    def render(self, rng: Random, facts: Facts) -> str:  # noqa: ARG002
        return str(self.low + int(rng.random() * (self.high - self.low + 1)))


def compile_template(text: str) -> Template:
    """Parse one phrase."""
    parts: list[str | _Choice | _Fact | _Number] = []
    at = 0
    for mark in _MARK.finditer(text):
        if mark.start() > at:
            parts.append(text[at : mark.start()])
        parts.append(_part(mark.group(1), mark.group(2)))
        at = mark.end()
    if at < len(text):
        parts.append(text[at:])
    needs = frozenset(part.name.lower() for part in parts if isinstance(part, _Fact)) - _OPTIONAL
    return Template(tuple(parts), needs)


def _part(choice: str | None, name: str) -> _Choice | _Fact | _Number:
    if choice is not None:
        return _Choice(tuple(compile_template(option) for option in choice.split("|")))
    number = _RANGE.match(name)
    return _Number(int(number[1]), int(number[2])) if number else _Fact(name)
