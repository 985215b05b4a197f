"""Patient/$everything and Encounter/$everything.

Source: https://hl7.org/fhir/R4/operation-patient-everything.html, operation-encounter-everything.html
"""

from datetime import datetime
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from fellesjournal import fhir
from fellesjournal.access.decide import Decision
from fellesjournal.access.gate import fhir_interaction
from fellesjournal.kit import ids
from fellesjournal.record.api.http import fhir_errors, journal_of, json_response
from fellesjournal.record.api.operations.asked import Asked, asked
from fellesjournal.record.api.search import MORE_INCLUDES, searchset
from fellesjournal.record.errors import TooCostly
from fellesjournal.record.everything import MAX_COUNT, EverythingQuery
from fellesjournal.record.search import NOTICE_INCLUDES
from fellesjournal.record.search.error import refusal

_OF_PATIENT: Final = ("start", "end", "_since", "_type", "_count")
_OF_ENCOUNTER: Final = ("_since", "_type", "_count")


@fhir_errors
@fhir_interaction("operation")
async def patient_everything(request: Request, decision: Decision) -> Response:
    """The whole record of a patient; a citizen's own when none is named."""
    id = request.path_params.get("id") or _own(decision)  # noqa: A001 - FHIR's word
    return await _answer(request, decision, "Patient", id, await asked(request, known=_OF_PATIENT))


@fhir_errors
@fhir_interaction("operation")
async def encounter_everything(request: Request, decision: Decision) -> Response:
    """What belongs to one contact."""
    id = request.path_params["id"]  # noqa: A001 - FHIR's word
    return await _answer(request, decision, "Encounter", id, await asked(request, known=_OF_ENCOUNTER))


def _own(decision: Decision) -> str:
    reader = decision.reader
    if reader.kind != "citizen" or not reader.patient:
        raise TooCostly("Everything about everybody is no answer that can be read: name one, Patient/[id]/$everything.")
    return ids.encode(reader.patient_slot or 0, reader.patient)


async def _answer(request: Request, decision: Decision, rtype: str, id: str, wanted: Asked) -> Response:
    query = EverythingQuery(
        rtype, id, _types(wanted), _edge(wanted, "_since")[0], _edge(wanted, "start")[0], _edge(wanted, "end")[1],
        wanted.number("_count", otherwise=MAX_COUNT, at_most=MAX_COUNT), tuple(wanted.texts()),
    )  # fmt: skip
    page = await journal_of(request, decision).everything(query, after=wanted.cursor)
    base = f"{request.app.state.settings.base_url}/fhir"
    notices = [MORE_INCLUDES] if NOTICE_INCLUDES in page.notices else []
    address = f"{base}/{rtype}/{id}/$everything"
    body = searchset(base, address, page, pairs=[*query.params], looks=wanted.looks, notices=notices, at=wanted.cursor)
    return json_response(body.encode())


def _types(wanted: Asked) -> tuple[str, ...]:
    types = tuple(dict.fromkeys(wanted.listed("_type")))
    if any(rtype not in fhir.TYPE_NUMBER for rtype in types):
        raise refusal("_type", "one of the names is no resource type of R4", code="not-supported")
    return types


def _edge(wanted: Asked, name: str) -> tuple[datetime, datetime]:
    """The span of a date or an instant, as precise as it is written; open without one."""
    text = wanted.text(name)
    if not text:
        return fhir.OPEN_START, fhir.OPEN_END
    try:
        # A plus sign in an address is a space to whoever decodes it.
        return fhir.date_range(text.replace(" ", "+"))
    except (ValueError, OverflowError):
        raise refusal(name, "not a date or an instant") from None
