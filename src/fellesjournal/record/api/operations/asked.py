"""What an operation is asked: the parameters of an address, and of a Parameters resource or a form that is posted.

Source: https://hl7.org/fhir/R4/operations.html#request
"""

from collections.abc import Collection, Iterator
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from fellesjournal import fhir
from fellesjournal.record.api.http import content_type, json_response, parse_resource, preference, query_text, read_body
from fellesjournal.record.api.representation import PARAMETERS
from fellesjournal.record.api.search import CURSOR, FORM, LOOKS, form_pairs, query_pairs
from fellesjournal.record.errors import Invalid, Malformed
from fellesjournal.record.search.error import refusal

Json = dict[str, Any]

MAX_PARAMETERS: Final = 200
_DIGITS: Final = 9


class Asked:
    """The parameters of one call, in their order; a value is a text, or a structure that was posted."""

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        self.pairs = [(name, value) for name, value in pairs if name not in PARAMETERS | {CURSOR}]
        self.looks = [(name, value) for name, value in pairs if name in LOOKS]
        self.elements = [value for name, value in pairs if name == "_elements" and isinstance(value, str)]
        self.cursor = next((value for name, value in pairs if name == CURSOR), None)

    def texts(self) -> list[tuple[str, str]]:
        """All of them. Raises SearchError for a structure where a plain value belongs."""
        return [(name, self._plain(name, value)) for name, value in self.pairs]

    def text(self, name: str) -> str:
        """A plain value, '' without it. Raises SearchError for one that is given twice."""
        found = self._one(name)
        return "" if found is None else self._plain(name, found)

    def listed(self, name: str) -> list[str]:
        """The values of a parameter that may be given several times, or with commas between."""
        given = [self._plain(name, value) for key, value in self.pairs if key == name]
        return [part.strip() for value in given for part in value.split(",") if part.strip()]

    def flag(self, name: str) -> bool:
        """A boolean; False without it."""
        text = self.text(name)
        if text not in ("", "true", "false"):
            raise refusal(name, "true or false")
        return text == "true"

    def number(self, name: str, *, otherwise: int, at_most: int, at_least: int = 1) -> int:
        """A whole number, positive unless `at_least` is 0; more than `at_most` gives `at_most`."""
        text = self.text(name)
        if not text:
            return otherwise
        if not (text.isascii() and text.isdecimal() and int(text[:_DIGITS]) >= at_least):
            raise refusal(name, "a positive whole number" if at_least else "a whole number, 0 or more")
        return min(int(text[:_DIGITS]), at_most)

    def has(self, name: str) -> bool:
        """Whether it is given."""
        return any(key == name for key, _ in self.pairs)

    def structure(self, name: str) -> Json:
        """A resource or a data type that was posted. Raises SearchError without it."""
        found = self._one(name)
        if not isinstance(found, dict):
            raise refusal(name, "is needed, in a Parameters resource that is posted", code="required")
        return found

    def structures(self, name: str) -> list[Json]:
        """Every resource, data type or group of parts that was posted under a name."""
        return [value for key, value in self.pairs if key == name and isinstance(value, dict)]

    def _one(self, name: str) -> Any:
        found = [value for key, value in self.pairs if key == name]
        if len(found) > 1:
            raise refusal(name, "given more than once")
        return found[0] if found else None

    def _plain(self, name: str, value: Any) -> str:
        if not isinstance(value, str):
            raise refusal(name, "a plain value, not a structure")
        return value


async def asked(request: Request, *, known: Collection[str] | None = None) -> Asked:
    """The parameters of a request; `known` are the names that it may have, None for any.

    Raises Malformed, Invalid, and SearchError for another name.
    `Prefer: handling=lenient` leaves out what isn't known.
    """
    is_form = request.method == "POST" and content_type(request) == FORM
    pairs: list[tuple[str, Any]] = list(await form_pairs(request) if is_form else query_pairs(query_text(request)))
    if request.method == "POST" and _has_body(request) and not is_form:
        pairs += list(_pairs(parse_resource(await read_body(request))))
    found = Asked(pairs)
    if known is None:
        return found
    unknown = sorted({name for name, _ in found.pairs} - set(known))
    if unknown and preference(request, "handling") != "lenient":
        raise refusal(unknown[0][:64], "no parameter of this operation", code="not-supported")
    return Asked([pair for pair in pairs if pair[0] not in unknown])


def parameters(name: str, key: str, value: Any) -> Response:
    """The answer of an operation that returns one value."""
    return json_response(fhir.encode({"resourceType": "Parameters", "parameter": [{"name": name, key: value}]}))


def _has_body(request: Request) -> bool:
    headers = request.headers
    return headers.get("content-length", "0") != "0" or "transfer-encoding" in headers or "content-type" in headers


def _pairs(posted: Json) -> Iterator[tuple[str, Any]]:
    if posted.get("resourceType") != "Parameters":
        raise Malformed("The body of an operation is a Parameters resource.")
    issues = fhir.validate(posted)
    if issues:
        raise Invalid(issues=issues)
    given = posted.get("parameter", [])
    if len(given) > MAX_PARAMETERS:
        raise Malformed(f"At most {MAX_PARAMETERS} parameters can be given.")
    for one in given:
        values = [value for key, value in one.items() if key.startswith("value") or key == "resource"]
        if "part" in one:
            values.append(dict(_pairs({"resourceType": "Parameters", "parameter": one["part"]})))
        if len(values) != 1:
            raise refusal(str(one.get("name"))[:64], "has one value")
        yield str(one["name"]), _text(values[0])


def _text(value: Any) -> Any:
    """A primitive as it would stand in an address."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, dict) else str(value)
