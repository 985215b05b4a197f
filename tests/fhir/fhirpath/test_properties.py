"""Arithmetic, texts and collections agree with Python's own, for any values; short cuts agree with the long way."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fellesjournal.fhir.fhirpath import compile_expression
from tests.fhir.fhirpath.samples import OBSERVATION, PATIENT

INTEGERS = st.integers(-(2**31), 2**31 - 1)
DECIMALS = st.decimals(min_value=-(10**10), max_value=10**10, places=6)
TEXTS = st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\x00"), max_size=20)
PATHS = [
    "active", "name", "name.given", "name.family.id", "birthDate", "birthDate.extension", "multipleBirth",
    "multipleBirth.extension.value", "multipleBirth.id", "contact.name", "contained.gender",
    "contained.name", "value", "value.unit", "component.value", "component.code.text", "effective",
    "nothing", "name.nothing", "code.coding.code", "subject.reference", "text.div", "deceased",
    "generalPractitioner.type",
]  # fmt: skip
LISTS = st.lists(st.integers(0, 5), max_size=6)


def evaluate(expression: str, **variables: Any) -> Any:
    found = compile_expression(expression).evaluate(None, variables=variables)
    return found[0] if len(found) == 1 else found or None


def many(expression: str, **variables: Any) -> list[Any]:
    return compile_expression(expression).evaluate(None, variables=variables)


@given(INTEGERS, INTEGERS)
def test_whole_numbers(a: int, b: int) -> None:
    for sign, wanted in (("+", a + b), ("-", a - b), ("*", a * b)):
        assert evaluate(f"%a {sign} %b", a=a, b=b) == (wanted if -(2**31) <= wanted < 2**31 else None)
    assert [evaluate(f"%a {sign} %b", a=a, b=b) for sign in ("<", "<=", "=", "!=", ">")] == [
        a < b, a <= b, a == b, a != b, a > b
    ]  # fmt: skip
    if b:
        quotient, rest = evaluate("%a div %b", a=a, b=b), evaluate("%a mod %b", a=a, b=b)
        assert quotient * b + rest == a and abs(rest) < abs(b) and (rest == 0 or (rest < 0) == (a < 0))


@given(DECIMALS, DECIMALS)
def test_decimals(a: Decimal, b: Decimal) -> None:
    assert evaluate("%a + %b", a=a, b=b) == a + b
    assert evaluate("%a - %b", a=a, b=b) == a - b
    assert evaluate("%a * %b - %b * %a", a=a, b=b) == 0
    assert evaluate("%a.abs()", a=a) == abs(a)
    assert evaluate("%a.floor() <= %a and %a <= %a.ceiling()", a=a) in {True, None}
    if b:
        assert abs(evaluate("%a / %b * %b - %a", a=a, b=b)) < Decimal("0.000001")
    assert evaluate("%a.toString().toDecimal()", a=a) == a
    assert evaluate("%a.lowBoundary() <= %a and %a <= %a.highBoundary()", a=a) is True


@given(TEXTS, TEXTS)
def test_texts(a: str, b: str) -> None:
    assert evaluate("%a & %b", a=a, b=b) == a + b
    assert evaluate("%a.length()", a=a) == len(a)
    assert evaluate("%a.contains(%b)", a=a, b=b) is (b in a)
    assert evaluate("%a.startsWith(%b)", a=a, b=b) is a.startswith(b)
    assert evaluate("%a.endsWith(%b)", a=a, b=b) is a.endswith(b)
    assert evaluate("%a.indexOf(%b)", a=a, b=b) == a.find(b)
    assert evaluate("%a.replace(%b, '-')", a=a, b=b) == a.replace(b, "-")
    assert many("%a.toChars()", a=a) == list(a)
    assert evaluate("%a.toChars().join()", a=a) == (a or None)
    for form in ("hex", "base64", "urlbase64"):
        assert evaluate(f"%a.encode('{form}').decode('{form}')", a=a) == a
    assert evaluate("%a.escape('json').unescape('json')", a=a) == a
    assert evaluate("%a.escape('html').unescape('html')", a=a) == a
    if b:
        assert many("%a.split(%b)", a=a, b=b) == a.split(b)


@given(TEXTS, st.integers(-3, 25), st.integers(-3, 25))
def test_substring(text: str, start: int, length: int) -> None:
    is_inside = 0 <= start < len(text)
    wanted = text[start : start + max(0, length)] if is_inside else None
    assert evaluate("%t.substring(%s, %l)", t=text, s=start, l=length) == wanted


@given(LISTS, LISTS)
def test_collections(a: list[int], b: list[int]) -> None:
    assert many("%a.distinct()", a=a) == list(dict.fromkeys(a))
    assert many("%a | %b", a=a, b=b) == list(dict.fromkeys(a + b))
    assert many("%a.combine(%b)", a=a, b=b) == a + b
    assert many("%a.intersect(%b)", a=a, b=b) == [x for x in dict.fromkeys(a) if x in b]
    assert many("%a.exclude(%b)", a=a, b=b) == [x for x in a if x not in b]
    assert evaluate("%a.subsetOf(%b)", a=a, b=b) is (set(a) <= set(b))
    assert evaluate("%a.isDistinct()", a=a) is (len(set(a)) == len(a))
    assert many("%a.sort()", a=a) == sorted(a)
    assert many("%a.skip(2).take(2)", a=a) == a[2:4]
    assert evaluate("%a.aggregate($total + $this, 0)", a=a) == sum(a)
    assert evaluate("%a ~ %b", a=a, b=b) is (sorted(a) == sorted(b))
    assert evaluate("%a = %b", a=a, b=b) is (None if not a or not b else a == b)


@pytest.mark.parametrize("focus", [PATIENT, OBSERVATION], ids=["patient", "observation"])
@pytest.mark.parametrize(
    "path",
    PATHS,
)
def test_short_cuts_agree_with_the_long_way(path: str, focus: Any) -> None:
    found = compile_expression(path).evaluate(focus)
    assert compile_expression(f"{path}.exists()").evaluate(focus) == [bool(found)]
    assert compile_expression(f"{path}.empty()").evaluate(focus) == [not found]
    name = path.split(".")[-1]
    owner = path.rpartition(".")[0] or "$this"
    for wanted in ("male", "x", "Ola", "29463-7"):
        short = compile_expression(f"{owner}.where({name} = '{wanted}').count()")
        long = compile_expression(f"{owner}.where(({name} | {name}) = '{wanted}' and {name}.count() = 1).count()")
        assert short.evaluate(focus) == long.evaluate(focus)
