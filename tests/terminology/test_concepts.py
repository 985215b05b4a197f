"""What is read of a CodeSystem: concepts, who is above whom, what is inactive."""

from __future__ import annotations

from fellesjournal.terminology.concept import read_concepts, read_head
from tests.terminology.making import animals, concept


def parents_of(resource: dict[str, object]) -> dict[str, list[str]]:
    found = read_concepts(resource)
    return {one.code: [found[n].code for n in one.parents] for one in found if one.parents}


def test_concepts_come_in_their_order_with_their_parents() -> None:
    found = read_concepts(animals())
    assert [one.code for one in found] == ["mammal", "dog", "poodle", "whale", "bird", "dodo", "A1.2"]
    assert [one.n for one in found] == list(range(7))
    assert parents_of(animals()) == {"dog": ["mammal"], "poodle": ["dog"], "whale": ["mammal"], "dodo": ["bird"]}


def test_what_is_retired_is_inactive_and_what_is_not_selectable_is_abstract() -> None:
    found = read_concepts(animals())
    assert [one.code for one in found if one.is_inactive] == ["dodo"]
    assert [one.code for one in found if one.is_abstract] == ["mammal"]
    head = read_head(animals(), concepts=found)
    assert (head.count, head.inactive, head.abstract, head.is_case_sensitive) == (7, 1, 1, True)


def test_parents_are_told_by_properties_too_and_there_may_be_several() -> None:
    listed = [
        concept("a", valueCode=("child", "c")), concept("b"), concept("c", valueCode=("parent", "b")),
        concept("d", valueCode=("subsumedBy", "c")), concept("e", valueCode=("up", "a")),
    ]  # fmt: skip
    declared = [{"code": "up", "type": "code", "uri": "http://hl7.org/fhir/concept-properties#parent"}]
    found = parents_of({"concept": listed, "property": declared})
    assert found == {"c": ["a", "b"], "d": ["c"], "e": ["a"]}


def test_a_circle_is_broken_and_a_code_that_stands_twice_is_taken_once() -> None:
    circle = [
        concept("a", valueCode=("parent", "c")),
        concept("b", valueCode=("parent", "a")),
        concept("c", valueCode=("parent", "b")),
    ]
    found = parents_of({"concept": [*circle, concept("a", "again"), concept("s", valueCode=("parent", "s"))]})
    assert sum(map(len, found.values())) == 2
    assert len(read_concepts({"concept": [concept("a", "one"), concept("a", "two")]})) == 1


def test_a_hierarchy_of_any_depth_is_read() -> None:
    deep = concept("0")
    for n in range(1, 5000):
        deep = concept(str(n), concept=[deep])
    found = read_concepts({"concept": [deep]})
    assert len(found) == 5000 and found[-1].parents == (4998,)


def test_case_is_nothing_unless_the_system_says_so_or_needs_it() -> None:
    assert not read_head(
        {"url": "u"}, concepts=read_concepts({"concept": [concept("a"), concept("b")]})
    ).is_case_sensitive
    assert read_head({"url": "u"}, concepts=read_concepts({"concept": [concept("a"), concept("A")]})).is_case_sensitive
