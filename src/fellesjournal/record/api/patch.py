"""patch, by id or by a condition (FHIR http §2.21.0.6)."""

from starlette.requests import Request
from starlette.responses import Response

from fellesjournal.access.decide import Decision
from fellesjournal.access.gate import fhir_interaction
from fellesjournal.record.api.answer import Raced, answer_one
from fellesjournal.record.api.http import content_type, fhir_errors, if_match, read_body, read_bytes
from fellesjournal.record.api.write import base_of, known_type, no_get, question_in
from fellesjournal.record.bundle import Entry
from fellesjournal.record.errors import VersionConflict
from fellesjournal.record.journal import Journal
from fellesjournal.record.patch import JSON_PATCH, fhirpath_patch, json_patch
from fellesjournal.record.transaction import Answer, run


@fhir_errors
@fhir_interaction("patch")
async def patch(request: Request, decision: Decision) -> Response:
    """The current version, changed. A race is tried once more, unless If-Match says which version was meant."""
    return await _patch(request, decision, id=request.path_params["id"], question="")


@fhir_errors
@fhir_interaction("patch")
async def patch_matching(request: Request, decision: Decision) -> Response:
    """The one resource that matches, changed."""
    return await _patch(request, decision, id="", question=question_in(request))


async def _patch(request: Request, decision: Decision, *, id: str, question: str) -> Response:
    rtype, expect = known_type(request), if_match(request)
    is_json_patch = content_type(request) == JSON_PATCH
    body = await (read_bytes if is_json_patch else read_body)(request)

    async def work(journal: Journal) -> list[Answer]:
        read = json_patch if is_json_patch else fhirpath_patch
        entry = Entry(-1, "PATCH", rtype, id, question, "", expect, None, {}, read(body))
        try:
            return await run(journal, [entry], base=base_of(request), get=no_get)
        except VersionConflict:
            if expect >= 0:
                raise
            raise Raced from None

    return await answer_one(request, decision, body, work)
