"""What an operation is asked: the parameters of an address, or of a Parameters resource that is posted.

Source: https://hl7.org/fhir/R4/operations.html#request
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from fellesjournal import fhir
from fellesjournal.access.decide import Decision
from fellesjournal.record.api.http import journal_of, json_response, parse_resource, preference, read_body
from fellesjournal.record.api.search import query_pairs
from fellesjournal.record.errors import Invalid, Malformed
from fellesjournal.record.value_sets import Visible
from fellesjournal.terminology import BadQuestion, Coding, Languages, TooCostly, wished

Json = dict[str, Any]

MAX_PARAMETERS: Final = 200
_LOOKS: Final = ("_format", "_pretty", "_summary", "_elements")


class Asked:
    """The parameters of one call, by name."""

    def __init__(self, values: dict[str, list[Any]], *, language: str | None) -> None:
        self._values = values
        self._language = language

    def text(self, name: str) -> str:
        """A text, '' without it. Raises BadQuestion for one that is given twice."""
        found = self._one(name)
        if found is None:
            return ""
        if isinstance(found, dict | list):
            raise BadQuestion(f"{name} is a single value, not a structure.")
        return ("true" if found else "false") if isinstance(found, bool) else str(found)

    def texts(self, name: str) -> list[str]:
        """Every value of a parameter that may be given several times."""
        return [str(one) for one in self._values.get(name, ()) if not isinstance(one, dict)]

    def flag(self, name: str) -> bool | None:
        """A boolean; None without it."""
        text = self.text(name)
        if text not in ("", "true", "false"):
            raise BadQuestion(f"{name} is true or false.")
        return None if not text else text == "true"

    def number(self, name: str) -> int | None:
        """A whole number, 0 or more; None without it."""
        text = self.text(name)
        if text and not (text.isascii() and text.isdigit()):
            raise BadQuestion(f"{name} is a whole number, 0 or more.")
        if len(text) > 9:
            raise TooCostly(f"{name} is too large.")
        return int(text) if text else None

    def structure(self, name: str) -> Json | None:
        """A Coding, a CodeableConcept or a resource; None without it."""
        found = self._one(name)
        if found is not None and not isinstance(found, dict):
            raise BadQuestion(f"{name} can only be given in a Parameters resource that is posted.")
        return found

    def structures(self, name: str) -> list[Json]:
        """Every structure that is given under a name."""
        return [one for one in self._values.get(name, ()) if isinstance(one, dict)]

    def resource(self, name: str, kind: str) -> Json | None:
        """A resource of a type, valid; None without it."""
        found = self.structure(name)
        if found is None:
            return None
        if found.get("resourceType") != kind:
            raise BadQuestion(f"{name} is a {kind}.")
        return found

    def resources(self, name: str) -> list[Json]:
        """Resources that are laid before what is installed."""
        return [one for one in self.structures(name) if "resourceType" in one]

    def languages(self) -> Languages:
        """The languages of displays: as the parameter says, else as the header does."""
        return wished(self.text("displayLanguage") or self._language)

    def codings(self) -> list[Coding]:
        """The codes that are asked about: of `code` and `system`, `coding`, or `codeableConcept`."""
        coding, concept = self.structure("coding"), self.structure("codeableConcept")
        if sum((bool(self.text("code")), coding is not None, concept is not None)) != 1:
            raise BadQuestion("One of code, coding and codeableConcept is needed.")
        if coding is not None:
            return [coding_of(coding)]
        if concept is not None:
            listed = concept.get("coding", [])
            return [coding_of(one) for one in listed[:MAX_PARAMETERS]] if isinstance(listed, list) else []
        version = self.text("systemVersion") or self.text("version")
        return [Coding(self.text("system") or None, self.text("code"), version, self.text("display"))]

    def _one(self, name: str) -> Any:
        found = self._values.get(name, [])
        if len(found) > 1:
            raise BadQuestion(f"{name} is given more than once.")
        return found[0] if found else None


def coding_of(raw: Json) -> Coding:
    """A Coding as it was sent. Raises BadQuestion for one without a code."""
    if not isinstance(raw.get("code"), str):
        raise BadQuestion("A Coding has a code.")
    return Coding(raw.get("system"), raw["code"], raw.get("version", ""), raw.get("display", ""))


async def asked(request: Request, *, known: Iterable[str]) -> Asked:
    """The parameters of a request. Raises Malformed, Invalid, and BadQuestion for a name that isn't known.

    `Prefer: handling=lenient` leaves out what isn't known.
    """
    values: dict[str, list[Any]] = {}
    for name, value in query_pairs(request.url.query):
        if name not in _LOOKS and value:
            values.setdefault(name, []).append(value)
    if request.method == "POST":
        for name, value in await _posted(request):
            values.setdefault(name, []).append(value)
    unknown = sorted(set(values) - set(known))
    if unknown and preference(request, "handling") != "lenient":
        raise BadQuestion("There is no parameter " + ", ".join(name[:64] for name in unknown) + ".")
    return Asked(values, language=request.headers.get("accept-language"))


def visible_to(request: Request, decision: Decision, brought: Iterable[Json] = ()) -> Visible:
    """Terminology as the reader of this request sees it."""
    return Visible(request.app.state.vault.terminology, journal_of(request, decision), tuple(brought))


def parameters(found: Iterable[Json]) -> Response:
    """The answer of an operation."""
    return json_response(fhir.encode({"resourceType": "Parameters", "parameter": list(found)}))


async def _posted(request: Request) -> list[tuple[str, Any]]:
    body = await read_body(request)
    if not body.strip():
        return []
    posted = parse_resource(body)
    if posted.get("resourceType") != "Parameters":
        raise Malformed("The body must be a Parameters resource.")
    issues = fhir.validate(posted)
    if issues:
        raise Invalid(issues=issues)
    given = posted.get("parameter", [])
    if len(given) > MAX_PARAMETERS:
        raise Malformed(f"At most {MAX_PARAMETERS} parameters can be given.")
    return [pair for one in given for pair in _pairs(one)]


def _pairs(one: Json) -> list[tuple[str, Any]]:
    found = [value for key, value in one.items() if key.startswith("value")]
    if "resource" in one:
        found.append(one["resource"])
    if "part" in one:
        found.append(dict(pair for part in one["part"] for pair in _pairs(part)))
    return [(one["name"], value) for value in found]
