"""ICPC-2: what a code means and which code a word means."""

from __future__ import annotations

import pytest

from fellesjournal.terminology import icpc2


def test_a_code_has_its_norwegian_text_in_any_case() -> None:
    found = icpc2.lookup(" k86 ")
    assert found == icpc2.Diagnosis("K86", "Hypertensjon ukomplisert")


def test_an_unknown_code_is_none() -> None:
    assert icpc2.lookup("Q99") is None
    assert icpc2.lookup("") is None


@pytest.mark.parametrize("code", ["A30", "a30", "K49", "Z69"])
def test_codes_from_30_to_69_are_process_codes(code: str) -> None:
    assert icpc2.is_process(code)


@pytest.mark.parametrize("code", ["A29", "A70", "K86", "Q30", "30", "K8", ""])
def test_all_other_codes_are_not_process_codes(code: str) -> None:
    assert not icpc2.is_process(code)


def test_the_table_holds_no_process_code() -> None:
    assert not [found.code for found in icpc2.search("a", 1000) if icpc2.is_process(found.code)]


def test_a_code_prefix_comes_first_and_in_order() -> None:
    codes = [found.code for found in icpc2.search("k8", 5)]
    assert codes == ["K80", "K81", "K82", "K83", "K84"]


def test_a_text_that_begins_so_comes_before_a_word_within_it() -> None:
    codes = [found.code for found in icpc2.search("hypertensjon")]
    assert codes[:2] == ["K86", "K87"]


def test_words_are_found_in_any_order_by_their_beginning() -> None:
    assert "T90" in [found.code for found in icpc2.search("type diab", 5)]


def test_the_inside_of_a_word_is_found_last() -> None:
    codes = [found.code for found in icpc2.search("infeksjon", 100)]
    assert "U71" in codes


def test_norwegian_letters_are_letters_of_their_own() -> None:
    assert icpc2.search("øreverk") and icpc2.search("ØREVERK") == icpc2.search("øreverk")
    assert not icpc2.search("oreverk")


@pytest.mark.parametrize("text", ["", "   ", "!!", "zzzz"])
def test_nothing_like_it_is_an_empty_list(text: str) -> None:
    assert icpc2.search(text) == []


def test_the_limit_holds() -> None:
    assert len(icpc2.search("a", 3)) == 3
    assert icpc2.search("a", 0) == []
