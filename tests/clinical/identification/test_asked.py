"""What may be typed to identify somebody. All numbers are synthetic (month + 80) or made to be wrong."""

from __future__ import annotations

from datetime import date
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fellesjournal.clinical.identification.model import CannotIdentify, NameAndBirth, parse_asked
from fellesjournal.clinical.identification.national_id import (
    D_NUMMER,
    FODSELSNUMMER,
    NationalId,
    NotANationalId,
    parse_national_id,
)
from fellesjournal.demo.numbers import Numbers
from fellesjournal.national.identifiers import has_right_check_digits

TODAY = date(2026, 11, 23)
BORN = date(1992, 3, 8)


def number(*, d_number: bool = False, born: date = BORN, sex: str = "male") -> str:
    return Numbers(Random(3)).national_id(birth_on=born, sex=sex, d_number=d_number)


def ask(text: str, *, is_demo: bool = True) -> object:
    return parse_asked(text, is_demo=is_demo, today=TODAY)


@pytest.mark.parametrize(("d_number", "system"), [(False, FODSELSNUMMER), (True, D_NUMMER)])
@pytest.mark.parametrize("born", [BORN, date(2014, 12, 31), date(1931, 1, 1)])
def test_a_synthetic_number_tells_its_kind_and_birth_date(d_number: bool, system: str, born: date) -> None:
    found = parse_national_id(number(d_number=d_number, born=born))
    assert (found.system, found.born_on, found.is_synthetic) == (system, born, True)


def test_blanks_in_a_number_do_not_matter() -> None:
    made = number()
    found = ask(f"{made[:6]} {made[6:]}")
    assert isinstance(found, NationalId)
    assert found.value == made


def test_a_synthetic_number_is_refused_outside_a_demo() -> None:
    with pytest.raises(CannotIdentify) as refused:
        ask(number(), is_demo=False)
    assert "syntetisk" in refused.value.text


def test_a_number_that_may_be_real_is_refused_in_a_demo_and_taken_elsewhere() -> None:
    real = _real_shaped()
    with pytest.raises(CannotIdentify) as refused:
        ask(real)
    assert "ekte nummer" in refused.value.text
    assert isinstance(ask(real, is_demo=False), NationalId)


def _real_shaped() -> str:
    """A number with right check digits and an ordinary month, of a day in 1899 on which nobody alive was
    born.
    """
    for serial in range(500, 750):
        for control in range(100):
            text = f"010199{serial:03d}{control:02d}"
            if has_right_check_digits(text):
                return text
    raise AssertionError


@pytest.mark.parametrize("place", range(11))
def test_one_wrong_digit_anywhere_is_found(place: int) -> None:
    made = number()
    wrong = made[:place] + str((int(made[place]) + 1) % 10) + made[place + 1 :]
    with pytest.raises(NotANationalId):
        parse_national_id(wrong)


def test_a_number_of_the_wrong_length_is_refused_in_words() -> None:
    with pytest.raises(CannotIdentify) as refused:
        ask(number()[:10])
    assert "11 siffer" in refused.value.text


@given(st.text(max_size=14))
def test_any_text_is_a_number_or_refused_without_being_quoted(text: str) -> None:
    try:
        found = parse_national_id(text)
    except NotANationalId as error:
        told = str(error)
    else:
        told = ""
        assert has_right_check_digits(found.value)
    assert len(text.strip()) < 4 or text.strip() not in told


@pytest.mark.parametrize(
    "text",
    ["Henrik Sætervik 08.03.1992", "Henrik Sætervik 8.3.92", "henrik sætervik 080392",
     "08031992 Henrik Sætervik",
     "Sætervik, Henrik 1992-03-08", "Henrik Sætervik 08 03 1992", "Henrik Sætervik 8/3/1992"],
)  # fmt: skip
def test_a_name_and_a_birth_date_in_any_usual_form(text: str) -> None:
    found = ask(text)
    assert isinstance(found, NameAndBirth)
    assert found.born_on == BORN
    assert {word.casefold() for word in found.words} == {"henrik", "sætervik"}


def test_a_short_year_is_the_latest_that_has_been() -> None:
    assert ask("Ola Ås 01.01.26") == NameAndBirth(("Ola", "Ås"), date(2026, 1, 1))
    assert ask("Ola Ås 01.01.27") == NameAndBirth(("Ola", "Ås"), date(1927, 1, 1))


@pytest.mark.parametrize(
    ("text", "told"),
    [("", "Skriv fødselsnummer"), ("Henrik Sætervik", "Navnet alene er ikke nok"),
     ("08.03.1992", "Fødselsdatoen alene"),
     ("080392", "Fødselsdatoen alene"), ("H 08.03.1992", "to bokstaver"),
     ("H S Ø 08.03.1992", "to bokstaver"), ("H. 08.03.1992", "to bokstaver"),
     ("Henrik 31.02.1992", "finnes ikke"),
     ("Henrik 08.03.2099", "kan ikke stemme"), ("Henrik 08.03.1800", "kan ikke stemme")],
)  # fmt: skip
def test_too_little_is_refused_with_what_to_type(text: str, told: str) -> None:
    with pytest.raises(CannotIdentify) as refused:
        ask(text)
    assert told in refused.value.text


@given(st.text(max_size=60))
def test_any_text_is_understood_or_refused_in_words(text: str) -> None:
    told = "."
    try:
        assert isinstance(ask(text), NationalId | NameAndBirth)
    except CannotIdentify as error:
        told = error.text
    assert told.endswith((".", ")."))
