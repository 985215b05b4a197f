"""The official suite's resources are XML; this reads them into JSON, with the definitions' help.

For tests alone: it trusts its input.
"""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

from fellesjournal.fhir.structures import is_primitive, structure

FHIR = "{http://hl7.org/fhir}"
XHTML = "{http://www.w3.org/1999/xhtml}"


def read_xml(path: Path) -> dict[str, Any]:
    return resource(ET.parse(path).getroot())


def resource(element: ET.Element) -> dict[str, Any]:
    name = element.tag.removeprefix(FHIR)
    return {"resourceType": name} | complex_value(element, name)


def complex_value(element: ET.Element, type_name: str) -> dict[str, Any]:
    fields = structure(type_name).fields
    found: dict[str, Any] = {key: value for key, value in element.attrib.items() if key in {"id", "url"}}
    for child in element:
        key = child.tag.removeprefix(FHIR).removeprefix(XHTML)
        field = fields[key]
        if is_primitive(field.type):
            primitive(child, key, field.type, found, many=field.many)
            continue
        value = resource(child[0]) if field.type == "Resource" else complex_value(child, field.type)
        add(found, key, value, many=field.many)
    return found


def primitive(child: ET.Element, key: str, type_name: str, found: dict[str, Any], *, many: bool) -> None:
    if type_name == "xhtml":
        found[key] = ET.tostring(child, encoding="unicode")
        return
    value: Any = child.attrib.get("value")
    if value is not None and type_name == "boolean":
        value = value == "true"
    elif value is not None and type_name in {"integer", "positiveInt", "unsignedInt"}:
        value = int(value)
    elif value is not None and type_name == "decimal":
        value = Decimal(value)
    extra = complex_value_of_primitive(child)
    if many:
        found.setdefault(key, []).append(value)
        found.setdefault(f"_{key}", []).append(extra)
    else:
        found |= {name: part for name, part in ((key, value), (f"_{key}", extra)) if part is not None}


def complex_value_of_primitive(child: ET.Element) -> dict[str, Any] | None:
    found: dict[str, Any] = {key: value for key, value in child.attrib.items() if key == "id"}
    for inner in child:
        add(found, "extension", complex_value(inner, "Extension"), many=True)
    return found or None


def add(found: dict[str, Any], key: str, value: Any, *, many: bool) -> None:
    if many:
        found.setdefault(key, []).append(value)
    else:
        found[key] = value
