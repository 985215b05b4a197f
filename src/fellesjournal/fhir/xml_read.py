"""FHIR XML into FHIR JSON: every element and attribute known and in its namespace, nothing lost.

Elements out of R4's order are read all the same: publishers send them, and nothing hangs on it.
Python's own expat reads it as a stream: a document type is refused where it begins, so there are no entities and
no network; depth and memory are bounded while it is read; and a narrative can be cut out as the bytes it was sent in.
Source: https://hl7.org/fhir/R4/xml.html
"""

from __future__ import annotations

import re
from typing import Any, Final, NoReturn
from xml.parsers import expat

from fellesjournal.fhir.json_text import MAX_DEPTH
from fellesjournal.fhir.narrative import XHTML
from fellesjournal.fhir.xhtml import NotXhtml, standalone
from fellesjournal.fhir.xml_frames import NO_NARRATIVE, Fault, Frame, Holder, Node
from fellesjournal.fhir.xml_write import FHIR_NAMESPACE

_XSI: Final = "http://www.w3.org/2001/XMLSchema-instance"
_MAX_ATTRIBUTES: Final = 64
_crowded = re.compile(
    rb"""<[^<>"'\s]++(?:\s++[^<>"'=\s]++\s*+=\s*+(?:"[^"<]*+"|'[^'<]*+')){%d}""" % (_MAX_ATTRIBUTES + 1)
).search
"""A tag with too many attributes, found before expat makes a table of millions of them."""
_tag = re.compile(rb"<([^\s/>]+)").match
_CHUNK: Final = 1 << 20
"""Expat goes on to the end of what it was given after a fault; more at a time would cost memory, less time."""


class BadXml(Exception):
    """The body is not XML that can hold a resource. `place` is a FHIRPath, `what` the fault, never the content."""

    status = 400
    code = "structure"

    def __init__(self, place: str, what: str) -> None:
        super().__init__(f"{place}: {what}" if place else what)
        self.place = place
        self.what = what


def read_xml(body: bytes) -> dict[str, Any]:
    """Read one resource; a decimal becomes a msgspec.Raw that holds its text. Raises BadXml.

    The size of the body is the caller's concern. What is read is FHIR in its structure alone: a value that isn't of
    its type's form stays text, for the validator to name.
    """
    reader = _Reader(body)
    reader.read()
    return reader.resource()


class _Reader:
    """Reads one document, from the outside in; `_stack` holds what is open."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        self._root = Holder(None, "", None)
        self._stack: list[Frame] = [self._root]
        self._div_depth = 0
        self._div_from = 0
        self._parser = expat.ParserCreate("utf-8", " ")
        self._parser.ordered_attributes = True
        self._parser.buffer_text = True
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._text
        self._parser.XmlDeclHandler = self._declaration
        self._parser.StartDoctypeDeclHandler = self._doctype
        self._parser.ProcessingInstructionHandler = self._instruction

    def read(self) -> None:
        if _crowded(self._body):
            raise BadXml("", f"an element with more than {_MAX_ATTRIBUTES} attributes")
        try:
            for start in range(0, len(self._body), _CHUNK):
                self._parser.Parse(self._body[start : start + _CHUNK], False)
            self._parser.Parse(b"", True)
        except expat.ExpatError as error:
            raise BadXml("", f"not well-formed XML: {expat.ErrorString(error.code)} (line {error.lineno})") from None

    def resource(self) -> dict[str, Any]:
        found = self._root.content
        if found is None:
            self._refuse("expected a resource")
        return found

    def _start(self, name: str, attributes: list[str]) -> None:
        try:
            self._open(name, attributes)
        except (Fault, NotXhtml) as fault:
            self._refuse(str(fault))

    def _open(self, name: str, attributes: list[str]) -> None:
        namespace, _, local = name.rpartition(" ")
        if len(self._stack) + self._div_depth > MAX_DEPTH:
            raise Fault(f"nested deeper than {MAX_DEPTH} levels")
        if self._div_depth:
            self._inside_div(namespace)
        elif namespace == FHIR_NAMESPACE:
            self._stack.append(self._stack[-1].child(local, _named(attributes)))
        elif namespace == XHTML and local == "div":
            self._node().expect_div()
            self._div_depth, self._div_from = 1, self._parser.CurrentByteIndex
        else:
            raise Fault(f"an element that is not in the namespace {FHIR_NAMESPACE}")

    def _inside_div(self, namespace: str) -> None:
        if namespace != XHTML:
            raise Fault("a narrative holds XHTML alone")
        self._div_depth += 1

    def _end(self, _name: str) -> None:
        try:
            self._close()
        except (Fault, NotXhtml) as fault:
            self._refuse(str(fault))

    def _close(self) -> None:
        if self._div_depth:
            self._div_depth -= 1
            if not self._div_depth:
                self._close_div()
            return
        self._stack[-1].close()
        self._stack.pop()

    def _close_div(self) -> None:
        until = self._parser.CurrentByteIndex
        tag = _tag(self._body, self._div_from)
        if tag is None or not self._body.startswith(b"</" + tag[1], until):
            raise Fault("an empty narrative")
        source = self._body[self._div_from : self._body.index(b">", until) + 1]
        self._node().put_div(standalone(source.decode()))

    def _node(self) -> Node:
        frame = self._stack[-1]
        if not isinstance(frame, Node):
            raise Fault(NO_NARRATIVE)
        return frame

    def _text(self, data: str) -> None:
        if not self._div_depth and data.strip(" \t\r\n"):
            self._refuse("text between elements; a value stands in the attribute value")

    def _declaration(self, _version: str, encoding: str | None, _standalone: int) -> None:
        if encoding is not None and encoding.lower() not in ("utf-8", "us-ascii"):
            raise BadXml("", "the encoding must be UTF-8")

    def _doctype(self, *_arguments: Any) -> None:
        raise BadXml("", "a document type declaration is not accepted")

    def _instruction(self, *_arguments: Any) -> None:
        self._refuse("a processing instruction is not accepted")

    def _refuse(self, what: str) -> NoReturn:
        place = "".join(frame.place() for frame in self._stack)
        raise BadXml(place.lstrip("."), f"{what} (line {self._parser.CurrentLineNumber})") from None


def _named(listed: list[str]) -> dict[str, str]:
    """Pair attributes with their names; hints for schema tools (`xsi:schemaLocation`) are left out."""
    pairs = zip(listed[::2], listed[1::2], strict=True)
    return {name: value for name, value in pairs if not name.startswith(_XSI)}
