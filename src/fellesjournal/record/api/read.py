"""read, vread (FHIR http §2.21.0.2–3), conditional or not."""

from starlette.requests import Request
from starlette.responses import Response

from fellesjournal.access.decide import Decision
from fellesjournal.access.gate import fhir_interaction
from fellesjournal.record.api import binary
from fellesjournal.record.api.conditional import not_modified
from fellesjournal.record.api.http import fhir_errors, journal_of, stored_response, whole_number
from fellesjournal.record.errors import NotFound
from fellesjournal.record.installed import read_installed


@fhir_errors
@fhir_interaction("read")
async def read(request: Request, decision: Decision) -> Response:
    """The current version; 304 when the client has it."""
    return await _answer(request, decision, version=0)


@fhir_errors
@fhir_interaction("vread")
async def vread(request: Request, decision: Decision) -> Response:
    """A named version; 304 when the client has it."""
    version = whole_number(request.path_params["version"])
    if version is None:
        raise NotFound
    return await _answer(request, decision, version=version)


async def _answer(request: Request, decision: Decision, *, version: int) -> Response:
    journal = journal_of(request, decision)
    rtype, id = request.path_params["rtype"], request.path_params["id"]  # noqa: A001 - FHIR's word
    stored = await read_installed(journal.vault.library, rtype, id, version=version)
    stored = stored or await journal.read(rtype, id, version=version)
    unchanged = not_modified(request, stored)
    if unchanged is not None:
        return unchanged
    return await binary.answer(request, journal, stored) if stored.rtype == "Binary" else stored_response(stored)
