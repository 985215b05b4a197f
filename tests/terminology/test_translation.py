"""What a ConceptMap says of a code, forwards and back."""

from __future__ import annotations

from typing import Any

import pytest

from fellesjournal.terminology import BadDefinition, Coding, Match, Wanted, translate

A, B, C = "http://a", "http://b", "http://c"
Json = dict[str, Any]


def group(target: str = B, **more: Any) -> Json:
    return {"source": A, "target": target, **more}


def element(code: str, *targets: tuple[str, str], **more: Any) -> Json:
    listed = [{"equivalence": how, **({"code": to} if to else {}), **more} for to, how in targets]
    return {"code": code, "target": listed}


def concept_map(*groups: Json, url: str = "http://map") -> Json:
    return {"resourceType": "ConceptMap", "url": url, "group": list(groups)}


MAP = concept_map(
    group(element=[element("1", ("x", "equivalent"), ("y", "wider")), element("2", ("", "unmatched"))]),
    group(C, element=[element("1", ("q", "specializes"))]),
)


async def found(wanted: Wanted, made: Json = MAP, *others: Json) -> list[tuple[str, str | None]]:
    async def other(canonical: str) -> Json | None:
        return next((one for one in others if one["url"] == canonical), None)

    matches = await translate(made, wanted, other=other)
    return [(match.equivalence, match.concept["code"] if match.concept else None) for match in matches]


async def test_a_code_is_mapped_in_every_group_or_into_one_system() -> None:
    assert await found(Wanted(Coding(A, "1"))) == [("equivalent", "x"), ("wider", "y"), ("specializes", "q")]
    assert await found(Wanted(Coding(A, "1"), target=C)) == [("specializes", "q")]
    assert await found(Wanted(Coding(B, "1"))) == [] == await found(Wanted(Coding(A, "9")))
    assert await found(Wanted(Coding(A, "2"))) == [("unmatched", None)]
    assert len(await found(Wanted(Coding(None, "1")))) == 3


async def test_backwards_what_is_wider_is_narrower() -> None:
    assert await found(Wanted(Coding(B, "y"), is_reverse=True)) == [("narrower", "1")]
    assert await found(Wanted(Coding(C, "q"), is_reverse=True)) == [("subsumes", "1")]
    assert await found(Wanted(Coding(A, "1"), is_reverse=True)) == []


async def test_what_is_left_out_follows_the_rule_of_its_group() -> None:
    provided = concept_map(group(unmapped={"mode": "provided"}))
    assert await found(Wanted(Coding(A, "7")), provided) == [("equal", "7")]
    fixed = concept_map(group(unmapped={"mode": "fixed", "code": "other", "display": "Other"}))
    assert await found(Wanted(Coding(A, "7")), fixed) == [("relatedto", "other")]
    further = concept_map(group(unmapped={"mode": "other-map", "url": "http://map"}), url="http://first")
    assert await found(Wanted(Coding(A, "1")), further, MAP) == await found(Wanted(Coding(A, "1")))
    with pytest.raises(BadDefinition):
        await found(Wanted(Coding(A, "1")), further)
    circle = concept_map(group(unmapped={"mode": "other-map", "url": "http://map"}))
    with pytest.raises(BadDefinition):
        await found(Wanted(Coding(A, "1")), circle, circle)


async def test_what_hangs_on_something_else_is_told_when_that_is() -> None:
    hung = concept_map(group(element=[element("1", ("x", "equal"), dependsOn=[{"property": "sex", "value": "f"}])]))
    assert await found(Wanted(Coding(A, "1")), hung) == []
    assert await found(Wanted(Coding(A, "1"), dependencies=(("sex", "f"),)), hung) == [("equal", "x")]


async def test_products_come_along() -> None:
    made = concept_map(
        group(element=[element("1", ("x", "equal"), product=[{"property": "p", "system": C, "value": "v"}])])
    )

    async def none(_: str) -> None:
        return None

    (match,) = await translate(made, Wanted(Coding(A, "1")), other=none)
    concept = {"system": C, "code": "v"}
    assert match == Match("equal", {"system": B, "code": "x"}, "http://map", ({"element": "p", "concept": concept},))
