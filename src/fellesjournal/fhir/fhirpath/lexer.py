"""Cuts an expression into tokens."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from fellesjournal.fhir.fhirpath.errors import FhirPathError, TooCostly

MAX_LENGTH: Final = 50_000
MAX_TOKENS: Final = 10_000

_DATE = r"[0-9]{4}(?:-[0-9]{2}(?:-[0-9]{2})?)?"
_TIME = r"[0-9]{2}(?::[0-9]{2}(?::[0-9]{2}(?:\.[0-9]+)?)?)?"
_TOKEN = re.compile(
    rf"""
      (?P<space>\s+|//[^\r\n]*|/\*(?:[^*]|\*(?!/))*\*/)
    | (?P<moment>@(?:T{_TIME}|{_DATE}(?:T(?:{_TIME})?(?:Z|[+-][0-9]{{2}}:[0-9]{{2}})?)?))
    | (?P<number>[0-9]+(?:\.[0-9]+)?)
    | (?P<name>[A-Za-z_][A-Za-z0-9_]*)
    | (?P<quoted>`(?:[^`\\]|\\.)*`)
    | (?P<text>'(?:[^'\\]|\\.)*')
    | (?P<special>\$(?:this|index|total)\b)
    | (?P<sign><=|>=|!=|!~|/(?!\*)|[-+*&|<>=~.,()\[\]{{}}%])
    """,
    re.VERBOSE | re.DOTALL,
)
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|(.))", re.DOTALL)
_ESCAPED: Final = {
    "'": "'",
    '"': '"',
    "`": "`",
    "\\": "\\",
    "/": "/",
    "r": "\r",
    "n": "\n",
    "t": "\t",
    "f": "\f",
}


class Token(NamedTuple):
    """One token; `kind` is moment, number, name, quoted, text, special, sign or end."""

    kind: str
    text: str
    at: int


def tokens(expression: str) -> list[Token]:
    """Cut an expression into tokens; the last one is `end`. Raises FhirPathError."""
    if len(expression) > MAX_LENGTH:
        raise TooCostly(f"the expression is longer than {MAX_LENGTH} characters")
    found = list(_cut(expression))
    if len(found) > MAX_TOKENS:
        raise TooCostly(f"the expression has more than {MAX_TOKENS} tokens")
    return found


def _cut(expression: str) -> Iterator[Token]:
    at = 0
    while at < len(expression):
        match = _TOKEN.match(expression, at)
        if match is None:
            raise FhirPathError("unexpected character", position=at)
        kind = str(match.lastgroup)
        if kind in {"quoted", "text"}:
            yield Token(kind, _unescape(match.group()[1:-1], at=at), at)
        elif kind != "space":
            yield Token(kind, match.group(), at)
        at = match.end()
    yield Token("end", "", at)


def _unescape(text: str, *, at: int) -> str:
    if "\\" not in text:
        return text

    def replace(match: re.Match[str]) -> str:
        code, sign = match.groups()
        if code:
            return chr(int(code, 16))
        if sign not in _ESCAPED:
            raise FhirPathError("unknown escape in a text", position=at)
        return _ESCAPED[sign]

    return _ESCAPE.sub(replace, text)
