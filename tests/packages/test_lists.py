"""Norwegian code lists become CodeSystems: codes, texts, and the groups that codes stand in."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fellesjournal import fhir
from fellesjournal.packages import BadPackage, read_package
from fellesjournal.packages.files import File
from fellesjournal.packages.lists import FORMATS, read_list
from tests.packages.making import tgz

ICD_10 = {
    "A000": "Kolera", "A33": "Stivkrampe hos nyfødt", "B1800": "Hepatitt B", "D469": "MDS", "D500": "Anemi",
    "H599": "Øye", "H600": "Byll i øre", "I10": "Hypertensjon", "V0n0a": "Fotgjenger", "U071": "Covid-19",
}  # fmt: skip
ICPC_2 = {
    "A01": "Smerte", "A98": "Helsevedlikehold", "A981": "Cytologi", "A191": "Kjønnsinkongruens",
    "K86": "Hypertensjon", "-30": "Helsekontroll",
}  # fmt: skip
ATC = "code,level,display_no\nA,1,FORDØYELSE\nA10,2,DIABETES\nA10BA02,5,metformin\nC,1,HJERTE\n"
VOLVEN = """volven,oid,code,display
9060,2.16.578.1.12.4.1.1.9060,LE,Lege
9060,2.16.578.1.12.4.1.1.9060,\xa0SP ,Sykepleier
1101,2.16.578.1.12.4.1.1.1101,1,Ja
"""


MAP = """--ICPC-2n DAT
--Columns: ICPC2_Code,Title,Shorttitle,Icd10_DATCODE,Icd10_DATTEXT,ICD_DATCODE_DATTEXT
"A01","Smerte, generell","Smerte","R529","Uspesifisert smerte","R529 Uspesifisert smerte"
"A04","Slapphet","Slapphet","G933","Utmattelsessyndrom","G933 Utmattelsessyndrom"
"A04","Slapphet","Slapphet","R53",""Uvelhet"","R53 "Uvelhet""
"""


def diagnosis_list(codes: dict[str, str]) -> bytes:
    return json.dumps([{"code": code, "text": text} for code, text in codes.items()]).encode()


def systems(tmp_path: Path, name: str, content: bytes | str, **more: Any) -> list[dict[str, Any]]:
    place = tmp_path / name
    place.write_bytes(content if isinstance(content, bytes) else content.encode())
    made = read_package(place, version="2026", **more)
    return [fhir.parse(one.body) for one in made.artifacts]


def paths(concepts: list[dict[str, Any]], above: str = "") -> dict[str, str]:
    """Text by path of codes, as `X/J20/J209`."""
    found: dict[str, str] = {}
    for one in concepts:
        found[above + one["code"]] = one.get("display", "")
        found |= paths(one.get("concept", []), f"{above}{one['code']}/")
    return found


def test_icd_10_stands_in_categories_and_chapters(tmp_path: Path) -> None:
    (system,) = systems(tmp_path, "ICD10.json", diagnosis_list(ICD_10))
    assert system["url"] == "urn:oid:2.16.578.1.12.4.1.1.7110" and system["version"] == "2026"
    found = paths(system["concept"])
    assert {path: text for path, text in found.items() if "/" in path} == {
        "I/A00": "", "I/A00/A000": "Kolera", "I/A33": "Stivkrampe hos nyfødt", "I/B18": "", "I/B18/B180": "",
        "I/B18/B180/B1800": "Hepatitt B", "II/D46": "", "II/D46/D469": "MDS", "III/D50": "", "III/D50/D500": "Anemi",
        "VII/H59": "", "VII/H59/H599": "Øye", "VIII/H60": "", "VIII/H60/H600": "Byll i øre", "IX/I10": "Hypertensjon",
        "XX/V0n": "", "XX/V0n/V0n0": "", "XX/V0n/V0n0/V0n0a": "Fotgjenger", "XXII/U07": "", "XXII/U07/U071": "Covid-19",
    }  # fmt: skip
    assert found["II"] == "Svulster" and system["count"] == len(found)
    assert fhir.validate(system) == []


def test_icpc_2_stands_in_chapters_with_its_components(tmp_path: Path) -> None:
    (system,) = systems(tmp_path, "koder.json", diagnosis_list(ICPC_2))
    assert system["url"] == "urn:oid:2.16.578.1.12.4.1.1.7170"
    assert paths(system["concept"]) == {
        "-30": "Helsekontroll", "A": "Allment og uspesifisert", "A/A01": "Smerte", "A/A19": "",
        "A/A19/A191": "Kjønnsinkongruens", "A/A98": "Helsevedlikehold", "A/A98/A981": "Cytologi",
        "K": "Hjerte-karsystemet", "K/K86": "Hypertensjon",
    }  # fmt: skip
    process, chapter = system["concept"][:2]
    assert process["property"] == [{"code": "component", "valueCode": "process"}]
    assert chapter["property"] == [{"code": "notSelectable", "valueBoolean": True}]
    assert chapter["concept"][0]["property"] == [{"code": "component", "valueCode": "symptom"}]


def test_the_npm_package_of_diagnoses_installs_as_it_is(tmp_path: Path) -> None:
    said = {"name": "@navikt/diagnosekoder", "version": "1.2026.0", "type": "module", "license": "MIT"}
    files = {
        "package/package.json": said, "package/lib/ICD10.json": diagnosis_list(ICD_10),
        "package/lib/ICPC2.json": diagnosis_list(ICPC_2), "package/tsconfig.json": b"// not JSON",
    }  # fmt: skip
    made = read_package(tgz(tmp_path, files))
    assert (str(made.name), made.licence) == ("@navikt/diagnosekoder#1.2026.0", "MIT")
    assert [(one.id, one.version) for one in made.artifacts] == [("icd-10", "1.2026.0"), ("icpc-2", "1.2026.0")]


def test_atc_stands_in_its_levels(tmp_path: Path) -> None:
    (system,) = systems(tmp_path, "atc.csv", ATC)
    assert system["url"] == "http://www.whocc.no/atc"
    assert paths(system["concept"]) == {
        "A": "FORDØYELSE", "A/A10": "DIABETES", "A/A10/A10BA02": "metformin", "C": "HJERTE"
    }  # fmt: skip
    assert fhir.validate(system) == []


def test_each_set_of_volven_is_a_code_system_by_its_oid(tmp_path: Path) -> None:
    yes_no, professions = systems(tmp_path, "volven.csv", VOLVEN)
    assert yes_no["url"] == "urn:oid:2.16.578.1.12.4.1.1.1101" and yes_no["concept"] == [{"code": "1", "display": "Ja"}]
    assert paths(professions["concept"]) == {"LE": "Lege", "SP": "Sykepleier"}
    assert fhir.validate(professions) == []


def test_the_map_of_icpc_2_names_the_codes_to_choose_among(tmp_path: Path) -> None:
    (made,) = systems(tmp_path, "map.csv", MAP)
    (group,) = made["group"]
    assert (group["source"], group["target"]) == (
        "urn:oid:2.16.578.1.12.4.1.1.7170", "urn:oid:2.16.578.1.12.4.1.1.7110"
    )  # fmt: skip
    codes = {one["code"]: [target["code"] for target in one["target"]] for one in group["element"]}
    assert codes == {"A01": ["R529"], "A04": ["G933", "R53"]}
    assert group["element"][1]["target"][1]["display"] == '"Uvelhet"'
    assert fhir.validate(made) == []


def test_a_list_is_named_by_what_it_holds_and_needs_a_version(tmp_path: Path) -> None:
    place = tmp_path / "x.json"
    place.write_bytes(diagnosis_list(ICPC_2))
    assert str(read_package(place, version="2026").name) == "no.icpc-2#2026"
    assert str(read_package(place, version="2026", name="mine", format="diagnosekoder").name) == "mine#2026"
    with pytest.raises(BadPackage, match="--version"):
        read_package(place)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("x.json", '[{"code": "A01", "text": "a"}, {"code": "A01", "text": "b"}]', "is there twice"),
        ("x.json", '[{"code": "", "text": "a"}]', "without a code"),
        ("x.json", '[{"code": "A01"}]', "text"),
        ("x.json", '[{"code": "J209", "text": "a"}, {"code": "-30", "text": "b"}]', "no code of ICD-10"),
        ("x.json", '[{"code": "A01/2", "text": "a"}]', "no code of ICPC-2"),
        ("x.json", "[]", "no code in it"),
        ("x.csv", "code,level,display_no\nA10,5,x\n", "no code of level"),
        ("x.csv", "code,level,display_no\nA,1\n", "line 2"),
        ("x.csv", 'code,level,display_no\nA,1,"x\n', "x.csv"),
        ("x.csv", "volven,oid,code,display\n1,2.16 DROP,1,a\n", "no OID"),
        ("x.csv", '--ICPC-2n\n"A01","a","a","tre","b","c"\n', "no row of the map"),
        ("x.csv", '--ICPC-2n\n"A01","a"\n', "line 2"),
        ("x.csv", "--ICPC-2n\n", "no row in it"),
        ("x.csv", "postal,place\n1,a\n", "nor a code list"),
        ("x.txt", "hello", "nor a code list"),
    ],
)
def test_a_list_that_is_not_what_it_says_is_refused(tmp_path: Path, name: str, content: str, words: str) -> None:
    with pytest.raises(BadPackage, match=words):
        systems(tmp_path, name, content)


@pytest.mark.parametrize("kind", FORMATS)
@given(content=st.one_of(st.binary(max_size=60), st.text(max_size=60).map(str.encode)))
def test_no_content_makes_it_fail_in_another_way(kind: str, content: bytes) -> None:
    with contextlib.suppress(BadPackage):
        read_list(File("x.csv", content), format=kind, version="1")
