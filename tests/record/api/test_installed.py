"""Installed definitions are read and found by anyone who is signed in, after those in the record; never written."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from fellesjournal.kit import db
from fellesjournal.packages import PackageName, install, read_package, remove
from fellesjournal.packages import library as library_module
from tests.packages.making import BASE, codes, package, profile
from tests.record.samples import outcome
from tests.site import GP, Site

URL = f"{BASE}/StructureDefinition/a"


@pytest.fixture(scope="module")
def installed(demo_site: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Two versions of a profile, and a code system."""
    patch = pytest.MonkeyPatch()
    patch.setattr(library_module, "FRESH_S", 0.0)
    folder = tmp_path_factory.mktemp("packages")
    places = [
        package(folder, profile("a", version="1.0.0", meta={"source": "x"}), codes("c"), version="1.0.0"),
        package(folder, profile("a", version="2.0.0"), version="2.0.0"),
    ]

    async def put() -> None:
        async with await db.Database.connect(demo_site.settings, demo_site.keys, "fj_migrate", max_size=1) as operator:
            for place in places:
                await install(operator, read_package(place), who="test")

    asyncio.run(put())
    yield
    patch.undo()


@pytest.fixture
def gp(demo_site: Site, installed: None) -> Iterator[httpx.Client]:
    with demo_site.fhir(GP) as opened:
        yield opened


@pytest.fixture
def writer(demo_site: Site, installed: None) -> Iterator[httpx.Client]:
    with demo_site.fhir() as opened:
        yield opened


def found(answer: httpx.Response) -> list[dict[str, str]]:
    assert answer.status_code == 200, answer.text
    return [entry["resource"] for entry in answer.json().get("entry", [])]


def test_a_definition_is_found_by_its_url_and_read_by_its_id(gp: httpx.Client) -> None:
    newest, older = found(gp.get("/StructureDefinition", params={"url": URL}))
    assert [newest["version"], older["version"]] == ["2.0.0", "1.0.0"]
    read = gp.get(f"/StructureDefinition/{older['id']}")
    assert read.json() == older and read.headers["etag"] == 'W/"1"'
    assert older["meta"]["source"] == "x" and older["meta"]["versionId"] == "1"  # type: ignore[index]
    own = profile("a", version="1.0.0") | {"id": older["id"], "meta": older["meta"]}
    assert older == own
    assert gp.get(f"/StructureDefinition/{older['id']}/_history/1").content == read.content
    assert gp.get(f"/StructureDefinition/{older['id']}", headers={"If-None-Match": 'W/"1"'}).status_code == 304
    assert gp.get(f"/StructureDefinition/{older['id']}?_format=xml").text.count("<StructureDefinition ") == 1
    outcome(gp.get(f"/StructureDefinition/{older['id']}/_history/2"), 404)
    outcome(gp.get(f"/CodeSystem/{older['id']}"), 404)
    outcome(gp.get("/StructureDefinition/pkg-999999999"), 404)
    outcome(gp.get("/StructureDefinition/pkg-999999999999999999"), 404)


def test_a_version_and_a_count_narrow_the_answer(gp: httpx.Client) -> None:
    one = found(gp.get("/StructureDefinition", params={"url": URL, "version": "1.0.0"}))
    assert [resource["version"] for resource in one] == ["1.0.0"]
    assert len(found(gp.get("/StructureDefinition", params={"url": URL, "_count": "1"}))) == 1
    counted = gp.get("/StructureDefinition", params={"url": URL, "_summary": "count"}).json()
    assert counted["total"] == 2 and "entry" not in counted
    for asked in ({"url": f"{URL}x"}, {"url": URL, "version": "9"}, {"url": URL, "name": "none"}):
        assert found(gp.get("/StructureDefinition", params=asked)) == []


def test_those_in_the_record_come_first(writer: httpx.Client) -> None:
    own = profile("own", version="0.1.0") | {"url": URL}
    assert writer.put("/StructureDefinition/own", json=own).status_code == 201
    answer = writer.get("/StructureDefinition", params={"url": URL, "_total": "accurate"})
    assert [resource["version"] for resource in found(answer)] == ["0.1.0", "2.0.0", "1.0.0"]
    assert answer.json()["total"] == 3
    paged = writer.get("/StructureDefinition", params={"url": URL, "_count": "1"})
    assert [resource["version"] for resource in found(paged)] == ["0.1.0"]
    assert writer.delete("/StructureDefinition/own").status_code == 204


def test_a_bundle_reads_them_too(gp: httpx.Client) -> None:
    newest = found(gp.get("/StructureDefinition", params={"url": URL}))[0]
    urls = (f"StructureDefinition/{newest['id']}", f"CodeSystem?url={BASE}/CodeSystem/c")
    entries = [{"request": {"method": "GET", "url": url}} for url in urls]
    answer = gp.post("/", json={"resourceType": "Bundle", "type": "batch", "entry": entries})
    read, searched = answer.json()["entry"]
    assert read["resource"] == newest and searched["resource"]["entry"][0]["resource"]["url"] == f"{BASE}/CodeSystem/c"


def test_they_are_never_written(writer: httpx.Client) -> None:
    newest = found(writer.get("/StructureDefinition", params={"url": URL}))[0]
    address = f"/StructureDefinition/{newest['id']}"
    outcome(writer.put(address, json=newest), 405)
    outcome(writer.put("/StructureDefinition/pkg-77", json=newest | {"id": "pkg-77"}), 405)
    outcome(writer.patch(address, json=[], headers={"Content-Type": "application/json-patch+json"}), 404)
    assert writer.delete(address).status_code in (204, 404)
    assert writer.get(address).json() == newest


def test_without_a_token_nothing_is_read(gp: httpx.Client, demo_site: Site) -> None:
    newest = found(gp.get("/StructureDefinition", params={"url": URL}))[0]
    for path in (f"/StructureDefinition/{newest['id']}", f"/StructureDefinition?url={URL}"):
        assert httpx.get(f"{demo_site.url}/fhir{path}").status_code == 401


def test_what_was_removed_is_gone(gp: httpx.Client, demo_site: Site, tmp_path: Path) -> None:
    async def change() -> str:
        async with await db.Database.connect(demo_site.settings, demo_site.keys, "fj_migrate", max_size=1) as operator:
            made = read_package(package(tmp_path, codes("gone"), name="gone"))
            await install(operator, made, who="test")
            (one,) = found(await asyncio.to_thread(gp.get, "/CodeSystem", params={"url": f"{BASE}/CodeSystem/gone"}))
            await remove(operator, PackageName("gone", "1.0.0"), who="test")
            return one["id"]

    outcome(gp.get(f"/CodeSystem/{asyncio.run(change())}"), 404)
    assert found(gp.get("/CodeSystem", params={"url": f"{BASE}/CodeSystem/gone"})) == []
