"""$import: NDJSON that is sent, or files to fetch named by Parameters or a manifest; status, giving up, what was wrong.

Source: the manifest approach of the Bulk Data import proposal, https://github.com/smart-on-fhir/bulk-import,
whose fields are taken as plain JSON and as Parameters.
"""

from collections.abc import AsyncIterable, AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from fellesjournal import fhir
from fellesjournal.access.decide import Decision
from fellesjournal.access.gate import fhir_interaction
from fellesjournal.record import imports
from fellesjournal.record.api.bulk import NDJSON, NO_STORE, RETRY_S, require_async
from fellesjournal.record.api.edge import METHODS, elsewhere
from fellesjournal.record.api.http import content_type, fhir_errors, http_date, parse_resource, read_body
from fellesjournal.record.api.import_definition import DEFINITION, definition
from fellesjournal.record.api.multipart import Files
from fellesjournal.record.errors import Invalid, Malformed, NotFound, RecordError
from fellesjournal.record.imports import File, Import
from fellesjournal.record.imports.lines import bounded, inflated
from fellesjournal.record.rows import stamp
from fellesjournal.record.search.error import refusal
from fellesjournal.web import _

_FORMATS: Final = (NDJSON, "application/ndjson", "application/x-ndjson", "ndjson")
_MULTIPART: Final = "multipart/form-data"
_KNOWN: Final = ("inputFormat", "inputSource", "input", "storageDetail")
_MAX_FILES: Final = 1_000
_MAX_SOURCE: Final = 1_000


class ImportFailed(RecordError):
    """An import that was given up: its asker may not import any more, or it can't be carried out."""

    status = 410
    code = "processing"
    text = _("Innlesingen ble avbrutt. Det som er skrevet, er der fortsatt.")
    english = "The import was given up: it could not be carried out, or the leave is gone. What was written stays."


@dataclass(frozen=True)
class _Wish:
    """What a kick-off without content asks for. `files`: (address, type)."""

    source: str
    files: list[tuple[str, str]]


@fhir_errors
@fhir_interaction("import")
async def begin(request: Request, decision: Decision) -> Response:
    """Take an import in: the lines themselves, or where they are."""
    require_async(request)
    kind = content_type(request)
    if kind in _FORMATS or kind == _MULTIPART:
        id_ = await _take_in(request, decision, kind == _MULTIPART)
    else:
        wish = _wish(parse_resource(await read_body(request)))
        _check_places(request, wish.files)
        db, secret = request.app.state.vault.db, decision.secret
        id_ = await imports.begin(db, secret=secret, request=str(request.url), source=wish.source, files=wish.files)
        await imports.start(db, secret=secret, id=id_)
    return Response(status_code=202, headers={**NO_STORE, "Content-Location": _address(request, id_)})


@fhir_errors
@fhir_interaction("import")
async def status(request: Request, decision: Decision) -> Response:
    """How far an import is: 202 while it is under way, then what became of each file."""
    found = await _find(request, decision)
    if found.state == "failed":
        raise ImportFailed
    if found.state != "done":
        read = sum(file.written + file.unchanged + file.refused for file in found.files)
        progress = f"{read} resources read, {found.pieces} pieces waiting"
        return Response(status_code=202, headers={**NO_STORE, "X-Progress": progress, "Retry-After": str(RETRY_S)})
    headers = {**NO_STORE, "Expires": http_date(found.until_at)}
    return JSONResponse(_manifest(_address(request, request.path_params["import"]), found), headers=headers)


@fhir_errors
@fhir_interaction("import")
async def cancel(request: Request, decision: Decision) -> Response:
    """Give an import up; what is written stays."""
    await imports.cancel(request.app.state.vault.db, secret=decision.secret, id=request.path_params["import"])
    return Response(status_code=202, headers=NO_STORE)


@fhir_errors
@fhir_interaction("import")
async def errors(request: Request, decision: Decision) -> Response:
    """What was wrong with the lines of one file: an OperationOutcome for each."""
    found = await _find(request, decision)
    number = next((n for n, _ in enumerate(found.files, start=1) if request.path_params["file"] == _errors(n)), 0)
    if not number or not found.files[number - 1].refused:
        raise NotFound
    headers = {**NO_STORE, "Content-Type": NDJSON, "X-Content-Type-Options": "nosniff"}
    if request.method == "HEAD":
        return Response(headers=headers)
    return StreamingResponse(_told(request, decision, number, found.files[number - 1]), headers=headers)


_SERVED: Final = [
    Route(DEFINITION, definition, methods=["GET"], name=""),
    Route("/$import", begin, methods=["POST"]),
    Route("/$import/{import}", status, methods=["GET"]),
    Route("/$import/{import}", cancel, methods=["DELETE"]),
    Route("/$import/{import}/{file}", errors, methods=["GET"]),
]


def import_routes() -> list[Route]:
    """The routes; another method at one of the addresses is told which it takes."""
    paths = dict.fromkeys(one.path for one in _SERVED)
    return [*_SERVED, *(Route(path, elsewhere([*_SERVED]), methods=METHODS, name="") for path in paths)]


# ── Lines that are sent ──────────────────────────────────────────────────────────────────────────


async def _take_in(request: Request, decision: Decision, is_multipart: bool) -> str:  # noqa: FBT001 - by place
    source = _source(request.query_params.get("inputSource", ""))
    db, secret = request.app.state.vault.db, decision.secret
    id_ = await imports.begin(db, secret=secret, request=str(request.url), source=source)
    try:
        if is_multipart:
            await _take_files(request, decision, id_)
        else:
            encoding = request.headers.get("content-encoding", "").lower()
            await _take_one(request, decision, id_, 1, "", inflated(request.stream(), encoding=encoding))
        await imports.start(db, secret=secret, id=id_)
    except BaseException as error:
        await imports.discard(db, secret=secret, id=id_)
        if isinstance(error, ClientDisconnect):
            raise Malformed("The content broke off.") from None
        raise
    return id_


