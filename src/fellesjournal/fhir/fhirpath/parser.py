"""Reads tokens into a syntax tree, with the precedence of FHIRPath's grammar (appendix B of the standard)."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from fellesjournal.fhir.fhirpath.errors import FhirPathError, TooCostly
from fellesjournal.fhir.fhirpath.lexer import Token, tokens
from fellesjournal.fhir.fhirpath.quantity import CALENDAR_UNITS, Quantity
from fellesjournal.fhir.fhirpath.syntax import (
    Binary,
    Call,
    Empty,
    External,
    Indexer,
    Literal,
    Member,
    Sign,
    Special,
    Tree,
    TypeTest,
    parts,
)
from fellesjournal.fhir.fhirpath.temporal import Date, DateTime, Time

MAX_DEPTH: Final = 120
MAX_INTEGER: Final = 2**31 - 1

_LEVEL: Final[dict[str, int]] = {
    "implies": 1,
    "or": 2,
    "xor": 2,
    "and": 3,
    "in": 4,
    "contains": 4,
    "=": 5,
    "~": 5,
    "!=": 5,
    "!~": 5,
    "<": 6,
    ">": 6,
    "<=": 6,
    ">=": 6,
    "|": 7,
    "is": 8,
    "as": 8,
    "+": 9,
    "-": 9,
    "&": 9,
    "*": 10,
    "/": 10,
    "div": 10,
    "mod": 10,
}
_SIGN_LEVEL: Final = 11
# `div` may stand there: it is an element of Narrative.
_NOT_AT_START: Final = {"and", "or", "xor", "implies", "mod"}


def parse_expression(expression: str) -> Tree:
    """Read one expression. Raises FhirPathError with the position, TooCostly for one that nests too deep."""
    parser = _Parser(tokens(expression))
    tree = parser.whole()
    _bound_depth(tree)
    return tree


def _bound_depth(tree: Tree) -> None:
    """A long chain of operators nests as deep as brackets do."""
    level: tuple[Tree, ...] = (tree,)
    for _ in range(MAX_DEPTH):
        level = tuple(inner for outer in level for inner in parts(outer))
        if not level:
            return
    raise TooCostly(f"the expression nests deeper than {MAX_DEPTH} levels")


class _Parser:
    """Reads from left to right, one token ahead."""

    def __init__(self, found: list[Token]) -> None:
        self._tokens = found
        self._next = 0
        self._depth = 0

    def whole(self) -> Tree:
        tree = self._expression(0)
        if self._peek().kind != "end":
            raise self._unexpected()
        return tree

    def _expression(self, level: int) -> Tree:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise TooCostly(f"the expression nests deeper than {MAX_DEPTH} levels")
        tree = self._signed()
        while (operator := self._operator()) and _LEVEL[operator] > level:
            at = self._take().at
            if operator in {"is", "as"}:
                tree = TypeTest(operator, tree, self._type_name(), at)
            else:
                tree = Binary(operator, tree, self._expression(_LEVEL[operator]), at)
        self._depth -= 1
        return tree

    def _operator(self) -> str:
        token = self._peek()
        return token.text if token.kind in {"sign", "name"} and token.text in _LEVEL else ""

    def _signed(self) -> Tree:
        token = self._peek()
        if token.kind == "sign" and token.text in {"+", "-"}:
            self._take()
            return Sign(token.text, self._expression(_SIGN_LEVEL), token.at)
        return self._chain()

    def _chain(self) -> Tree:
        tree = self._term()
        while True:
            token = self._peek()
            if self._skip("."):
                tree = self._invocation(tree)
            elif self._skip("["):
                index = self._expression(0)
                self._expect("]")
                tree = Indexer(tree, index, token.at)
            else:
                return tree

    def _term(self) -> Tree:
        token = self._peek()
        match token.kind:
            case "number":
                return self._number()
            case "text":
                return Literal(self._take().text, token.at)
            case "moment":
                return Literal(_moment(self._take()), token.at)
            case "special":
                return Special(self._take().text[1:], token.at)
            case "name" if token.text in {"true", "false"}:
                return Literal(self._take().text == "true", token.at)
            case "name" if token.text in _NOT_AT_START:
                raise self._unexpected()
            case "name" | "quoted":
                return self._invocation(None)
            case _:
                return self._bracketed()

    def _bracketed(self) -> Tree:
        token = self._peek()
        if self._skip("("):
            tree = self._expression(0)
            self._expect(")")
            return tree
        if self._skip("{"):
            self._expect("}")
            return Empty(token.at)
        if self._skip("%"):
            name = self._take()
            if name.kind not in {"name", "quoted", "text"}:
                raise FhirPathError("% needs a name", position=name.at)
            return External(name.text, token.at)
        raise self._unexpected()

    def _invocation(self, target: Tree | None) -> Tree:
        name = self._take()
        if name.kind == "special" and target is not None:
            raise FhirPathError(f"{name.text} does not follow a point", position=name.at)
        if name.kind not in {"name", "quoted"}:
            raise FhirPathError("expected a name", position=name.at)
        if not self._skip("("):
            return Member(target, name.text, name.at)
        arguments: list[Tree] = []
        if not self._skip(")"):
            arguments.append(self._argument(name.text))
            while self._skip(","):
                arguments.append(self._argument(name.text))
            self._expect(")")
        return Call(target, name.text, tuple(arguments), name.at)

    def _argument(self, function: str) -> Tree:
        """Read an argument; a key of sort() may end in `asc` or `desc`."""
        tree = self._expression(0)
        word = self._peek()
        if function == "sort" and word.kind == "name" and word.text in {"asc", "desc"}:
            self._take()
            return Sign("-", tree, word.at) if word.text == "desc" else tree
        return tree

    def _number(self) -> Tree:
        token = self._take()
        value = _number(token)
        unit = self._peek()
        if unit.kind == "text":
            return Literal(Quantity(Decimal(value), self._take().text), token.at)
        if unit.kind == "name" and unit.text in CALENDAR_UNITS:
            return Literal(Quantity(Decimal(value), CALENDAR_UNITS[self._take().text], is_calendar=True), token.at)
        return Literal(value, token.at)

    def _type_name(self) -> str:
        name = self._name()
        while self._peek().text == "." and self._peek().kind == "sign":
            self._take()
            name += "." + self._name()
        return name

    def _name(self) -> str:
        token = self._take()
        if token.kind not in {"name", "quoted"}:
            raise FhirPathError("expected the name of a type", position=token.at)
        return token.text

    def _peek(self) -> Token:
        return self._tokens[self._next]

    def _take(self) -> Token:
        token = self._tokens[self._next]
        if token.kind == "end":
            raise FhirPathError("the expression ends too early", position=token.at)
        self._next += 1
        return token

    def _skip(self, sign: str) -> bool:
        token = self._peek()
        if token.kind == "sign" and token.text == sign:
            self._next += 1
            return True
        return False

    def _expect(self, sign: str) -> None:
        if not self._skip(sign):
            raise FhirPathError(f"expected {sign}", position=self._peek().at)

    def _unexpected(self) -> FhirPathError:
        token = self._peek()
        if token.kind == "end":
            return FhirPathError("the expression ends too early", position=token.at)
        what = token.text if token.kind == "sign" or token.text in _LEVEL else f"a {token.kind}"
        return FhirPathError(f"did not expect {what}", position=token.at)


def _number(token: Token) -> int | Decimal:
    if len(token.text) > 100:
        raise FhirPathError("the number is too long", position=token.at)
    if "." in token.text:
        return Decimal(token.text)
    if int(token.text) > MAX_INTEGER + 1:
        raise FhirPathError("the whole number is larger than 32 bits", position=token.at)
    return int(token.text)


def _moment(token: Token) -> Date | DateTime | Time:
    text = token.text[1:]
    moment: Date | DateTime | Time | None
    if text.startswith("T"):
        moment = Time.parse(text[1:])
    elif "T" in text:
        moment = DateTime.parse(text)
    else:
        moment = Date.parse(text)
    if moment is None:
        raise FhirPathError("no such date or time", position=token.at)
    return moment
