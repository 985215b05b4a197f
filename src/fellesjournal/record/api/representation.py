"""In which form an answer goes out, decided once for each request: JSON or XML, pretty, whole or in part, gzipped.

Everything behind this is JSON. What is stored goes out as its bytes when nothing else is asked for; only then is
nothing parsed. Source: https://hl7.org/fhir/R4/http.html#mime-type, search.html#summary
"""

import re
import zlib
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Final
from urllib.parse import parse_qsl

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from fellesjournal import fhir
from fellesjournal.record.api.media import JSON, XML, Format, accepted, format_of_body, format_wished
from fellesjournal.record.errors import Malformed, RecordError

Pairs = Sequence[tuple[str, str]]

_KEY: Final = "fellesjournal.form"
_MEDIA_TYPES: Final = {JSON: "application/fhir+json", XML: "application/fhir+xml; charset=utf-8"}
PARAMETERS: Final = frozenset({"_format", "_pretty", "_summary", "_elements"})
"""Parameters that say how an answer looks, not what is in it; links to further pages keep them."""
_asked = re.compile(rb"(?:_|%5[Ff])(?:format|pretty|summary|elements)").search
_element = re.compile(r"[A-Za-z][A-Za-z0-9.]{0,100}(?:\[x\])?").fullmatch
_MAX_ELEMENTS: Final = 200
_INDENT: Final = "  "
_GZIP_FROM: Final = 2_000
_GZIP_LEVEL: Final = 4
_GZIP_WRAPPER: Final = 31
_APART_FROM: Final = 200_000
"""Bodies of this size are converted in a thread of their own, so that others are answered meanwhile."""


class NotAcceptable(RecordError):
    """Another format than JSON and XML is wished."""

    status = 406
    code = "not-supported"
    text = "Bare FHIR R4 som JSON og XML leveres."
    english = "application/fhir+json and application/fhir+xml in FHIR version 4.0 are offered."


class UnsupportedMediaType(RecordError):
    """Another format than JSON and XML was sent."""

    status = 415
    code = "not-supported"
    text = "Bare FHIR R4 som JSON og XML tas imot."
    english = "application/fhir+json and application/fhir+xml in FHIR version 4.0 and UTF-8 are accepted, uncompressed."


@dataclass(frozen=True)
class Form:
    """What is asked for."""

    format: Format = JSON
    is_pretty: bool = False
    summary: fhir.Summary = ""
    elements: tuple[str, ...] = ()

    @property
    def is_part(self) -> bool:
        """Whether less than the whole is asked for."""
        return bool(self.summary or self.elements)


AS_STORED: Final = Form()


def ask(request: Request) -> None:
    """Decide the form by header and address. Raises NotAcceptable, Malformed; both go out in the form so far."""
    query = request.scope["query_string"]
    if _asked(query):
        ask_with(request, _pairs(query))
    elif accepted(request) != JSON:
        ask_with(request, ())


def ask_with(request: Request, pairs: Pairs) -> None:
    """Decide the form by header and parameters: those of the address, and of the form of a POST _search."""
    wished = {name: value for name, value in pairs if name in PARAMETERS}
    format_ = format_wished(wished["_format"]) if "_format" in wished else accepted(request)
    if format_ is None and not _is_content(request):
        raise NotAcceptable
    form = Form(format_ or JSON, wished.get("_pretty") == "true")
    request.scope[_KEY] = form
    if request.method in ("GET", "HEAD") or request.scope["path"].endswith("/_search"):
        request.scope[_KEY] = _in_part(form, wished, is_read=_is_read(request))


def form_of(request: Request) -> Form:
    """The form that was decided for this request."""
    form: Form = request.scope.get(_KEY, AS_STORED)
    return form


async def represented(request: Request, response: Response) -> Response:
    """The same answer in the form that was asked for; one of ours in JSON, or what has no FHIR in it."""
    if response.media_type != _MEDIA_TYPES[JSON] or isinstance(response, StreamingResponse):
        return response
    form: Form = request.scope.get(_KEY, AS_STORED)
    if form != AS_STORED:
        whole = form if response.status_code == 200 else replace(form, summary="", elements=())
        response.headers["Content-Type"] = _MEDIA_TYPES[form.format]
        _replace(response, await _apart(_converted, bytes(response.body), whole, _is_read(request)))
    if len(response.body) >= _GZIP_FROM and takes_gzip(request):
        response.headers["Content-Encoding"] = "gzip"
        _replace(response, await _apart(_gzipped, bytes(response.body)))
    return response


