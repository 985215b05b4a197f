"""What a few letters find, and in which order."""

from __future__ import annotations

from fellesjournal.terminology.codes import ALL
from fellesjournal.terminology.held import Held
from fellesjournal.terminology.system import Wish
from fellesjournal.terminology.words import typed
from tests.terminology.making import concept

DIAGNOSES = Held.read({
    "url": "u", "concept": [
        concept("E10", "Diabetes mellitus type 1"), concept("E109", "Diabetes mellitus type 1 uten komplikasjoner"),
        concept("T90", "Diabetes type 2", nb="Sukkersyke"), concept("G590", "Diabetisk mononevropati"),
        concept("O24", "Svangerskapsdiabetes, diabetes i svangerskapet"), concept("R5", "Ærlig øre-åpning"),
    ],
})  # fmt: skip


async def codes(text: str) -> list[str]:
    asked = typed(text)
    assert asked is not None
    return [hit.concept.code for hit in await DIAGNOSES.search(Wish(ALL), asked, limit=10)]


async def test_the_code_comes_before_its_beginning_and_that_before_words() -> None:
    assert await codes("e10") == ["E10", "E109"]
    assert await codes("E10.9") == ["E109"]
    assert await codes("t90") == ["T90"]


async def test_the_beginning_of_a_text_comes_first_then_shorter_texts() -> None:
    assert await codes("diab") == ["T90", "G590", "E10", "E109", "O24"]


async def test_every_word_must_begin_a_word_in_any_order() -> None:
    assert await codes("type diab") == ["T90", "E10", "E109"]
    assert await codes("type 2") == ["T90"]
    assert await codes("komplik mell") == ["E109"]
    assert await codes("abetes") == []


async def test_designations_and_codes_may_be_typed_and_mixed() -> None:
    assert await codes("sukk") == ["T90"]
    assert await codes("e10 uten") == ["E109"]


async def test_norwegian_letters_are_letters_of_their_own() -> None:
    assert await codes("ær") == await codes("ØRE") == await codes("åp") == ["R5"]
    assert await codes("ore") == await codes("ap") == []


def test_without_a_letter_or_digit_nothing_is_typed() -> None:
    assert typed(" -.!") is None


def test_of_very_much_that_is_typed_the_beginning_counts() -> None:
    asked = typed("x " * 500)
    assert asked is not None and len(asked.start) < 30 and asked.words == ("x",)
