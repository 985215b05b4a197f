"""ValueSet/$validate-code and CodeSystem/$validate-code.

Source: https://hl7.org/fhir/R4/valueset-operation-validate-code.html, codesystem-operation-validate-code.html
"""

from __future__ import annotations

from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from fellesjournal.access.decide import Decision
from fellesjournal.access.gate import fhir_interaction
from fellesjournal.record.api.http import fhir_errors
from fellesjournal.record.api.operations.terminology.asked import codes_asked, several, visible_to
from fellesjournal.record.api.operations.terminology.expand import value_set
from fellesjournal.record.api.operations.terminology.systems import code_system
from fellesjournal.record.value_sets import refusals
from fellesjournal.terminology import BadQuestion, Verdict, check_in_system, check_in_value_set

IN_VALUE_SET: Final = (
    "url", "valueSet", "valueSetVersion", "context", "code", "system", "systemVersion", "display", "coding",
    "codeableConcept", "date", "abstract", "displayLanguage", "system-version", "force-system-version",
    "check-system-version", "tx-resource",
)  # fmt: skip
IN_SYSTEM: Final = (
    "url", "codeSystem", "code", "version", "display", "coding", "codeableConcept", "date", "abstract",
    "displayLanguage", "system", "tx-resource",
)  # fmt: skip


@fhir_errors
@fhir_interaction("operation")
async def validate_in_value_set(request: Request, decision: Decision) -> Response:
    """Whether a code, or one of a concept's codes, is in a value set."""
    with refusals():
        wanted = await codes_asked(request, known=IN_VALUE_SET)
        codings = wanted.codings()
        resolved = await value_set(request, wanted, visible_to(request, decision, wanted.brought()))
        verdict = await check_in_value_set(
            resolved, codings, languages=wanted.languages(), may_be_abstract=wanted.flag("abstract")
        )
    return several(_told(verdict))


@fhir_errors
@fhir_interaction("operation")
async def validate_in_system(request: Request, decision: Decision) -> Response:
    """Whether a code system has a code."""
    with refusals():
        wanted = await codes_asked(request, known=IN_SYSTEM)
        coding = wanted.coding()
        library = visible_to(request, decision, wanted.brought())
        system = await code_system(request, wanted, library, url=wanted.text("url") or coding.system or "")
        if coding.system not in (None, system.head.url):
            raise BadQuestion("The code names another code system than the one that is asked.")
        verdict = await check_in_system(
            system, coding, languages=wanted.languages(), may_be_abstract=wanted.text("abstract") != "false"
        )
    return several(_told(verdict))


def _told(verdict: Verdict) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = [{"name": "result", "valueBoolean": verdict.is_valid}]
    if verdict.message:
        found.append({"name": "message", "valueString": verdict.message})
    if verdict.display:
        found.append({"name": "display", "valueString": verdict.display})
    return found
