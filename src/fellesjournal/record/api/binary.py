"""Binary: raw bytes in and out as a stream, or as a resource with its content in it (FHIR R4, binary.html).

A browser is never let run what it is given: content goes out as an attachment, in a sandbox, under its stored type.
"""

import base64
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Final

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse

from fellesjournal import fhir
from fellesjournal.access.decide import Decision
from fellesjournal.record.api import media
from fellesjournal.record.api.answer import answers, no_reads
from fellesjournal.record.api.http import (
    MEDIA_TYPE,
    TooLarge,
    expected,
    json_response,
    preference,
    stored_response,
    version_headers,
)
from fellesjournal.record.api.representation import UnsupportedMediaType, form_of
from fellesjournal.record.binary import Content, Upload
from fellesjournal.record.errors import AlreadyThere, Malformed, NotFound, VersionConflict
from fellesjournal.record.journal import Journal
from fellesjournal.record.lookup import Stored
from fellesjournal.record.names import is_id
from fellesjournal.record.transaction import Answer, made

_CONTEXT: Final = "x-security-context"
_reference: Final = re.compile(r"[A-Z][A-Za-z]{1,40}/[A-Za-z0-9\-.]{1,64}").fullmatch
_NAME: Final = r"[A-Za-z0-9!#$&^_.+-]{1,100}"
_content_type: Final = re.compile(
    rf'{_NAME}/{_NAME}(?:\s*;\s*{_NAME}=(?:[\w.:+-]{{1,100}}|"[\w .:+/-]{{0,100}}"))*', re.ASCII
).fullmatch
_range: Final = re.compile(r"bytes\s*=\s*([0-9]{0,18})-([0-9]{0,18})").fullmatch
_UNKNOWN: Final = "application/octet-stream"
_SAFE: Final = {
    "Cache-Control": "no-store",
    "Content-Disposition": "attachment",
    "Content-Security-Policy": "sandbox; default-src 'none'",
    "X-Content-Type-Options": "nosniff",
    "Vary": "Accept",
}
_MARK: Final = "ZmpjbQ=="
"""Stands for the content while the resource around it is made."""


def is_raw(request: Request) -> bool:
    """Whether a Binary is sent as what it holds: its type is none of FHIR's own."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    return kind not in media.NAMES


async def create(request: Request, decision: Decision) -> Response:
    """A new Binary from raw bytes; X-Security-Context names whose it is, else it is the acting unit's own."""
    resource = _resource(request, context=None)

    async def gather(journal: Journal) -> str:
        return await journal.create_binary(resource)

    return await _take_in(request, decision, gather)


async def update(request: Request, decision: Decision) -> Response:
    """A new version from raw bytes, or a new Binary under an id that the client chose.

    Without X-Security-Context it stays where it is.
    """
    id: str = request.path_params["id"]  # noqa: A001 - FHIR's word
    expect, bare = expected(request), _resource(request, context=None)

    async def gather(journal: Journal) -> str:
        try:
            stored = await journal.read("Binary", id)
        except NotFound:
            if journal.knows("Binary", id) or not is_id(id):
                raise
            if expect > 0:
                raise VersionConflict from None
            return await journal.create_binary(bare, chosen=id)
        resource = _resource(request, context=stored.resource().get("securityContext"))
        journal.update(id, resource | {"id": id}, expect=expect)
        return id

    return await _take_in(request, decision, gather)


async def answer(request: Request, journal: Journal, stored: Stored) -> Response:
    """A version that was read: its bytes, or the resource when one of FHIR's types is asked for by name."""
    content = await journal.content(stored)
    if media.named(request) is not None:
        return await _as_resource(request, stored, content)
    return _as_bytes(request, stored, content)


async def _take_in(request: Request, decision: Decision, gather: Callable[[Journal], Awaitable[str]]) -> Response:
    """Take the content in first; the version is gathered and written when all of it is here."""
    limit = request.app.state.settings.max_binary_mb * 1_000_000
    if int(request.headers.get("content-length") or 0) > limit:
        raise TooLarge
    journal: Journal = request.app.state.vault.open(decision)
    try:
        upload = await journal.stage(_bounded(request, limit))
    except ClientDisconnect:
        raise Malformed("The content broke off.") from None
    load = _Load(upload, gather)
    try:
        done = await answers(request, decision, upload.digest, load.write, again=no_reads)
    finally:
        if not load.is_used:
            await journal.discard(upload)
    return await _written(request, journal, done[0])


class _Load:
    """Content that is here, and the version that it is for: written once, since a failed write throws it away."""

    def __init__(self, upload: Upload, gather: Callable[[Journal], Awaitable[str]]) -> None:
        self._upload, self._gather = upload, gather
        self.is_used = False

    async def write(self, journal: Journal) -> list[Answer]:
        """Write the version with its content."""
        if self.is_used:
            raise AlreadyThere
        id = await self._gather(journal)  # noqa: A001 - FHIR's word
        self.is_used = True
        if self._upload.size:
            journal.attach(id, self._upload)
        return [made(one) for one in await journal.commit()]


