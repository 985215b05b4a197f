"""What is read of a package, and what is refused: by name, whole, within bounds."""

from __future__ import annotations

import gzip
import os
import tarfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fellesjournal import fhir
from fellesjournal.packages import BadPackage, PackageName, files, read_package
from fellesjournal.packages.artifact import Unfit, artifact_of, is_definition
from fellesjournal.packages.model import rank
from tests.packages.making import BASE, codes, manifest, package, profile, tgz

# ── What is read ─────────────────────────────────────────────────────────────────────────────────


def test_a_package_brings_its_definitions_and_counts_its_examples(tmp_path: Path) -> None:
    files = {
        "package/package.json": manifest("test.no", "1.2.0", dependencies={"hl7.fhir.no.basis": "2.2.0"}),
        "package/.index.json": {"index-version": 1, "files": []},
        "package/StructureDefinition-a.json": profile("a"),
        "package/Patient-x.json": {"resourceType": "Patient", "id": "x"},
        "package/example/CodeSystem-b.json": codes("b"),
        "package/xml/StructureDefinition-a.xml": b"<not-read",
        "package/openapi/a.json": {"openapi": "3.0.2"},
        "package/other/validation-oo.json": {"resourceType": "OperationOutcome"},
    }
    made = read_package(tgz(tmp_path, files))
    assert made.name == PackageName("test.no", "1.2.0") and made.licence == "CC0-1.0"
    assert [(one.rtype, one.url, one.kind) for one in made.artifacts] == [
        ("StructureDefinition", f"{BASE}/StructureDefinition/a", "profile")
    ]
    assert (made.examples, made.left_out, made.dependencies) == (2, {}, {"hl7.fhir.no.basis": "2.2.0"})


def test_what_a_profile_stands_on_is_noted_without_r4s_own_types(tmp_path: Path) -> None:
    element = {
        "id": "Patient.managingOrganization", "path": "Patient.managingOrganization",
        "type": [{"code": "Reference", "profile": [f"{BASE}/SD/ref"], "targetProfile": [
            f"{BASE}/SD/org|2.0", "http://hl7.org/fhir/StructureDefinition/Organization"]}],
    }  # fmt: skip
    one = read_package(package(tmp_path, profile("a", differential={"element": [element]}))).artifacts[0]
    assert one.refs == (f"{BASE}/SD/ref", f"{BASE}/SD/org|2.0")


def test_a_code_system_answers_to_its_oid(tmp_path: Path) -> None:
    oid = {"system": "urn:ietf:rfc:3986", "value": "urn:oid:2.16.578.1.12.4.1.1.9060"}
    one = read_package(package(tmp_path, codes("a", identifier=[oid, {"value": "9060"}]))).artifacts[0]
    assert one.aliases == ("urn:oid:2.16.578.1.12.4.1.1.9060",)


def test_a_narrative_that_could_carry_scripts_is_not_kept(tmp_path: Path) -> None:
    text = {"status": "generated", "div": '<div xmlns="http://www.w3.org/1999/xhtml"><script>alert(1)</script></div>'}
    one = read_package(package(tmp_path, codes("a", text=text))).artifacts[0]
    assert b"script" not in one.body and b"concept" in one.body


