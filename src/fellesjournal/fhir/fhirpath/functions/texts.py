"""Strings: § 5.6 of the standard, and what its next version adds."""

from __future__ import annotations

import base64
import binascii
import html
import json
from collections.abc import Callable
from typing import Any, Final

from fellesjournal.fhir.fhirpath import patterns
from fellesjournal.fhir.fhirpath.arithmetic import joined
from fellesjournal.fhir.fhirpath.environment import Environment
from fellesjournal.fhir.fhirpath.errors import FhirPathError, TooCostly
from fellesjournal.fhir.fhirpath.functions.model import Function
from fellesjournal.fhir.fhirpath.nodes import Items
from fellesjournal.fhir.fhirpath.singles import one_integer, one_text

_MAX_PIECES: Final = 200_000
_CHARACTERS_A_STEP: Final = 64


def _text_function(act: Callable[..., Any], arguments: int = 0, *, decides: bool = False) -> Function:
    """Make a function of one text and texts; anything empty makes the result empty."""

    def run(items: Items, env: Environment, *others: Items) -> Any:
        values = [one_text(items), *(one_text(other) for other in others)]
        if None in values:
            return None if decides else []
        env.spend(sum(len(value or "") for value in values) // _CHARACTERS_A_STEP + 1)
        found = act(*values)
        if decides:
            return found
        return found if type(found) is list else [] if found is None else [found]

    return Function(run, arguments, arguments, decides=decides)


def _substring(items: Items, _env: Environment, start: Items, length: Items | None = None) -> Items:
    text, begin = one_text(items), one_integer(start)
    if text is None or begin is None or not 0 <= begin < len(text):
        return []
    count = None if length is None else one_integer(length)
    return [text[begin:]] if count is None else [text[begin : begin + max(0, count)]]


def _replace(text: str, pattern: str, by: str) -> str:
    if len(text) + text.count(pattern) * len(by) > 2_000_000:
        raise TooCostly("a text grows too long")
    return joined(text.replace(pattern, by))


def _join(items: Items, env: Environment, separator: Items | None = None) -> Items:
    between = one_text(separator) if separator else ""
    texts = [one_text([item]) for item in items]
    env.spend(len(items))
    present = [text for text in texts if text is not None]
    if sum(map(len, present)) + len(present) * len(between or "") > 2_000_000:
        raise TooCostly("a text grows too long")
    return [joined((between or "").join(present))] if items else []


def _split(text: str, separator: str) -> list[str]:
    if not separator:
        return _characters(text)
    if text.count(separator) > _MAX_PIECES:
        raise TooCostly("a text falls into too many pieces")
    return text.split(separator)


def _characters(text: str) -> list[str]:
    if len(text) > _MAX_PIECES:
        raise TooCostly("a text falls into too many pieces")
    return list(text)


def _encode(text: str, form: str) -> str | None:
    data = text.encode("utf-8", errors="replace")
    match form:
        case "hex":
            return data.hex()
        case "base64":
            return base64.b64encode(data).decode()
        case "urlbase64":
            return base64.urlsafe_b64encode(data).decode()
        case _:
            return None


def _decode(text: str, form: str) -> str | None:
    try:
        match form:
            case "hex":
                return bytes.fromhex(text).decode()
            case "base64":
                return base64.b64decode(text, validate=True).decode()
            case "urlbase64":
                return base64.b64decode(text, altchars=b"-_", validate=True).decode()
            case _:
                return None
    except (ValueError, binascii.Error):
        raise FhirPathError(f"the text is not {form}") from None


def _escape(text: str, form: str) -> str | None:
    match form:
        case "html":
            return joined(html.escape(text, quote=True).replace("&#x27;", "&#39;"))
        case "json":
            return joined(json.dumps(text, ensure_ascii=False)[1:-1])
        case _:
            return None


def _unescape(text: str, form: str) -> str | None:
    match form:
        case "html":
            return html.unescape(text)
        case "json":
            try:
                return str(json.loads(f'"{text}"'))
            except ValueError:
                raise FhirPathError("the text is not escaped JSON") from None
        case _:
            return None


FUNCTIONS: Final = {
    "indexOf": _text_function(lambda text, part: text.find(part), 1),
    "lastIndexOf": _text_function(lambda text, part: text.rfind(part), 1),
    "substring": Function(_substring, 1, 2),
    "startsWith": _text_function(lambda text, part: text.startswith(part), 1, decides=True),
    "endsWith": _text_function(lambda text, part: text.endswith(part), 1, decides=True),
    "contains": _text_function(lambda text, part: part in text, 1, decides=True),
    "upper": _text_function(lambda text: text.upper()),
    "lower": _text_function(lambda text: text.lower()),
    "replace": _text_function(_replace, 2),
    "matches": _text_function(patterns.found_in, 1, decides=True),
    "matchesFull": _text_function(patterns.matches_whole, 1, decides=True),
    "replaceMatches": _text_function(patterns.replace, 2),
    "length": _text_function(len),
    "toChars": _text_function(_characters),
    "trim": _text_function(lambda text: text.strip()),
    "split": _text_function(_split, 1),
    "join": Function(_join, 0, 1),
    "encode": _text_function(_encode, 1),
    "decode": _text_function(_decode, 1),
    "escape": _text_function(_escape, 1),
    "unescape": _text_function(_unescape, 1),
}