async def _bounded(request: Request, limit: int) -> AsyncIterator[bytes]:
    size = 0
    async for part in request.stream():
        size += len(part)
        if size > limit:
            raise TooLarge
        yield part


def _resource(request: Request, *, context: dict[str, Any] | None) -> dict[str, Any]:
    kind = request.headers.get("content-type", "").strip()
    if not _content_type(kind):
        raise UnsupportedMediaType("Raw content needs a Content-Type, as application/pdf.")
    if request.headers.get("content-encoding", "identity") != "identity":
        raise UnsupportedMediaType("Raw content is taken as it is, without a Content-Encoding.")
    named = request.headers.get(_CONTEXT, "").strip()
    if named:
        reference = named.removeprefix(f"{request.app.state.settings.base_url}/fhir/")
        if not _reference(reference):
            raise Malformed("X-Security-Context must be a reference like Patient/123.")
        context = {"reference": reference}
    resource: dict[str, Any] = {"resourceType": "Binary", "contentType": kind}
    return resource | ({"securityContext": context} if context else {})


async def _written(request: Request, journal: Journal, done: Answer) -> Response:
    """Where the version is; the content isn't sent back unless the whole is asked for."""
    base = f"{request.app.state.settings.base_url}/fhir"
    headers = version_headers(done.version, done.updated) if done.updated else {}
    headers["Location"] = f"{base}/Binary/{done.id}/_history/{done.version}"
    wished = preference(request, "return")
    if wished == "OperationOutcome":
        return json_response(fhir.encode(fhir.outcome([])), status=done.status, headers=headers)
    if wished != "representation":
        return Response(status_code=done.status, headers=headers)
    stored = await journal.read("Binary", done.id, version=done.version)
    response = await _as_resource(request, stored, await journal.content(stored))
    response.status_code = done.status
    response.headers["Location"] = headers["Location"]
    return response


# ── As what it holds ─────────────────────────────────────────────────────────────────────────────


def _as_bytes(request: Request, stored: Stored, content: Content | None) -> Response:
    resource, size = stored.resource(), content.size if content else 0
    kind = str(resource.get("contentType", ""))
    context = str(resource.get("securityContext", {}).get("reference", ""))
    headers = {
        **_SAFE, **version_headers(stored.version, stored.updated), "Accept-Ranges": "bytes",
        "Content-Type": kind if _content_type(kind) else _UNKNOWN,
        **({"X-Security-Context": context} if _reference(context) else {}),
    }  # fmt: skip
    wished = _wished_range(request, size)
    if wished is None:
        return _streamed(request, content, 0, size, 200, headers)
    start, end = wished
    if start >= end:
        return Response(status_code=416, headers={**headers, "Content-Range": f"bytes */{size}"})
    headers["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
    return _streamed(request, content, start, end, 206, headers)


def _wished_range(request: Request, size: int) -> tuple[int, int] | None:
    """[start, end) of a Range with one part (RFC 9110, 14.2); empty when it lies outside; None: the whole is sent.

    Our tags are weak, so that none makes an If-Range true.
    """
    match = _range(request.headers.get("range", "").strip())
    if match is None or match[0].endswith("=-") or (not match[1] and not match[2]) or "if-range" in request.headers:
        return None
    if not match[1]:
        return max(size - int(match[2]), 0), size
    end = min(int(match[2]) + 1, size) if match[2] else size
    if match[2] and int(match[2]) < int(match[1]):
        return None
    return int(match[1]), end


def _streamed(
    request: Request, content: Content | None, start: int, end: int, status: int, headers: dict[str, str]
) -> Response:
    headers["Content-Length"] = str(end - start)
    if request.method == "HEAD" or content is None or start == end:
        return Response(status_code=status, headers=headers)
    return StreamingResponse(content.pieces(start, end), status, headers)


# ── As a resource ────────────────────────────────────────────────────────────────────────────────


async def _as_resource(request: Request, stored: Stored, content: Content | None) -> Response:
    form = form_of(request)
    if content is None or form.is_part:
        return stored_response(stored)
    whole = f'{stored.body[:-1]},"data":"{_MARK}"}}'
    if form.format == media.XML:
        whole = fhir.write_xml(fhir.read_verbatim(whole.encode())).decode()
    head, _, tail = whole.rpartition(_MARK)
    around = head.encode(), tail.encode()
    size = len(around[0]) + 4 * -(-content.size // 3) + len(around[1])
    kind = MEDIA_TYPE if form.format == media.JSON else "application/fhir+xml; charset=utf-8"
    # Without a media type of its own the answer is passed on as it is.
    headers = {
        **version_headers(stored.version, stored.updated), "Cache-Control": "no-store", "Vary": "Accept",
        "Content-Type": kind, "Content-Length": str(size),
    }  # fmt: skip
    if request.method == "HEAD":
        return Response(headers=headers)
    return StreamingResponse(_encoded(around, content), headers=headers)


async def _encoded(around: tuple[bytes, bytes], content: Content) -> AsyncIterator[bytes]:
    yield around[0]
    async for piece in content.pieces():
        yield base64.b64encode(piece)
    yield around[1]
