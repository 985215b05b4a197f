"""ICD-10, ICPC-2, ATC and Volven's sets as their publishers made them: installed, listed, searched, translated."""

from __future__ import annotations

from pathlib import Path

import pytest

from fellesjournal.packages import Library, install, read_package
from fellesjournal.terminology import Ask, Terminology, Wanted, expand, on_install, relatives, translate
from fellesjournal.terminology.checking import Coding
from tests.conftest import TestDatabase
from tests.packages.test_shared_data import LISTS

ICD_10, ICPC_2, ATC = (f"urn:oid:2.16.578.1.12.4.1.1.{number}" for number in (7110, 7170, 7180))


@pytest.mark.needs("shared")
async def test_the_norwegian_code_systems_answer(database: TestDatabase, shared: Path) -> None:
    async with await database.connect("fj_migrate") as operator:
        for file, version in LISTS.items():
            await install(
                operator, read_package(shared / "data" / file, version=version), who="test", then=[on_install]
            )
    async with await database.connect("fj_web") as web:
        here = Terminology(web, library=Library(web))

        async def found(url: str, text: str) -> list[tuple[str, str]]:
            shown = (await expand(await here.resolved(f"{url}?fhir_vs"), Ask(filter=text, count=3))).shown
            return [(one.concept.code, one.display) for one in shown]

        for typed in ("J450", "j45.0", "J 45 0"):
            assert [code for code, _ in await found(ICD_10, typed)] == ["J450"]
        assert all("astma" in display.lower() for _, display in await found(ICD_10, "astm"))
        assert (await found(ICPC_2, "r05"))[0] == ("R05", "Hoste")
        assert ("N02BE01", "Paracetamol") in [(code, text.capitalize()) for code, text in await found(ATC, "paraceta")]
        below = await relatives(here, ICD_10, "J45", is_above=False, at_most=100)
        assert {"J45", "J450", "J459"} <= set(below)
        above = await relatives(here, ATC, "N02BE01", is_above=True, at_most=100)
        assert {"N", "N02", "N02B", "N02BE", "N02BE01"} == set(above)
        (canonical,) = await here.maps(source=ICPC_2, target=ICD_10)
        mapped = await here.resource("ConceptMap", canonical)
        assert mapped is not None

        async def other(name: str) -> None:
            raise AssertionError(name)

        matches = await translate(mapped, Wanted(Coding(ICPC_2, "R05"), ICD_10), other=other)
        assert "R05" in [match.concept["code"] for match in matches if match.concept]
        assert await here.answer([("urn:oid:2.16.578.1.12.4.1.1.9060?fhir_vs", [])]) == [False]
