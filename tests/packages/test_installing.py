"""Installing, finding, removing: whole or not at all, by version, and seen by a running process."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from fellesjournal.kit import db
from fellesjournal.packages import (
    Conflict,
    Library,
    NotInstalled,
    NotLoaded,
    PackageName,
    actions,
    contents,
    dependants_of,
    install,
    list_artifacts,
    list_packages,
    missing_dependencies,
    read_package,
    remove,
)
from fellesjournal.packages import library as library_module
from tests.conftest import TestDatabase
from tests.packages.making import BASE, codes, package, profile

WHO = "ola"


@dataclass
class Stage:
    """An operator, a web process that looks each time, and a folder to make packages in."""

    operator: db.Database
    library: Library
    folder: Path
    test: TestDatabase

    async def install(self, *resources: dict[str, Any], **more: Any) -> int:
        """Make a package of these resources and install it; its id."""
        made = read_package(package(self.folder, *resources, **more))
        return (await install(self.operator, made, who=WHO)).package

    async def version_of(self, canonical: str) -> str | None:
        """The version of what a canonical means."""
        found = await self.library.find(canonical)
        return None if found is None else str(found.get("version"))


@pytest.fixture
async def stage(
    database: TestDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Stage]:
    """An empty installation."""
    monkeypatch.setattr(library_module, "FRESH_S", 0.0)
    async with await database.connect("fj_migrate") as operator, await database.connect("fj_web") as web:
        yield Stage(operator, Library(web), tmp_path, database)


A = f"{BASE}/StructureDefinition/a"


async def test_an_installed_definition_is_found_at_once_and_gone_at_once(stage: Stage) -> None:
    assert await stage.library.find(A) is None
    await stage.install(profile("a"))
    assert await stage.library.find(A) == profile("a")
    assert await stage.library.find(A, "ValueSet") is None
    assert await stage.library.find(f"{A}|1.0.0", "StructureDefinition") == profile("a")
    assert await stage.library.find(f"{A}|1.0.1") is None
    await remove(stage.operator, PackageName("test.no", "1.0.0"), who=WHO)
    assert await stage.library.find(A) is None
    assert await list_packages(stage.operator) == []


async def test_the_newest_active_version_answers_and_each_answers_by_its_name(stage: Stage) -> None:
    await stage.install(profile("a", version="1.9.0"), version="1.9.0")
    await stage.install(profile("a", version="1.10.0"), version="1.10.0")
    await stage.install(profile("a", version="2.0.0", status="draft"), version="2.0.0")
    await stage.install(profile("a", version="3.0.0", status="retired"), version="3.0.0")
    assert await stage.version_of(A) == "1.10.0"
    for version in ("1.9.0", "1.10.0", "2.0.0", "3.0.0"):
        assert await stage.version_of(f"{A}|{version}") == version
    for version, left in (("1.10.0", "1.9.0"), ("1.9.0", "2.0.0"), ("2.0.0", "3.0.0")):
        await remove(stage.operator, PackageName("test.no", version), who=WHO)
        assert await stage.version_of(A) == left


async def test_one_without_a_version_has_its_packages(stage: Stage) -> None:
    bare = codes("c")
    del bare["version"]
    await stage.install(bare, version="4.5.6")
    assert await stage.library.find(f"{bare['url']}|4.5.6") == bare


async def test_a_url_goes_before_another_name_for_it(stage: Stage) -> None:
    oid = "urn:oid:2.16.578.1.12.4.1.1.7110"
    named = codes("kodeverk", version="9.0.0", identifier=[{"system": "urn:ietf:rfc:3986", "value": oid}])
    await stage.install(named)
    assert await stage.library.find(oid) == named
    own = codes("own") | {"url": oid}
    await stage.install(own, name="test.icd")
    assert await stage.library.find(oid) == own


@pytest.mark.parametrize("odd", ["", "|", "|1.0", "a\0b", "\ud800", "x" * 5_000, "#", "http://æ.no/|x|y", "'; DROP"])
async def test_any_text_may_be_asked_for(stage: Stage, odd: str) -> None:
    assert await stage.library.find(odd) is None
    assert (await stage.library.source_for([odd, A])).find(odd) is None
    assert await stage.library.versions("CodeSystem", odd, version=odd) == []


async def test_a_source_holds_all_that_a_profile_reaches(stage: Stage) -> None:
    def typed(profile_: str) -> dict[str, Any]:
        part = {"code": "Extension", "profile": [f"{BASE}/StructureDefinition/{profile_}"]}
        return {"element": [{"id": "Patient.extension", "path": "Patient.extension", "type": [part]}]}

    ring = [profile(one, differential=typed(two)) for one, two in (("a", "b"), ("b", "c"), ("c", "a"))]
    await stage.install(*ring, profile("d"), profile("e", baseDefinition=A))
    at = f"{BASE}/StructureDefinition/"
    source = await stage.library.source_for([f"{at}e", f"{at}none", f"{A}|1.0.0"])
    assert [source.find(f"{at}{one}") for one in "abc"] == ring and source.find(f"{at}e")
    assert source.find(f"{A}#place") == ring[0] == source.find(f"{A}|1.0.0")
    assert source.find(f"{at}none") is None
    with pytest.raises(NotLoaded, match="/d") as asked:
        source.find(f"{at}d")
    await source.load([asked.value.canonical])
    assert source.find(f"{at}d") == profile("d")
    assert source.version == await stage.library.version()


async def test_a_source_holds_code_systems_too_and_forgets_beyond_its_bound(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    await stage.install(*(codes(f"c{n}", description="x" * 10_000) for n in range(6)))
    monkeypatch.setattr(library_module, "_KEPT_BYTES", 50_000)
    source = await stage.library.source_for()
    for n in range(6):
        await source.load([f"{BASE}/CodeSystem/c{n}"])
        assert source.find(f"{BASE}/CodeSystem/c{n}")
    with pytest.raises(NotLoaded):
        source.find(f"{BASE}/CodeSystem/c0")


async def test_bodies_are_kept_within_a_bound(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    await stage.install(*(codes(f"c{n}", description="x" * 10_000) for n in range(20)))
    monkeypatch.setattr(library_module, "_KEPT_BYTES", 50_000)
    urls = [f"{BASE}/CodeSystem/c{n}" for n in range(20)]
    found = await stage.library.find_many(urls)
    assert [one["id"] for one in found.values() if one] == [f"c{n}" for n in range(20)]
    assert stage.library._held.size <= 50_000
    assert all([await stage.library.find(url) for url in urls])


async def test_the_same_content_again_changes_nothing_and_another_is_refused(stage: Stage) -> None:
    await stage.install(profile("a"))
    version = await stage.library.version()
    made = read_package(package(stage.folder, profile("a")))
    assert not (await install(stage.operator, made, who=WHO)).is_new
    assert await stage.library.version() == version
    with pytest.raises(Conflict, match="another content"):
        await stage.install(profile("a"), profile("b"))
    assert await stage.library.find(f"{BASE}/StructureDefinition/b") is None


async def test_what_was_broken_off_is_seen_by_nobody_and_gone_on_with(stage: Stage) -> None:
    made = read_package(package(stage.folder, *(codes(f"c{n}") for n in range(450))))
    done: list[int] = []

    def break_off(so_far: int, _all: int) -> None:
        done.append(so_far)
        if so_far == 400:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await install(stage.operator, made, who=WHO, on_progress=break_off)
    assert [one.state for one in await list_packages(stage.operator)] == ["installing"]
    assert await stage.library.find(f"{BASE}/CodeSystem/c1") is None
    done.clear()
    assert (await install(stage.operator, made, who=WHO, on_progress=lambda one, _: done.append(one))).is_new
    assert done == [450]
    assert await stage.library.find(f"{BASE}/CodeSystem/c1") and await stage.library.find(f"{BASE}/CodeSystem/c449")


async def test_what_was_broken_off_may_be_begun_with_another_content_or_removed(stage: Stage) -> None:
    async def fail(_db: db.Database, _package: int) -> None:
        raise RuntimeError

    for name in ("a", "b"):
        made = read_package(package(stage.folder, profile(name)))
        with pytest.raises(RuntimeError):
            await install(stage.operator, made, who=WHO, then=[fail])
    await stage.install(profile("c"))
    assert await stage.library.find(A) is None and await stage.library.find(f"{BASE}/StructureDefinition/c")
    with pytest.raises(RuntimeError):
        await install(stage.operator, read_package(package(stage.folder, profile("a"), name="o")), who=WHO, then=[fail])
    await remove(stage.operator, PackageName("o", "1.0.0"), who=WHO)
    assert [str(one.name) for one in await list_packages(stage.operator)] == ["test.no#1.0.0"]


async def test_another_room_works_on_a_package_before_it_is_seen_and_before_it_goes(stage: Stage) -> None:
    seen: list[tuple[str, bool, list[str]]] = []

    async def look(operator: db.Database, package_id: int) -> None:
        held = [one["id"] async for _, one in contents(operator, package_id, rtypes=["CodeSystem"])]
        seen.append((type(operator).__name__, await stage.library.find(A) is None, held))

    made = read_package(package(stage.folder, profile("a"), *(codes(f"c{n}") for n in range(25))))
    await install(stage.operator, made, who=WHO, then=[look])
    await remove(stage.operator, made.name, who=WHO, then=[look])
    held = sorted(f"c{n}" for n in range(25))
    assert seen == [("Database", True, held)] * 2


async def test_a_removal_that_was_broken_off_is_gone_on_with_and_blocks_a_new_one(stage: Stage) -> None:
    async def fail(_db: db.Database, _package: int) -> None:
        raise RuntimeError

    await stage.install(profile("a"))
    with pytest.raises(RuntimeError):
        await remove(stage.operator, PackageName("test.no", "1.0.0"), who=WHO, then=[fail])
    assert await stage.library.find(A) is None
    with pytest.raises(Conflict, match="being removed"):
        await stage.install(profile("a"))
    await remove(stage.operator, PackageName("test.no", "1.0.0"), who=WHO)
    await stage.install(profile("a"))
    assert await stage.library.find(A)
    with pytest.raises(NotInstalled):
        await remove(stage.operator, PackageName("test.no", "2"), who=WHO)


async def test_who_depends_on_whom_is_told(stage: Stage) -> None:
    await stage.install(profile("a"), name="base", version="1.0.0")
    await stage.install(profile("a"), name="base", version="2.0.0")
    needed = {"base": "1.0.0", "other": "3", "hl7.fhir.r4.core": "4.0.1"}
    await stage.install(profile("b"), name="user", dependencies=needed)
    installed = await list_packages(stage.operator)
    one, two, user = installed
    assert missing_dependencies(user, installed) == [PackageName("other", "3")]
    assert dependants_of(one.name, installed) == [user.name] and dependants_of(two.name, installed) == []
    assert dependants_of(two.name, [two, user]) == [user.name]
    assert missing_dependencies(user, [two, user]) == [PackageName("base", "1.0.0"), PackageName("other", "3")]


@pytest.mark.parametrize(
    ("wanted", "version", "is_met"),
    [("2.2.0", "2.2.0", True), ("2.2.0", "2.2.1", False), ("2.2.x", "2.2.1", True), ("2.2.x", "2.20.1", False),
     ("latest", "1.0.0", True), ("current", "1.0.0", True), ("2.*", "2.1.0", True), ("2.2", "2.2.0", False)],
)  # fmt: skip
def test_a_dependency_is_met_by_the_version_that_it_names(wanted: str, version: str, is_met: bool) -> None:
    assert actions.is_met(wanted, version) is is_met


async def test_each_change_stands_in_a_list_with_its_author(stage: Stage) -> None:
    package_id = await stage.install(profile("a"), codes("c"))
    rows = await list_artifacts(stage.operator, package_id)
    assert [row["rtype"] for row in rows] == ["CodeSystem", "StructureDefinition"]
    await remove(stage.operator, PackageName("test.no", "1.0.0"), who="kari")
    async with await stage.test.connect_admin() as admin:
        rows = await admin.fetch("SELECT who, action, name, version FROM definitions.change ORDER BY id")
        assert [tuple(row) for row in rows] == [
            (WHO, "install", "test.no", "1.0.0"), ("kari", "remove", "test.no", "1.0.0")
        ]  # fmt: skip


async def test_only_the_operator_changes_what_is_installed(stage: Stage) -> None:
    for role in ("fj_web", "fj_worker", "fj_signin", "fj_log"):
        async with await stage.test.connect(role) as pool:
            for statement in (
                "SELECT * FROM definitions.begin_removal('a', '1', 'x')", "SELECT * FROM definitions.list_packages()",
                "SELECT definitions.finish_package(1, 'x')", "SELECT * FROM definitions.artifact",
                "SELECT definitions.remove_artifacts(1, 1)", "UPDATE definitions.change SET who = 'x'",
            ):  # fmt: skip
                with pytest.raises(db.InsufficientPrivilege):
                    await pool.fetch(statement)