def test_a_folder_is_read_in_json_and_xml_with_the_name_it_is_given(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    (folder / "CodeSystem").mkdir(parents=True)
    (folder / "Examples").mkdir()
    (folder / "CodeSystem" / "b.xml").write_bytes(fhir.write_xml(codes("b")))
    (folder / "a.json").write_bytes(b"\xef\xbb\xbf" + fhir.encode(profile("a")))
    (folder / "Examples" / "c.xml").write_text("<broken")
    (folder / "SOURCE.md").write_text("not read")
    made = read_package(folder, name="test.folder", version="0.1")
    assert made.name == PackageName("test.folder", "0.1") and made.examples == 1
    assert [one.file for one in made.artifacts] == ["CodeSystem/b.xml", "a.json"]
    assert fhir.parse(made.artifacts[0].body) == codes("b")
    with pytest.raises(BadPackage, match="--name and --version"):
        read_package(folder)


def test_a_folder_with_a_guide_says_itself_what_it_is(tmp_path: Path) -> None:
    guide = {
        "resourceType": "ImplementationGuide", "id": "g", "url": f"{BASE}/ImplementationGuide/g", "name": "G",
        "status": "draft",
        "packageId": "test.guide", "version": "3.0.0", "fhirVersion": ["4.0.1"], "license": "CC0-1.0",
        "dependsOn": [{"uri": "http://hl7.no/fhir/ig", "packageId": "hl7.fhir.no.basis", "version": "2.2.0"}],
    }  # fmt: skip
    (tmp_path / "ImplementationGuide-g.json").write_bytes(fhir.encode(guide))
    (tmp_path / "a.json").write_bytes(fhir.encode(profile("a")))
    made = read_package(tmp_path)
    assert (str(made.name), made.dependencies) == ("test.guide#3.0.0", {"hl7.fhir.no.basis": "2.2.0"})


def test_an_unpacked_package_is_the_same_package(tmp_path: Path) -> None:
    packed = read_package(package(tmp_path, profile("a"), codes("b")))
    with tarfile.open(tmp_path / "test.no-1.0.0.tgz") as archive:
        archive.extractall(tmp_path / "unpacked", filter="data")
    unpacked = read_package(tmp_path / "unpacked")
    assert (unpacked.name, unpacked.artifacts, unpacked.sha256) == (packed.name, packed.artifacts, packed.sha256)


def test_a_definition_without_a_place_in_r4_is_left_out_and_told(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    xml = fhir.write_xml(codes("a")).replace(b"<content", b"<desciption value='x'/><content")
    (folder / "a.xml").write_bytes(xml)
    (folder / "b.json").write_bytes(fhir.encode(profile("b") | {"differential": []}))
    (folder / "c.json").write_bytes(fhir.encode(codes("c")))
    made = read_package(folder, name="n", version="1")
    assert [one.id for one in made.artifacts] == ["c"] and set(made.left_out) == {"a.xml", "b.json"}
    assert "desciption" in made.left_out["a.xml"] and "StructureDefinition.differential" in made.left_out["b.json"]


# ── What is refused ──────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("file", "content"),
    [("CodeSystem-x.json", b'{"resourceType":'), ("CodeSystem-x.json", b"[]"), ("CodeSystem-x.json", b"\xff\xfe{}"),
     ("CodeSystem-x.json", b'{"a":' * 200 + b"1" + b"}" * 200), ("CodeSystem-x.xml", b"<CodeSystem"),
     ("CodeSystem-x.xml", b'<!DOCTYPE a [<!ENTITY b "c">]><CodeSystem xmlns="http://hl7.org/fhir"/>')],
)  # fmt: skip
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, file: str, content: bytes) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "a.json").write_bytes(fhir.encode(profile("a")))
    (folder / file).write_bytes(content)
    with pytest.raises(BadPackage, match=file):
        read_package(folder, name="n", version="1")


@pytest.mark.parametrize("name", ["package/../../etc/x.json", "/package/x.json", "package/..\\x.json"])
def test_a_path_out_of_the_package_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(BadPackage, match="outside the package"):
        read_package(tgz(tmp_path, {"package/package.json": manifest(), name: codes("a")}))


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE])
def test_a_link_or_a_device_is_refused(tmp_path: Path, kind: bytes) -> None:
    place = tmp_path / "made.tgz"
    with tarfile.open(place, "w:gz") as archive:
        member = tarfile.TarInfo("package/CodeSystem-a.json")
        member.type, member.linkname = kind, "/etc/passwd"
        archive.addfile(member)
    with pytest.raises(BadPackage, match="link or a device"):
        read_package(place)


