"""Every function, by the groups of the standard's chapter 5."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from fellesjournal.fhir.fhirpath import compile_expression
from fellesjournal.fhir.fhirpath.functions import FUNCTIONS
from tests.fhir.fhirpath.samples import OBSERVATION, PATIENT

EMPTY: list[Any] = []
Cases = list[tuple[str, list[Any]]]

EXISTENCE: Cases = [
    ("name.empty()", [False]),
    ("photo.empty()", [True]),
    ("{}.empty()", [True]),
    ("name.exists()", [True]),
    ("name.exists(use = 'usual')", [True]),
    ("name.exists(use = 'old')", [False]),
    ("birthDate.extension.exists()", [True]),
    ("multipleBirth.exists()", [True]),
    ("name.given.exists()", [True]),
    ("name.period.end.exists()", [True]),
    ("1.exists()", [True]),
    ("name.all(given.exists())", [True]),
    ("name.all(family.exists())", [False]),
    ("{}.all(false)", [True]),
    ("(true | true).allTrue()", [True]),
    ("(true | false).allTrue()", [False]),
    ("{}.allTrue()", [True]),
    ("(true | false).anyTrue()", [True]),
    ("{}.anyTrue()", [False]),
    ("(true | false).allFalse()", [False]),
    ("(true | false).anyFalse()", [True]),
    ("active.not()", [False]),
    ("{}.not()", EMPTY),
    ("1.not()", [False]),
    ("name.first().subsetOf(name)", [True]),
    ("name.subsetOf(name.first())", [False]),
    ("name.supersetOf(name.first())", [True]),
    ("name.count()", [3]),
    ("name.given.distinct()", ["Ola", "Per", "Olis"]),
    ("name.given.isDistinct()", [False]),
    ("(1).combine(1.0).distinct().count()", [1]),
]
SUBSETTING: Cases = [
    ("name.where(use = 'usual').given", ["Olis"]),
    ("name.where($index = 1).given", ["Olis"]),
    ("name.where(given.where($this = 'Olis').exists()).use", ["usual"]),
    ("name.select(given.first())", ["Ola", "Olis", "Ola"]),
    ("name.select($index)", [0, 1, 2]),
    ("(1 | 2).select($this * 2)", [2, 4]),
    ("repeat(contact).gender", ["female"]),
    ("name.repeat($this).count()", [3]),
    ("name[1].given", ["Olis"]),
    ("name[7]", EMPTY),
    ("name[{}]", EMPTY),
    ("name.given.first()", ["Ola"]),
    ("name.given.last()", ["Per"]),
    ("name.given.tail().count()", [4]),
    ("name.given.skip(3)", ["Ola", "Per"]),
    ("name.given.skip(-1).count()", [5]),
    ("name.given.take(2)", ["Ola", "Per"]),
    ("name.given.take(0)", EMPTY),
    ("name.first().single().use", ["official"]),
    ("name[0].given.intersect(name[2].given)", ["Ola", "Per"]),
    ("name.given.exclude('Ola')", ["Per", "Olis", "Per"]),
    ("name.given.union('X')", ["Ola", "Per", "Olis", "X"]),
    ("name.given | 'X'", ["Ola", "Per", "Olis", "X"]),
    ("name[0].given.combine(name[1].given).count()", [3]),
    ("(3 | 1 | 2).sort()", [1, 2, 3]),
    ("name.given.sort(-$this).first()", ["Per"]),
    ("name.sort(family desc, use).use", ["usual", "official", "maiden"]),
    ("name.sort(family asc).family", ["Berg", "Nordmann"]),
]
CONVERSION: Cases = [
    ("iif(active, 'yes', 'no')", ["yes"]),
    ("iif({}, 'yes', 'no')", ["no"]),
    ("iif(false, 'yes')", EMPTY),
    ("name.first().iif(family.exists(), family, use)", ["Nordmann"]),
    ("iif(true, 1, name.single())", [1]),
    ("'Y'.toBoolean()", [True]),
    ("0.toBoolean()", [False]),
    ("1.0.toBoolean()", [True]),
    ("2.toBoolean()", EMPTY),
    ("'maybe'.convertsToBoolean()", [False]),
    ("{}.convertsToBoolean()", EMPTY),
    ("'-12'.toInteger()", [-12]),
    ("true.toInteger()", [1]),
    ("'1.5'.toInteger()", EMPTY),
    ("'99999999999'.toInteger()", EMPTY),
    ("'1.50'.toDecimal()", [Decimal("1.50")]),
    ("true.toDecimal()", [Decimal("1.0")]),
    ("'x'.toDecimal()", EMPTY),
    ("1.50.toString()", ["1.50"]),
    ("false.toString()", ["false"]),
    ("(4 days).toString()", ["4 days"]),
    ("(4 'mg').toString()", ["4 'mg'"]),
    ("name.first().toString()", EMPTY),
    ("birthDate.toString()", ["1974-12-25"]),
    ("'2012-04-15T10:00:00Z'.toDate()", ["2012-04-15"]),
    ("'2012-04'.toDate()", ["2012-04"]),
    ("'hello'.toDate()", EMPTY),
    ("@2012-04-15.toDateTime()", ["2012-04-15"]),
    ("'2012-04-15T10:00'.toDateTime()", ["2012-04-15T10:00"]),
    ("'10:30'.toTime()", ["10:30"]),
    ("'x'.convertsToTime()", [False]),
    ("'1'.convertsToInteger()", [True]),
    ("'1.5'.convertsToInteger()", [False]),
    ("'1.5'.convertsToDecimal()", [True]),
    ("1.convertsToString()", [True]),
    ("name.first().convertsToString()", [False]),
    ("'2012'.convertsToDate()", [True]),
    ("'2012-04-15T10'.convertsToDateTime()", [True]),
    ("'x'.convertsToDateTime()", [False]),
    ("'4.5 \\'mg\\''.toQuantity()", [{"value": Decimal("4.5"), "unit": "mg"}]),
    ("'2 weeks'.toQuantity() = 14 days", [True]),
    ("'2 lightyears'.toQuantity()", EMPTY),
    ("1.toQuantity() = 1", [True]),
    ("(1 'g').toQuantity('mg')", [{"value": Decimal(1000), "unit": "mg"}]),
    ("(1 'wk').toQuantity('days') = 7 days", [True]),
    ("(1 'g').convertsToQuantity('s')", [False]),
]
TEXTS: Cases = [
    ("'abcb'.indexOf('b')", [1]),
    ("'abcb'.lastIndexOf('b')", [3]),
    ("'abc'.indexOf('x')", [-1]),
    ("'abc'.indexOf({})", EMPTY),
    ("'abcde'.substring(2)", ["cde"]),
    ("'abcde'.substring(1, 2)", ["bc"]),
    ("'abcde'.substring(3, 9)", ["de"]),
    ("'abcde'.substring(5)", EMPTY),
    ("'abcde'.substring(-1)", EMPTY),
    ("'abcde'.substring(1, -1)", [""]),
    ("'abc'.startsWith('ab')", [True]),
    ("'abc'.endsWith('')", [True]),
    ("'abc'.contains('d')", [False]),
    ("{}.contains('d')", EMPTY),
    ("'Å'.lower()", ["å"]),
    ("'å'.upper()", ["Å"]),
    ("'abc'.replace('b', 'x')", ["axc"]),
    ("'abc'.replace('', 'x')", ["xaxbxcx"]),
    ("'a1b'.matches('[0-9]')", [True]),
    ("'a1b'.matchesFull('[0-9]')", [False]),
    ("'a\nb'.matches('^a.b$')", [True]),
    ("'æøå'.matches('^[æøå]{3}$')", [True]),
    ("'11/30/1972'.replaceMatches('(?<m>\\\\d+)/(\\\\d+)/(\\\\d+)', '$2-${m}-$3')", ["30-11-1972"]),
    ("'abc'.replaceMatches('', 'x')", ["abc"]),
    ("'abc'.replaceMatches('b', '$$')", ["a$c"]),
    ("'å'.length()", [1]),
    ("'ab'.toChars()", ["a", "b"]),
    ("' a b '.trim()", ["a b"]),
    ("'a,b,'.split(',')", ["a", "b", ""]),
    ("name.given.join('-')", ["Ola-Per-Olis-Ola-Per"]),
    ("name.use.join()", ["officialusualmaiden"]),
    ("'å'.encode('hex')", ["c3a5"]),
    ("'c3a5'.decode('hex')", ["å"]),
    ("'<&\"'.escape('html')", ["&lt;&amp;&quot;"]),
    ("'&lt;'.unescape('html')", ["<"]),
    ("'\"\\n'.escape('json')", ['\\"\\n']),
    ("'\\\\n'.unescape('json')", ["\n"]),
    ("'a'.encode('rot13')", EMPTY),
    ("birthDate.startsWith('1974')", [True]),
]
MATHS: Cases = [
    ("(-5).abs()", [5]),
    ("(-5.5 'mg').abs() = 5.5 'mg'", [True]),
    ("1.1.ceiling()", [2]),
    ("(-1.1).floor()", [-2]),
    ("(-1.9).truncate()", [-1]),
    ("0.exp()", [Decimal(1)]),
    ("1.ln()", [Decimal(0)]),
    ("0.ln()", EMPTY),
    ("100.log(10)", [Decimal(2)]),
    ("16.log(2)", [Decimal(4)]),
    ("2.log(1)", EMPTY),
    ("2.power(10)", [1024]),
    ("2.power(-1)", [Decimal("0.5")]),
    ("2.power(99)", EMPTY),
    ("(-1).power(0.5)", EMPTY),
    ("10.power(999999)", EMPTY),
    ("81.sqrt()", [Decimal(9)]),
    ("(-1).sqrt()", EMPTY),
    ("1.5.round()", [Decimal(2)]),
    ("3.14159.round(3)", [Decimal("3.142")]),
    ("{}.round()", EMPTY),
    ("(1 | 2 | 3).sum()", [6]),
    ("(1 | 2).avg()", [Decimal("1.5")]),
    ("(3 | 1 | 2).min()", [1]),
    ("('a' | 'b').max()", ["b"]),
    ("{}.sum()", EMPTY),
    ("{}.avg()", EMPTY),
]
TREE: Cases = [
    ("name.first().children().count()", [4]),
    ("contact.descendants().count()", [3]),
    ("birthDate.children().url", ["http://hl7.org/fhir/StructureDefinition/patient-birthTime"]),
    ("Patient.children().where($this is boolean)", [True, False]),
    ("name.trace('names').count()", [3]),
    ("now() = now()", [True]),
    ("today() <= now()", EMPTY),
    ("timeOfDay() is Time", [True]),
    ("(1 | 2 | 3).aggregate($total + $this, 0)", [6]),
    ("(3 | 1 | 2).aggregate(iif($total.empty() or $this < $total, $this, $total))", [1]),
    ("defineVariable('n', name.first()).select(%n.family)", ["Nordmann"]),
    ("name.select(defineVariable('u', use).given.select(%u & $this)).first()", ["officialOla"]),
    ("name.given.count() + name.select(defineVariable('u', use)).count()", [8]),
]
BOUNDARIES: Cases = [
    ("1.587.lowBoundary()", [Decimal("1.58650000")]),
    ("1.587.highBoundary(2)", [Decimal("1.59")]),
    ("(-1.587).lowBoundary(0)", [Decimal(-2)]),
    ("1.lowBoundary()", [Decimal("0.5")]),
    ("1.587.lowBoundary(-1)", EMPTY),
    ("1.587.lowBoundary(99)", EMPTY),
    ("@2014.lowBoundary(6)", ["2014-01"]),
    ("@2016-02.highBoundary()", ["2016-02-29"]),
    ("@2014-01-01T08.highBoundary(17)", ["2014-01-01T08:59:59.999-12:00"]),
    ("@2014-01-01T08:05+08:00.lowBoundary(17)", ["2014-01-01T08:05:00.000+08:00"]),
    ("@T10:30.highBoundary(9)", ["10:30:59.999"]),
    ("(1.5 'mg').highBoundary(2) = 1.55 'mg'", [True]),
    ("1.58700.precision()", [5]),
    ("@2014-01-05T10:30:00.000.precision()", [17]),
    ("@T10:30.precision()", [4]),
    ("(1 'cm').comparable(1 '[in_i]')", [True]),
    ("(1 'cm').comparable(1 's')", [False]),
]
GROUPS = [EXISTENCE, SUBSETTING, CONVERSION, TEXTS, MATHS, TREE, BOUNDARIES]


@pytest.mark.parametrize(("expression", "result"), [case for group in GROUPS for case in group])
def test_function(expression: str, result: Any) -> None:
    found = compile_expression(expression).evaluate(PATIENT)
    assert found == result
    assert [type(item) for item in found] == [type(item) for item in result]


def test_index_and_choice_of_an_observation() -> None:
    assert compile_expression("component.value").evaluate(OBSERVATION) == [3, "x", {"value": 1, "comparator": "<"}]
    assert compile_expression("component[1].value").evaluate(OBSERVATION) == ["x"]


def test_every_function_is_called_in_the_tests_of_this_folder() -> None:
    from pathlib import Path

    written = "".join(path.read_text("utf-8") for path in Path(__file__).parent.glob("test_*.py"))
    assert [name for name in FUNCTIONS if f"{name}(" not in written] == []
