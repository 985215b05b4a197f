"""FHIR's JSON: read with exact decimals, written with them; bounded depth, no property twice.

Bodies are stored and sent on byte for byte, so what other readers may understand differently is refused here:
a property that is given twice (they may take the first, we the last).
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final

import msgspec

MAX_DEPTH: Final = 100

_decoder = msgspec.json.Decoder(float_hook=Decimal)
_verbatim = msgspec.json.Decoder(float_hook=lambda text: msgspec.Raw(text.encode()))
_encoder = msgspec.json.Encoder(decimal_format="number")


class BadJson(Exception):
    """The body is not JSON that can hold a resource. The message names the fault, never the content."""

    status = 400
    code = "structure"


def parse(body: bytes) -> dict[str, Any]:
    """Read one JSON object; numbers with a point or an exponent become Decimal, element order is kept.

    The size of the body is the caller's concern. Raises BadJson.
    """
    document = _decode(body)
    if type(document) is not dict:
        raise BadJson("a resource is a JSON object")
    _check(document, body=body)
    return document


def parse_list(body: bytes) -> list[Any]:
    """Read one JSON array, such as a JSON Patch, as carefully as `parse` reads an object. Raises BadJson."""
    document = _decode(body)
    if type(document) is not list:
        raise BadJson("expected a JSON array")
    _check(document, body=body)
    return document


def read_verbatim(body: bytes) -> dict[str, Any]:
    """Read JSON that was made or checked here before; a number with a point or an exponent becomes a msgspec.Raw
    that holds its text. Raises BadJson.
    """
    try:
        document = _verbatim.decode(body)
    except msgspec.DecodeError as error:
        raise BadJson(_place(str(error))) from None
    if type(document) is not dict:
        raise BadJson("a resource is a JSON object")
    return document


def is_deep(document: dict[str, Any] | list[Any]) -> bool:
    """Tell whether a document that was not read by `parse` is nested deeper than `parse` would allow."""
    level: list[Any] = [document]
    for _ in range(MAX_DEPTH):
        level = [
            v
            for item in level
            for v in (item.values() if type(item) is dict else item)
            if type(v) is dict or type(v) is list
        ]
        if not level:
            return False
    return True


def encode(resource: dict[str, Any]) -> bytes:
    """Write compact JSON; a Decimal keeps its trailing zeros (72.50 stays 72.50)."""
    return _encoder.encode(resource)


def _decode(body: bytes) -> Any:
    try:
        return _decoder.decode(body)
    except RecursionError:
        raise BadJson(f"nested deeper than {MAX_DEPTH} levels") from None
    except UnicodeDecodeError:
        raise BadJson("not valid UTF-8") from None
    except msgspec.ValidationError:
        raise BadJson("a number is out of range") from None
    except msgspec.DecodeError as error:
        raise BadJson(_place(str(error))) from None
    except ArithmeticError:
        raise BadJson("a number is out of range") from None


def _check(document: dict[str, Any] | list[Any], *, body: bytes) -> None:
    if _has_twins(document, body=body):
        raise BadJson("a property is given twice in the same object")
    if body.count(b"{") + body.count(b"[") > MAX_DEPTH and is_deep(document):
        raise BadJson(f"nested deeper than {MAX_DEPTH} levels")


def _place(message: str) -> str:
    """Keep msgspec's place and reason; it never quotes the body."""
    return "not valid JSON: " + message.removeprefix("JSON is malformed: ").lower()


def _has_twins(document: dict[str, Any] | list[Any], *, body: bytes) -> bool:
    """Tell whether the text has more properties than what was read: one came twice, and the last one won."""
    written = _encoder.encode(document)
    return written != body and _count_keys(written) != _count_keys(body)


def _count_keys(text: bytes) -> int:
    """Count properties: a closing quote before a colon, which no value can look like once white space is
    out.
    """
    dense = text.translate(None, b" \t\r\n")
    return dense.count(b'":') - dense.count(b'\\":')
