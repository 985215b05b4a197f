"""create, update, delete (FHIR http §2.21.0.5, .7, .8)."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from fellesjournal import fhir
from fellesjournal.access.decide import Decision
from fellesjournal.access.gate import fhir_interaction
from fellesjournal.kit import ids
from fellesjournal.record import ownership
from fellesjournal.record.api import binary
from fellesjournal.record.api.http import (
    fhir_errors,
    if_match,
    json_response,
    preference,
    read_resource,
    version_headers,
)
from fellesjournal.record.errors import Malformed, NotFound
from fellesjournal.record.journal import Journal, Written, body_of
from fellesjournal.record.rows import Wanted, split_body


@fhir_errors
@fhir_interaction("create")
async def create(request: Request, decision: Decision) -> Response:
    """A new resource; the server makes its id."""
    rtype = known_type(request)
    if rtype == "Binary" and binary.is_raw(request):
        return await binary.create(request, decision)
    resource: dict[str, Any] = await read_resource(request, rtype=rtype)
    journal = request.app.state.vault.open(decision)
    resource.pop("id", None)
    journal.create(resource)
    return _answer(request, resource, (await journal.commit())[0])


@fhir_errors
@fhir_interaction("update")
async def update(request: Request, decision: Decision) -> Response:
    """A new version. If-Match is honoured; without it the version goes on top of whichever is there."""
    rtype = known_type(request)
    if rtype == "Binary" and binary.is_raw(request):
        return await binary.update(request, decision)
    resource: dict[str, Any] = await read_resource(request, rtype=rtype)
    check_id(resource, request.path_params["id"])
    journal = request.app.state.vault.open(decision)
    journal.update(request.path_params["id"], resource, expect=if_match(request))
    return _answer(request, resource, (await journal.commit())[0])


@fhir_errors
@fhir_interaction("delete")
async def delete(request: Request, decision: Decision) -> Response:
    """Deleted: reads answer 410, the history stays."""
    rtype = known_type(request)
    journal = request.app.state.vault.open(decision)
    await delete_one(journal, rtype, request.path_params["id"], expect=if_match(request))
    written = (await journal.commit())[0]
    return Response(status_code=204, headers=version_headers(written.version, written.updated))


async def delete_one(journal: Journal, rtype: str, id: str, *, expect: int, place: str = "") -> None:
    """Gather the deletion of a resource that the reader sees. Raises NotFound, Gone."""
    stored = await journal.read(rtype, id)
    patient = await journal.context_owner(stored) or owner_of(stored.resource(), id)
    journal.delete(rtype, id, patient=patient, expect=expect, place=place)


def owner_of(resource: dict[str, Any], id: str) -> int:
    """The pid of the patient that a stored resource belongs to, or DIRECTORY or UNIT_OWN."""
    rtype = resource["resourceType"]
    if rtype == "Patient":
        return (ids.decode(id) or (0, 0))[1]
    if rtype in ownership.DIRECTORY_TYPES:
        return ownership.DIRECTORY
    owner = fhir.extract(resource, into=fhir.IndexRows(), n=1, hash64=lambda _: 0)
    found = ownership.patient_key(owner.patient)
    return found[1] if found else ownership.UNIT_OWN


def known_type(request: Request) -> str:
    """The resource type in the address. Raises NotFound for one that isn't FHIR R4's."""
    rtype: str = request.path_params["rtype"]
    if rtype not in fhir.TYPE_NUMBER:
        raise NotFound("There is no such resource type in FHIR R4.")
    return rtype


def check_id(resource: dict[str, Any], id: str) -> None:
    """Raise Malformed unless the body names the same id as the address (FHIR http, update)."""
    if resource.get("id") != id:
        raise Malformed("The id in the body must be the id in the address.")


def _answer(request: Request, resource: dict[str, Any], written: Written) -> Response:
    headers = version_headers(written.version, written.updated)
    base = f"{request.app.state.settings.base_url}/fhir"
    headers["Location"] = f"{base}/{written.rtype}/{written.id}/_history/{written.version}"
    wished = preference(request, "return")
    if wished == "minimal":
        return Response(status_code=written.status, headers=headers)
    if wished == "OperationOutcome":
        return json_response(fhir.encode(fhir.outcome([])), status=written.status, headers=headers)
    return json_response(written_body(resource, written).encode(), status=written.status, headers=headers)


def written_body(resource: dict[str, Any], written: Written) -> str:
    """The stored bytes of a version just written."""
    slot, pid = ids.decode(written.id) or (0, 0)
    parts = split_body(resource, Wanted("C", written.rtype, slot, pid, 0, resource))
    return body_of(parts, version=written.version, updated=written.updated)
