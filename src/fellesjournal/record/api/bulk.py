"""$export of everybody, of patients and of a group: kick-off, status, cancelling, files.

Source: Bulk Data Access 2.0.0, https://hl7.org/fhir/uv/bulkdata/export.html
"""

import re
import zlib
from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from fellesjournal import fhir
from fellesjournal.access.decide import Decision
from fellesjournal.access.gate import fhir_interaction
from fellesjournal.kit import ids
from fellesjournal.record import bulk
from fellesjournal.record.api.edge import METHODS, elsewhere
from fellesjournal.record.api.http import fhir_errors, http_date, journal_of
from fellesjournal.record.api.operations.asked import Asked, asked
from fellesjournal.record.api.representation import takes_gzip
from fellesjournal.record.bulk import Export, ExportFailed, File, Wish
from fellesjournal.record.errors import Malformed, NotFound
from fellesjournal.record.journal import Journal
from fellesjournal.record.names import is_id
from fellesjournal.record.rows import stamp
from fellesjournal.record.search.error import refusal

_KNOWN: Final = ("_outputFormat", "_since", "_type", "_typeFilter", "patient")
NDJSON: Final = "application/fhir+ndjson"
_FORMATS: Final = (NDJSON, "application/ndjson", "ndjson")
NO_STORE: Final = {"Cache-Control": "no-store"}
RETRY_S: Final = 2
_ERRORS: Final = "error.ndjson"
_MAX_FILTERS: Final = 50
_MAX_PATIENTS: Final = 100_000
_MAX_ELEMENTS: Final = 200
_element: Final = re.compile(r"[A-Za-z][A-Za-z0-9.]{0,100}(?:\[x\])?").fullmatch
_async: Final = re.compile(r"(?:^|[,;\s])respond-async(?:$|[,;\s])").search
_between: Final = re.compile(r",(?=[A-Z][A-Za-z]{1,40}\?)")


@fhir_errors
@fhir_interaction("operation")
async def export_all(request: Request, decision: Decision) -> Response:
    """Everybody that the asker may see, the directory and the unit's own rows; a citizen's own record."""
    return await _begin(request, decision, await _asked(request), named=None, has_directory=True)


@fhir_errors
@fhir_interaction("operation")
async def export_patients(request: Request, decision: Decision) -> Response:
    """The records of everybody that the asker may see, or of the patients that a POST names."""
    wanted = await _asked(request)
    named = [value for name, value in wanted.pairs if name == "patient"]
    return await _begin(request, decision, wanted, named=_references(named) if named else None)


@fhir_errors
@fhir_interaction("operation")
async def export_group(request: Request, decision: Decision) -> Response:
    """The records of a Group's members that are patients."""
    wanted = await _asked(request)
    stored = await journal_of(request, decision).read("Group", request.path_params["id"])
    members = [one["entity"] for one in stored.resource().get("member", []) if one.get("inactive") is not True]
    return await _begin(request, decision, wanted, named=_references(members))


@fhir_errors
@fhir_interaction("operation")
async def status(request: Request, decision: Decision) -> Response:
    """How far an export is: 202 while it is under way, then what there is to fetch."""
    export = await _find(request, decision)
    if export.state == "failed":
        raise ExportFailed
    if export.state != "done":
        progress = f"{export.resources} resources of {export.patients} patients"
        return Response(status_code=202, headers={**NO_STORE, "X-Progress": progress, "Retry-After": str(RETRY_S)})
    headers = {**NO_STORE, "Expires": http_date(export.until_at)}
    return JSONResponse(_manifest(_address(request, request.path_params["export"]), export), headers=headers)


@fhir_errors
@fhir_interaction("operation")
async def cancel(request: Request, decision: Decision) -> Response:
    """Give an export up, or throw its files away."""
    await journal_of(request, decision).exportable(())
    await bulk.cancel(request.app.state.vault.db, secret=decision.secret, id=request.path_params["export"])
    return Response(status_code=202, headers=NO_STORE)


