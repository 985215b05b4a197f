"""A package as its publisher made it: a FHIR package (`.tgz`, or unpacked), or a folder of resources.

Source: https://hl7.org/fhir/R4/packages.html
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, Final

import msgspec

from fellesjournal.packages import lists
from fellesjournal.packages.artifact import Unfit, artifact_of, is_definition, parse
from fellesjournal.packages.files import WANTED, File, Files, read_files
from fellesjournal.packages.model import Artifact, BadPackage, Package, PackageName, plain

_MANIFEST: Final = "package.json"
_OWN_FILES: Final = (_MANIFEST, ".index.json", ".index.db", "ig-r4.json")
_EXAMPLES: Final = ("example", "examples")
_DIAGNOSES: Final = ("icd10.json", "icpc2.json")
_R4: Final = "4.0"
Progress = Callable[[int, int], None]
"""Called with (files read, all files)."""


class _Manifest(msgspec.Struct):
    name: str
    version: str
    title: str = ""
    canonical: str = ""
    license: str = ""
    fhirVersions: list[str] = []  # noqa: N815 - the file's own word
    fhir_version_list: list[str] = msgspec.field(default_factory=list, name="fhir-version-list")
    dependencies: dict[str, str] = {}


def read_package(
    place: Path, *, name: str | None = None, version: str | None = None, format: str | None = None,
    on_progress: Progress | None = None,
) -> Package:  # fmt: skip
    """Read and check all of a package. Nothing is installed yet.

    `name` and `version` are for what does not say itself, in a `package.json` or an ImplementationGuide, what it is.
    `format` is one of `lists.FORMATS` for a code list; without it the content tells. Raises BadPackage: not an
    archive, a bound is passed, a file that can't be read (named), two definitions with the same canonical and version,
    no name, not FHIR R4, nothing in it.
    """
    files = read_files(place)
    manifest = _manifest(files)
    if found := _lists(files, manifest, format):
        return _list_package(found, manifest, place=place, sha256=files.sha256, name=name, version=version)
    gathered = _Gathered()
    for number, file in enumerate(files.files):
        gathered.take(file, is_package=manifest is not None)
        if on_progress:
            on_progress(number + 1, len(files.files))
    _check_twins(gathered.artifacts)
    if not gathered.artifacts:
        raise BadPackage(f"{place.name}: no definition in it" + _first_reason(gathered.left_out))
    manifest = _named(manifest, gathered.guide, place=place, name=name, version=version)
    _check_fhir(manifest, place)
    return _package(
        manifest, gathered.artifacts, place=place, sha256=files.sha256, examples=gathered.examples,
        left_out=gathered.left_out,
    )  # fmt: skip


def _package(
    manifest: _Manifest, artifacts: list[Artifact], *, place: Path, sha256: bytes, examples: int = 0,
    left_out: dict[str, str] | None = None,
) -> Package:  # fmt: skip
    return Package(
        name=PackageName.checked(manifest.name, manifest.version), title=plain(manifest.title),
        canonical=plain(manifest.canonical), licence=plain(manifest.license),
        fhir_version=plain(", ".join(_fhir_versions(manifest))), source=place.name, sha256=sha256,
        dependencies=manifest.dependencies, artifacts=tuple(artifacts), examples=examples, left_out=left_out or {},
    )  # fmt: skip


# ── Code lists ───────────────────────────────────────────────────────────────────────────────────


def _lists(files: Files, manifest: _Manifest | None, format: str | None) -> list[tuple[File, str]]:
    """The code lists among the files, with their formats; none when these are FHIR."""
    if manifest is not None and manifest.name == lists.DIAGNOSES_PACKAGE:
        return [(file, "diagnosekoder") for file in files.files if file.path.lower().endswith(_DIAGNOSES)]
    if manifest is not None or len(files.files) != 1:
        if format is not None:
            raise BadPackage(f"--format {format} is for one file at a time")
        return []
    only = files.files[0]
    found = format or lists.format_of(only)
    if found is None and not only.path.endswith(WANTED):
        raise BadPackage(f"{only.path}: neither a FHIR package, a resource (.json, .xml) nor a code list known here")
    return [(only, found)] if found else []


def _list_package(
    found: list[tuple[File, str]], manifest: _Manifest | None, *, place: Path, sha256: bytes, name: str | None,
    version: str | None,
) -> Package:  # fmt: skip
    version = manifest.version if manifest else version
    if not version:
        raise BadPackage(f"{place.name} does not say which version it is: give --version")
    artifacts = [one for file, kind in found for one in lists.read_list(file, format=kind, version=version)]
    _check_twins(artifacts)
    made = manifest or _Manifest(name=name or lists.name_of(artifacts, format=found[0][1]), version=version)
    return _package(
        _Manifest(name=made.name, version=version, license=made.license), artifacts, place=place, sha256=sha256
    )


# ── FHIR ─────────────────────────────────────────────────────────────────────────────────────────


@dataclass
class _Gathered:
    """What has been found so far."""

    artifacts: list[Artifact] = field(default_factory=list)
    left_out: dict[str, str] = field(default_factory=dict)
    examples: int = 0
    guide: dict[str, Any] = field(default_factory=dict)

    def take(self, file: File, *, is_package: bool) -> None:
        """Count an example, keep a definition, or say why not."""
        place = PurePosixPath(file.path)
        if place.name in _OWN_FILES:
            return
        folders = file.folder.split("/")
        if folders[-1] in _EXAMPLES or folders[0] in _EXAMPLES:
            self.examples += 1
            return
        if is_package and file.folder:
            return  # Other folders of a package hold the same again in other forms.
        resource = parse(file.path, file.content)
        if isinstance(resource, Unfit):
            self.left_out[file.path] = resource.reason
        elif is_definition(resource):
            self._define(file, resource)
        elif "resourceType" in resource:
            self.examples += 1

    def _define(self, file: File, resource: dict[str, Any]) -> None:
        made = artifact_of(file.path, resource)
        if isinstance(made, Unfit):
            self.left_out[file.path] = made.reason
            return
        self.artifacts.append(made)
        if made.rtype == "ImplementationGuide":
            self.guide = self.guide or resource


def _manifest(files: Files) -> _Manifest | None:
    found = files.at(_MANIFEST)
    if found is None:
        return None
    try:
        return msgspec.json.decode(found.content, type=_Manifest)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise BadPackage(f"{_MANIFEST}: {error}") from None


def _named(
    manifest: _Manifest | None, guide: dict[str, Any], *, place: Path, name: str | None, version: str | None
) -> _Manifest:
    """What a package says of itself; the words of a folder's operator, and then its guide, fill in."""
    if manifest is not None:
        if name not in (None, manifest.name) or version not in (None, manifest.version):
            raise BadPackage(f"{place.name} says itself that it is {manifest.name}#{manifest.version}")
        return manifest
    depends = [one for one in guide.get("dependsOn", ()) if one.get("packageId")]
    said = {
        "name": name or guide.get("packageId"), "version": version or guide.get("version"),
        "title": guide.get("title", ""), "license": guide.get("license", ""),
        "fhirVersions": guide.get("fhirVersion", []),
        "dependencies": {one["packageId"]: one.get("version", "") for one in depends},
    }  # fmt: skip
    if not said["name"] or not said["version"]:
        raise BadPackage(f"{place.name} does not say which package it is: give --name and --version")
    try:
        return msgspec.convert(said, _Manifest)
    except msgspec.ValidationError as error:
        raise BadPackage(f"{place.name}: its ImplementationGuide: {error}") from None


def _fhir_versions(manifest: _Manifest) -> list[str]:
    return manifest.fhirVersions or manifest.fhir_version_list


def _check_fhir(manifest: _Manifest, place: Path) -> None:
    stated = _fhir_versions(manifest)
    if stated and not any(one.startswith(_R4) for one in stated):
        raise BadPackage(f"{place.name} is for FHIR {', '.join(stated)}; this is FHIR 4.0.1")


def _check_twins(artifacts: list[Artifact]) -> None:
    seen: dict[tuple[str, str, str], str] = {}
    for one in artifacts:
        if one.url is None:
            continue
        first = seen.setdefault((one.rtype, one.url, one.version), one.file)
        if first != one.file:
            raise BadPackage(f"{first} and {one.file} are both {one.rtype} {_shown(one)}")


def _shown(one: Artifact) -> str:
    return f"{one.url}|{one.version}" if one.version else str(one.url)


def _first_reason(left_out: dict[str, str]) -> str:
    return next((f"; {file}: {reason}" for file, reason in left_out.items()), "")


