"""Search expressions: the small part of FHIRPath that R4's search parameters use, resolved against the
structures.

`routes` turns an expression into the JSON keys to follow from the resource's root, one route for each
concrete type
that a choice may have. What `routes` does not know raises Unsupported; a test lists the official ones (none).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

import msgspec

from fellesjournal.fhir.structures import Field, is_primitive, structure

_TOKEN = re.compile(r"\s*(?:('[^']*')|([A-Za-z][A-Za-z0-9]*)|([0-9]+)|(!=|[.()|\[\]=]))")
_EXTENSION: Final = Field(
    "extension", "extension", "Extension", many=True, required=False, choice=False, binding=None
)


class Unsupported(Exception):
    """The expression uses a part of FHIRPath that search does not know."""


class Key(msgspec.Struct, frozen=True):
    """Go into a property; `index` picks one item of a list."""

    key: str
    many: bool
    index: int | None = None


class Where(msgspec.Struct, frozen=True):
    """Keep what fits: `kind` is `target` (a reference's type), `equals` (a property's value) or
    `has_extension`.
    """

    kind: str
    name: str
    value: str


Step = Key | Where


class Route(msgspec.Struct, frozen=True):
    """One way from the root of a resource to values of one type."""

    steps: tuple[Step, ...]
    type: str
    binding: str | None = None


class Presence(msgspec.Struct, frozen=True):
    """A yes or no about the resource: one of these properties is there, and is not `false`."""

    keys: tuple[str, ...]


def routes(expression: str, *, rtype: str) -> list[Route | Presence]:
    """Resolve an expression for one resource type; branches that start at another type are left out."""
    tokens = list(_tokens(expression))
    found: list[Route | Presence] = []
    for branch in _branches(tokens):
        found += _Branch(branch, rtype=rtype).resolve()
    return list(dict.fromkeys(found))


def _tokens(expression: str) -> Iterator[str]:
    position = 0
    text = expression.rstrip()
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise Unsupported(expression)
        position = match.end()
        yield match.group().strip()


def _branches(tokens: list[str]) -> Iterator[list[str]]:
    branch: list[str] = []
    for token in tokens:
        if token == "|":  # noqa: S105
            yield branch
            branch = []
        else:
            branch.append(token)
    yield branch


class _Branch:
    """Reads one branch of a union, token by token, and follows the structures as it goes."""

    def __init__(self, tokens: list[str], *, rtype: str) -> None:
        self._tokens = tokens
        self._rtype = rtype
        self._at = 0
        self._ends: list[tuple[tuple[Step, ...], Field]] = []
        self._is_root = False

    def resolve(self) -> list[Route | Presence]:
        if "and" in self._tokens:
            return self._presence()
        self._path()
        if self._at != len(self._tokens):
            raise Unsupported(" ".join(self._tokens))
        if self._is_root:
            return [Route((), self._rtype)]
        return [Route(steps, f.type, f.binding) for steps, f in self._opened()]

    def _presence(self) -> list[Route | Presence]:
        """Read `X.exists() and X != false`."""
        first, second = (
            self._tokens[: self._tokens.index("and")],
            self._tokens[self._tokens.index("and") + 1 :],
        )
        if (
            first[-4:] != [".", "exists", "(", ")"]
            or second != [*first[:-4], "!=", "false"]
            or len(first) != 7
        ):
            raise Unsupported(" ".join(self._tokens))
        if first[0] != self._rtype:
            return []
        fields = structure(self._rtype).fields.values()
        return [Presence(tuple(f.key for f in fields if f.name == first[2]))]

    def _path(self) -> None:
        if self._peek() == "(":
            self._take("(")
            self._path()
            self._take("as")
            self._narrow(self._next())
            self._take(")")
        else:
            self._root(self._next())
        while self._peek() in {".", "["}:
            self._step()

    def _root(self, name: str) -> None:
        self._is_root = name in {self._rtype, "Resource", "DomainResource"} or name[0].islower()
        if name[0].islower():
            self._go(name)

    def _step(self) -> None:
        if self._next() == "[":
            index = int(self._next())
            self._take("]")
            self._index(index)
            return
        name = self._next()
        if self._peek() != "(":
            self._go(name)
            return
        self._take("(")
        if name in {"as", "ofType"}:
            self._narrow(self._next())
        elif name == "extension":
            self._extension(self._next())
        elif name == "where":
            self._where()
        else:
            raise Unsupported(name)
        self._take(")")

    def _where(self) -> None:
        name = self._next()
        if name == "resolve":
            for expected in ("(", ")", "is"):
                self._take(expected)
            self._filter(Where("target", "", self._next()))
            return
        if name == "hasExtension":
            self._take("(")
            self._filter(Where("has_extension", "", self._next().strip("'")))
            self._take(")")
            return
        self._take("=")
        self._filter(Where("equals", name, self._next().strip("'")))

    def _go(self, name: str) -> None:
        """Follow an element by its FHIRPath name; a choice opens into one end for each of its types."""
        if self._is_root:
            ends: list[tuple[tuple[Step, ...], str]] = [((), self._rtype)]
            self._is_root = False
        else:
            ends = [(steps, f.type) for steps, f in self._ends]
        self._ends = [
            ((*steps, Key(f.key, f.many)), f)
            for steps, owner in ends
            if not is_primitive(owner) and owner != "Resource"
            for f in structure(owner).fields.values()
            if f.name == name
        ]

    def _extension(self, url: str) -> None:
        at_root: list[tuple[Step, ...]] = [()] if self._is_root else [steps for steps, _ in self._ends]
        self._is_root = False
        tail = (Key("extension", True), Where("equals", "url", url.strip("'")))
        self._ends = [((*steps, *tail), _EXTENSION) for steps in at_root]

    def _index(self, index: int) -> None:
        self._ends = [
            ((*s[:-1], Key(s[-1].key, True, index)), f) for s, f in self._ends if isinstance(s[-1], Key)
        ]

    def _narrow(self, type_name: str) -> None:
        wanted = {type_name, type_name[0].lower() + type_name[1:]}
        self._ends = [(steps, f) for steps, f in self._ends if f.type in wanted]

    def _filter(self, where: Where) -> None:
        self._ends = [((*steps, where), f) for steps, f in self._ends]

    def _opened(self) -> Iterator[tuple[tuple[Step, ...], Field]]:
        """Open a bare extension into its possible values."""
        for steps, field in self._ends:
            if field.type != "Extension":
                yield steps, field
                continue
            for value in structure("Extension").fields.values():
                if value.choice:
                    yield (*steps, Key(value.key, False)), value

    def _peek(self) -> str:
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def _next(self) -> str:
        self._at += 1
        if self._at > len(self._tokens):
            raise Unsupported(" ".join(self._tokens))
        return self._tokens[self._at - 1]

    def _take(self, expected: str) -> None:
        if self._next() != expected:
            raise Unsupported(" ".join(self._tokens))
