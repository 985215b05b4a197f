"""HL7's own FHIRPath tests for R4, as far as they lie in the shared folder."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from functools import cache
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from fellesjournal.fhir.fhirpath import FhirPathError, Services, check_expression, compile_expression
from fellesjournal.fhir.fhirpath.functions.conversion import to_text
from fellesjournal.fhir.fhirpath.nodes import plain
from tests.fhir.fhirpath.xml_resources import read_xml
from tests.needs import SHARED

FOLDER = SHARED / "data" / "conformance-dev" / "fhirpath"
NOW = datetime(2026, 11, 23, 12, 30, 15, 250_000, tzinfo=timezone(timedelta(hours=1)))
BASE = "http://hl7.org/fhir/StructureDefinition/"


def cases() -> list[Any]:
    files = sorted(FOLDER.glob("tests-fhir-r4*.xml"))
    groups = [group for file in files for group in ET.parse(file).getroot().iter("group")]
    return [
        pytest.param(test, id=f"{group.attrib['name']}-{test.attrib['name']}")
        for group in groups
        for test in group.iter("test")
    ]


@cache
def resource(name: str) -> dict[str, Any] | None:
    return read_xml(FOLDER / name) if name else None


def conforms(value: Any, type_name: str, profile: str) -> bool | None:
    name = profile.removeprefix(BASE)
    return None if name not in {"Patient", "Person"} else name == type_name


SERVICES = Services(conforms_to=conforms)


@pytest.mark.needs("shared")
@pytest.mark.parametrize("test", cases())
def test_official_expression(test: ET.Element) -> None:
    expression = test.find("expression")
    assert expression is not None and expression.text is not None
    focus = resource(test.attrib.get("inputfile", ""))
    if "invalid" in expression.attrib and not test.findall("output"):
        assert_refused(expression.text, focus, kind=expression.attrib["invalid"])
    elif "invalid" in expression.attrib:
        with pytest.raises(FhirPathError):
            compile_expression(expression.text).evaluate(focus, services=SERVICES, now=NOW)
    else:
        found = compile_expression(expression.text).nodes(focus, services=SERVICES, now=NOW)
        assert [spelt(item) for item in found] == [wanted(output) for output in test.findall("output")]


def assert_refused(expression: str, focus: Any, *, kind: str) -> None:
    with pytest.raises(FhirPathError):
        judge(expression, focus, kind=kind)


def judge(expression: str, focus: Any, *, kind: str) -> None:
    compiled = compile_expression(expression)
    if kind == "semantic" and focus is not None:
        check_expression(expression, type_name=focus["resourceType"])
    compiled.evaluate(focus, services=SERVICES, now=NOW)


def spelt(item: Any) -> str:
    return str(to_text(plain(item)))


def wanted(output: ET.Element) -> str:
    return (output.text or "").removeprefix("@").removeprefix("T")
