"""What a package is: its name and version, its artifacts, and which version is the newer one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

_name = re.compile(r"@?[A-Za-z0-9][A-Za-z0-9._\-]*(?:/[A-Za-z0-9][A-Za-z0-9._\-]*)?").fullmatch
_version = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+\-]*").fullmatch
_numbers = re.compile(r"[vV]?(\d{1,18}(?:\.\d{1,18})*)(?:[-.]?([^+]*))?(?:\+.*)?", re.DOTALL).fullmatch
_MAX_NAME: Final = 100
_MAX_VERSION: Final = 64
_MAX_TEXT: Final = 300
_PARTS: Final = 4
_LAST: Final = "~"


class BadPackage(Exception):
    """What was to be installed can't be; the text names the file and says why."""


@dataclass(frozen=True, order=True)
class PackageName:
    """One version of one package, written `name#version`."""

    name: str
    version: str

    def __str__(self) -> str:
        return f"{self.name}#{self.version}"

    @classmethod
    def checked(cls, name: str, version: str) -> PackageName:
        """The same, when both have their form. Raises BadPackage."""
        if len(name) > _MAX_NAME or not _name(name):
            raise BadPackage("the package's name must be letters, digits, '.', '-' and '_', 100 at most")
        if len(version) > _MAX_VERSION or not _version(version):
            raise BadPackage("the package's version must be letters, digits, '.', '-', '_' and '+', 64 at most")
        return cls(name, version)


@dataclass(frozen=True)
class Artifact:
    """One definition in a package. `url` is None for a NamingSystem, `version` empty when it has none of its own.

    `kind` is what a StructureDefinition defines (`profile`, `extension`, `resource`, `logical` …) or how much of itself
    a CodeSystem holds (`complete`, `not-present` …). `refs` are canonicals of StructureDefinitions that it stands on,
    `aliases` other names that it answers to. `body` is JSON.
    """

    file: str
    rtype: str
    url: str | None
    version: str
    id: str
    name: str
    title: str
    status: str
    kind: str
    refs: tuple[str, ...]
    aliases: tuple[str, ...]
    body: bytes

    @property
    def standing(self) -> int:
        """2 active, 1 draft, 0 retired: which of two versions answers."""
        return {"active": 2, "retired": 0}.get(self.status, 1)


@dataclass(frozen=True)
class Package:
    """One package as it was read. `left_out` says by file why it is not among the artifacts."""

    name: PackageName
    title: str
    canonical: str
    licence: str
    fhir_version: str
    source: str
    sha256: bytes
    dependencies: Mapping[str, str]
    artifacts: tuple[Artifact, ...]
    examples: int = 0
    left_out: Mapping[str, str] = field(default_factory=dict)


def plain(text: str) -> str:
    """A publisher's words as they are kept for lists: not too long, and without what no column holds."""
    return text[:_MAX_TEXT].replace("\0", "")


def rank(version: str) -> str:
    """A text that is greater, byte for byte, for a newer version. Source: https://semver.org (§11), dates likewise.

    A version before its release (`2.0.0-test`) is older than the release; what begins with no number is oldest of all.
    """
    match = _numbers(version)
    if match is None:
        return f"!{version}"
    numbers = [int(part) for part in match[1].split(".")][:_PARTS]
    numbers += [0] * (_PARTS - len(numbers))
    return ".".join(f"{number:018}" for number in numbers) + _before_release(match[2] or "")


def _before_release(text: str) -> str:
    if not text:
        return _LAST
    # A space is less than anything that may stand in an identifier: `alpha` comes before `alpha.1` and `alpha-x`.
    return "-" + " ".join(f"0{part:0>18}" if part.isdigit() else f"1{part}" for part in text.split("."))
