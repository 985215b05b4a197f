# ruff: noqa: E501 - tables of what is tried read best a line each
"""FHIR XML and JSON: the same resource both ways, and what is refused."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from fellesjournal.fhir import BadJson, BadXml, encode, parse, read_verbatim, read_xml, validate, write_xml
from tests.fhir.generated import resources
from tests.fhir.samples import Json, observation, patient
from tests.needs import SHARED

NS = 'xmlns="http://hl7.org/fhir"'
XHTML = "http://www.w3.org/1999/xhtml"


def round_trip(body: bytes, *, indent: str = "") -> bytes:
    """JSON by way of XML."""
    return encode(read_xml(write_xml(read_verbatim(body), indent=indent)))


def exact(value: Any) -> Any:
    """A document to compare with: decimals by their text, lists in order."""
    if isinstance(value, dict):
        return {key: exact(item) for key, item in value.items()}
    if isinstance(value, list):
        return [exact(item) for item in value]
    return (type(value).__name__, str(value))


def fault(body: str | bytes) -> BadXml:
    """What a document is refused with."""
    with pytest.raises(BadXml) as caught:
        read_xml(body.encode() if isinstance(body, str) else body)
    return caught.value


# ── both ways ────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.needs("shared")
def test_every_official_example_is_the_same_after_xml() -> None:
    examples = sorted((SHARED / "data/fhir-r4-examples-dev").glob("*.json"))
    assert len(examples) > 100
    for path in examples:
        body = path.read_bytes()
        assert exact(parse(round_trip(body))) == exact(parse(body)), path.name
        assert exact(parse(round_trip(body, indent="  "))) == exact(parse(body)), path.name


@pytest.mark.needs("shared")
def test_published_xml_is_read_and_is_the_same_after_json() -> None:
    faults: dict[str, str] = {}
    count = 0
    for path, body in _published():
        try:
            document = read_xml(body)
        except BadXml as bad:
            faults[path] = bad.what.partition(" (")[0]
            continue
        count += 1
        assert exact(parse(encode(read_xml(write_xml(document))))) == exact(parse(encode(document))), path
    assert count > 200
    assert faults == {
        "gd-person-sametingelectorrelation.CodeSystem.xml": "CodeSystem has no element desciption",
        "gd-RelatedPerson-example-family.xml": "RelatedPerson has no element RelatedPerson",
    }


def _published() -> Iterator[tuple[str, bytes]]:
    for path in sorted((SHARED / "data").rglob("*.xml")):
        body = path.read_bytes()
        if b'http://hl7.org/fhir"' in body:
            yield path.name, body


@given(resources())
@example({"resourceType": "Patient"})
@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
def test_any_resource_is_the_same_after_xml(resource: Json) -> None:
    body = encode(resource)
    assert exact(parse(round_trip(body))) == exact(parse(body))
    assert exact(parse(round_trip(body, indent="\t"))) == exact(parse(body))


@pytest.mark.parametrize("text", ["72.50", "0.0000001", "1E3", "1.10e-05", "-0.00", "123456789012345678901234567890", "7"])
def test_a_number_keeps_its_text(text: str) -> None:
    body = f'{{"resourceType":"Basic","extension":[{{"url":"u","valueDecimal":{text}}}]}}'.encode()
    assert f'<valueDecimal value="{text}"/>'.encode() in write_xml(read_verbatim(body))
    assert round_trip(body) == body


def test_elements_stand_in_the_order_of_the_definition() -> None:
    mixed = {"resourceType": "Patient", "birthDate": "1950-01-01", "name": [{"text": "B", "use": "usual"}], "id": "a"}
    assert write_xml(mixed).decode().partition("?>")[2] == (
        f'<Patient {NS}><id value="a"/><name><use value="usual"/><text value="B"/></name>'
        '<birthDate value="1950-01-01"/></Patient>'
    )


def test_ids_and_extensions_of_plain_values_have_their_places() -> None:
    extension = {"url": "http://x.no/e", "valueString": "v"}
    person = {
        "resourceType": "Patient",
        "name": [{"id": "n1", "given": ["Kari", None, "Liv"], "_given": [None, {"id": "g"}, {"extension": [extension]}]}],
        "_birthDate": {"extension": [extension]},
    }
    written = write_xml(person).decode()
    assert '<name id="n1"><given value="Kari"/><given id="g"/><given value="Liv"><extension url="http://x.no/e">' in written
    assert "<birthDate><extension" in written
    assert read_xml(written.encode()) == person


def test_resources_within_have_elements_of_their_own() -> None:
    inner = {"resourceType": "Organization", "id": "o", "name": "Legevakt"}
    held = patient(contained=[inner], text={"status": "generated", "div": f'<div xmlns="{XHTML}">a</div>'})
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": held}, {"resource": observation()}]}
    written = write_xml(bundle).decode()
    assert "<entry><resource><Patient><id" in written
    assert '<contained><Organization><id value="o"/>' in written
    assert exact(parse(encode(read_xml(written.encode())))) == exact(parse(encode(bundle)))


def test_white_space_and_quotes_in_a_value_are_kept() -> None:
    text = ' to\r\n\tlinjer "sitat" \'x\' <b> &amp; 𝄞 '
    person = {"resourceType": "Patient", "name": [{"text": text}]}
    assert read_xml(write_xml(person)) == person


def test_a_character_that_xml_cannot_hold_is_replaced() -> None:
    written = write_xml({"resourceType": "Patient", "name": [{"text": "a\uffffb\x0bc"}]})
    assert read_xml(written)["name"] == [{"text": "a\ufffdb\ufffdc"}]


def test_a_narrative_is_kept_as_it_was_sent() -> None:
    div = f'<div  xmlns="{XHTML}"\n class="x">\r\n <!-- c --><br /><![CDATA[<]]>&#160;å<b>\u00a0</b></div >'
    resource = {"resourceType": "Basic", "text": {"status": "generated", "div": div}}
    assert read_xml(write_xml(resource))["text"]["div"] == div


def test_a_narrative_with_prefixes_stands_alone_in_json() -> None:
    body = (
        f'<f:Basic xmlns:f="http://hl7.org/fhir" xmlns:h="{XHTML}"><f:text><f:status value="generated"/>'
        '<h:div class="a &quot;b&quot;" xml:lang="no">1 &lt; 2<h:br/><h:p></h:p></h:div></f:text></f:Basic>'
    )
    div = f'<div xmlns="{XHTML}" class="a &quot;b&quot;" xml:lang="no">1 &lt; 2<br/><p/></div>'
    assert read_xml(body.encode())["text"]["div"] == div


def test_a_narrative_without_its_namespace_gets_it_in_xml() -> None:
    resource = {"resourceType": "Basic", "text": {"status": "generated", "div": "<div>a</div>"}}
    assert f'<div xmlns="{XHTML}">a</div>' in write_xml(resource).decode()


def test_a_narrative_with_a_declaration_of_its_own_is_written_without_it() -> None:
    div = f'<?xml version="1.0" encoding="UTF-16"?>\n<div xmlns="{XHTML}">å</div>'
    resource = {"resourceType": "Basic", "text": {"status": "generated", "div": div}}
    assert f'<status value="generated"/><div xmlns="{XHTML}">å</div></text>' in write_xml(resource).decode()


def test_schema_hints_comments_and_a_byte_order_mark_are_no_content() -> None:
    hint = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="http://hl7.org/fhir patient.xsd"'
    body = f'\ufeff<?xml version="1.0" encoding="utf-8"?>\n<!-- a --><Patient {NS} {hint}><!-- b -->\n <id value="1"/></Patient>'
    assert read_xml(body.encode()) == {"resourceType": "Patient", "id": "1"}


def test_elements_out_of_order_are_read_and_nothing_is_lost() -> None:
    body = f'<Patient {NS}><name><text value="1"/></name><id value="a"/><name><text value="2"/></name></Patient>'
    assert read_xml(body.encode()) == {"resourceType": "Patient", "name": [{"text": "1"}, {"text": "2"}], "id": "a"}


@pytest.mark.parametrize(
    ("element", "value"),
    [('<active value="1"/>', "1"), ('<active value="True"/>', "True"), ('<multipleBirthInteger value="1.5"/>', "1.5"),
     ('<extension url="u"><valueDecimal value=".5"/></extension>', ".5"), ('<active value=""/>', "")],
)  # fmt: skip
def test_a_value_that_is_not_of_its_type_is_named_by_the_validator(element: str, value: str) -> None:
    document = read_xml(f"<Patient {NS}>{element}</Patient>".encode())
    assert f'"{value}"' in encode(document).decode()
    assert [issue.code for issue in validate(document)] == ["value"]


# ── what is refused ──────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("inside", "place", "what"),
    [
        ('<contact><name><famly value="x"/></name></contact>', "Patient.contact[0].name", "HumanName has no element famly"),
        ('<name/>', "Patient.name[0]", "an element has a value or children"),
        ('<name><given value="a"/><given/></name>', "Patient.name[0].given[1]", "an element has a value or children"),
        ('<active value="true" lang="x"/>', "Patient", "active has an attribute that may not be there"),
        ('<active>true</active>', "Patient.active", "text between elements"),
        ('<gender value="male"/><gender value="male"/>', "Patient", "gender is given more than once"),
        ('<gender xmlns="http://x.no" value="male"/>', "Patient", "not in the namespace"),
        ('<gender xmlns="" value="male"/>', "Patient", "not in the namespace"),
        ('<contained><Dragon/></contained>', "Patient.contained[0]", "Dragon is no resource type"),
        ('<contained><Basic/><Basic/></contained>', "Patient.contained[0]", "room for one resource"),
        ('<contained/>', "Patient.contained[0]", "expected a resource"),
        ('<a01815012345/>', "Patient", "no element of this name"),
        ('<text><status value="generated"/><div>a</div></text>', "Patient.text", "the namespace of XHTML"),
        (f'<div xmlns="{XHTML}">a</div>', "Patient", "Patient has no element div"),
        (f'<birthDate><div xmlns="{XHTML}">a</div></birthDate>', "Patient.birthDate", "a narrative stands in the text"),
        (f'<text><div xmlns="{XHTML}"/></text>', "Patient.text", "empty narrative"),
        (f'<text><div xmlns="{XHTML}"><svg xmlns="http://www.w3.org/2000/svg"/></div></text>', "Patient.text", "XHTML alone"),
        (f'<text><div xmlns="{XHTML}" xmlns:x="u" x:y="1">a</div></text>', "Patient.text", "no prefix"),
        ('<birthDate value="1950" url="x"/>', "Patient", "birthDate has an attribute"),
        ('<?php echo 1 ?>', "Patient", "processing instruction"),
    ],
)  # fmt: skip
def test_what_is_not_fhir_is_refused_with_its_place(inside: str, place: str, what: str) -> None:
    refused = fault(f"<Patient {NS}>\n{inside}</Patient>")
    assert (refused.place, refused.status) == (place, 400)
    assert what in refused.what and "(line 2)" in refused.what


@pytest.mark.parametrize(
    ("body", "what"),
    [
        (b"", "not well-formed"),
        (b"{}", "not well-formed"),
        (b"\x00", "not well-formed"),
        (b"<Patient/>", "not in the namespace"),
        (f"<Dragon {NS}/>".encode(), "Dragon is no resource type"),
        (f'<Patient {NS} id="1"/>'.encode(), "Patient has an attribute"),
        (f"<Patient {NS}/><Patient {NS}/>".encode(), "not well-formed"),
        (f"<Patient {NS}>".encode(), "not well-formed"),
        (f'<Patient {NS}><id value="&nbsp;"/></Patient>'.encode(), "undefined entity"),
        (f'<Patient {NS}><id value="'.encode() + b'\xff"/></Patient>', "not well-formed"),
        (f'<?xml version="1.0" encoding="ISO-8859-1"?><Patient {NS}/>'.encode(), "must be UTF-8"),
        (f'<?xml version="1.0" encoding="UTF-16"?><Patient {NS}/>'.encode("utf-16"), "not well-formed"),
        (f"<?xml-stylesheet href='x'?><Patient {NS}/>".encode(), "processing instruction"),
        (f'<div xmlns="{XHTML}">a</div>'.encode(), "a narrative stands in the text"),
    ],
)
def test_what_is_no_document_of_ours_is_refused(body: bytes, what: str) -> None:
    if what == "not well-formed" and body[:2] == b"\xff\xfe":
        what = "UTF-8"
    assert what in fault(body).what


def bomb() -> bytes:
    """A billion laughs."""
    levels = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 10))
    return f'<!DOCTYPE x [<!ENTITY a0 "ha">{levels}]><Patient {NS}><id value="&a9;"/></Patient>'.encode()


ATTACKS = {
    "entity bomb": bomb(),
    "file by entity": f'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><Patient {NS}><id value="&a;"/></Patient>'.encode(),
    "document type elsewhere": f'<!DOCTYPE x SYSTEM "http://127.0.0.1/x.dtd"><Patient {NS}/>'.encode(),
    "deep extensions": f"<Patient {NS}>".encode() + b'<extension url="u">' * 200_000,
    "deep nonsense": b"<a>" * 2_000_000,
    "deep narrative": f'<Patient {NS}><text><div xmlns="{XHTML}">'.encode() + b"<p>" * 1_000_000,
    "many attributes": f"<Patient {NS}><name ".encode() + b" ".join(b'a%d=""' % n for n in range(500_000)) + b"/></Patient>",
    "many namespaces": f"<Patient {NS}><name ".encode() + b" ".join(b'xmlns:a%d="u"' % n for n in range(300_000)) + b"/></Patient>",
    "huge name": f"<Patient {NS}><".encode() + b"a" * 8_000_000 + b"/></Patient>",
    "huge attribute": f'<Patient {NS}><name value="'.encode() + b"a" * 8_000_000 + b'"/></Patient>',
    "huge text": f"<Patient {NS}>".encode() + b"a" * 8_000_000,
    "huge unclosed comment": f"<Patient {NS}><!--".encode() + b"-" * 8_000_000,
    "quotes without end": f"<Patient {NS}><a ".encode() + b"a='" * 2_000_000,
}  # fmt: skip


@pytest.mark.parametrize("attack", ATTACKS)
def test_an_attack_is_refused_quickly(attack: str) -> None:
    began = time.process_time()
    fault(ATTACKS[attack])
    assert time.process_time() - began < 3


@given(st.binary(max_size=200))
@settings(max_examples=200, deadline=None)
def test_no_bytes_lead_to_anything_but_a_resource_or_a_refusal(body: bytes) -> None:
    with pytest.raises(BadXml):
        read_xml(body)


@given(resources(), st.integers(0, 10_000), st.sampled_from([b"<", b">", b'"', b"/", b"&", b" ", b"x", b"\x00", b"]]>", b"<!--"]))
@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
def test_a_damaged_document_is_read_or_refused(resource: Json, at: int, damage: bytes) -> None:
    written = write_xml(resource)
    at %= len(written)
    with contextlib.suppress(BadXml):
        read_xml(written[:at] + damage + written[at:])


@pytest.mark.parametrize(
    "resource",
    [{}, {"resourceType": "Dragon"}, {"resourceType": 1}, {"resourceType": "Patient", "nmae": 1},
     {"resourceType": "Patient", "name": {"text": "x"}}, {"resourceType": "Patient", "name": ["x"]},
     {"resourceType": "Patient", "gender": ["male"]}, {"resourceType": "Patient", "gender": {"a": 1}},
     {"resourceType": "Patient", "text": {"div": "<div>"}}, {"resourceType": "Patient", "text": {"div": "<p>a</p>"}},
     {"resourceType": "Patient", "text": {"div": '<!DOCTYPE x [<!ENTITY a "b">]><div>&a;</div>'}},
     {"resourceType": "Patient", "text": {"div": "<div><?php x ?></div>"}}, {"resourceType": "Patient", "contained": [{}]}],
)  # fmt: skip
def test_json_that_is_no_resource_is_not_written(resource: Json) -> None:
    with pytest.raises(BadJson):
        write_xml(resource)
