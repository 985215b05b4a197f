"""Reading and writing FHIR's JSON."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fellesjournal.fhir import BadJson, encode, parse
from fellesjournal.fhir.json_text import MAX_DEPTH

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=20,
)


def test_decimals_keep_their_zeros() -> None:
    body = b'{"value":72.50,"small":0.0,"exact":123456789.123456789123456789}'
    assert parse(body)["value"] == Decimal("72.50")
    assert encode(parse(body)) == body


@given(st.decimals(allow_nan=False, allow_infinity=False, places=6, min_value=-(10**12), max_value=10**12))
def test_decimals_survive_the_round_trip(value: Decimal) -> None:
    again = parse(encode({"value": value}))["value"]
    assert again == value and str(Decimal(again)) == str(value)


def test_order_of_elements_is_kept() -> None:
    assert list(parse(b'{"z":1,"a":2,"m":3}')) == ["z", "a", "m"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b'"x"',
        b"{",
        b'{"a":}',
        b'{"a":1}x',
        b'{"a":NaN}',
        b'{"a":"\xff"}',
        b"\xef\xbb\xbf{}",
        b'{"a":"\\ud800"}',
        b'{"a":"line\nbreak"}',
        b'{"a":1e99999999999999999999}',
        b'{"a":' + b"1" * 6000 + b"}",
        b'{"a":' * (MAX_DEPTH + 1) + b"1" + b"}" * (MAX_DEPTH + 1),
        b'{"a":' + b"[" * 5000 + b"]" * 5000 + b"}",
    ],
)
def test_what_is_no_resource_is_refused(body: bytes) -> None:
    with pytest.raises(BadJson):
        parse(body)


@pytest.mark.parametrize(
    "body",
    [
        b'{"a":1,"a":1}',
        b'{"a":1,"a" :2}',
        b'{"a":1,"a" \n :2}',
        b'{"x":{"a":1,"b":2,"a":3}}',
        b'{"subject":{"reference":"Patient/1"},"subject":{"reference":"Patient/2"}}',
        b'{"a":1,"\\u0061":2}',
        b'{"note":"says \\"x\\": y","a":1,"a":2}',
    ],
)
def test_property_given_twice_is_refused(body: bytes) -> None:
    with pytest.raises(BadJson, match="given twice"):
        parse(body)


@given(st.dictionaries(st.text(), VALUES, max_size=4), st.sampled_from([None, 1, 4, "\t"]))
def test_any_formatting_of_the_same_object_is_read(
    document: dict[str, object], indent: int | str | None
) -> None:
    plain = json.dumps(document, indent=indent).encode()
    raw = json.dumps(document, ensure_ascii=False, separators=(" ,", " : ")).encode()
    ends_in_backslash = any(key.endswith("\\") for key in keys_of(document))
    if not ends_in_backslash:
        assert parse(plain) == document
        assert parse(raw) == document


def keys_of(value: object) -> list[str]:
    if isinstance(value, dict):
        return [*value, *(k for v in value.values() for k in keys_of(v))]
    return [k for v in value for k in keys_of(v)] if isinstance(value, list) else []


def test_depth_up_to_the_bound_is_read() -> None:
    assert parse(b'{"a":' * MAX_DEPTH + b"1" + b"}" * MAX_DEPTH)


def test_message_does_not_repeat_the_body() -> None:
    with pytest.raises(BadJson) as refused:
        parse(b'{"name":"Kari Nordmann" oops}')
    assert "Kari" not in str(refused.value)
