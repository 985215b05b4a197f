"""patch, by id or by a condition (FHIR http §2.21.0.6)."""

from collections.abc import Callable
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from fellesjournal.access.decide import Decision
from fellesjournal.access.gate import fhir_interaction
from fellesjournal.record import names
from fellesjournal.record.api.answer import Raced, answer_one
from fellesjournal.record.api.http import content_type, fhir_errors, if_match, read_body, read_bytes
from fellesjournal.record.api.media import NAMES
from fellesjournal.record.api.write import base_of, known_type, no_get, question_in
from fellesjournal.record.bundle import Entry
from fellesjournal.record.errors import VersionConflict
from fellesjournal.record.journal import Journal
from fellesjournal.record.patch import (
    JSON_PATCH,
    MERGE_PATCH,
    Patch,
    fhirpath_patch,
    json_patch,
    merge_patch,
    plain_patch,
)
from fellesjournal.record.transaction import Answer, run

_READERS: Final[dict[str, Callable[[bytes], Patch]]] = {
    JSON_PATCH: json_patch,
    MERGE_PATCH: merge_patch,
    "application/json": plain_patch,
}
"""How a patch is read, by its media type; others are FHIR's, in JSON or XML."""
PATCH_FORMATS: Final = tuple(dict.fromkeys([*_READERS, *(name for name in NAMES if "/" in name)]))


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
    read = _READERS.get(content_type(request), fhirpath_patch)
    body = await _body(request)

    async def work(journal: Journal) -> list[Answer]:
        entry = Entry(-1, "PATCH", rtype, id, question, "", expect, None, {}, read(body))
        try:
            return await run(journal, [entry], base=base_of(request), get=no_get)
        except VersionConflict:
            if expect >= 0:
                raise
            raise Raced from None

    return await answer_one(request, decision, body, work)


async def _body(request: Request) -> bytes:
    """Patches have media types of their own, but for FHIR's."""
    if content_type(request) in (JSON_PATCH, MERGE_PATCH):
        base = f"{base_of(request)}/"
        return names.relative(await read_bytes(request), base=base)
    return await read_body(request)
