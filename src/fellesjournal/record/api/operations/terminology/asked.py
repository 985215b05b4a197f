"""What an operation of terminology is asked: codes, languages, resources that are sent along."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from fellesjournal import fhir
from fellesjournal.access.decide import Decision
from fellesjournal.record.api.http import journal_of, json_response
from fellesjournal.record.api.operations.asked import Asked, asked
from fellesjournal.record.search.error import refusal
from fellesjournal.record.value_sets import Visible
from fellesjournal.terminology import BadQuestion, Coding, Languages, wished

Json = dict[str, Any]

MAX_CODINGS: Final = 100
_MOST: Final = 10**8


class CodesAsked(Asked):
    """The parameters of one call about codes."""

    def __init__(self, pairs: list[tuple[str, Any]], *, language: str | None) -> None:
        super().__init__(pairs)
        self._language = language

    def count(self, name: str) -> int | None:
        """A whole number, 0 or more; None without it."""
        return self.number(name, otherwise=0, at_most=_MOST, at_least=0) if self.text(name) else None

    def resource(self, name: str, kind: str) -> Json | None:
        """A resource of a type; None without it."""
        found = self.structure(name) if self.has(name) else None
        if found is not None and found.get("resourceType") != kind:
            raise refusal(name, f"is a {kind}")
        return found

    def brought(self) -> list[Json]:
        """Resources that are laid before what is installed."""
        return [one for one in self.structures("tx-resource") if "resourceType" in one]

    def languages(self) -> Languages:
        """The languages of displays: as the parameter says, else as the header does."""
        return wished(self.text("displayLanguage") or self._language)

    def coding(self) -> Coding:
        """The one code that is asked about."""
        codings = self.codings()
        if len(codings) != 1:
            raise BadQuestion("One code is asked about at a time.")
        return codings[0]

    def codings(self) -> list[Coding]:
        """The codes that are asked about: of `code` and `system`, `coding`, or `codeableConcept`."""
        given = [name for name in ("code", "coding", "codeableConcept") if self.has(name)]
        if len(given) != 1:
            raise BadQuestion("One of code, coding and codeableConcept is needed.")
        if given == ["coding"]:
            return [coding_of(self.structure("coding"))]
        if given == ["codeableConcept"]:
            return [coding_of(one) for one in self.structure("codeableConcept").get("coding", [])[:MAX_CODINGS]]
        version = self.text("systemVersion") or self.text("version")
        return [Coding(self.text("system") or None, self.text("code"), version, self.text("display"))]


def coding_of(raw: Json) -> Coding:
    """A Coding as it was sent. Raises BadQuestion for one without a code."""
    if not isinstance(raw.get("code"), str):
        raise BadQuestion("A Coding has a code.")
    return Coding(raw.get("system"), raw["code"], raw.get("version", ""), raw.get("display", ""))


async def codes_asked(request: Request, *, known: Collection[str]) -> CodesAsked:
    """The parameters of a request. Raises what `asked` raises."""
    found = await asked(request, known=known)
    given = [(name, value) for name, value in found.pairs if value != ""]
    return CodesAsked(given, language=request.headers.get("accept-language"))


def visible_to(request: Request, decision: Decision, brought: Iterable[Json] = ()) -> Visible:
    """Terminology as the reader of this request sees it."""
    return Visible(journal_of(request, decision), tuple(brought))


def several(found: Iterable[Json]) -> Response:
    """The answer of an operation: Parameters."""
    return json_response(fhir.encode({"resourceType": "Parameters", "parameter": list(found)}))
