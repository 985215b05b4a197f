"""Narrative: the limited XHTML that R4 allows in `text.div` (invariants txt-1 and txt-2).

A stranger's markup must not reach a page: what is not on these lists is refused at the door.
Source: https://hl7.org/fhir/R4/narrative.html
"""

from __future__ import annotations

import re
from typing import Any, Final
from xml.parsers import expat

XHTML: Final = "http://www.w3.org/1999/xhtml"

_ELEMENTS: Final = frozenset(
    """
        a abbr acronym address b big blockquote br caption center cite code col colgroup dd del dfn div
        dl dt em font h1 h2 h3 h4 h5 h6 hr i img ins kbd li ol p pre q s samp small span strike strong
        sub sup table tbody td tfoot th thead tr tt u ul var
    """.split()  # noqa: SIM905 - a list of words reads better as text
)
_ATTRIBUTES: Final = frozenset(
    """
        abbr accesskey align alt axis bgcolor border cellpadding cellspacing char charoff charset cite
        class color colspan compact coords dir face frame headers height href hreflang hspace id lang
        longdesc name nowrap rel rev rowspan rules scope shape size span src start style summary
        tabindex title type valign value vspace width xml:lang xmlns
    """.split()  # noqa: SIM905 - a list of words reads better as text
)
_LINKS: Final = frozenset({"href", "src", "cite", "longdesc"})
_SAFE_LINK = re.compile(
    r"(?:https?:|mailto:|tel:|urn:|data:image/(?:png|jpeg|gif);)|(?![a-z][a-z0-9+.\-]*:)", re.IGNORECASE
).match
_BLANK = re.compile(r"[\x00-\x20]+")
_UNSAFE_STYLE = re.compile(
    r"expression\s*\(|url\s*\(|@import|\\|/\*|behaviou?r\s*:|-moz-binding", re.IGNORECASE
)
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")


class _Refused(Exception):
    """The markup holds what R4 does not allow."""


def is_narrative(value: Any) -> bool:
    """Test that a value is one well-formed `<div>` of allowed elements and attributes with some content."""
    if type(value) is not str or _CONTROL.search(value):
        return False
    reader = _Reader()
    try:
        reader.read(value)
    except (_Refused, expat.ExpatError, ValueError):
        return False
    return reader.has_content


class _Reader:
    """Walks the markup once, and stops at the first thing that is not allowed."""

    def __init__(self) -> None:
        self.has_content = False
        self._depth = 0

    def read(self, text: str) -> None:
        parser = expat.ParserCreate()
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text
        parser.StartDoctypeDeclHandler = self._refuse
        parser.ProcessingInstructionHandler = self._refuse
        parser.Parse(text, True)

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        if name not in _ELEMENTS or self._depth > 100 or (self._depth == 1 and name != "div"):
            raise _Refused
        if attributes:
            self._check(attributes)
        if name == "img":
            self.has_content = True

    def _check(self, attributes: dict[str, str]) -> None:
        for name, value in attributes.items():
            if name not in _ATTRIBUTES or (name == "style" and _UNSAFE_STYLE.search(value)):
                raise _Refused
            if name in _LINKS and not _SAFE_LINK(_BLANK.sub("", value)):
                raise _Refused
            if name == "xmlns" and value != XHTML:
                raise _Refused

    def _end(self, _name: str) -> None:
        self._depth -= 1

    def _text(self, data: str) -> None:
        if not self.has_content and data.strip():
            self.has_content = True

    def _refuse(self, *_arguments: Any) -> None:
        raise _Refused
