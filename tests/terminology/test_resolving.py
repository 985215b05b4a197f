"""From value sets to codes: includes, excludes, filters, imports, and what is not here."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from fellesjournal.terminology import Ask, BadDefinition, NotInstalled, TooCostly, expand
from fellesjournal.terminology.errors import NotEnumerable
from tests.terminology.making import OTHER, SETS, URL, Shelf, animals, colours, concept, of, value_set

EVERY = ["mammal", "dog", "poodle", "whale", "bird", "dodo", "A1.2"]


async def codes(*includes: dict[str, Any], sets: Any = (), **more: Any) -> list[str]:
    shelf = Shelf(animals(), colours(), value_set("asked", *includes, **more), *sets)
    return [one.concept.code for one in (await expand(await shelf.resolved(SETS + "asked"), Ask())).shown]


async def test_a_whole_system_and_named_codes_in_their_order() -> None:
    assert await codes(of()) == EVERY
    assert await codes(of(URL, "whale", "dog"), of(OTHER, "red"), of(URL, "dog", "bird")) == [
        "whale",
        "dog",
        "bird",
        "red",
    ]


@pytest.mark.parametrize(("asked", "found"), [
    (("concept", "is-a", "dog"), ["dog", "poodle"]),
    (("concept", "descendent-of", "mammal"), ["dog", "poodle", "whale"]),
    (("concept", "is-not-a", "mammal"), ["bird", "dodo", "A1.2"]),
    (("concept", "generalizes", "poodle"), ["mammal", "dog", "poodle"]),
    (("legs", "=", "4"), ["dog", "poodle"]),
    (("legs", "in", "0, 2"), ["whale", "bird"]),
    (("legs", "not-in", "0,2"), ["mammal", "dog", "poodle", "dodo", "A1.2"]),
    (("legs", "exists", "false"), ["mammal", "dodo", "A1.2"]),
    (("legs", "exists", "true"), ["dog", "poodle", "whale", "bird"]),
    (("code", "regex", "d.*"), ["dog", "dodo"]),
    (("display", "regex", "[DP].*"), ["dog", "poodle", "dodo"]),
    (("concept", "in", "dog,bird,unicorn"), ["dog", "bird"]),
    (("code", "=", "whale"), ["whale"]),
    (("parent", "=", "mammal"), ["dog", "whale"]),
    (("child", "=", "dodo"), ["bird"]),
    (("inactive", "=", "true"), ["dodo"]),
    (("inactive", "=", "false"), [c for c in EVERY if c != "dodo"]),
    (("status", "=", "retired"), ["dodo"]),
])  # fmt: skip
async def test_filters(asked: tuple[str, str, str], found: list[str]) -> None:
    assert await codes(of(filter=asked)) == found


async def test_filters_of_one_include_must_all_pass() -> None:
    both = {"system": URL, "filter": [
        {"property": "concept", "op": "is-a", "value": "mammal"}, {"property": "legs", "op": "=", "value": "4"},
    ]}  # fmt: skip
    assert await codes(both) == ["dog", "poodle"]


async def test_what_is_excluded_is_out() -> None:
    assert await codes(of(), exclude=[of(filter=("concept", "is-a", "mammal")), of(URL, "dodo")]) == ["bird", "A1.2"]
    assert await codes(of(), exclude=[of()]) == []


async def test_imports_are_intersected_within_an_include_and_joined_between_them() -> None:
    sets = [value_set("few", of(URL, "dog", "whale"), of(OTHER, "red")), value_set("others", of(URL, "whale", "bird"))]
    few, others = SETS + "few", SETS + "others"
    assert await codes({"valueSet": [few]}, sets=sets) == ["dog", "whale", "red"]
    assert await codes({"valueSet": [few, others]}, sets=sets) == ["whale"]
    assert await codes({"valueSet": [few]}, {"valueSet": [others]}, sets=sets) == ["dog", "whale", "bird", "red"]
    assert await codes(of(filter=("legs", "=", "4")), sets=sets, exclude=[{"valueSet": [few]}]) == ["poodle"]
    assert await codes({"system": URL, "valueSet": [few]}, sets=sets) == ["dog", "whale"]


async def test_a_value_set_that_imports_itself_is_refused() -> None:
    with pytest.raises(BadDefinition):
        await codes({"valueSet": [SETS + "asked"]})
    with pytest.raises(BadDefinition):
        await codes({"valueSet": [SETS + "b"]}, sets=[value_set("b", {"valueSet": [SETS + "asked"]})])


async def test_imports_go_only_so_deep() -> None:
    chain = [value_set(f"v{n}", {"valueSet": [f"{SETS}v{n + 1}"]}) for n in range(30)]
    with pytest.raises(TooCostly):
        await codes({"valueSet": [SETS + "v0"]}, sets=chain)


@pytest.mark.parametrize("bad", [
    ("concept", "is-a", "unicorn"), ("legs", "is-a", "dog"), ("code", "regex", "("), ("code", "regex", r"(?=a)"),
    ("legs", "exists", "perhaps"), ("code", "regex", "a" * 3000), ("legs", "wrong", "4"),
])  # fmt: skip
async def test_filters_without_a_meaning_are_refused(bad: tuple[str, str, str]) -> None:
    with pytest.raises(BadDefinition):
        await codes(of(filter=bad))


async def test_what_is_not_here_can_not_be_listed_and_is_named() -> None:
    with pytest.raises(NotEnumerable, match=r"http://loinc\.org"):
        await codes(of("http://loinc.org"))
    with pytest.raises(NotEnumerable, match=r"http://loinc\.org"):
        await codes(of("http://loinc.org", filter=("concept", "is-a", "x")))
    with pytest.raises(NotEnumerable, match="nowhere"):
        await codes({"valueSet": [SETS + "nowhere"]})
    with pytest.raises(NotEnumerable):
        await codes(of(version="9"))


async def test_codes_that_are_named_of_a_system_that_is_not_here_are_listed() -> None:
    named = {"system": "http://loinc.org", "concept": [{"code": "1-8", "display": "Eight"}, {"code": "2-6"}]}
    assert await codes(named) == ["1-8", "2-6"]


async def test_an_expansion_that_a_resource_brings_stands_in_for_what_is_not_here() -> None:
    brought = {"timestamp": "2026-01-01T00:00:00Z", "contains": [
        {"system": "http://loinc.org", "code": "1-8", "contains": [{"system": "http://loinc.org", "code": "2-6"}]},
    ]}  # fmt: skip
    assert await codes(of("http://loinc.org"), expansion=brought) == ["1-8", "2-6"]
    assert await codes(of(), expansion=brought) == EVERY
    with pytest.raises(NotEnumerable):
        await codes(of("http://loinc.org"), expansion={**brought, "total": 9})


async def test_everything_of_a_system_has_value_sets_without_resources() -> None:
    shelf = Shelf(animals())
    for canonical in (f"{URL}?vs", f"{URL}?fhir_vs", f"{URL}/vs", SETS + "all-animals"):
        assert [one.concept.code for one in (await expand(await shelf.resolved(canonical), Ask())).shown] == EVERY
    dogs = await expand(await shelf.resolved(f"{URL}?fhir_vs=isa/dog"), Ask())
    assert [one.concept.code for one in dogs.shown] == ["dog", "poodle"]
    for canonical in (SETS + "none", f"{URL}?fhir_vs=refset/1"):
        with pytest.raises(NotInstalled):
            await shelf.resolved(canonical)


async def test_a_value_set_may_be_of_active_codes_alone() -> None:
    assert "dodo" not in await codes(of(), inactive=False)
    assert await codes(of(URL, "dodo", "dog"), inactive=False) == ["dog"]


async def test_of_a_part_of_a_system_what_is_known_is_listed_and_said() -> None:
    part = animals(content="fragment", concept=[concept("dog")])
    found = await expand(await Shelf(part, value_set("asked", of())).resolved(SETS + "asked"), Ask())
    assert [one.concept.code for one in found.shown] == ["dog"] and found.partly == [URL]


async def test_a_value_set_that_takes_too_much_work_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    many = value_set("many", of(URL, *(f"c{n}" for n in range(400))))
    assert len(await codes({"valueSet": [SETS + "many"]}, sets=[many])) == 400
    monkeypatch.setattr(sys.modules["fellesjournal.terminology.resolve"], "MAX_WORK", 4_000)
    assert len(await codes({"valueSet": [SETS + "many"]}, sets=[many])) == 400
    for asked in (
        [{"valueSet": [SETS + "many"] * 20}], [{"valueSet": [SETS + "many"]}] * 20,
        [of(filter=("legs", "=", str(n))) for n in range(200)],
    ):  # fmt: skip
        with pytest.raises(TooCostly):
            await codes(*asked, sets=[many])


async def test_what_is_imported_stays_as_it_is() -> None:
    first, second = value_set("first", of(URL, "dog")), value_set("second", of(URL, "whale"))
    both = [{"valueSet": [SETS + "first"]}, {"valueSet": [SETS + "second"]}, {"valueSet": [SETS + "first"]}]
    assert await codes(*both, exclude=[{"valueSet": [SETS + "second"]}], sets=[first, second]) == ["dog"]
    nested = value_set("nested", *both)
    assert await codes({"valueSet": [SETS + "nested"]}, {"valueSet": [SETS + "first"]},
                       sets=[first, second, nested]) == ["dog", "whale"]  # fmt: skip
