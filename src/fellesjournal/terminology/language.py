"""In which language a concept is shown.

A language is asked for as HTTP's Accept-Language or `displayLanguage` say it, best first. Bokmål, nynorsk and `no`
stand in for each other where the very one is not there.
"""

from __future__ import annotations

import re
from typing import Final

from fellesjournal.terminology.concept import Designation

Languages = tuple[str, ...]

_NORWEGIAN: Final = ("nb", "no", "nn")
_DISPLAY: Final = ("http://terminology.hl7.org/CodeSystem/designation-usage", "display")
_range = re.compile(r"\s*([A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8})*|\*)\s*(?:;\s*q\s*=\s*([01](?:\.\d{0,3})?)\s*)?").fullmatch
_MAX_RANGES: Final = 20


def wished(text: str | None) -> Languages:
    """The languages of a header or parameter, best first; what can't be read is left out."""
    found: list[tuple[float, str]] = []
    for part in (text or "").split(",")[:_MAX_RANGES]:
        match = _range(part)
        weight = float(match[2]) if match and match[2] else 1.0
        if match and match[1] != "*" and weight > 0:
            found.append((-weight, match[1].lower()))
    return tuple(language for _, language in sorted(found, key=lambda one: one[0]))


def display(base: str, designations: tuple[Designation, ...], *, own: str, languages: Languages) -> str:
    """The text to show: that in the first wished language that there is, else the concept's own.

    `own` is the language of the concept's display, '' when its system does not say.
    """
    for language in languages:
        for spoken in _stand_ins(language):
            if base and speaks(own, spoken):
                return base
            text = next((one.value for one in designations if speaks(one.language, spoken) and _is_display(one)), "")
            if text:
                return text
    return base or next((one.value for one in designations if _is_display(one)), "")


def _stand_ins(language: str) -> tuple[str, ...]:
    first = language.partition("-")[0]
    if first in _NORWEGIAN:
        return tuple(dict.fromkeys([language, first, *_NORWEGIAN]))
    return tuple(dict.fromkeys([language, first]))


def speaks(own: str, wanted: str) -> bool:
    """Whether a text is in a language: `nb` is spoken by `nb-NO`, `nb-NO` by `nb-NO` alone."""
    low = own.lower()
    return low == wanted or low.startswith(f"{wanted}-")


def _is_display(one: Designation) -> bool:
    """Whether a designation stands for the concept as a whole, not for a part or a long form of it."""
    use = one.use
    return not use or (use.get("system"), use.get("code")) == _DISPLAY or use.get("code") in ("display", "preferred")
