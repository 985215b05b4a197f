"""Clauses decided from a resource's content alone, by FHIRPath and exact numbers: no index row, no hash, no float."""

from collections.abc import Iterable
from decimal import Decimal
from fractions import Fraction
from typing import Any

from fellesjournal.fhir import date_range, fold, search_params
from fellesjournal.fhir.fhirpath import compile_expression
from fellesjournal.fhir.keys import split_token
from fellesjournal.record.search.model import Clause, CompositeValue, DateValue, NumberValue, ReferenceValue, TextValue

Json = dict[str, Any]
UCUM = "http://unitsofmeasure.org"
FACTORS = {"kg": Fraction(1000), "g": Fraction(1), "mg": Fraction(1, 1000), "h": Fraction(3600), "min": Fraction(60)}
"""The units that the tests' world has: each to gram, or to second."""
_KINDS = {"kg": "g1", "g": "g1", "mg": "g1", "h": "s1", "min": "s1"}


def fulfils(resource: Json, c: Clause) -> bool:
    """Whether a resource fulfils one of a clause's values."""
    param = search_params(c.rtype)[c.code]
    if c.type == "composite":
        groups = compile_expression(param.expression or "").nodes(resource)
        if c.modifier == "missing":
            return any(_is_whole(resource, g, c) for g in groups) != (_text(c.values[0]) == "true")
        return any(_group(resource, g, value) for g in groups for value in c.values)
    values = [v for v in compile_expression(param.expression or "").evaluate(resource) if v is not None]
    return any(_fits(v, wanted, c) for v in values for wanted in c.values)


def _is_whole(resource: Json, group: Any, c: Clause) -> bool:
    """Whether there is a value of every component; of quantities, with a number."""
    expressions = _expressions(c.rtype, c.code)
    found = [compile_expression(e).evaluate(group, resource=resource) for e in expressions]
    return all(any(not isinstance(v, dict) or "value" in v or "coding" in v for v in values) for values in found)


def _expressions(rtype: str, code: str) -> list[str]:
    """R4 writes DateTime where it means its own dateTime, and not FHIRPath's."""
    return [text.replace("as(DateTime)", "as(dateTime)") for _, text in search_params(rtype)[code].components]


def _group(resource: Json, group: Any, wanted: Any) -> bool:
    assert isinstance(wanted, CompositeValue)
    expressions = _expressions(wanted.parts[0].rtype, _CODE[wanted])
    return all(
        any(_fits(v, part.values[0], part) for v in compile_expression(e).evaluate(group, resource=resource))
        for e, part in zip(expressions, wanted.parts, strict=True)
    )


class _Codes:
    """Which composite a value is of: its components' names tell."""

    def __getitem__(self, value: CompositeValue) -> str:
        names = tuple(part.code for part in value.parts)
        rtype = value.parts[0].rtype
        return next(c for c, p in search_params(rtype).items() if tuple(n for n, _ in p.components) == names)


_CODE = _Codes()


def _fits(value: Any, wanted: Any, c: Clause) -> bool:
    if c.modifier == "text":
        return any(fold(t).startswith(fold(_text(wanted))) for t in _texts(value))
    if c.modifier == "of-type":
        system, code, number = _text(wanted).split("\x1f")
        kinds = value.get("type", {}).get("coding", [])
        return value.get("value") == number and any(
            k.get("code") == code and system in ("", k.get("system")) for k in kinds
        )
    if isinstance(wanted, NumberValue):
        return _quantity(value if isinstance(value, dict) else {"value": value}, wanted)
    if isinstance(wanted, DateValue):
        return _date(value, wanted)
    if isinstance(wanted, ReferenceValue):
        return value.get("reference") in wanted.keys
    if c.type == "string":
        return fold(value).startswith(fold(_text(wanted)))
    return _token(value, _text(wanted))


def _token(value: Any, text: str) -> bool:
    system, bar, code = split_token(text)
    if isinstance(value, str):
        return value == code and system in ("", "http://hl7.org/fhir/document-relationship-type")
    codings = value.get("coding", [])
    for coding in codings:
        same_system = not bar or coding.get("system", "") == system
        if same_system and (coding.get("code") == code or (not code and bar)):
            return True
    return False


def _texts(value: Json) -> Iterable[str]:
    codings = value.get("coding", [])
    found = [value.get("text"), value.get("display"), *(c.get("display") for c in codings)]
    return [*(t for t in found if t), *([value["type"]["text"]] if "text" in value.get("type", {}) else [])]


def _quantity(value: Json, wanted: NumberValue) -> bool:
    if "value" not in value:
        return False
    number = Decimal(value["value"])
    half = Fraction(Decimal((0, (5,), int(number.as_tuple().exponent) - 1)))
    middle, factor = Fraction(number), Fraction(1)
    if wanted.is_base:
        unit = value.get("code", "")
        if value.get("system") != UCUM or wanted.unit is None or not wanted.unit.endswith(_KINDS.get(unit, "none")):
            return False
        factor = FACTORS[unit]
    elif wanted.unit is not None:
        system, _, code = wanted.unit.rpartition("|")
        named = (value.get("code"), value.get("unit")) if not system else (value.get("code"),)
        if code not in named or (system and value.get("system") != system):
            return False
    return _compared(middle * factor, half * factor, wanted)


def _compared(middle: Fraction, half: Fraction, wanted: NumberValue) -> bool:
    def near(one: Fraction, other: float) -> bool:
        return abs(float(one) - other) <= 1e-9 * max(abs(other), 1.0)

    lo, hi, value = middle - half, middle + half, wanted.value
    same = near(middle, value)
    equal = (float(lo) >= wanted.lo or near(lo, wanted.lo)) and (float(hi) <= wanted.hi or near(hi, wanted.hi))
    overlaps = float(lo) < wanted.hi and not near(lo, wanted.hi) and float(hi) > wanted.lo and not near(hi, wanted.lo)
    answers = {
        "eq": equal, "ne": not equal, "gt": float(middle) > value and not same,
        "lt": float(middle) < value and not same, "ge": float(middle) > value or same,
        "le": float(middle) < value or same, "sa": float(middle) > value and not same,
        "eb": float(middle) < value and not same, "ap": overlaps,
    }  # fmt: skip
    return answers[wanted.prefix]


def _date(value: Any, wanted: DateValue) -> bool:
    start, end = (value, value) if isinstance(value, str) else (value["start"], value["end"])
    lo, hi = date_range(start)[0], date_range(end)[1]
    inside = wanted.lo <= lo and hi <= wanted.hi
    answers = {
        "eq": inside, "ne": not inside, "gt": hi > wanted.hi, "lt": lo < wanted.lo, "ge": hi > wanted.hi or inside,
        "le": lo < wanted.lo or inside, "sa": lo >= wanted.hi, "eb": hi <= wanted.lo,
        "ap": lo < wanted.hi and hi > wanted.lo,
    }  # fmt: skip
    return answers[wanted.prefix]


def _text(value: Any) -> str:
    assert isinstance(value, TextValue)
    return value.text
