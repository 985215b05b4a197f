"""Index keys: what is stored and what is asked for meet, and nothing else does."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fellesjournal.fhir import fold, keyed_hash, param_id
from fellesjournal.fhir.keys import (
    TEXT_LIMIT,
    URI_LIMIT,
    canonical_keys,
    reference_key,
    token_keys,
    token_query_key,
    uri_key,
)


@pytest.mark.parametrize(
    ("query", "system", "code", "found"),
    [
        ("8480-6", "http://loinc.org", "8480-6", True),
        ("http://loinc.org|8480-6", "http://loinc.org", "8480-6", True),
        ("http://loinc.org|", "http://loinc.org", "8480-6", True),
        ("|8480-6", "http://loinc.org", "8480-6", False),
        ("|8480-6", None, "8480-6", True),
        ("8480-6", None, "8480-6", True),
        ("http://other|8480-6", "http://loinc.org", "8480-6", False),
        ("http://other|", "http://loinc.org", "8480-6", False),
        ("http://loinc.org|", "http://loinc.org", None, True),
        ("8480-7", "http://loinc.org", "8480-6", False),
    ],
)
def test_token_query_meets_its_stored_key(
    query: str, system: str | None, code: str | None, found: bool
) -> None:
    assert (token_query_key(1, query) in token_keys(1, system=system, code=code)) is found


def test_token_of_another_parameter_is_not_met() -> None:
    assert token_query_key(1, "a") not in token_keys(2, system=None, code="a")


@pytest.mark.parametrize("query", ["final", "|final", "http://hl7.org/fhir/observation-status|final"])
def test_plain_code_is_met_with_and_without_its_implied_system(query: str) -> None:
    implied = frozenset({"http://hl7.org/fhir/observation-status"})
    assert token_query_key(1, query, implied=implied) == token_keys(1, system=None, code="final")[0]


def test_plain_code_is_not_met_in_a_foreign_system() -> None:
    key = token_query_key(1, "http://other|final", implied=frozenset({"http://x"}))
    assert key != token_keys(1, system=None, code="final")[0]


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("  Kari   NORDMANN ", "kari nordmann"),
        ("Ærlig Ødegård ÅSE", "ærlig ødegård åse"),
        ("A\u030ase", "åse"),
        ("André Müller", "andre muller"),
        ("Čáhppes Ŋ", "cahppes ŋ"),
        ("Straße", "strasse"),
        ("ﬁn", "fin"),
    ],
)
def test_fold_forgives_case_and_accents_but_keeps_norwegian_letters(text: str, folded: str) -> None:
    assert fold(text) == folded


@given(st.text(max_size=600))
def test_fold_is_stable_and_short(text: str) -> None:
    assert fold(fold(text)) == fold(text)
    assert len(fold(text)) <= TEXT_LIMIT


@given(st.text(alphabet="abcæøå éè", max_size=30))
def test_fold_forgives_case_for_every_name(text: str) -> None:
    assert fold(text.upper()) == fold(text)


def test_reference_key_leaves_out_the_version() -> None:
    assert reference_key("Patient/1/_history/2") == reference_key("Patient/1") == "Patient/1"


def test_canonical_is_found_with_and_without_its_version() -> None:
    assert canonical_keys("http://x/q|1.0") == ("http://x/q|1.0", "http://x/q")
    assert canonical_keys("http://x/q") == ("http://x/q",)


def test_long_uri_keeps_its_start_and_stays_unique() -> None:
    first, second = ("http://x/" + "a" * 5000 + end for end in "12")
    assert uri_key(first) != uri_key(second)
    assert len(uri_key(first)) < URI_LIMIT + 100 and uri_key(first).startswith("http://x/a")


def test_hash_depends_on_the_secret_and_fits_64_signed_bits() -> None:
    first, second = keyed_hash(b"one"), keyed_hash(b"two")
    assert first("a") == keyed_hash(b"one")("a") != second("a")
    assert all(-(2**63) <= first(str(n)) < 2**63 for n in range(1000))


def test_parameter_of_every_resource_has_a_number_for_each_type() -> None:
    assert param_id("Patient", "_tag") != param_id("Observation", "_tag")
