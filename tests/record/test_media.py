"""Which format a header or a parameter means."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request

from fellesjournal.record.api.media import accepted, format_of_body, format_wished


def request(**headers: str) -> Request:
    """A request with these headers."""
    raw = [(name.replace("_", "-").encode(), value.encode("latin-1")) for name, value in headers.items()]
    return Request({"type": "http", "headers": raw, "query_string": b"", "path": "/", "method": "GET"})


@pytest.mark.parametrize(
    ("header", "format_"),
    [
        ("*/*", "json"),
        ("", "json"),
        ("application/*", "json"),
        ("application/json", "json"),
        ("application/fhir+json", "json"),
        ("text/json", "json"),
        ("application/fhir+xml", "xml"),
        ("application/xml", "xml"),
        ("text/xml", "xml"),
        ("TEXT/XML", "xml"),
        ("application/fhir+xml, application/fhir+json", "json"),
        ("application/fhir+xml;q=1.0, application/fhir+json;q=0.9", "xml"),
        ("application/fhir+xml, */*", "xml"),
        ("application/fhir+xml;q=0.5, */*;q=0.1", "xml"),
        ("application/json;q=0, */*", "xml"),
        ("application/json;q=0.0", None),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "xml"),
        ("text/html", None),
        ("application/fhir+turtle", None),
        ("application/fhir+json; fhirVersion=4.0", "json"),
        ('application/fhir+xml; fhirVersion="4.0"', "xml"),
        ("application/fhir+xml; fhirVersion=4.0.1", "xml"),
        ("application/fhir+json; fhirVersion=3.0", None),
        ("application/fhir+json; fhirVersion=5.0, application/fhir+xml", "xml"),
        ("application/fhir+json; charset=utf-8", "json"),
        ("application/fhir+json;q=high", None),
        (";;,,=;q", None),
    ],
)
def test_accept_is_read_as_http_says(header: str, format_: str | None) -> None:
    assert accepted(request(accept=header)) == format_


def test_without_accept_json_is_given() -> None:
    assert accepted(request()) == "json"


@pytest.mark.parametrize(
    ("name", "format_"),
    [
        ("json", "json"), ("xml", "xml"), ("application/fhir+xml", "xml"), ("application/fhir xml", "xml"),
        ("text/xml", "xml"), ("application/json", "json"), ("application/fhir+json;fhirVersion=4.0", "json"),
        ("application/fhir+json; fhirVersion=4.3", None), ("html", None), ("ttl", None), ("", None),
    ],
)  # fmt: skip
def test_the_parameter_takes_short_names_and_media_types(name: str, format_: str | None) -> None:
    assert format_wished(name) == format_


@pytest.mark.parametrize(
    ("headers", "format_"),
    [
        ({"content_type": "application/fhir+json"}, "json"),
        ({"content_type": "application/fhir+xml; charset=UTF-8"}, "xml"),
        ({"content_type": 'text/xml;charset="utf-8"'}, "xml"),
        ({"content_type": "application/xml; fhirVersion=4.0"}, "xml"),
        ({"content_type": "application/json; charset=iso-8859-1"}, None),
        ({"content_type": "application/fhir+json; fhirVersion=5.0"}, None),
        ({"content_type": "application/fhir+json", "content_encoding": "gzip"}, None),
        ({"content_type": "xml"}, None),
        ({"content_type": "text/plain"}, None),
        ({}, None),
    ],
)
def test_a_body_is_announced_by_its_type_version_and_charset(headers: dict[str, str], format_: str | None) -> None:
    assert format_of_body(request(**headers)) == format_


@given(st.text(st.characters(max_codepoint=255)))
def test_no_header_makes_an_error(header: str) -> None:
    assert accepted(request(accept=header)) in ("json", "xml", None)
    assert format_of_body(request(content_type=header)) in ("json", "xml", None)
    assert format_wished(header) in ("json", "xml", None)
