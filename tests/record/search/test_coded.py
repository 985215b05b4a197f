"""Modifiers that terminology answers: what they become, and what is refused."""

from __future__ import annotations

import pytest

from fellesjournal.record.search import SearchError, SearchQuery, coded, parse_search, with_codes
from fellesjournal.record.search.model import NOTHING, Clause, TextValue
from tests.record.search.codes import ICPC, LOINC, SHELF, STATUS, Sets
from tests.terminology.making import SETS, Shelf, of, value_set


async def asked(name: str, value: str, rtype: str = "Observation") -> SearchQuery:
    return await with_codes(parse_search(rtype, [(name, value)]), Sets())


async def texts(name: str, value: str, rtype: str = "Observation") -> list[str]:
    (clause,) = (await asked(name, value, rtype)).clauses
    assert isinstance(clause, Clause) and clause.modifier in ("", "not")
    return sorted(one.text for one in clause.values if isinstance(one, TextValue) and one != NOTHING)


async def refused(name: str, value: str) -> tuple[str, str]:
    with pytest.raises(SearchError) as caught:
        await asked(name, value)
    (issue,) = caught.value.issues
    assert caught.value.status == 400 and name in issue.diagnostics
    return issue.code, issue.diagnostics


async def test_a_value_set_becomes_its_codes_and_a_whole_system_stays_one() -> None:
    assert await texts("code:in", f"{SETS}pressure") == [f"{LOINC}|8462-4", f"{LOINC}|8480-6", f"{LOINC}|vital"]
    assert await texts("code:in", f"{SETS}whole") == [f"{LOINC}|"]
    assert await texts("code:not-in", f"{LOINC}?fhir_vs") == [f"{LOINC}|"]
    assert await texts("code:in", f"{SETS}nothing") == []
    assert await texts("code:in", f"{SETS}nothing,{SETS}whole") == [f"{LOINC}|"]


async def test_a_whole_system_is_spelled_out_for_plain_codes() -> None:
    every = sorted(f"{STATUS}|{code}" for code in ("done", "final", "amended", "registered"))
    assert await texts("status:in", f"{SETS}any-status") == every
    assert await texts("status:in", f"{SETS}whole") == []


async def test_what_is_below_and_above() -> None:
    assert await texts("code:below", f"{LOINC}|vital") == [f"{LOINC}|8462-4", f"{LOINC}|8480-6", f"{LOINC}|vital"]
    assert await texts("code:above", f"{ICPC}|K86", "Condition") == [f"{ICPC}|K86", f"{ICPC}|all", f"{ICPC}|heart"]
    assert await texts("status:below", "done") == sorted(f"{STATUS}|{code}" for code in ("done", "final", "amended"))


async def test_chains_and_other_types_are_looked_into() -> None:
    query = await with_codes(
        parse_search("Patient", [("_has:Condition:subject:code:below", f"{ICPC}|heart"), ("gender", "male")]), Sets()
    )
    assert "modifier='below'" not in repr(query) and f"{ICPC}|K86" in repr(query)


async def test_a_search_without_such_a_modifier_is_the_same() -> None:
    query = parse_search("Observation", [("code", "x"), ("_source:below", "http://x.test")])
    assert await with_codes(query, Sets()) is query


async def test_what_can_not_be_told_as_a_whole_is_refused() -> None:
    assert (await refused("code:in", f"{SETS}nowhere"))[0] == "not-found"
    assert (await refused("code:below", f"{LOINC}|unicorn"))[0] == "invalid"
    assert (await refused("code:above", "http://x.test|1"))[0] == "not-found"
    for value in ("8480-6", "|8480-6", f"{LOINC}|"):
        assert (await refused("code:below", value))[0] == "invalid"


async def test_too_many_codes_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(coded, "MAX_CODES", 2)
    for name, value in (
        ("code:in", f"{SETS}pressure"), ("code:below", f"{LOINC}|measured"), ("status:in", f"{SETS}any-status"),
        ("code:not-in", f"{SETS}few"), ("code:in", f"{SETS}all-but"),
    ):  # fmt: skip
        code, text = await refused(name, value)
        assert code == "too-costly" and "more than" in text
    pairs = [("code:in", f"{SETS}whole"), ("code:below", f"{ICPC}|heart")]
    with pytest.raises(SearchError):
        await with_codes(parse_search("Condition", pairs), Sets())


@pytest.mark.parametrize("include", [
    of("http://x.test/cs", filter=("concept", "is-a", "a")), {"valueSet": [f"{SETS}nowhere"]},
])  # fmt: skip
async def test_a_value_set_of_which_something_is_missing_is_refused(
    monkeypatch: pytest.MonkeyPatch, include: dict[str, object]
) -> None:
    more = Shelf(*SHELF.resources, value_set("partly", of(LOINC, "718-7"), include),
                 value_set("without", of(LOINC), exclude=[include]))  # fmt: skip
    monkeypatch.setattr("tests.record.search.codes.SHELF", more)
    for name in ("partly", "without"):
        assert (await refused("code:in", f"{SETS}{name}"))[0] == "not-found"
        assert (await refused("code:not-in", f"{SETS}{name}"))[0] == "not-found"
