"""CodeSystem/$lookup and CodeSystem/$subsumes.

Source: https://hl7.org/fhir/R4/codesystem-operation-lookup.html, codesystem-operation-subsumes.html
"""

from __future__ import annotations

from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from fellesjournal.access.decide import Decision
from fellesjournal.access.gate import fhir_interaction
from fellesjournal.record.api.http import fhir_errors
from fellesjournal.record.api.operations.terminology.asked import (
    CodesAsked,
    codes_asked,
    coding_of,
    several,
    visible_to,
)
from fellesjournal.record.value_sets import Visible, refusals
from fellesjournal.terminology import BadQuestion, Coding, Held, NotInstalled, System, details

LOOKUP: Final = ("code", "system", "version", "coding", "date", "displayLanguage", "property", "tx-resource")
SUBSUMES: Final = ("codeA", "codeB", "system", "version", "codingA", "codingB", "tx-resource")


@fhir_errors
@fhir_interaction("operation")
async def lookup(request: Request, decision: Decision) -> Response:
    """What is known of a code."""
    with refusals():
        wanted = await codes_asked(request, known=LOOKUP)
        coding = wanted.coding()
        library = visible_to(request, decision, wanted.brought())
        system = await code_system(request, wanted, library, url=coding.system or "", version=coding.version)
        found = await details(system, coding.code, languages=wanted.languages(), properties=wanted.listed("property"))
    return several(found)


@fhir_errors
@fhir_interaction("operation")
async def subsumes(request: Request, decision: Decision) -> Response:
    """How code A stands to code B in the hierarchy of their code system."""
    with refusals():
        wanted = await codes_asked(request, known=SUBSUMES)
        one, other = _side(wanted, "A"), _side(wanted, "B")
        named = {one.system, other.system} - {None}
        if len(named) > 1:
            raise BadQuestion("Both codes are of one code system.")
        library = visible_to(request, decision, wanted.brought())
        url = next(iter(named), "") or ""
        system = await code_system(request, wanted, library, url=url, version=one.version or other.version)
        outcome = await system.relation(one.code, other.code)
    return several([{"name": "outcome", "valueCode": outcome}])


async def code_system(request: Request, wanted: CodesAsked, library: Visible, *, url: str, version: str = "") -> System:
    """The code system that an operation is about: of the address, as it was sent, or by its address.

    Raises BadQuestion, NotInstalled, NotFound.
    """
    if "id" in request.path_params:
        return await library.stored_system(request.path_params["id"])
    sent = wanted.resource("codeSystem", "CodeSystem")
    if sent:
        return Held.read(sent)
    if not url:
        raise BadQuestion("The code system is needed: system, or url.")
    base, _, own = url.partition("|")
    found = await library.system(base, version or wanted.text("version") or own)
    if found is None or found.head.content == "not-present":
        raise NotInstalled(f"The code system {url} is not installed, or without its codes.")
    return found


def _side(wanted: CodesAsked, name: str) -> Coding:
    has_coding, code = wanted.has(f"coding{name}"), wanted.text(f"code{name}")
    if has_coding == bool(code):
        raise BadQuestion(f"Either code{name} or coding{name} is needed.")
    if has_coding:
        return coding_of(wanted.structure(f"coding{name}"))
    return Coding(wanted.text("system") or None, code, wanted.text("version"))
