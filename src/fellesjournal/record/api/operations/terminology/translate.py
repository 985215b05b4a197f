"""ConceptMap/$translate (https://hl7.org/fhir/R4/conceptmap-operation-translate.html)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from fellesjournal.access.decide import Decision
from fellesjournal.access.gate import fhir_interaction
from fellesjournal.record.api.http import fhir_errors
from fellesjournal.record.api.operations.terminology.asked import CodesAsked, codes_asked, several, visible_to
from fellesjournal.record.value_sets import Visible, refusals
from fellesjournal.terminology import NO_MATCH, BadQuestion, Coding, Match, NotInstalled, Wanted, translate

Json = dict[str, Any]

PARAMETERS: Final = (
    "url", "conceptMap", "conceptMapVersion", "code", "system", "version", "source", "coding", "codeableConcept",
    "target", "targetsystem", "dependency", "reverse",
)  # fmt: skip
_MAX_MAPS: Final = 50


@fhir_errors
@fhir_interaction("operation")
async def translate_code(request: Request, decision: Decision) -> Response:
    """What a code is in another code system, by one map or by all that are here."""
    with refusals():
        wanted = await codes_asked(request, known=PARAMETERS)
        work = _Work(wanted, visible_to(request, decision))
        found = [match for coding in wanted.codings() for match in await work.matches(request, coding)]
    return several(_told(found))


@dataclass(frozen=True)
class _Work:
    """One question."""

    wanted: CodesAsked
    library: Visible

    async def matches(self, request: Request, coding: Coding) -> list[Match]:
        """What the maps say of one code."""
        maps = await self._maps(request, coding)
        question = Wanted(
            coding, self.wanted.text("targetsystem"), tuple(self._dependencies()), self.wanted.flag("reverse")
        )
        found = [match for one in maps for match in await translate(one, question, other=self._find)]
        return list({_name(match): match for match in found}.values())

    async def _maps(self, request: Request, coding: Coding) -> list[Json]:
        url, sent = self.wanted.text("url"), self.wanted.resource("conceptMap", "ConceptMap")
        if "id" in request.path_params:
            return [await self.library.stored("ConceptMap", request.path_params["id"])]
        if sent:
            return [sent]
        if url:
            version = self.wanted.text("conceptMapVersion")
            found = await self._find(f"{url}|{version}" if version else url)
            if found is None:
                raise NotInstalled(f"The concept map {url} is not installed.")
            return [found]
        return await self._all_maps(coding)

    async def _all_maps(self, coding: Coding) -> list[Json]:
        if not coding.system:
            raise BadQuestion("Without a map the code's system is needed.")
        target = self.wanted.text("targetsystem")
        is_reverse = self.wanted.flag("reverse")
        source, target = (target, coding.system) if is_reverse else (coding.system, target)
        canonicals = await self.library.terminology.maps(source=source, target=target)
        found = [one for canonical in canonicals[:_MAX_MAPS] if (one := await self._find(canonical))]
        return [one for one in found if self._is_between(one)]

    def _is_between(self, concept_map: Json) -> bool:
        """Whether a map goes between the value sets that are asked for."""
        return all(
            wanted in ("", concept_map.get(f"{side}Uri"), concept_map.get(f"{side}Canonical"))
            for side in ("source", "target") for wanted in [self.wanted.text(side)]
        )  # fmt: skip

    async def _find(self, canonical: str) -> Json | None:
        return await self.library.concept_map(canonical)

    def _dependencies(self) -> list[tuple[str, str]]:
        found = []
        for one in self.wanted.structures("dependency"):
            codings = one.get("concept", {}).get("coding", [])
            found += [(str(one.get("element", "")), str(coding.get("code", ""))) for coding in codings]
        return found


def _name(match: Match) -> tuple[object, ...]:
    concept = match.concept or {}
    return match.equivalence, concept.get("system"), concept.get("code"), match.source


def _told(found: list[Match]) -> list[Json]:
    is_found = any(match.equivalence not in NO_MATCH and match.concept for match in found)
    told: list[Json] = [{"name": "result", "valueBoolean": is_found}]
    if not is_found:
        told.append({"name": "message", "valueString": "No map that is here has a match for the code."})
    return [*told, *map(_match, found)]


def _match(match: Match) -> Json:
    parts: list[Json] = [{"name": "equivalence", "valueCode": match.equivalence}]
    if match.concept:
        parts.append({"name": "concept", "valueCoding": match.concept})
    for product in match.products:
        concept = {"name": "concept", "valueCoding": product["concept"]}
        parts.append({"name": "product", "part": [{"name": "element", "valueUri": product["element"]}, concept]})
    if match.source:
        parts.append({"name": "source", "valueUri": match.source})
    return {"name": "match", "part": parts}
