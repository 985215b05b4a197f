"""Patient/$match: who is this? By the same look-up as in the pages, with its limit and its log.

What is shown of somebody is what identifying shows: name, birth date, sex and number.
Source: https://hl7.org/fhir/R4/patient-operation-match.html
"""

from collections.abc import Iterator
from datetime import date
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from fellesjournal import fhir
from fellesjournal.access.decide import Decision
from fellesjournal.access.gate import fhir_interaction
from fellesjournal.kit.ids import encode
from fellesjournal.national.identifiers import DNR, FNR, kind_of
from fellesjournal.record.api.http import fhir_errors, journal_of, json_response
from fellesjournal.record.api.operations.asked import asked
from fellesjournal.record.binary import SUBSETTED
from fellesjournal.record.errors import TooLittle
from fellesjournal.record.identify import Identified, is_enough
from fellesjournal.record.journal import Journal
from fellesjournal.record.match import Described, Graded, graded
from fellesjournal.record.ownership import NATIONAL_IDS
from fellesjournal.record.search.error import refusal

Json = dict[str, Any]

_KNOWN: Final = ("resource", "onlyCertainMatches", "count")
_MOST: Final = 10
_DAY: Final = 10
_GRADE: Final = "http://hl7.org/fhir/StructureDefinition/match-grade"


@fhir_errors
@fhir_interaction("identify")
async def match(request: Request, decision: Decision) -> Response:
    """People who may be the one described, likeliest first; with `onlyCertainMatches` none that is not certain."""
    wanted = await asked(request, known=_KNOWN)
    resource = wanted.structure("resource")
    if resource.get("resourceType") != "Patient":
        raise refusal("resource", "is a Patient")
    count = wanted.number("count", otherwise=_MOST, at_most=_MOST)
    only_certain = wanted.flag("onlyCertainMatches")
    described = _described(resource)
    found = [graded(hit, described) for hit in await _hits(journal_of(request, decision), described)]
    found.sort(key=lambda one: -one.score)
    certain = [one for one in found if one.grade == "certain"]
    shown = (certain if len(certain) == 1 else []) if only_certain else found[:count]
    return json_response(fhir.encode(_bundle(f"{request.app.state.settings.base_url}/fhir", shown)))


async def _hits(journal: Journal, described: Described) -> list[Identified]:
    """By number; only when that finds nobody by name and birth date. Raises TooLittle, and what identifying raises."""
    is_named = described.born_on is not None and is_enough(described.words)
    if not described.numbers and not is_named:
        raise TooLittle("A national number is needed, or two letters of a name and the whole birth date.")
    for system, value in described.numbers:
        if hits := await journal.identify_number(system=system, value=value):
            return hits
    if described.born_on is None or not is_named:
        return []
    return await journal.identify_name(words=described.words, born_on=described.born_on)


def _described(resource: Json) -> Described:
    given = resource.get("identifier", [])
    numbers = [(one["system"], one["value"]) for one in given if one.get("system") in NATIONAL_IDS and one.get("value")]
    if len(numbers) > len(NATIONAL_IDS):
        raise refusal("resource", "has at most one number of each kind")
    names = resource.get("name", [])
    name = next((one for one in names if one.get("use") == "official"), names[0] if names else {})
    return Described(
        tuple(_words(name)), _born_on(resource.get("birthDate", "")), resource.get("gender", ""), tuple(numbers)
    )


def _words(name: Json) -> Iterator[str]:
    parts = [*name.get("given", []), name.get("family")] if "family" in name or "given" in name else [name.get("text")]
    for part in parts:
        yield from str(part or "").split()


def _born_on(text: str) -> date | None:
    return date.fromisoformat(text) if len(text) == _DAY else None


def _bundle(base: str, found: list[Graded]) -> Json:
    entries = [_entry(base, one) for one in found]
    bundle = {"resourceType": "Bundle", "type": "searchset", "total": len(entries)}
    return bundle | ({"entry": entries} if entries else {})


def _entry(base: str, one: Graded) -> Json:
    patient = _shown(one.hit)
    search = {"extension": [{"url": _GRADE, "valueCode": one.grade}], "mode": "match", "score": one.score}
    return {"fullUrl": f"{base}/Patient/{patient['id']}", "resource": patient, "search": search}


def _shown(hit: Identified) -> Json:
    """As much of a Patient as identifying shows."""
    patient: Json = {"resourceType": "Patient", "id": encode(hit.patient.slot, hit.patient.pid)}
    patient["meta"] = {"tag": [SUBSETTED]}
    system = next((one for one in (FNR, DNR) if kind_of(one, hit.number)), "")
    if hit.number:
        patient["identifier"] = [{**({"system": system} if system else {}), "value": hit.number}]
    if hit.name:
        patient["name"] = [{"text": hit.name}]
    patient["gender"] = hit.sex
    if hit.born_on:
        patient["birthDate"] = hit.born_on.isoformat()
    return patient
