"""The rows of a list, and the CodeSystem that they become."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from fellesjournal.packages.files import File
from fellesjournal.packages.model import BadPackage

_URI: Final = "urn:ietf:rfc:3986"


@dataclass
class Concept:
    """One code. A group that the list has no text for has none here."""

    code: str
    display: str = ""
    properties: dict[str, str] = field(default_factory=dict)
    is_group: bool = False
    children: list[Concept] = field(default_factory=list)


def csv_header(file: File) -> tuple[str, ...]:
    """The names of the columns; none for what is no text."""
    first = file.content[:1_000].decode("utf-8-sig", "replace").partition("\n")[0]
    return tuple(name.strip() for name in first.split(","))


def csv_rows(file: File, *, columns: Iterable[str]) -> Iterator[dict[str, str]]:
    """The rows, every value without white space around it. Raises BadPackage, with the line."""
    lacking = set(columns) - set(csv_header(file))
    if lacking:
        raise BadPackage(f"{file.path}: no column {', '.join(sorted(lacking))}")
    try:
        reader = csv.DictReader(io.StringIO(file.content.decode("utf-8-sig"), newline=""), strict=True)
        for row in reader:
            if None in row or None in row.values():
                raise BadPackage(f"{file.path}: line {reader.line_num} has not as many values as the first line")
            yield {name.strip(): value.strip() for name, value in row.items()}
    except UnicodeDecodeError:
        raise BadPackage(f"{file.path}: not UTF-8") from None
    except csv.Error as error:
        raise BadPackage(f"{file.path}: {error}") from None


def by_code(file: File, rows: Iterable[tuple[str, str]]) -> dict[str, Concept]:
    """Concepts by code, in the list's order. Raises BadPackage for a code that is empty, or there twice."""
    made: dict[str, Concept] = {}
    for text, display in rows:
        code = " ".join(text.split())  # https://hl7.org/fhir/R4/datatypes.html#code: single spaces within, none around
        if not code:
            raise BadPackage(f"{file.path}: a row without a code")
        if code in made:
            raise BadPackage(f"{file.path}: the code {code[:40]!r} is there twice")
        made[code] = Concept(code, display)
    if not made:
        raise BadPackage(f"{file.path}: no code in it")
    return made


def code_system(
    *, id: str, url: str, version: str, name: str, title: str, copyright: str, oid: str, concepts: Iterable[Concept],
    properties: Iterable[tuple[str, str, str]] = (), has_levels: bool = False,
) -> dict[str, Any]:  # fmt: skip
    """A whole CodeSystem of concepts. `properties` are (code, type, description)."""
    listed = [_concept(one) for one in concepts]
    made = {
        "resourceType": "CodeSystem", "id": id, "language": "nb", "url": url,
        "identifier": [{"system": _URI, "value": f"urn:oid:{oid}"}], "version": version, "name": name, "title": title,
        "status": "active", "experimental": False, "copyright": copyright, "caseSensitive": True,
        "content": "complete", "count": sum(map(_count, listed)),
    }  # fmt: skip
    declared = [{"code": code, "type": type_, "description": text} for code, type_, text in properties]
    if has_levels:
        made["hierarchyMeaning"] = "is-a"
        declared.append(_NOT_SELECTABLE)
    if declared:
        made["property"] = declared
    return made | {"concept": listed}


_NOT_SELECTABLE: Final = {
    "code": "notSelectable", "uri": "http://hl7.org/fhir/concept-properties#notSelectable", "type": "boolean",
    "description": "A group: codes are chosen within it.",
}  # fmt: skip


def _concept(one: Concept) -> dict[str, Any]:
    made: dict[str, Any] = {"code": one.code}
    if one.display:
        made["display"] = one.display
    properties: list[dict[str, Any]] = [{"code": code, "valueCode": value} for code, value in one.properties.items()]
    if one.is_group:
        properties.append({"code": "notSelectable", "valueBoolean": True})
    if properties:
        made["property"] = properties
    if one.children:
        made["concept"] = [_concept(child) for child in one.children]
    return made


def _count(concept: dict[str, Any]) -> int:
    return 1 + sum(map(_count, concept.get("concept", ())))