@fhir_errors
@fhir_interaction("operation")
async def fetch(request: Request, decision: Decision) -> Response:
    """The lines of one type, by the asker alone."""
    export, name = await _find(request, decision), request.path_params["file"]
    if export.state != "done":
        raise ExportFailed if export.state == "failed" else NotFound
    headers = {**NO_STORE, "Content-Type": NDJSON, "X-Content-Type-Options": "nosniff", "Vary": "Accept-Encoding"}
    if name == _ERRORS and export.left_out:
        return Response(_left_out(export.left_out), headers=headers)
    file = next((one for one in export.files if _name(one) == name), None)
    if file is None:
        raise NotFound
    lines = bulk.pieces(
        request.app.state.vault.db, secret=decision.secret, id=request.path_params["export"], rtype=file.rtype
    )
    if takes_gzip(request):
        headers["Content-Encoding"] = "gzip"
    elif file.rtype and not export.elements:
        headers["Content-Length"] = str(file.size)
    if request.method == "HEAD":
        return Response(headers=headers)
    # The first piece is decided before the answer begins: a refusal is still an answer of its own then.
    first = await anext(lines, b"")
    is_part = file.rtype and export.elements
    content = _in_part(_from(first, lines), export.elements) if is_part else _from(first, lines)
    return StreamingResponse(_gzipped(content) if takes_gzip(request) else content, headers=headers)


_SERVED: Final = [
    Route("/$export", export_all, methods=["GET", "POST"]),
    Route("/Patient/$export", export_patients, methods=["GET", "POST"]),
    Route("/Group/{id}/$export", export_group, methods=["GET", "POST"]),
    Route("/$export/{export}", status, methods=["GET"]),
    Route("/$export/{export}", cancel, methods=["DELETE"]),
    Route("/$export/{export}/{file}", fetch, methods=["GET"]),
]


_DEFINITIONS: Final = {"": "export", "Patient": "patient-export", "Group": "group-export"}


def stated_exports(rtype: str = "") -> list[dict[str, str]]:
    """The export of a type (without one, of everything) as a CapabilityStatement names it; empty without one."""
    name = _DEFINITIONS.get(rtype)
    url = f"http://hl7.org/fhir/uv/bulkdata/OperationDefinition/{name}"
    return [{"name": "export", "definition": url}] if name else []


def export_routes() -> list[Route]:
    """The routes; another method at one of the addresses is told which it takes."""
    paths = dict.fromkeys(one.path for one in _SERVED)
    return [*_SERVED, *(Route(path, elsewhere([*_SERVED]), methods=METHODS) for path in paths)]


def require_async(request: Request) -> None:
    """Raise Malformed unless the asker knows that it is carried out afterwards."""
    if not _async(",".join(request.headers.getlist("prefer"))):
        raise Malformed("This is carried out afterwards: send Prefer: respond-async.")


# ── Kick-off ─────────────────────────────────────────────────────────────────────────────────────


async def _asked(request: Request) -> Asked:
    require_async(request)
    wanted = await asked(request, known=_KNOWN)
    if wanted.text("_outputFormat").replace(" ", "+") not in ("", *_FORMATS):
        raise refusal("_outputFormat", f"only {NDJSON} is offered", code="not-supported")
    return wanted


async def _begin(
    request: Request, decision: Decision, wanted: Asked, *, named: Sequence[str] | None, has_directory: bool = False
) -> Response:
    filters = await _filters(request, wanted)
    patients = None if named is None else await _patients(journal_of(request, decision), named)
    types = await journal_of(request, decision).exportable(_types(wanted, filters))
    wish = Wish(
        request=str(request.url), has_directory=has_directory, patients=patients, types=types,
        since=_since(wanted), filters=filters, elements=_elements(wanted),
        unknown=len(set(named or ())) - len(set(patients or ())),
    )  # fmt: skip
    keep = timedelta(hours=request.app.state.settings.export_hours)
    export = await bulk.begin(request.app.state.vault.db, secret=decision.secret, wish=wish, keep=keep)
    return Response(status_code=202, headers={**NO_STORE, "Content-Location": _address(request, export)})


def _types(wanted: Asked, filters: Sequence[str]) -> tuple[str, ...]:
    """The types asked for, empty for all; a filter of another type than those is a fault."""
    types = tuple(dict.fromkeys(wanted.listed("_type")))
    if any(rtype not in fhir.TYPE_NUMBER for rtype in types):
        raise refusal("_type", "one of the names is no resource type of R4", code="not-supported")
    if types and any(text.partition("?")[0] not in types for text in filters):
        raise refusal("_typeFilter", "of a type that _type leaves out")
    return types


