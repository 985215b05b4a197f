"""The packages that Norwegian publishers have made: they install, quickly, and are found by their canonicals."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from fellesjournal.packages import Library, install, list_packages, missing_dependencies, read_package
from tests.conftest import TestDatabase

LISTS = {"diagnosekoder/ICD10.json": "2026", "diagnosekoder/ICPC2.json": "2026",
         "diagnosekoder/ICPC-2n-v40_icd10-map_2008.csv": "2008-09-22", "atc-no/atc_no.csv": "2025",
         "volven-kodeverk/volven_codes.csv": "2024-09-05"}  # fmt: skip
FOLDERS = {
    "fhir-no-basis-xml": ("hl7.fhir.no.basis", "2.2.2"),
    "fhir-no-grunndata": ("no.grunndata", "2021.6.0"),
    "fhir-no-vkp-observation": ("no.vkp.observation", "1.0.0"),
    "fhir-no-helsenorge": (None, None),
}
CODED = ("urn:oid:2.16.578.1.12.4.1.1.7110", "urn:oid:2.16.578.1.12.4.1.1.7170", "urn:oid:2.16.578.1.12.4.1.1.7180",
         "urn:oid:2.16.578.1.12.4.1.1.9060")  # fmt: skip
PATIENT = "http://hl7.no/fhir/StructureDefinition/no-basis-Patient"


@pytest.mark.needs("shared")
async def test_every_norwegian_package_installs(module_database: TestDatabase, shared: Path) -> None:
    data = shared / "data"
    read = [read_package(file) for file in sorted((data / "fhir-no-packages").glob("*.tgz"))]
    read += [read_package(data / name, name=said[0], version=said[1]) for name, said in FOLDERS.items()]
    read += [read_package(data / file, version=version) for file, version in LISTS.items()]
    async with await module_database.connect("fj_migrate") as operator:
        for package in read:
            assert (await install(operator, package, who="test")).is_new
        installed = await list_packages(operator)
        assert len(installed) == 17 and all(one.state == "ready" for one in installed)
        left_out = {file for one in installed for file in one.left_out}
        # The publisher wrote `desciption`.
        assert left_out == {"CodeSystem/gd-person-sametingelectorrelation.CodeSystem.xml"}
        lacks = {lacking.name for one in installed for lacking in missing_dependencies(one, installed)}
        assert lacks == {"hl7.terminology.r4", "hl7.fhir.uv.extensions.r4", "hl7.fhir.no.basis"}
    async with await module_database.connect("fj_web") as web:
        library = Library(web)
        found = await library.find(PATIENT)
        assert found is not None and found["version"] == "2.0.10"
        assert [(await library.find(url) or {}).get("count") for url in CODED] == [21_632, 727, 2_840, 32]
        source = await library.source_for([PATIENT])
        assert source.find(PATIENT) == found


@pytest.mark.slow
@pytest.mark.needs("shared")
async def test_r4s_own_package_installs_in_a_minute(module_database: TestDatabase, shared: Path) -> None:
    began = time.monotonic()
    package = read_package(shared / "data/fhir-r4-core/hl7.fhir.r4.core-4.0.1.tgz")
    async with await module_database.connect("fj_migrate") as operator:
        await install(operator, package, who="test")
    assert time.monotonic() - began < 60
    assert len(package.artifacts) > 4_500
