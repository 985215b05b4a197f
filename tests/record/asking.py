"""What to ask so that a certain resource is found: search texts made from what a parameter's FHIRPath finds in it.

Nothing of the search itself is used here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, Final

from fellesjournal import fhir
from fellesjournal.fhir.fhirpath import Expression, Services, compile_expression

Json = dict[str, Any]
Clause = tuple[str, str]
"""Name, with its modifier, and value."""

_SERVICES: Final = Services(resolve=lambda text: {"resourceType": text.split("/")[-2], "id": "x"})
_ANYONE: Final = "http://eksempel.no/ingen|ingen"


def plainly(resource: Json, param: fhir.SearchParam) -> list[Clause]:
    """How to ask by a parameter so that the resource is found, most plainly; empty without a value."""
    return ways(resource, param)[:1]


def ways(resource: Json, param: fhir.SearchParam) -> list[Clause]:
    """Every way to ask by a parameter so that the resource is found, the plain one first; empty without a value."""
    if param.code in _COMMON:
        return _COMMON[param.code](resource)
    missing = (f"{param.code}:missing", "false")
    if param.type == "composite":
        groups = [(param.code, text) for text in _composites(resource, param)]
        return [*groups, missing] if groups else []
    found = values(resource, param)
    if not found:
        return []
    return [*((param.code + name, value) for name, value in _asked(param, found[0])), missing]


def values(resource: Json, param: fhir.SearchParam) -> list[Any]:
    """What a parameter means in a resource, as JSON."""
    found = _compiled(param.expression or "{}").evaluate(resource, services=_SERVICES)
    meant = [_content(value) for value in found if value not in (None, False)]
    return [value for value in meant if param.type != "reference" or _is_followed(value)]


def _content(value: Any) -> Any:
    """The value of an extension, for parameters that read one."""
    if not isinstance(value, dict) or "url" not in value:
        return value
    return next((part for key, part in value.items() if key.startswith("value")), value)


def _is_followed(value: Any) -> bool:
    return not isinstance(value, dict) or not value.keys().isdisjoint({"reference", "resourceType"})


def _asked(param: fhir.SearchParam, value: Any) -> Iterator[Clause]:
    if param.code == "near":
        place = value.get("latitude"), value.get("longitude")
        yield "", f"{place[0]}|{place[1]}|5|km"
    else:
        yield from _WAYS[param.type](value)


def _token(value: Any) -> Iterator[Clause]:
    if not isinstance(value, dict):
        yield "", "true" if value is True else str(value)
    for coding in value.get("coding", [value]) if isinstance(value, dict) else []:
        system, code = coding.get("system"), coding.get("code", coding.get("value"))
        yield "", code
        if system and "://" in system:
            yield "", f"{system}|{code}"
            yield "", f"{system}|"
        # What a label is called has no rows, and an identifier's texts are those of its type.
        if "display" in coding:
            yield ":text", coding["display"]
        if "type" in coding:
            kind = coding["type"]["coding"][0]
            yield ":of-type", f"{kind['system']}|{kind['code']}|{code}"
    yield ":not", _ANYONE


def _string(value: Any) -> Iterator[Clause]:
    text = value
    if isinstance(value, dict):
        text = value.get("family") or value.get("city") or next(text for text in value.values() if type(text) is str)
    yield "", text[:3].lower()
    yield ":exact", text
    yield ":contains", text[1:4]


def _reference(value: Any) -> Iterator[Clause]:
    if not isinstance(value, dict):
        yield "", value
        return
    if "reference" not in value:
        # A Bundle's own first entry.
        yield "", f"{value['resourceType']}/{value['id']}"
        return
    text = value["reference"]
    rtype, _, id_ = text.partition("/")
    yield "", text
    yield f":{rtype}", id_
    if "display" in value:
        yield ":identifier", f"{value['identifier']['system']}|{value['identifier']['value']}"
        yield ":text", value["display"]


def _date(value: Any) -> Iterator[Clause]:
    text = value
    if isinstance(value, dict):
        text = value["start"] if "start" in value else value["event"][0]
    year = int(text[:4])
    for prefix, asked in (("", 0), ("eq", 0), ("ne", -1), ("gt", -1), ("lt", 1), ("ge", 0), ("le", 0)):
        yield "", f"{prefix}{year + asked}"
    yield from (("", f"sa{year - 1}"), ("", f"eb{year + 1}"), ("", f"ap{year}"))


def _number(value: Any) -> Iterator[Clause]:
    for prefix, number in (("", value), ("ne", 99), ("gt", 0), ("lt", 99), ("ge", value), ("le", value), ("sa", 0)):
        yield "", f"{prefix}{number}"
    yield from (("", "eb99"), ("", f"ap{value}"))


def _quantity(value: Any) -> Iterator[Clause]:
    if not isinstance(value, dict):
        yield from _number(value)
    elif "currency" in value:
        yield from (("", f"{value['value']}"), ("", f"{value['value']}|urn:iso:std:iso:4217|{value['currency']}"))
    else:
        amount: Json = value.get("low") or value.get("origin") or value
        if amount is value:
            yield from _number(value["value"])
        yield "", f"ge{amount['value']}|{amount['system']}|{amount['code']}"
        yield "", f"ge{amount['value']}||{amount.get('unit', amount['code'])}"


def _uri(value: Any) -> Iterator[Clause]:
    yield "", value
    yield ":above", f"{value}/mer"
    if "/" in value:
        yield ":below", value.rpartition("/")[0]


_WAYS: Final = {
    "token": _token, "string": _string, "reference": _reference, "date": _date, "number": _number,
    "quantity": _quantity, "uri": _uri,
}  # fmt: skip


def _composites(resource: Json, param: fhir.SearchParam) -> Iterator[str]:
    known = fhir.search_params(resource["resourceType"])
    for group in _compiled(param.expression or "{}").nodes(resource, services=_SERVICES):
        parts = []
        for code, expression in param.components:
            # R4 writes a type that FHIRPath does not have.
            meant = _compiled(expression.replace("(DateTime)", "(dateTime)"))
            found = [_content(v) for v in meant.evaluate(group, resource=resource) if v is not None]
            parts += [next(_plain(known[code], found[0]))] if found else []
        if len(parts) == len(param.components):
            yield "$".join(parts)


def _plain(param: fhir.SearchParam, value: Any) -> Iterator[str]:
    return (text for modifier, text in _asked(param, value) if not modifier)


@cache
def _compiled(text: str) -> Expression:
    return compile_expression(text)


def _label(code: str, resource: Json) -> list[Clause]:
    label = resource["meta"][code.removeprefix("_")][0]
    text = f"{label['system']}|{label['code']}"
    return [(code, text), (f"{code}:not", _ANYONE), (f"{code}:missing", "false"), (code, label["code"])]


_COMMON: Final[dict[str, Callable[[Json], list[Clause]]]] = {
    "_id": lambda r: [("_id", r["id"])],
    "_lastUpdated": lambda _: [("_lastUpdated", "gt2020"), ("_lastUpdated", "lt2200"), ("_lastUpdated", "ne2020")],
    "_profile": lambda r: [("_profile" + name, text) for name, text in _uri(r["meta"]["profile"][0])],
    "_source": lambda r: [("_source" + name, text) for name, text in _uri(r["meta"]["source"])],
    "_tag": lambda r: _label("_tag", r),
    "_security": lambda r: _label("_security", r),
    "_text": lambda r: [("_text", "ord")] if "text" in r else [],
    "_content": lambda _: [("_content", "Kodetekst")],
    "_filter": lambda r: [("_filter", f'_id eq {r["id"]} and _tag eq "kode"')],
    "_list": lambda _: [("_list", "krav-list-alle")],
}
