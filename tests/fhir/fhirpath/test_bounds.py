"""A hostile expression ends soon: with a result, or with an error of its own."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fellesjournal.fhir.fhirpath import FhirPathError, TooCostly, Work, compile_expression
from tests.fhir.fhirpath.samples import OBSERVATION, PATIENT

LARGE = {"resourceType": "Patient", "name": [{"given": [f"n{i}-{j}" for j in range(50)]} for i in range(50)]}


@pytest.mark.parametrize(
    "expression",
    [
        "(" * 500 + "1" + ")" * 500,
        "-" * 500 + "1",
        " or ".join(["true"] * 500),
        "a" + ".a" * 500,
        "a" + "[0]" * 500,
        "a.where(" * 200 + "true" + ")" * 200,
        "1" + " + 1" * 20_000,
        "'" + "x" * 60_000 + "'",
        " " * 60_000,
    ],
)
def test_expression_that_is_too_large_is_not_compiled(expression: str) -> None:
    with pytest.raises(TooCostly):
        compile_expression(expression)


@pytest.mark.parametrize(
    "expression",
    [
        "name.given.select(%resource.name.given.select(%resource.name.given.select(%resource.name.given)))",
        "name.given" + ".select(%resource.descendants())" * 4,
        "name.given.where(%resource.name.given.where(%resource.name.given.where('x' = $this).exists()).exists())",
        "1.repeat($this + 1)",
        "'x'.repeat($this & 'x')",
        "name.given.aggregate($total | %resource.name.given.select($this & $total.first()))",
        "name.given.aggregate($total & $total & $this, 'x')",
        "name.given.aggregate($total.combine($total), 1)",
        "'a'" + ".replace('a', 'aaaaaaaaaaaaaaaaaaaa')" * 8,
        "('a'" + ".replace('a', 'aaaaaaaaaaaaaaaaaaaa')" * 4 + ").toChars().select(%resource.name.given)",
        "name.given.all(%resource.name.given.all(%resource.name.given.all($this ~ $this)))",
        "name.given.skip(1250).combine(name.given.take(1250)) ~ name.given",
    ],
)
def test_expression_that_asks_for_too_much_is_stopped(expression: str) -> None:
    started = time.monotonic()
    with pytest.raises(TooCostly) as stopped:
        compile_expression(expression).evaluate(LARGE)
    assert time.monotonic() - started < 20
    assert stopped.value.code == "too-costly"


@pytest.mark.parametrize(
    ("text", "pattern"),
    [
        ("a" * 5_000 + "!", "^(a+)+$"),
        ("a" * 5_000, "(a|aa)+b"),
        ("a" * 5_000, "(.*)(.*)(.*)(.*)(.*)b"),
        ("x" * 5_000, "^(([a-z])+.)+[A-Z]([a-z])+$"),
    ],
)
def test_pattern_takes_linear_time(text: str, pattern: str) -> None:
    started = time.monotonic()
    patient = {"resourceType": "Patient", "id": text}
    assert not compile_expression(f"id.matches('{pattern}')").is_true(patient)
    assert compile_expression(f"id.replaceMatches('{pattern}', 'x')").evaluate(patient) == [text]
    assert time.monotonic() - started < 5


@pytest.mark.parametrize("pattern", ["(a", "(?=a)", "(a)\\\\1", "a{1001}{1001}", "a" * 3_000, "[z-a]"])
def test_pattern_that_cannot_be_bounded_is_refused(pattern: str) -> None:
    with pytest.raises(FhirPathError):
        compile_expression(f"'aaa'.matches('{pattern}')").evaluate(None)


def test_replacement_of_an_unknown_group_is_refused() -> None:
    for by in ("$2", "${x}"):
        with pytest.raises(FhirPathError):
            compile_expression(f"'aaa'.replaceMatches('(a)', '{by}')").evaluate(None)


@pytest.mark.parametrize(
    "expression",
    [
        "99999999.exp()",
        "9.power(999999999)",
        "0.1.power(99999.5)",
        "(1 'Ym').power(2)",
        "(1|2|3|4|5|6|7|8|9).aggregate(iif($total.empty(), 9.9 'Ym', $total * $total))",
        "1 'Ym30.Ym30.Ym30.Ym30' = 1 'ym30'",
        "1 '((((((((((m))))))))))' = 1 'm'",
        "('9' & '9'.replace('9', '999999999999999999999999999999999999999999')).toInteger()",
        "('9'" + ".replace('9', '9999999999')" * 4 + ").toDecimal()",
        "1.1.round(101)",
        "(1 / 3).toString().length()",
    ],
)
def test_large_numbers_end_in_a_result_or_an_error(expression: str) -> None:
    started = time.monotonic()
    try:
        compile_expression(expression).evaluate(None)
    except FhirPathError:
        pass
    assert time.monotonic() - started < 5


def test_work_may_be_shared_by_many_evaluations() -> None:
    work = Work(most=50_000)
    expression = compile_expression("name.given.count()")
    with pytest.raises(TooCostly):
        [expression.evaluate(LARGE, work=work) for _ in range(1_000)]
    assert expression.evaluate(LARGE) == [2500]


NAMES = st.sampled_from(["name", "given", "use", "value", "component", "code", "extension", "Patient", "birthDate"])
CALLS = st.sampled_from([
    "first", "last", "count", "exists", "empty", "not", "distinct", "children", "descendants", "toString",
    "toInteger", "toQuantity", "toDate", "lower", "trim", "length", "abs", "round", "sqrt", "sum", "min",
    "hasValue", "type", "isDistinct", "allTrue", "lowBoundary", "precision", "resolve", "sort",
])  # fmt: skip
ATOMS = st.sampled_from(
    ["1", "0", "1.5", "'a'", "''", "true", "{}", "@2012", "@2012-02-29T10:00:00Z", "@T10", "1 'mg'", "2 years", "$this",
     "%resource", "$index", "$total", "%ucum"]
)  # fmt: skip
OPERATORS = st.sampled_from([
    "+", "-", "*", "/", "div", "mod", "&", "|", "=", "!=", "~", "!~", "<", ">", "<=", ">=", "in", "contains",
    "and", "or", "xor", "implies",
])  # fmt: skip
EXPRESSIONS = st.recursive(
    ATOMS | NAMES,
    lambda inner: (
        st.builds("({} {} {})".format, inner, OPERATORS, inner)
        | st.builds("{}.{}".format, inner, NAMES)
        | st.builds("{}.{}()".format, inner, CALLS)
        | st.builds("{}[{}]".format, inner, inner)
        | st.builds("{}.where({})".format, inner, inner)
        | st.builds("{}.select({})".format, inner, inner)
        | st.builds("{}.all({})".format, inner, inner)
        | st.builds("iif({}, {}, {})".format, inner, inner, inner)
        | st.builds("({} is Quantity)".format, inner)
        | st.builds("{}.substring({})".format, inner, inner)
        | st.builds("{}.skip({})".format, inner, inner)
        | st.builds("-({})".format, inner)
    ),
    max_leaves=8,
)


@settings(max_examples=300, deadline=None)
@given(EXPRESSIONS, st.sampled_from([PATIENT, OBSERVATION, None]))
def test_any_expression_gives_a_result_or_an_error_of_its_own(expression: str, focus: Any) -> None:
    try:
        compiled = compile_expression(expression)
        found = compiled.evaluate(focus)
    except FhirPathError as error:
        refused = error
    else:
        if len(found) <= 1:
            is_true = bool(found) and (found[0] is True or type(found[0]) not in {bool, type(None)})
            assert compiled.is_true(focus) is is_true
        return
    assert refused.position is None or 0 <= refused.position <= len(expression)


@given(st.text(max_size=40))
def test_any_text_compiles_or_is_refused(text: str) -> None:
    try:
        position = compile_expression(text).tree.at
    except FhirPathError as error:
        position = error.position or 0
    assert 0 <= position <= len(text)