async def _take_files(request: Request, decision: Decision, id: str) -> None:
    number = 0
    async for name, parts in Files(request):
        number += 1
        if number > _MAX_FILES:
            raise Malformed(f"At most {_MAX_FILES} files can be sent.")
        await _take_one(request, decision, id, number, name, parts)


async def _take_one(
    request: Request, decision: Decision, id: str, number: int, name: str, parts: AsyncIterable[bytes]
) -> None:
    settings = request.app.state.settings
    await imports.take_in(
        request.app.state.vault.db, secret=decision.secret, id=id, input=number, name=name,
        parts=bounded(parts, most=settings.max_import_mb * 1_000_000), max_line=settings.max_body_mb * 1_000_000,
    )  # fmt: skip


# ── Files that are fetched ───────────────────────────────────────────────────────────────────────


def _check_places(request: Request, files: Sequence[tuple[str, str]]) -> None:
    sources = request.app.state.settings.import_sources
    for url, _type in files:
        if not imports.is_allowed(url, sources=sources):
            raise refusal("input", "an address that the operator has not allowed files to be fetched from")


def _wish(content: dict[str, Any]) -> _Wish:
    """A Parameters resource, or the manifest in plain JSON with the same names."""
    given = _of_parameters(content) if "resourceType" in content else content
    unknown = sorted(set(given) - set(_KNOWN))
    if unknown:
        raise refusal(unknown[0][:64], "no parameter of this operation", code="not-supported")
    if str(given.get("inputFormat", NDJSON)) not in _FORMATS:
        raise refusal("inputFormat", f"only {NDJSON} is read", code="not-supported")
    storage = given.get("storageDetail", {})
    if not isinstance(storage, dict) or storage.get("type", "https") != "https":
        raise refusal("storageDetail", "only files behind https can be fetched", code="not-supported")
    listed = given.get("input", [])
    if not isinstance(listed, list) or not 0 < len(listed) <= _MAX_FILES:
        raise refusal("input", f"1 to {_MAX_FILES} files, each with type and url", code="required")
    return _Wish(_source(given.get("inputSource", "")), [_file(one) for one in listed])


def _source(value: Any) -> str:
    if not isinstance(value, str) or len(value) > _MAX_SOURCE or any(map(str.isspace, value)):
        raise refusal("inputSource", "a URI")
    return value


def _file(given: Any) -> tuple[str, str]:
    url, rtype = (given.get("url"), given.get("type")) if isinstance(given, dict) else (None, None)
    if not isinstance(url, str) or not isinstance(rtype, str) or rtype not in fhir.TYPE_NUMBER:
        raise refusal("input", "has a type of R4 and a url")
    return url, rtype


def _of_parameters(content: dict[str, Any]) -> dict[str, Any]:
    """The manifest that a Parameters resource stands for. Raises Malformed, Invalid, SearchError."""
    if content["resourceType"] != "Parameters":
        raise Malformed("The body is Parameters, the manifest in plain JSON, or the lines themselves.")
    issues = fhir.validate(content)
    if issues:
        raise Invalid(issues=issues)
    found: dict[str, Any] = {}
    for one in content.get("parameter", []):
        name, value = str(one["name"]), _value(one)
        if name == "input":
            found.setdefault("input", []).append(value)
        elif name in found:
            raise refusal(name[:64], "given more than once")
        else:
            found[name] = value
    return found


def _value(parameter: dict[str, Any]) -> Any:
    if "part" in parameter:
        return {str(part["name"]): _value(part) for part in parameter["part"] if "part" not in part}
    return next((value for key, value in parameter.items() if key.startswith("value")), None)


# ── Status and errors ────────────────────────────────────────────────────────────────────────────


async def _find(request: Request, decision: Decision) -> Import:
    return await imports.find(request.app.state.vault.db, secret=decision.secret, id=request.path_params["import"])


def _address(request: Request, id: str) -> str:
    return f"{request.app.state.settings.base_url}/fhir/$import/{id}"


def _errors(number: int) -> str:
    return f"error-{number}.ndjson"


def _manifest(address: str, found: Import) -> dict[str, Any]:
    output, error = [], []
    for number, file in enumerate(found.files, start=1):
        where = {"inputUrl": file.name} if file.name else {}
        counts = {"written": file.written, "unchanged": file.unchanged}
        count = file.written + file.unchanged
        output.append({"type": file.rtype or "Resource", **where, "count": count, "extension": counts})
        if file.refused:
            url = f"{address}/{_errors(number)}"
            error.append({"type": "OperationOutcome", **where, "count": file.refused, "url": url})
    return {
        "transactionTime": stamp(found.asked_at), "request": found.request, "requiresAccessToken": True,
        "output": output, "error": error,
    }  # fmt: skip


async def _told(request: Request, decision: Decision, number: int, file: File) -> AsyncIterator[bytes]:
    db, id_ = request.app.state.vault.db, request.path_params["import"]
    async for fault in imports.faults(db, secret=decision.secret, id=id_, input=number):
        yield fault.outcome.encode() + b"\n"
    if file.refused > file.told:
        text = f"{file.refused - file.told} more lines were refused; they are not told about."
        yield fhir.encode(fhir.outcome([fhir.Issue("warning", "too-costly", "", text)])) + b"\n"
