"""The language: literals, precedence, operators, empty collections, and errors that say where."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from fellesjournal.fhir.fhirpath import FhirPathError, compile_expression
from tests.fhir.fhirpath.samples import OBSERVATION, PATIENT

EMPTY: list[Any] = []


def evaluate(expression: str, focus: Any = PATIENT) -> list[Any]:
    return compile_expression(expression).evaluate(focus)


@pytest.mark.parametrize(
    ("expression", "result"),
    [
        ("'it\\'s \\u00e5 \\\\ \\/ \\n'", ["it's å \\ / \n"]),
        ("1.50", [Decimal("1.50")]),
        ("-2147483648", [-2147483648]),
        ("true", [True]),
        ("{}", EMPTY),
        ("@2012-04", ["2012-04"]),
        ("@2012T", ["2012"]),
        ("@2012-04-15T10:30+02:00", ["2012-04-15T10:30+02:00"]),
        ("@2012-04-15T10:30:00.0Z", ["2012-04-15T10:30:00.0Z"]),
        ("@T10:30", ["10:30"]),
        ("4.5 'mg'", [{"value": Decimal("4.5"), "unit": "mg"}]),
        ("2 weeks", [{"value": Decimal(2), "unit": "week"}]),
        ("Patient.`active` // a comment", [True]),
        ("/* a\n comment */ active", [True]),
        ("name.where(use = 'official').`given`", ["Ola", "Per"]),
        ("Patient.name.select(use.contains('usual'))", [False, True, False]),
    ],
)
def test_literals_names_and_comments(expression: str, result: list[Any]) -> None:
    assert evaluate(expression) == result


@pytest.mark.parametrize(
    ("expression", "result"),
    [
        ("1 + 2 * 3", 7),
        ("(1 + 2) * 3", 9),
        ("-1 + 2", 1),
        ("2 - 1 - 1", 0),
        ("1 | 2 = 1 | 2", True),
        ("1 < 2 = true", True),
        ("true or false and false", True),
        ("false implies false and false", True),
        ("(1 | 1 is Integer).count()", 2),
        ("'a' in 'a' | 'b'", True),
        ("true xor true or true", True),
        ("-5.abs()", -5),
        ("'a' & 'b' = 'ab'", True),
        ("1 in (1 | 2) and true", True),
    ],
)
def test_precedence(expression: str, result: Any) -> None:
    assert evaluate(expression) == [result]


@pytest.mark.parametrize(
    ("expression", "position"),
    [
        ("", 0),
        ("1 +", 3),
        ("(1", 2),
        ("name..given", 5),
        ("name.", 5),
        ("name given", 5),
        ("'open", 0),
        ("1 /* open", 2),
        ("name[0", 6),
        ("{1}", 1),
        ("%", 1),
        ("%(", 1),
        ("$that", 0),
        ("name.$this", 5),
        ("@2012-13", 0),
        ("@2012-02-30", 0),
        ("@T25", 0),
        ("@2012-01-01T10:00+15:00", 0),
        ("1.5.5", 4),
        ("'\\x'", 0),
        ("5000000000", 0),
        ("and", 0),
        ("name.nothing()", 5),
        ("name.first(1)", 5),
        ("name.where()", 5),
        ("name is Dragon", 5),
        ("name.ofType(Dragon)", 12),
        ("name.ofType(1 + 1)", 14),
        ("name.is(FHIR.Boolean)", 13),
        ("1 as", 4),
        ("1 = 1 = ", 8),
        ("~", 0),
        ("\x00", 0),
    ],
)
def test_bad_expression_is_refused_with_its_position(expression: str, position: int) -> None:
    with pytest.raises(FhirPathError) as refused:
        compile_expression(expression)
    assert refused.value.position == position
    assert refused.value.status == 400


@pytest.mark.parametrize(
    ("expression", "position"),
    [
        ("name.single()", 5),
        ("1 + 'a'", 2),
        ("active + 1", 7),
        ("'a' * 2", 4),
        ("1 < 'a'", 2),
        ("@2012 < @T10", 6),
        ("name and true", 0),
        ("(1 | 2).not()", 8),
        ("(1 | 2) is Integer", 8),
        ("(1 | 2) + 1", 8),
        ("-'a'", 0),
        ("name[true]", 4),
        ("name.take({})", 5),
        ("name.first().startsWith('a')", 13),
        ("'a'.substring('b')", 4),
        ("%nothing", 0),
        ("(1 | 2) & 'a'", 8),
        ("(1 | 2) in (1 | 2)", 8),
        ("(1 | 'a').allTrue()", 10),
        ("iif((1 | 2), 1, 2)", 0),
        ("name.given.toInteger()", 11),
    ],
)
def test_what_cannot_be_evaluated_is_refused_with_its_position(expression: str, position: int) -> None:
    compiled = compile_expression(expression)
    with pytest.raises(FhirPathError) as refused:
        compiled.evaluate(PATIENT)
    assert refused.value.position == position


def test_error_never_quotes_a_text_of_the_expression() -> None:
    with pytest.raises(FhirPathError) as refused:
        compile_expression("name.given 'Kari'")
    assert "Kari" not in str(refused.value)


VALUES = {"true": True, "false": False, "{}": None}
LOGIC: dict[str, Callable[[bool | None, bool | None], bool | None]] = {
    "and": lambda a, b: False if a is False or b is False else None if a is None or b is None else True,
    "or": lambda a, b: True if a is True or b is True else None if a is None or b is None else False,
    "xor": lambda a, b: None if a is None or b is None else a != b,
    "implies": lambda a, b: True if a is False or b is True else None if a is None or b is None else b,
}


@pytest.mark.parametrize("operator", LOGIC)
@pytest.mark.parametrize("left", VALUES)
@pytest.mark.parametrize("right", VALUES)
def test_logic_has_three_values(operator: str, left: str, right: str) -> None:
    wanted = LOGIC[operator](VALUES[left], VALUES[right])
    assert evaluate(f"{left} {operator} {right}") == ([] if wanted is None else [wanted])


def test_logic_does_not_look_at_the_right_where_the_left_decides() -> None:
    assert evaluate("true or name.single()") == [True]
    assert evaluate("false and name.single()") == [False]
    assert evaluate("false implies name.single()") == [True]


@pytest.mark.parametrize(
    ("expression", "result"),
    [
        ("1 = 1.0", [True]),
        ("1 = {}", EMPTY),
        ("{} = {}", EMPTY),
        ("1 = true", [False]),
        ("'1' = 1", [False]),
        ("(1 | 2) = (1 | 2)", [True]),
        ("(1 | 2) = (2 | 1)", [False]),
        ("(1 | 2) = 1", [False]),
        ("1 != 2", [True]),
        ("name = name", [True]),
        ("name[0] = name[2]", [False]),
        ("name[0].given = name[2].given", [True]),
        ("gender = 'male'", [True]),
        ("name.use = 'male'", [False]),
        ("multipleBirth = 1", EMPTY),
        ("deceased = false", [True]),
        ("(1 | 2) ~ (2 | 1)", [True]),
        ("{} ~ {}", [True]),
        ("{} !~ 1", [True]),
        ("'Å B' ~ 'å  b '", [True]),
        ("1.49 ~ 1.5", [True]),
        ("1.41 ~ 1.5", [False]),
        ("name ~ name", [True]),
        ("name[0] ~ name[1]", [False]),
        ("1 ~ 'a'", [False]),
        ("true ~ true", [True]),
        ("'a' < 'b'", [True]),
        ("1 <= 1.0", [True]),
        ("2 > {}", EMPTY),
        ("name.given.first() >= 'O'", [True]),
        ("1 in {}", [False]),
        ("{} in (1 | 2)", EMPTY),
        ("(1 | 2) contains 2", [True]),
        ("'Ola' in name.given", [True]),
    ],
)
def test_equality_order_and_membership(expression: str, result: list[Any]) -> None:
    assert evaluate(expression) == result


@pytest.mark.parametrize(
    ("expression", "result"),
    [
        ("1 + 1", [2]),
        ("1 + {}", EMPTY),
        ("1.5 + 1", [Decimal("2.5")]),
        ("'a' + 'b'", ["ab"]),
        ("'a' & {} & 'b'", ["ab"]),
        ("5 - 7", [-2]),
        ("1.1 * 1.1", [Decimal("1.21")]),
        ("1 / 4", [Decimal("0.25")]),
        ("1 / 0", EMPTY),
        ("7 div 2", [3]),
        ("-7 div 2", [-3]),
        ("7 div 0", EMPTY),
        ("7.5 div 2.5", [3]),
        ("-7 mod 2", [-1]),
        ("7.5 mod 2", [Decimal("1.5")]),
        ("7 mod 0", EMPTY),
        ("2147483647 + 1", EMPTY),
        ("2147483647 * 2", EMPTY),
        ("+3", [3]),
        ("-{}", EMPTY),
    ],
)
def test_arithmetic(expression: str, result: list[Any]) -> None:
    assert evaluate(expression) == result


@pytest.mark.parametrize(
    ("expression", "result"),
    [
        ("4 'g' = 4000 'mg'", [True]),
        ("4 'g' != 4 'mg'", [True]),
        ("4 'g' = 4 's'", [False]),
        ("4 'g' > 4 's'", EMPTY),
        ("4 'g' ~ 4040 'mg'", [True]),
        ("4.0 'g' ~ 4040 'mg'", [True]),
        ("4.01 'g' ~ 4040 'mg'", [False]),
        ("7 days = 1 week", [True]),
        ("7 days = 1 'wk'", [True]),
        ("1 year = 12 months", [True]),
        ("1 year = 1 'a'", EMPTY),
        ("1 year ~ 1 'a'", [True]),
        ("1 second = 1 's'", [True]),
        ("1 'mmol/L' = 1000 'umol/L'", [True]),
        ("120 'mm[Hg]' < 16 'kPa'", [True]),
        ("37 'Cel' = 98.6 '[degF]'", [True]),
        ("1 '{tablets}' = 1", [True]),
        ("1 'madeup' = 1 'madeup'", [True]),
        ("1 'madeup' < 2 'kg'", EMPTY),
        ("1 'g' + 500 'mg'", [{"value": Decimal("1.5"), "unit": "g"}]),
        ("1 'g' + 1 's'", EMPTY),
        ("1 'g' - 500 'mg' = 0.5 'g'", [True]),
        ("2.0 'cm' * 2.0 'm' = 0.040 'm2'", [True]),
        ("4.0 'g' / 2.0 'm' = 2 'g/m'", [True]),
        ("1.0 'm' / 1.0 'm' = 1 '1'", [True]),
        ("1 'm' / 0 'm'", EMPTY),
        ("2 * 3 'kg' = 6 'kg'", [True]),
        ("-(1 'kg') = -1 'kg'", [True]),
        ("Observation.value = 72.5 'kg'", [True]),
        ("Observation.value > 72499 'g'", [True]),
        ("Observation.component.value.where($this is Quantity) = 1 '1'", [False]),
    ],
)
def test_quantities(expression: str, result: list[Any]) -> None:
    assert evaluate(expression, OBSERVATION) == result
