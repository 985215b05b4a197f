"""Expansions: pages, filters, languages, designations, hierarchy."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from fellesjournal.terminology import Ask, TooCostly, expand, expanded, wished
from fellesjournal.terminology import expansion as module
from tests.terminology.making import OTHER, SETS, URL, Shelf, animals, colours, of, value_set

EVERY = ["mammal", "dog", "poodle", "whale", "bird", "dodo", "A1.2"]
SHELF = Shelf(
    animals(), colours(), value_set("both", of(), of(OTHER)), value_set("all", of()),
    value_set("named", {"system": URL, "concept": [
        {"code": "dog", "display": "My dog", "designation": [{"language": "sv", "value": "Min hund"}]},
        {"code": "bird"},
    ]}),
)  # fmt: skip


async def codes(name: str = "both", **ask: Any) -> list[str]:
    return [one.concept.code for one in (await expand(await SHELF.resolved(SETS + name), Ask(**ask))).shown]


async def displays(name: str, languages: str, **ask: Any) -> list[str]:
    found = await expand(await SHELF.resolved(SETS + name), Ask(languages=wished(languages), **ask))
    return [one.display for one in found.shown]


async def resource(name: str, **ask: Any) -> dict[str, Any]:
    asked, resolved = Ask(**ask), await SHELF.resolved(SETS + name)
    at = datetime(2026, 1, 1, tzinfo=UTC)
    return expanded(resolved.definition.head, await expand(resolved, asked), ask=asked, identifier="urn:uuid:1", at=at)


@pytest.mark.parametrize(("offset", "count"), [(0, 3), (2, 4), (6, 3), (7, 2), (9, 5), (20, 5), (0, 0)])
async def test_pages_are_cut_out_of_the_whole(offset: int, count: int) -> None:
    whole = await codes()
    assert whole == [*EVERY, "red", "green", "blue"]
    assert await codes(offset=offset, count=count) == whole[offset : offset + count]
    assert (await resource("both", offset=offset, count=count))["expansion"]["total"] == 10


async def test_filtered_pages_are_cut_out_of_what_is_found() -> None:
    whole = await codes(filter="b")
    assert whole == ["bird", "blue"]
    assert await codes(filter="b", offset=1, count=1) == ["blue"] and await codes(filter="b", offset=2) == []
    assert await codes(filter="--") == []


async def test_the_total_of_a_filter_is_told_when_all_were_counted() -> None:
    assert (await resource("both", filter="b", count=0))["expansion"]["total"] == 2
    assert "total" not in (await resource("both", filter="b", count=1))["expansion"]
    assert (await resource("both", filter="b", count=2))["expansion"]["total"] == 2


async def test_more_than_an_answer_holds_is_refused_with_advice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_PAGE", 5)
    with pytest.raises(TooCostly, match="count"):
        await codes()
    assert len(await codes(count=50)) == 5
    assert await codes(offset=8) == ["green", "blue"]
    with pytest.raises(TooCostly):
        await codes(filter="b", offset=50)


async def test_inactive_and_abstract_codes_can_be_left_out() -> None:
    assert await codes("all", is_active_only=True) == [code for code in EVERY if code != "dodo"]
    assert await codes("all", is_selectable_only=True) == EVERY[1:]
    assert await codes("all", filter="mam", is_selectable_only=True) == []


async def test_displays_are_in_the_wished_language_where_there_is_one() -> None:
    assert (await displays("all", "nb"))[:4] == ["Pattedyr", "Hund", "Puddel", "Hval"]
    assert (await displays("all", "nn"))[:4] == ["Pattedyr", "Hund", "Puddel", "Kval"]
    assert (await displays("all", "nn-NO"))[3] == "Kval" and (await displays("all", "no"))[3] == "Hval"
    assert (await displays("all", "sv, de;q=0.5"))[3] == "Whale" == (await displays("all", ""))[3]
    assert (await displays("all", "en, nb;q=0.9"))[3] == "Whale"
    assert (await displays("all", "nb", filter="kval")) == ["Hval"]


async def test_a_value_set_may_have_texts_of_its_own() -> None:
    assert await displays("named", "") == ["My dog", "Bird"]
    assert await displays("named", "nb") == ["Hund", "Fugl"]
    assert await displays("named", "sv") == ["Min hund", "Bird"]
    assert await codes("named", filter="min") == ["dog"] == await codes("named", filter="my")
    assert await codes("named", filter="dog") == ["dog"]


async def test_designations_come_along_when_they_are_wished() -> None:
    first = (await resource("named", has_designations=True))["expansion"]["contains"][0]
    texts = [(one.get("language"), one["value"]) for one in first["designation"]]
    assert texts == [("sv", "Min hund"), ("en", "Dog"), ("nb", "Hund")]
    assert "designation" not in (await resource("named"))["expansion"]["contains"][0]


async def test_codes_can_stand_inside_those_above_them() -> None:
    def tree(contains: list[dict[str, Any]]) -> list[Any]:
        return [[one["code"], *tree(one.get("contains", []))] for one in contains]

    nested = (await resource("both", is_nested=True, count=6))["expansion"]["contains"]
    assert tree(nested) == [["mammal", ["dog", ["poodle"]], ["whale"]], ["bird", ["dodo"]]]
    assert nested[0]["abstract"] is True and nested[1]["contains"][0]["inactive"] is True
    page = (await resource("both", is_nested=True, offset=2, count=2))["expansion"]["contains"]
    assert tree(page) == [["poodle"], ["whale"]]


async def test_an_expansion_says_what_it_was_made_of() -> None:
    found = await resource("both", count=8, languages=("nb",))
    assert found["url"] == SETS + "both" and "compose" not in found
    told = {
        (one["name"], next(value for key, value in one.items() if key != "name"))
        for one in found["expansion"]["parameter"]
    }
    assert {("displayLanguage", "nb"), ("version", f"{URL}|2")} <= told
    assert found["expansion"]["contains"][0] == {
        "system": URL, "abstract": True, "version": "2", "code": "mammal", "display": "Pattedyr",
    }  # fmt: skip


async def test_what_is_kept_to_be_searched_is_made_once() -> None:
    resolved = await SHELF.resolved(SETS + "named")
    await expand(resolved, Ask(filter="b"))
    (kept,) = resolved.shelves.values()
    await expand(replace(resolved), Ask())
    assert next(iter(resolved.shelves.values())) is kept
