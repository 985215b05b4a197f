"""The syntax tree of an expression. `at` is the position in the text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Literal:
    """A value that stands in the expression."""

    value: Any
    at: int


@dataclass(frozen=True, slots=True)
class Empty:
    """The empty collection `{}`."""

    at: int


@dataclass(frozen=True, slots=True)
class Special:
    """`$this`, `$index` or `$total`; `name` without the dollar."""

    name: str
    at: int


@dataclass(frozen=True, slots=True)
class External:
    """A constant from outside: `%resource`."""

    name: str
    at: int


@dataclass(frozen=True, slots=True)
class Member:
    """A step to an element; without a target it starts at `$this`."""

    target: Tree | None
    name: str
    at: int


@dataclass(frozen=True, slots=True)
class Call:
    """A function; without a target it starts at `$this`."""

    target: Tree | None
    name: str
    arguments: tuple[Tree, ...]
    at: int


@dataclass(frozen=True, slots=True)
class Indexer:
    """`target[index]`."""

    target: Tree
    index: Tree
    at: int


@dataclass(frozen=True, slots=True)
class Sign:
    """A unary plus or minus."""

    operator: str
    operand: Tree
    at: int


@dataclass(frozen=True, slots=True)
class Binary:
    """An operator between two expressions."""

    operator: str
    left: Tree
    right: Tree
    at: int


@dataclass(frozen=True, slots=True)
class TypeTest:
    """`left is Type` and `left as Type`."""

    operator: str
    left: Tree
    type_name: str
    at: int


Tree = Literal | Empty | Special | External | Member | Call | Indexer | Sign | Binary | TypeTest


def parts(tree: Tree) -> tuple[Tree, ...]:
    """Return the expressions that this one is made of, left to right."""
    match tree:
        case Member(target=target):
            return () if target is None else (target,)
        case Call(target=target, arguments=arguments):
            return arguments if target is None else (target, *arguments)
        case Indexer(target=inner, index=index):
            return (inner, index)
        case Sign(operand=operand):
            return (operand,)
        case Binary(left=left, right=right):
            return (left, right)
        case TypeTest(left=left):
            return (left,)
        case _:
            return ()
