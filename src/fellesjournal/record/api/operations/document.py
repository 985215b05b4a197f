"""Composition/$document: a Composition and all that it refers to, as one Bundle.

Source: https://hl7.org/fhir/R4/composition-operation-document.html
"""

from typing import Final
from uuid import uuid4

from starlette.requests import Request
from starlette.responses import Response

from fellesjournal.access.decide import Decision
from fellesjournal.access.gate import fhir_interaction
from fellesjournal.kit.clock import SystemClock
from fellesjournal.record.api.http import fhir_errors, journal_of, json_response
from fellesjournal.record.api.operations.asked import Asked, asked
from fellesjournal.record.binary import listed
from fellesjournal.record.document import Document, document_of
from fellesjournal.record.rows import stamp
from fellesjournal.record.search.error import refusal

_KNOWN: Final = ("id", "persist", "graph")
_NOT_WHOLE: Final = (
    '"meta":{"tag":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ObservationValue","code":"SUBSETTED"}]},'
)
"""Something that the document refers to is hidden from this reader, or not there: the answer does not say which."""


@fhir_errors
@fhir_interaction("operation")
async def document(request: Request, decision: Decision) -> Response:
    """The document of a Composition: in the address, or named by `id`."""
    wanted = await asked(request, known=_KNOWN)
    base = f"{request.app.state.settings.base_url}/fhir"
    if wanted.text("graph"):
        raise refusal("graph", "what a document holds is what its Composition refers to", code="not-supported")
    if wanted.flag("persist"):
        # A copy beside the chart would show what the patient blocks later.
        raise refusal("persist", "the document is made anew each time and not kept", code="not-supported")
    found = await document_of(journal_of(request, decision), _id(request, wanted, base))
    return json_response(_bundle(base, found).encode())


def _id(request: Request, wanted: Asked, base: str) -> str:
    named = wanted.text("id")
    if "id" in request.path_params:
        if named:
            raise refusal("id", "stands in the address already")
        return str(request.path_params["id"])
    local = named.removeprefix(f"{base}/").removeprefix("Composition/")
    if not local or "/" in local:
        raise refusal("id", "the id of a Composition of this server", code="required")
    return local


def _bundle(base: str, found: Document) -> str:
    entries = ",".join(
        f'{{"fullUrl":"{base}/{one.rtype}/{one.id}","resource":{listed(one.rtype, one.body)}}}'
        for one in found.resources
    )
    identifier = f'{{"system":"urn:ietf:rfc:3986","value":"urn:uuid:{uuid4()}"}}'
    meta = "" if found.is_whole else _NOT_WHOLE
    head = f'"resourceType":"Bundle",{meta}"identifier":{identifier},"type":"document"'
    return f'{{{head},"timestamp":"{stamp(SystemClock().now())}","entry":[{entries}]}}'
