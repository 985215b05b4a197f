"""What is typed becomes a measurement, is refused, or is asked about."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fellesjournal.clinical.measurements.model import KINDS, BadValue, Measurement, doubts, parse, shown


@pytest.mark.parametrize("text", ["37,2", "37.2", " 37,2 "])
def test_a_decimal_is_taken_with_comma_or_point(text: str) -> None:
    assert parse("temp", text).value == Decimal("37.2")


@pytest.mark.parametrize("text", ["120/80", "120 / 80", "120 80", "120\\80"])
def test_blood_pressure_is_two_numbers(text: str) -> None:
    assert parse("bp", text).values == (Decimal(120), Decimal(80))


def test_no_digit_of_a_decimal_is_lost() -> None:
    assert shown(parse("weight", "72,50")) == "72,50"


@pytest.mark.parametrize(
    ("kind", "text"),
    [("temp", "372"), ("temp", "37,22"), ("pulse", "72,5"), ("pulse", "abc"), ("pulse", ""), ("pulse",
    "-70"), ("sat", "101"),
     ("bp", "120"), ("bp", "80/120"), ("bp", "120/120"), ("acvpu", "X"), ("air", ""), ("nonsense", "1"),
     ("pulse", "²")],
)  # fmt: skip
def test_what_cannot_be_is_refused_with_words(kind: str, text: str) -> None:
    with pytest.raises(BadValue) as refused:
        parse(kind, text)
    assert refused.value.told.endswith((".", "?"))


def test_what_is_rare_is_asked_about() -> None:
    (asked,) = doubts([parse("pulse", "210"), parse("temp", "37,0")])
    assert "210" in asked.told
    assert "Stemmer det?" in asked.told


def test_what_is_common_is_not_asked_about() -> None:
    assert doubts([parse("bp", "120/80"), parse("sat", "98"), parse("acvpu", "A")]) == []


@pytest.mark.parametrize(("text", "code"), [("a", "A"), ("C", "C"), (" u ", "U")])
def test_acvpu_is_a_letter_in_any_case(text: str, code: str) -> None:
    assert parse("acvpu", text) == Measurement("acvpu", code=code)


@pytest.mark.parametrize("kind", [kind for kind in KINDS.values() if kind.parts])
def test_soft_limits_lie_within_the_hard_ones(kind: object) -> None:
    for part in getattr(kind, "parts", ()):
        assert part.hard[0] <= part.soft[0] < part.soft[1] <= part.hard[1]


@given(st.text(max_size=12), st.sampled_from(sorted(KINDS)))
def test_any_text_is_a_believable_value_or_refused(text: str, kind: str) -> None:
    try:
        found = parse(kind, text)
    except BadValue:
        return
    for part, value in zip(KINDS[kind].parts, found.values, strict=True):
        assert part.hard[0] <= value <= part.hard[1]
