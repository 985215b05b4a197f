"""Consent/$blocks: the citizen's own blocks as Consent resources. An operation of our own."""

from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from fellesjournal import fhir
from fellesjournal.access.decide import Decision
from fellesjournal.access.gate import fhir_interaction
from fellesjournal.access.model import NoNeed
from fellesjournal.kit.ids import encode
from fellesjournal.record import blocks
from fellesjournal.record.api.http import fhir_errors, journal_of, json_response
from fellesjournal.record.api.operations.asked import asked
from fellesjournal.record.blocks import Block

Json = dict[str, Any]

_HL7: Final = "http://terminology.hl7.org/CodeSystem/"
_OURS: Final = "https://fellesjournal.no/fhir/CodeSystem/"


@fhir_errors
@fhir_interaction("operation")
async def own_blocks(request: Request, decision: Decision) -> Response:
    """A collection: those in force, then those lifted within a year. Raises NoNeed for anybody but the citizen."""
    await asked(request, known=())
    reader = decision.reader
    if reader.kind != "citizen" or reader.app is not None or reader.patient is None:
        raise NoNeed
    found = await blocks.own(journal_of(request, decision).vault.db, decision=decision)
    slot = reader.patient_slot or 0
    entries = [{"resource": _consent(one, slot, f"Patient/{encode(slot, reader.patient)}")} for one in found]
    bundle: Json = {"resourceType": "Bundle", "type": "collection"}
    return json_response(fhir.encode(bundle | ({"entry": entries} if entries else {})))


def _consent(block: Block, slot: int, patient: str) -> Json:
    return {
        "resourceType": "Consent",
        "id": f"{'part' if block.is_part else 'whole'}-{block.number}",
        "status": "active" if block.until_at is None else "inactive",
        "scope": {"coding": [{"system": f"{_HL7}consentscope", "code": "patient-privacy"}]},
        "category": [{"coding": [{"system": "http://loinc.org", "code": "59284-0"}]}],
        "patient": {"reference": patient},
        "dateTime": block.from_at.isoformat(timespec="seconds"),
        "policyRule": {"coding": [{"system": f"{_HL7}v3-ActCode", "code": "OPTOUT"}]},
        "provision": _provision(block, slot),
    } | ({"performer": [{"display": f"{block.by}, {block.by_unit}"}]} if block.by else {})


def _provision(block: Block, slot: int) -> Json:
    period = {"start": block.from_at.isoformat(timespec="seconds")}
    if block.until_at is not None:
        period["end"] = block.until_at.isoformat(timespec="seconds")
    made: Json = {"type": "deny", "period": period}
    actors = [*_against(block), *_written_by(block)]
    if actors:
        made["actor"] = actors
    if block.scope in ("category", "service"):
        made["code"] = [{"coding": [{"system": f"{_OURS}block-{block.scope}", "code": block.code}]}]
    if block.scope == "document" and block.target is not None:
        made["data"] = [{"meaning": "related", "reference": {"identifier": {"value": encode(slot, block.target)}}}]
    return made


def _against(block: Block) -> list[Json]:
    """Whom it is against; nobody means everybody."""
    if block.unit_number is not None:
        reference = {"reference": f"Organization/{encode(0, block.unit_number)}", "display": block.unit}
    elif block.person or block.service:
        reference = {"display": block.person or block.service}
    else:
        return []
    return [_actor("IRCP", reference)]


def _written_by(block: Block) -> list[Json]:
    return [_actor("AUT", {"display": block.origin})] if block.scope == "origin" else []


def _actor(role: str, reference: Json) -> Json:
    return {"role": {"coding": [{"system": f"{_HL7}v3-ParticipationType", "code": role}]}, "reference": reference}