async def represented_anyway(request: Request, response: Response) -> Response:
    """The same for an answer that no interaction made: a form that can't be had is no reason for another error."""
    with suppress(RecordError):
        ask(request)
    return await represented(request, response)


async def read_form(request: Request, body: bytes) -> bytes:
    """A body that was sent, as JSON. Raises UnsupportedMediaType, Malformed with the place of the fault."""
    if format_of_body(request) != XML:
        return body
    try:
        return fhir.encode(await _apart(fhir.read_xml, body))
    except fhir.BadXml as error:
        raise Malformed(issues=[fhir.Issue("error", error.code, error.place, error.what)]) from None


def check_body(request: Request) -> None:
    """Raise UnsupportedMediaType unless the body is announced as a resource in JSON or XML."""
    if format_of_body(request) is None:
        raise UnsupportedMediaType


def _pairs(query: bytes) -> Pairs:
    try:
        return parse_qsl(query.decode("latin-1"), keep_blank_values=True, max_num_fields=1000)
    except ValueError:
        raise Malformed("The query can't be read: too many parameters.") from None


def _in_part(form: Form, wished: dict[str, str], *, is_read: bool) -> Form:
    summary = wished.get("_summary", "")
    if summary and summary not in fhir.SUMMARIES:
        raise Malformed("_summary must be one of " + ", ".join(fhir.SUMMARIES) + ".")
    if summary == "count" and is_read:
        raise Malformed("_summary=count is for searches: one resource has nothing to count.")
    elements = tuple(name.strip() for name in wished.get("_elements", "").split(",") if name.strip())
    if len(elements) > _MAX_ELEMENTS or not all(map(_element, elements)):
        raise Malformed(f"_elements must be at most {_MAX_ELEMENTS} names of elements, with commas between.")
    return replace(form, summary="" if summary == "false" else summary, elements=elements)


def _is_read(request: Request) -> bool:
    """Whether the address is that of one resource, or of a version of it: a Bundle there is content, not a list."""
    last = request.scope["path"].rpartition("/")[2]
    return last in (request.path_params.get("id"), request.path_params.get("version"))


def _is_content(request: Request) -> bool:
    """Whether any format may be wished: a Binary goes out as what it holds, the file of an export as its lines."""
    return (request.path_params.get("rtype") == "Binary" and _is_read(request)) or "file" in request.path_params


def _converted(body: bytes, form: Form, is_read: bool) -> bytes:  # noqa: FBT001 - handed to a thread by place
    if form.format == JSON and not form.is_part:
        return msgspec.json.format(body, indent=len(_INDENT))
    document = fhir.read_verbatim(body)
    if form.is_part:
        document = _part(document, form) if is_read or document["resourceType"] != "Bundle" else _listed(document, form)
    if form.format == XML:
        return fhir.write_xml(document, indent=_INDENT if form.is_pretty else "")
    written = fhir.encode(document)
    return msgspec.json.format(written, indent=len(_INDENT)) if form.is_pretty else written


def _part(document: dict[str, Any], form: Form) -> dict[str, Any]:
    return fhir.subset(document, summary=form.summary, elements=form.elements)


def _listed(bundle: dict[str, Any], form: Form) -> dict[str, Any]:
    """A list of answers with each one in part; names of elements without a type are those of the matches."""
    if form.summary == "count":
        return {key: value for key, value in bundle.items() if key != "entry"}
    typed = tuple(name for name in form.elements if name.partition(".")[0] in fhir.TYPE_NUMBER)
    forms = {"match": form, "include": replace(form, elements=typed), "outcome": AS_STORED}
    for entry in bundle.get("entry", []):
        if "resource" in entry:
            mode = entry.get("search", {}).get("mode", "match")
            entry["resource"] = _part(entry["resource"], forms[mode])
    return bundle


def takes_gzip(request: Request) -> bool:
    """Whether an answer may go out compressed."""
    offered = request.headers.get("accept-encoding", "")
    return "gzip" in offered and not re.search(r"gzip\s*;\s*q=0(?:\.0*)?\s*(?:,|$)", offered)


def _gzipped(body: bytes) -> bytes:
    packer = zlib.compressobj(_GZIP_LEVEL, zlib.DEFLATED, _GZIP_WRAPPER)
    return packer.compress(body) + packer.flush()


def _replace(response: Response, body: bytes) -> None:
    response.body = body
    response.headers["Content-Length"] = str(len(body))


async def _apart(work: Any, body: bytes, *rest: Any) -> Any:
    if len(body) < _APART_FROM:
        return work(body, *rest)
    return await run_in_threadpool(work, body, *rest)
