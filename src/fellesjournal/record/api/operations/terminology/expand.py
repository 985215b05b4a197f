"""ValueSet/$expand (https://hl7.org/fhir/R4/valueset-operation-expand.html)."""

from __future__ import annotations

from typing import Final
from uuid import uuid4

from starlette.requests import Request
from starlette.responses import Response

from fellesjournal import fhir
from fellesjournal.access.decide import Decision
from fellesjournal.access.gate import fhir_interaction
from fellesjournal.kit.clock import SystemClock
from fellesjournal.record.api.http import fhir_errors, json_response
from fellesjournal.record.api.operations.terminology.asked import CodesAsked, codes_asked, visible_to
from fellesjournal.record.value_sets import Visible, refusals
from fellesjournal.terminology import (
    Ask,
    BadQuestion,
    Key,
    Resolved,
    Versions,
    expand,
    expanded,
    read_value_set,
    resolve,
)

PARAMETERS: Final = (
    "url", "valueSet", "valueSetVersion", "context", "contextDirection", "filter", "date", "offset", "count",
    "includeDesignations", "designation", "includeDefinition", "activeOnly", "excludeNested", "excludeNotForUI",
    "excludePostCoordinated", "displayLanguage", "exclude-system", "system-version", "check-system-version",
    "force-system-version", "tx-resource",
)  # fmt: skip


@fhir_errors
@fhir_interaction("operation")
async def expand_value_set(request: Request, decision: Decision) -> Response:
    """The codes of a value set, a page of them, or those that a filter finds."""
    with refusals():
        wanted = await codes_asked(request, known=PARAMETERS)
        library = visible_to(request, decision, wanted.brought())
        resolved = await value_set(request, wanted, library)
        ask = _ask(wanted)
        expansion = await expand(resolved, ask)
        body = expanded(
            resolved.definition.head, expansion, ask=ask, identifier=f"urn:uuid:{uuid4()}", at=SystemClock().now()
        )
    return json_response(fhir.encode(body))


async def value_set(request: Request, wanted: CodesAsked, library: Visible) -> Resolved:
    """The value set that an operation is about: of the address, by its canonical, or as it was sent.

    Raises BadQuestion, NotFound and what resolving raises.
    """
    versions = _versions(wanted)
    named, sent = wanted.text("url"), wanted.resource("valueSet", "ValueSet")
    if "id" in request.path_params:
        return await library.resolved(f"ValueSet/{request.path_params['id']}", versions=versions)
    if bool(named) == bool(sent):
        raise BadQuestion("Either url or valueSet is needed.")
    if sent:
        return await resolve(library, read_value_set(sent), versions=versions)
    version = wanted.text("valueSetVersion")
    return await library.resolved(f"{named}|{version}" if version and "|" not in named else named, versions=versions)


def _ask(wanted: CodesAsked) -> Ask:
    return Ask(
        filter=wanted.text("filter"), offset=wanted.count("offset") or 0, count=wanted.count("count"),
        languages=wanted.languages(), is_active_only=wanted.flag("activeOnly"),
        is_selectable_only=wanted.flag("excludeNotForUI"),
        has_designations=wanted.flag("includeDesignations"),
        is_nested=wanted.text("excludeNested") == "false" and not wanted.text("filter"),
    )  # fmt: skip


def _versions(wanted: CodesAsked) -> Versions:
    return Versions(
        preferred=tuple(map(_key, wanted.listed("system-version"))),
        forced=tuple(map(_key, [*wanted.listed("force-system-version"), *wanted.listed("check-system-version")])),
        excluded=frozenset(one.partition("|")[0] for one in wanted.listed("exclude-system")),
    )


def _key(canonical: str) -> Key:
    url, _, version = canonical.partition("|")
    return Key(url, version)
