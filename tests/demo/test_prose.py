"""Phrases with choices, and bokmål into nynorsk."""

from __future__ import annotations

from random import Random

import pytest

from fellesjournal.demo.charts.ailments import AILMENTS
from fellesjournal.demo.prose.library import script, topics
from fellesjournal.demo.prose.nynorsk import to_nynorsk
from fellesjournal.demo.prose.template import compile_template
from fellesjournal.terminology import icpc2


def test_a_choice_gives_one_of_its_options() -> None:
    phrase = compile_template("Hoste [i dag|i går].")
    assert {phrase.render(Random(n), {}) for n in range(20)} == {"Hoste i dag.", "Hoste i går."}


def test_a_fact_is_filled_in_with_a_capital_where_the_phrase_has_one() -> None:
    phrase = compile_template("{Han} sier {han} er bedre.")
    assert phrase.render(Random(1), {"han": "hun"}) == "Hun sier hun er bedre."


def test_a_number_is_within_its_bounds() -> None:
    phrase = compile_template("{3-5}")
    assert {phrase.render(Random(n), {}) for n in range(50)} == {"3", "4", "5"}


def test_a_phrase_that_lacks_a_fact_is_not_possible() -> None:
    assert not compile_template("Bruker {drug}.").is_possible({})
    assert compile_template("Bruker {drug}.").is_possible({"drug": "metformin"})


def test_a_choice_that_lacks_a_fact_is_left() -> None:
    phrase = compile_template("[Bruker {drug}|Ingen medisin]")
    assert {phrase.render(Random(n), {}) for n in range(10)} == {"Ingen medisin"}


@pytest.mark.parametrize("ailment", AILMENTS, ids=lambda one: one.code)
def test_every_passing_complaint_has_its_phrases(ailment: object) -> None:
    code = getattr(ailment, "code", "")
    found = script("acute", code)
    assert icpc2.lookup(code)
    assert found is not None
    assert {"S", "V", "P"} <= found.keys()


@pytest.mark.parametrize("book", ["acute", "chronic"])
def test_every_topic_is_a_diagnosis(book: str) -> None:
    assert all(icpc2.lookup(topic) for topic in topics(book))


def test_nynorsk_keeps_capitals_and_stops() -> None:
    assert (
        to_nynorsk("Ikke feber. Henv. fysio, kommer fra jobb.") == "Ikkje feber. Tilv. fysio, kjem frå jobb."
    )
