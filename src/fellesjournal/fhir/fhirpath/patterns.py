"""Regular expressions that cannot hang: RE2 takes time linear in the text, whatever the pattern.

Look-around and back references, which RE2 does not have, are refused.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, Final

import re2

from fellesjournal.fhir.fhirpath.arithmetic import MAX_TEXT, joined
from fellesjournal.fhir.fhirpath.errors import FhirPathError, TooCostly

_MAX_PATTERN: Final = 2_000
_GROUP: Final = re.compile(r"\$(?:(\d)|\{(\w+)\}|(\$))|\\(.)")


def found_in(text: str, pattern: str) -> bool:
    """Tell whether the pattern matches somewhere in the text."""
    return _compiled(pattern).search(text) is not None


def matches_whole(text: str, pattern: str) -> bool:
    """Tell whether the pattern matches the whole text."""
    return _compiled(pattern).fullmatch(text) is not None


def replace(text: str, pattern: str, by: str) -> str:
    """Replace every match; `$1` and `${name}` stand for groups. An empty pattern replaces nothing."""
    if not pattern:
        return text
    pieces: list[str] = []
    length = at = 0
    for match in _compiled(pattern).finditer(text):
        pieces += [text[at : match.start()], _expanded(by, match)]
        length += len(pieces[-1]) + len(pieces[-2])
        at = match.end()
        if length > MAX_TEXT:
            raise TooCostly(f"a text has more than {MAX_TEXT} characters")
    return joined("".join([*pieces, text[at:]]))


def _expanded(by: str, match: Any) -> str:
    def group(found: re.Match[str]) -> str:
        number, name, dollar, escaped = found.groups()
        if dollar or escaped:
            return str(dollar or escaped)
        try:
            return match.group(int(number) if number else name) or ""
        except (IndexError, KeyError):
            raise FhirPathError("the replacement names a group that the pattern does not have") from None

    return _GROUP.sub(group, by)


@lru_cache(maxsize=512)
def _compiled(pattern: str) -> Any:
    if len(pattern) > _MAX_PATTERN:
        raise FhirPathError(f"the pattern is longer than {_MAX_PATTERN} characters")
    options = re2.Options()
    options.dot_nl = True
    options.log_errors = False
    try:
        return re2.compile(pattern, options=options)
    except re2.error:
        raise FhirPathError("the pattern is no regular expression, or uses look-around or back references") from None