def test_a_truncated_archive_is_refused_wherever_it_was_cut(tmp_path: Path) -> None:
    whole = package(tmp_path, profile("a"), codes("b")).read_bytes()
    place = tmp_path / "cut.tgz"
    for length in (3, 12, len(whole) // 2, len(whole) - 9, len(whole) - 1):
        place.write_bytes(whole[:length])
        with pytest.raises(BadPackage, match="not a whole archive"):
            read_package(place)


def test_an_archive_that_unpacks_to_too_much_is_broken_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MAX_BYTES", 1 << 20)
    with pytest.raises(BadPackage, match="more than 1 MB"):
        read_package(tgz(tmp_path, {"package/README": b"\0" * (3 << 20)}))
    # A header that says little of what follows does not help.
    bomb = tmp_path / "bomb.tgz"
    bomb.write_bytes(gzip.compress(b"\0" * (3 << 20)))
    with pytest.raises(BadPackage):
        read_package(bomb)


def test_too_many_files_and_too_large_ones_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = package(tmp_path, *(codes(f"c{n}") for n in range(5)))
    monkeypatch.setattr(files, "MAX_FILES", 5)
    with pytest.raises(BadPackage, match="more than 5 files"):
        read_package(place)
    monkeypatch.setattr(files, "MAX_FILES", 50)
    monkeypatch.setattr(files, "MAX_FILE_BYTES", 100)
    with pytest.raises(BadPackage, match="larger than"):
        read_package(place)


def test_the_same_canonical_twice_is_refused_with_both_files(tmp_path: Path) -> None:
    made = {"package/package.json": manifest(), "package/a.json": codes("a"), "package/b.json": codes("a")}
    with pytest.raises(BadPackage, match=r"a\.json and b\.json are both CodeSystem"):
        read_package(tgz(tmp_path, made))
    two = made | {"package/b.json": codes("a", version="2.0.0")}
    assert len(read_package(tgz(tmp_path, two)).artifacts) == 2


@pytest.mark.parametrize(
    ("changed", "words"),
    [({"fhirVersions": ["5.0.0"]}, "is for FHIR 5.0.0"), ({"version": "1 0"}, "version must be"),
     ({"name": "../x"}, "name must be"), ({"name": 5}, "package.json"), ({"dependencies": []}, "package.json")],
)  # fmt: skip
def test_a_manifest_that_is_not_for_us_is_refused(tmp_path: Path, changed: dict[str, Any], words: str) -> None:
    with pytest.raises(BadPackage, match=words):
        read_package(tgz(tmp_path, {"package/package.json": manifest() | changed, "package/a.json": codes("a")}))


def test_what_is_no_package_is_refused(tmp_path: Path) -> None:
    for place, words in (
        (tmp_path / "missing", "No such file"),
        (tmp_path, "no definition in it"),
        (tgz(tmp_path, {"package/package.json": manifest()}), "no definition in it"),
    ):
        with pytest.raises(BadPackage, match=words):
            read_package(place)


_keys = st.sampled_from(["url", "value", "type"])
_json = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text("aæ\0|#:/ ", max_size=6),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(_keys, inner, max_size=2),
    max_leaves=4,
)
_elements = st.sampled_from([
    "url", "version", "id", "name", "title", "status", "kind", "type", "baseDefinition", "differential", "identifier",
    "content", "concept", "text", "resourceType", "derivation",
])  # fmt: skip


@given(
    resource=st.sampled_from([profile("a"), codes("a", identifier=[{"system": "urn:ietf:rfc:3986", "value": "x"}])]),
    changed=st.dictionaries(_elements, _json, max_size=4),
)
def test_whatever_stands_in_a_definition_it_is_kept_in_order_or_left_out(
    resource: dict[str, Any], changed: dict[str, Any]
) -> None:
    made = resource | changed
    if not is_definition(made):
        return
    found = artifact_of("a.json", made)
    if isinstance(found, Unfit):
        assert found.reason
        return
    columns = (found.version, found.id, found.name, found.title, found.kind, *found.refs, *found.aliases)
    assert all(type(text) is str and "\0" not in text for text in (found.url or "", *columns))
    assert fhir.parse(found.body)["resourceType"] == found.rtype


@pytest.mark.parametrize(
    "changed", [{"packageId": 5}, {"fhirVersion": [4]}, {"dependsOn": [{"packageId": "a", "version": 1}]}]
)
def test_a_guide_that_says_nonsense_is_refused(tmp_path: Path, changed: dict[str, Any]) -> None:
    guide = {"resourceType": "ImplementationGuide", "packageId": "a", "version": "1"} | changed
    (tmp_path / "guide.json").write_bytes(fhir.encode(guide))
    with pytest.raises(BadPackage):
        read_package(tmp_path)


def test_a_name_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / os.fsdecode(b"\xff.json")).write_bytes(fhir.encode(codes("a")))
    with pytest.raises(BadPackage, match="not UTF-8"):
        read_package(tmp_path, name="n", version="1")


# ── Which version is newer ───────────────────────────────────────────────────────────────────────


def test_versions_are_ordered_as_semver_orders_them() -> None:
    ordered = ["draft", "0.9", "1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta", "1.0.0-beta.2",
               "1.0.0-beta.11", "1.0.0-rc.1", "1.0.0", "1.0.1", "1.2", "1.10.0", "v2.0", "2.2.4-test", "2.2.4",
               "2021-06-01", "2021.6.2"]  # fmt: skip
    assert sorted(ordered, key=rank) == ordered


@given(st.lists(st.integers(0, 10**6), min_size=1, max_size=4), st.lists(st.integers(0, 10**6), min_size=1, max_size=4))
def test_numbers_are_compared_as_numbers(one: list[int], other: list[int]) -> None:
    padded = [parts + [0] * (4 - len(parts)) for parts in (one, other)]
    ranks = [rank(".".join(map(str, parts))) for parts in (one, other)]
    assert (ranks[0] < ranks[1]) == (padded[0] < padded[1])


@given(st.text(max_size=70))
def test_any_text_has_a_rank(text: str) -> None:
    assert rank(text) <= rank(text)
