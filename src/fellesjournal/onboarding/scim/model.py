"""Words of the protocol: schemas, errors, and the JSON that comes and goes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec
from starlette.requests import Request
from starlette.responses import Response

Json = dict[str, Any]

BASE: Final = "/scim/v2"
USER: Final = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP: Final = "urn:ietf:params:scim:schemas:core:2.0:Group"
STAFF: Final = "urn:ietf:params:scim:schemas:extension:fellesjournal:2.0:Staff"
"""Our extension of User: national number, HPR number, posts."""
ERROR: Final = "urn:ietf:params:scim:api:messages:2.0:Error"
LIST: Final = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
PATCH: Final = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
SEARCH: Final = "urn:ietf:params:scim:api:messages:2.0:SearchRequest"
MEDIA_TYPE: Final = "application/scim+json"
MAX_BODY: Final = 1_000_000
_MAX_DEPTH: Final = 12


class ScimError(Exception):
    """What is told to the client: a status, the protocol's word for it if it has one, and a sentence."""

    def __init__(self, status: int, detail: str, scim_type: str = "") -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.scim_type = scim_type


def error_answer(error: ScimError, *, headers: Mapping[str, str] | None = None) -> Response:
    """The error as RFC 7644 § 3.12 writes it."""
    body: Json = {"schemas": [ERROR], "status": str(error.status), "detail": error.detail}
    if error.scim_type:
        body["scimType"] = error.scim_type
    return answer(body, status=error.status, headers=headers)


def answer(body: Json | None, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A body as SCIM's JSON; never stored."""
    content = b"" if body is None else msgspec.json.encode(body)
    return Response(content, status, {"cache-control": "no-store", **(headers or {})}, MEDIA_TYPE if content else None)


async def read_body(request: Request) -> Json:
    """The JSON object that was sent. Raises ScimError."""
    chunks, size = [], 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > MAX_BODY:
            raise ScimError(413, f"the body is larger than {MAX_BODY} bytes")
        chunks.append(chunk)
    try:
        found = msgspec.json.decode(b"".join(chunks))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise ScimError(400, "the body is not JSON", "invalidSyntax") from None
    if not isinstance(found, dict):
        raise ScimError(400, "the body is not a JSON object", "invalidSyntax")
    _check_texts(found, 0)
    return found


def check_text(text: str) -> str:
    """A text that can be kept: no control characters, no half characters. Raises ScimError."""
    if any(ord(char) < 32 or 0xD800 <= ord(char) < 0xE000 for char in text):
        raise ScimError(400, "a text holds characters that can not be kept", "invalidValue")
    return text


def attribute(resource: Mapping[str, Any], name: str) -> Any:
    """An attribute by its name, whatever its case (RFC 7643 § 2.1); None when it is not there."""
    if name in resource:
        return resource[name]
    folded = name.lower()
    return next((value for key, value in resource.items() if key.lower() == folded), None)


def _check_texts(value: Any, depth: int) -> None:
    if depth > _MAX_DEPTH:
        raise ScimError(400, "the body is nested too deeply", "invalidSyntax")
    if isinstance(value, str):
        check_text(value)
    elif isinstance(value, dict):
        for key, inner in value.items():
            check_text(key)
            _check_texts(inner, depth + 1)
    elif isinstance(value, list):
        for inner in value:
            _check_texts(inner, depth + 1)
