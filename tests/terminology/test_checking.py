"""Whether codes are in value sets and code systems: what is said, and what can't be told."""

from __future__ import annotations

from typing import Any

import pytest

from fellesjournal.terminology import Coding, Held, UnknownCode, Verdict, check_in_system, check_in_value_set
from tests.terminology.making import OTHER, SETS, URL, Shelf, animals, colours, concept, of, value_set

SYSTEM = Held.read(animals())


async def in_system(code: str, **more: Any) -> Verdict:
    return await check_in_system(SYSTEM, Coding(URL, code, **more), languages=("nb",), may_be_abstract=True)


async def in_set(*codings: Coding, sets: Any = (), may_be_abstract: bool = False, **more: Any) -> Verdict:
    shelf = Shelf(animals(), colours(), value_set("s", *(sets or [of(), of(OTHER, "red")]), **more))
    return await check_in_value_set(
        await shelf.resolved(SETS + "s"), codings, languages=(), may_be_abstract=may_be_abstract
    )


async def test_a_code_is_one_of_its_system_with_its_text() -> None:
    assert await in_system("dog") == Verdict(True, "", "Hund")
    assert (await in_system("dog", display="dog")).is_valid and (await in_system("dog", display="HUND!")).is_valid
    wrong = await in_system("dog", display="Cat")
    assert not wrong.is_valid and wrong.message and wrong.display == "Hund"
    assert not (await in_system("unicorn")).is_valid and not (await in_system("DOG")).is_valid
    assert (await in_system("dodo")).message == "The code is inactive."


async def test_case_is_nothing_where_the_system_does_not_say_that_it_is() -> None:
    system = Held.read(colours())
    found = await check_in_system(system, Coding(OTHER, "RED"), languages=(), may_be_abstract=True)
    assert found == Verdict(True, "", "Red")


async def test_case_is_nothing_in_value_sets_of_such_a_system_either() -> None:
    named = [{"system": OTHER, "concept": [{"code": "RED"}, {"code": "Green"}]}]
    assert (await in_set(Coding(OTHER, "red"), sets=named)).is_valid
    assert (await in_set(Coding(OTHER, "Red"), sets=named)).is_valid
    assert not (await in_set(Coding(OTHER, "BLUE"), sets=named)).is_valid
    assert not (await in_set(Coding(OTHER, "GREEN"), sets=named, exclude=[of(OTHER, "greeN")])).is_valid
    assert not (await in_set(Coding(OTHER, "GREEN"), sets=[of(OTHER)], exclude=[of(OTHER, "greeN")])).is_valid
    picked = [of(OTHER, filter=("code", "in", "Red,BLUE"))]
    assert (await in_set(Coding(OTHER, "blue"), sets=picked)).is_valid
    assert not (await in_set(Coding(URL, "DOG"), sets=[of(URL, "dog")])).is_valid


async def test_a_code_is_in_a_value_set_by_system_and_code() -> None:
    assert (await in_set(Coding(URL, "dog"))).is_valid
    assert (await in_set(Coding(OTHER, "red"))).is_valid and not (await in_set(Coding(OTHER, "blue"))).is_valid
    assert not (await in_set(Coding(URL, "red"))).is_valid
    assert (await in_set(Coding(None, "red"))).is_valid and not (await in_set(Coding(None, "blue"))).is_valid
    assert not (await in_set(Coding(URL, "dog", "7"))).is_valid and (await in_set(Coding(URL, "dog", "2"))).is_valid


async def test_of_several_codes_one_is_enough() -> None:
    assert (await in_set(Coding(OTHER, "blue"), Coding(OTHER, "red"))).is_valid
    assert not (await in_set(Coding(OTHER, "blue"), Coding(OTHER, "green"))).is_valid
    assert not (await in_set()).is_valid


async def test_abstract_and_inactive_codes_are_not_to_be_used_where_that_is_said() -> None:
    assert not (await in_set(Coding(URL, "mammal"))).is_valid
    assert (await in_set(Coding(URL, "mammal"), may_be_abstract=True)).is_valid
    assert (await in_set(Coding(URL, "dodo"))).is_valid
    assert not (await in_set(Coding(URL, "dodo"), inactive=False)).is_valid


async def test_what_is_excluded_or_does_not_exist_is_not_in() -> None:
    assert not (await in_set(Coding(URL, "dog"), exclude=[of(URL, "dog")])).is_valid
    assert not (await in_set(Coding(URL, "unicorn"))).is_valid


async def test_what_can_not_be_told_is_said_so() -> None:
    unknown = await in_set(Coding("http://loinc.org", "1-8"), sets=[of("http://loinc.org")])
    assert not unknown.is_valid and unknown.message.startswith("It can't be told: http://loinc.org")
    other = await in_set(Coding(URL, "dog"), sets=[of("http://loinc.org"), of(OTHER)])
    assert other.message == "The code is not in the value set."
    missing = await in_set(Coding(URL, "dog"), sets=[{"valueSet": [SETS + "nowhere"]}])
    assert "nowhere" in missing.message
    part = Held.read(animals(content="fragment", concept=[concept("dog")]))
    told = await check_in_system(part, Coding(URL, "cat"), languages=(), may_be_abstract=True)
    assert not told.is_valid and "part" in told.message


async def test_how_one_code_stands_to_another() -> None:
    assert await SYSTEM.relation("mammal", "poodle") == "subsumes"
    assert await SYSTEM.relation("poodle", "mammal") == "subsumed-by"
    assert await SYSTEM.relation("dog", "dog") == "equivalent"
    assert await SYSTEM.relation("dog", "bird") == "not-subsumed"
    with pytest.raises(UnknownCode):
        await SYSTEM.relation("dog", "unicorn")