async def _filters(request: Request, wanted: Asked) -> tuple[str, ...]:
    texts = [value for name, value in wanted.pairs if name == "_typeFilter" and isinstance(value, str)]
    filters = tuple(part for text in texts for part in _between.split(text) if part)
    if len(filters) > _MAX_FILTERS:
        raise refusal("_typeFilter", f"at most {_MAX_FILTERS} can be given", code="too-costly")
    vault, base = request.app.state.vault, f"{request.app.state.settings.base_url}/fhir"
    for text in filters:
        await bulk.read_filter(vault, text, base=base)
    return filters


def _since(wanted: Asked) -> datetime | None:
    text = wanted.text("_since")
    if not text:
        return None
    try:
        # A plus sign in an address is a space to whoever decodes it.
        return fhir.date_range(text.replace(" ", "+"))[0]
    except (ValueError, OverflowError):
        raise refusal("_since", "not an instant") from None


def _elements(wanted: Asked) -> tuple[str, ...]:
    elements = tuple(name.strip() for text in wanted.elements for name in text.split(",") if name.strip())
    if len(elements) > _MAX_ELEMENTS or not all(map(_element, elements)):
        raise refusal("_elements", f"at most {_MAX_ELEMENTS} names of elements, with commas between")
    return elements


def _references(values: Iterable[Any]) -> list[str]:
    """The ids of the Patients that references name; another target is nobody."""
    found = []
    for value in values:
        text = value.get("reference", "") if isinstance(value, dict) else value
        rtype, _, id_ = str(text).rpartition("/fhir/")[2].partition("/")
        if rtype == "Patient" and id_:
            found.append(id_.partition("/")[0])
    if len(found) > _MAX_PATIENTS:
        raise refusal("patient", f"at most {_MAX_PATIENTS} can be named", code="too-costly")
    return found


async def _patients(journal: Journal, named: Sequence[str]) -> tuple[int, ...]:
    """The numbers of those named that there may be; nobody is decided for yet."""
    await journal.know([("Patient", id_) for id_ in named if ids.decode(id_) is None and is_id(id_)])
    keys = [ids.decode(id_) or journal.knows("Patient", id_) for id_ in named]
    return tuple(dict.fromkeys(key[1] for key in keys if key is not None and key[0] > 0))


# ── Status and files ─────────────────────────────────────────────────────────────────────────────


async def _find(request: Request, decision: Decision) -> Export:
    """The asker's export; to an app none with a type that its scopes do not hold. Raises NotFound, BeyondScopes."""
    found = await bulk.find(request.app.state.vault.db, secret=decision.secret, id=request.path_params["export"])
    await journal_of(request, decision).exportable([one.rtype for one in found.files])
    return found


def _address(request: Request, export: str) -> str:
    return f"{request.app.state.settings.base_url}/fhir/$export/{export}"


def _manifest(address: str, export: Export) -> dict[str, Any]:
    listed = [(one, {"url": f"{address}/{_name(one)}", "count": one.resources}) for one in export.files]
    files = [{"type": one.rtype, **where} for one, where in listed if one.rtype]
    deleted = [{"type": "Bundle", **where} for one, where in listed if not one.rtype]
    errors = [{"type": "OperationOutcome", "url": f"{address}/{_ERRORS}", "count": 1}] if export.left_out else []
    return {
        "transactionTime": stamp(export.asked_at), "request": export.request, "requiresAccessToken": True,
        "output": files, "deleted": deleted, "error": errors,
    }  # fmt: skip


def _name(file: File) -> str:
    return f"{file.rtype}.ndjson" if file.rtype else "deleted.ndjson"


def _left_out(count: int) -> bytes:
    text = f"{count} of the patients named are not in the export: there is no such record, or you may not see it."
    return fhir.encode(fhir.outcome([fhir.Issue("warning", "not-found", "", text)])) + b"\n"


async def _from(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for piece in rest:
        yield piece


async def _in_part(pieces: AsyncIterator[bytes], elements: tuple[str, ...]) -> AsyncIterator[bytes]:
    async for piece in pieces:
        lines = (fhir.subset(fhir.read_verbatim(line), summary="", elements=elements) for line in piece.splitlines())
        yield b"".join(fhir.encode(line) + b"\n" for line in lines)


async def _gzipped(pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    packer = zlib.compressobj(1, zlib.DEFLATED, 31)
    async for piece in pieces:
        yield packer.compress(piece)
    yield packer.flush()
