"""Files are fetched from places that the operator names: the same scheme, host and port, and nothing beside."""

import pytest

from fellesjournal.record.imports import is_allowed

SOURCES = ("https://files.example.no", "http://127.0.0.1:8080")


@pytest.mark.parametrize(
    "url",
    [
        "https://files.example.no/a.ndjson?sig=x", "https://FILES.example.no:443/a", "http://127.0.0.1:8080/",
        "https://files.example.no",
    ],
)  # fmt: skip
def test_addresses_at_a_named_place_are_allowed(url: str) -> None:
    assert is_allowed(url, sources=SOURCES)


@pytest.mark.parametrize(
    "url",
    [
        "http://files.example.no/", "https://files.example.no:8443/", "https://files.example.no.evil.no/",
        "https://files.example.no@evil.no/", "https://a:b@files.example.no/", "https://evil.no/files.example.no",
        "https://files.example.no\\@evil.no/", "//files.example.no/", "file:///etc/passwd", "", "https://",
        "https://[::1", "https://files.example.no:99999/", "https://files.example.no/ \r\nHost: x", "https://files.example.nø/",
        "https://files.example.no/" + "a" * 5_000,
    ],
)  # fmt: skip
def test_every_other_address_is_not(url: str) -> None:
    assert not is_allowed(url, sources=SOURCES)
    assert not is_allowed(url, sources=())
