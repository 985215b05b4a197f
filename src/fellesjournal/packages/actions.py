"""What an operator does with packages: install, list, look into, remove.

Installing and removing go in steps, each a transaction of its own, so that nothing is held for long; what was broken
off is gone on with when it is done again. Nobody sees a package before it is whole, or after its removal has begun.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import msgspec

from fellesjournal import fhir
from fellesjournal.kit.db import Database, Row
from fellesjournal.packages import store
from fellesjournal.packages.model import Artifact, Package, PackageName

_BATCH: Final = 200
_BATCH_BYTES: Final = 4 << 20
CORE: Final = "hl7.fhir.r4.core"
"""R4's own definitions: what validation stands on is part of the product, with or without this package."""

Progress = Callable[[int, int], None]
"""Called with (artifacts done, all artifacts)."""
Step = Callable[[Database, int], Awaitable[None]]
"""What another room does with a package, by its id: when all its artifacts are in, before anyone sees it; or when
nobody sees it any longer, before they go. It may be broken off and must stand being done again.
"""


class Conflict(Exception):
    """The package can't be installed beside what is there; the text says why."""


class NotInstalled(Exception):
    """No such package."""


@dataclass(frozen=True)
class Installed:
    """A package that was installed; `is_new` is False when it was there already."""

    package: int
    is_new: bool


@dataclass(frozen=True)
class Summary:
    """An installed package, or one that was begun (`state`: installing, ready, removing)."""

    package: int
    name: PackageName
    title: str
    canonical: str
    licence: str
    fhir_version: str
    source: str
    sha256: bytes
    dependencies: dict[str, str]
    left_out: dict[str, str]
    artifacts: int
    examples: int
    state: str
    installed_by: str
    installed_at: datetime


async def install(
    db: Database, package: Package, *, who: str, then: Sequence[Step] = (), on_progress: Progress | None = None
) -> Installed:
    """Put a package in, do what the other rooms do with it, and show it to everybody.

    The same content again is no change. Raises Conflict when another content stands under this name and version, or it
    is being removed.
    """
    begun = await store.begin_package(db, package, who=who)
    if begun.state == "ready":
        return Installed(begun.package, is_new=False)
    if begun.state == "other":
        raise Conflict(f"{package.name} is installed already, with another content: remove it first")
    if begun.state == "removing":
        raise Conflict(f"{package.name} is being removed: finish that first")
    done = begun.is_in
    for batch in _batches(package.artifacts[done:]):
        is_open = await store.put_artifacts(
            db, package=begun.package, place=done, artifacts=batch, package_version=package.name.version
        )
        if not is_open:
            raise Conflict(f"{package.name} was changed by someone else meanwhile")
        done += len(batch)
        if on_progress:
            on_progress(done, len(package.artifacts))
    for step in then:
        await step(db, begun.package)
    if not await store.finish_package(db, package=begun.package, who=who):
        raise Conflict(f"{package.name} was changed by someone else meanwhile")
    return Installed(begun.package, is_new=True)


async def remove(
    db: Database, name: PackageName, *, who: str, then: Sequence[Step] = (), on_progress: Progress | None = None
) -> None:
    """Take a package out of sight at once, and then away. Who depends on it is the caller's question.

    What was validated against it stays as it is. Raises NotInstalled.
    """
    package = await store.begin_removal(db, name=name.name, version=name.version, who=who)
    if package is None:
        raise NotInstalled(str(name))
    for step in then:
        await step(db, package)
    done = 0
    while await store.remove_artifacts(db, package=package, limit=_BATCH):
        done += _BATCH
        if on_progress:
            on_progress(done, done)


async def list_packages(db: Database) -> list[Summary]:
    """All packages, by name, oldest version first."""
    return [_summary(row) for row in await store.list_packages(db)]


async def list_artifacts(db: Database, package: int) -> list[Row]:
    """What stands in a package: rows with id, rtype, url, version, fhir_id, name, title, kind, standing."""
    return await store.list_artifacts(db, package=package)


async def contents(db: Database, package: int, *, rtypes: Sequence[str]) -> AsyncIterator[tuple[int, dict[str, Any]]]:
    """(artifact, resource) for each of some types, in the package's order; also while it is being installed."""
    after = -1
    while rows := await store.read_package(db, package=package, rtypes=rtypes, after=after, limit=20):
        for row in rows:
            yield row["artifact"], fhir.parse(row["body"].encode())
        after = rows[-1]["place"]


def missing_dependencies(one: Summary, installed: Sequence[Summary]) -> list[PackageName]:
    """The dependencies that no installed version meets, in the package's order."""
    return [
        PackageName(name, wanted)
        for name, wanted in one.dependencies.items()
        if name != CORE and not any(is_met(wanted, version) for version in versions_of(name, installed))
    ]


def dependants_of(one: PackageName, installed: Sequence[Summary]) -> list[PackageName]:
    """Who names this very version, or would have no version of the package left that meets what it names."""
    left = [version for version in versions_of(one.name, installed) if version != one.version]
    return [other.name for other in installed if other.name != one and _needs(other, one, left)]


def _needs(other: Summary, one: PackageName, left: Sequence[str]) -> bool:
    wanted = other.dependencies.get(one.name)
    if wanted is None:
        return False
    return not left or (is_met(wanted, one.version) and not any(is_met(wanted, version) for version in left))


def is_met(wanted: str, version: str) -> bool:
    """Whether a version is the one that a dependency names: `2.2.x` is any patch, `latest` and the like any at all."""
    if wanted.endswith((".x", ".*")):
        return version.startswith(wanted[:-1])
    return wanted in (version, "", "*", "latest", "current", "dev")


def versions_of(name: str, installed: Sequence[Summary]) -> list[str]:
    """The versions of a package that are ready, oldest first."""
    return [one.name.version for one in installed if one.name.name == name and one.state == "ready"]


def _batches(artifacts: Sequence[Artifact]) -> Iterator[list[Artifact]]:
    batch: list[Artifact] = []
    size = 0
    for one in artifacts:
        if batch and (len(batch) == _BATCH or size + len(one.body) > _BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(one)
        size += len(one.body)
    if batch:
        yield batch


def _summary(row: Row) -> Summary:
    return Summary(
        row["id"], PackageName(row["name"], row["version"]), row["title"], row["canonical"], row["licence"],
        row["fhir_version"], row["source"], row["sha256"], _texts(row["dependencies"]), _texts(row["left_out"]),
        row["artifacts"], row["examples"], row["state"], row["installed_by"], row["installed_at"],
    )  # fmt: skip


def _texts(document: str) -> dict[str, str]:
    return msgspec.json.decode(document, type=dict[str, str])
