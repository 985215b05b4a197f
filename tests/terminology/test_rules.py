"""Code systems that are a grammar, and the terminology that is part of the product."""

from __future__ import annotations

import pytest

from fellesjournal.terminology import Ask, base, expand
from fellesjournal.terminology.errors import NotEnumerable
from fellesjournal.terminology.rules import LANGUAGES, MEDIA_TYPES, UCUM
from tests.terminology.making import Shelf


@pytest.mark.parametrize(("system", "good", "bad"), [
    (UCUM, ["mg", "mmol/L", "mm[Hg]", "10*9/L", "{score}", "/min", "%", "Cel", "[degF]", "kg/m2", "g/(24.h){x}", "1"],
     ["", "foo", "mg/foo", "mg//L", "beats/min", "m g", "(mg", "mg" * 60]),
    (LANGUAGES, ["nb", "nn-NO", "en-GB", "sr-Latn-RS", "de-CH-1996", "x-mine", "zh-cmn-Hans-CN", "se"],
     ["", "n", "norwegian-bokmål", "nb_NO", "nb-", "-nb", "en--GB"]),
    (MEDIA_TYPES, ["text/plain", "application/fhir+json", "image/svg+xml", "text/plain; charset=utf-8"],
     ["", "text", "text/", "/plain", "text plain"]),
])  # fmt: skip
async def test_codes_are_checked_by_rule(system: str, good: list[str], bad: list[str]) -> None:
    ruled = base.system(system, "")
    assert ruled is not None
    assert set(await ruled.concepts([*good, *bad])) == set(good)


async def test_what_follows_a_rule_can_not_be_listed() -> None:
    class Base(Shelf):
        system = staticmethod(lambda url, version: _async(base.system(url, version)))  # type: ignore[assignment]

    with pytest.raises(NotEnumerable):
        await expand(await Base().resolved(f"{UCUM}?vs"), Ask())


async def _async(found: object) -> object:
    return found


def test_r4_s_own_code_systems_and_value_sets_are_there() -> None:
    system, found = base.system("http://hl7.org/fhir/administrative-gender", ""), base.value_set(
        "http://hl7.org/fhir/ValueSet/administrative-gender|4.0.1"
    )  # fmt: skip
    assert system is not None and system.head.count == 4
    assert found is not None and found.includes[0].system == system.head.url
    assert base.value_set("http://hl7.org/fhir/ValueSet/administrative-gender|5.0.0") is None
    assert base.resource("ValueSet", "urn:oid:2.16.840.1.113883.4.642.3.1") == base.resource(
        "ValueSet", "http://hl7.org/fhir/ValueSet/administrative-gender"
    )
    assert (
        base.system_of("http://terminology.hl7.org/ValueSet/v3-ActCode")
        == "http://terminology.hl7.org/CodeSystem/v3-ActCode"
    )
    assert len(base.heads()) > 1000


def test_every_value_set_of_r4_can_be_read() -> None:
    urls = base._file().resources["ValueSet"]
    assert sum(base.value_set(url) is not None for url in urls) > 1300


async def test_diagnoses_and_currencies_are_there_in_norwegian() -> None:
    diagnoses = base.system("urn:oid:2.16.578.1.12.4.1.1.7170", "")
    assert diagnoses is not None
    assert (await diagnoses.concepts(["t90", "-41"])).keys() == {"t90"}
    money = base.system(base.CURRENCIES, "")
    assert money is not None and "NOK" in await money.concepts(["NOK"]) and not await money.concepts(["KRO"])
