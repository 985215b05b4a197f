"""One narrative `<div>`, cut out of a document or out of JSON, made to stand alone.

It stays as it was written, byte for byte, whenever it already stands alone; only names with prefixes, or a
namespace that was declared further out, are written anew.
"""

from __future__ import annotations

import re
from typing import Any, Final
from xml.parsers import expat

from fellesjournal.fhir.narrative import XHTML

_ROOT: Final = "div"
_escaped = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\t": "&#9;", "\n": "&#10;"})
_text_escaped = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})
_PREFIXED = re.compile(r"(?!xml:)[^:]+:", re.DOTALL).match


class NotXhtml(ValueError):
    """The text isn't one well-formed `<div>` of XHTML alone."""


def standalone(div: str) -> str:
    """Return the same `<div>`, with its namespace on it and no prefixes. Raises NotXhtml.

    Which elements and attributes may stand in it is the business of `narrative`.
    """
    rewriter = _Rewriter()
    try:
        rewriter.read(div)
    except (expat.ExpatError, UnicodeEncodeError):
        raise NotXhtml("not well-formed XHTML") from None
    return div if rewriter.is_plain else rewriter.text()


class _Rewriter:
    """Reads a `<div>` and writes it anew, in case it can't stay as it is."""

    def __init__(self) -> None:
        self.is_plain = True
        self._parts: list[str] = []
        self._is_open = False
        self._depth = 0

    def read(self, div: str) -> None:
        parser = expat.ParserCreate()
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._data
        parser.StartDoctypeDeclHandler = self._refuse
        parser.ProcessingInstructionHandler = self._refuse
        parser.XmlDeclHandler = self._declaration
        parser.Parse(div, True)

    def text(self) -> str:
        return "".join(self._parts)

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        local = name.rpartition(":")[2]
        if self._depth == 0 and local != _ROOT:
            raise NotXhtml("a narrative is one <div>")
        if attributes.get("xmlns", XHTML) != XHTML:
            raise NotXhtml("a narrative holds XHTML alone")
        own = {key: value for key, value in attributes.items() if not key.startswith("xmlns")}
        if any(map(_PREFIXED, own)):
            raise NotXhtml("an attribute of XHTML has no prefix")
        is_named = self._depth > 0 or "xmlns" in attributes
        self.is_plain = self.is_plain and local == name and is_named
        self._close()
        space = f' xmlns="{XHTML}"' if self._depth == 0 else ""
        self._parts.append(f"<{local}{space}")
        self._parts += [f' {key}="{value.translate(_escaped)}"' for key, value in own.items()]
        self._is_open = True
        self._depth += 1

    def _end(self, name: str) -> None:
        self._depth -= 1
        self._parts.append("/>" if self._is_open else f"</{name.rpartition(':')[2]}>")
        self._is_open = False

    def _data(self, data: str) -> None:
        self._close()
        self._parts.append(data.translate(_text_escaped))

    def _close(self) -> None:
        if self._is_open:
            self._parts.append(">")
            self._is_open = False

    def _declaration(self, *_arguments: Any) -> None:
        self.is_plain = False

    def _refuse(self, *_arguments: Any) -> None:
        raise NotXhtml("a narrative has no document type and no processing instructions")
