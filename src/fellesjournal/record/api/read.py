"""read, vread (FHIR http §2.21.0.2–3)."""

from starlette.requests import Request
from starlette.responses import Response

from fellesjournal.access.decide import Decision
from fellesjournal.access.gate import fhir_interaction
from fellesjournal.record.api.http import fhir_errors, stored_response, version_headers, whole_number
from fellesjournal.record.errors import NotFound


@fhir_errors
@fhir_interaction("read")
async def read(request: Request, decision: Decision) -> Response:
    """The current version; 304 when the client has it (If-None-Match)."""
    journal = request.app.state.vault.open(decision)
    stored = await journal.read(request.path_params["rtype"], request.path_params["id"])
    if request.headers.get("if-none-match") == f'W/"{stored.version}"':
        return Response(status_code=304, headers=version_headers(stored.version, stored.updated))
    return stored_response(stored)


@fhir_errors
@fhir_interaction("vread")
async def vread(request: Request, decision: Decision) -> Response:
    """A named version."""
    version = whole_number(request.path_params["version"])
    if version is None:
        raise NotFound
    journal = request.app.state.vault.open(decision)
    path = request.path_params
    return stored_response(await journal.read(path["rtype"], path["id"], version=version))
