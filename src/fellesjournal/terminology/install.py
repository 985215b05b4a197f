"""What becomes of the code systems and concept maps of a package when it is installed, and when it is removed.

Steps for `packages.install` and `packages.remove`: each may be broken off and done again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

from fellesjournal.kit.db import Database
from fellesjournal.packages import contents
from fellesjournal.terminology import store
from fellesjournal.terminology.concept import read_concepts, read_head

Json = dict[str, Any]
_BATCH: Final = 2_000
_KINDS: Final = ("CodeSystem", "ConceptMap")

Progress = Callable[[int, int], None]
"""Called with (done, all)."""


async def on_install(db: Database, package: int) -> None:
    """Put the concepts of a package in, as the operator."""
    async for artifact, resource in contents(db, package, rtypes=_KINDS):
        await _put(db, artifact, resource)


async def catch_up(db: Database, *, on_progress: Progress | None = None) -> int:
    """Put in what packages brought before their concepts were kept; how many code systems and maps that were.

    What is in already stays: broken off, it is gone on with when it is done again.
    """
    missing = await store.missing(db)
    done, count = 0, sum(map(len, missing.values()))
    for package, artifacts in missing.items():
        async for artifact, resource in contents(db, package, rtypes=_KINDS):
            if artifact in artifacts:
                await _put(db, artifact, resource)
                done += 1
                if on_progress:
                    on_progress(done, count)
    return done


async def on_remove(db: Database, package: int) -> None:
    """Take them away again, one code system at a time."""
    while await store.remove_system(db, package=package):
        pass


async def _put(db: Database, artifact: int, resource: Json) -> None:
    if resource["resourceType"] == "CodeSystem":
        await put_system(db, artifact, resource)
    else:
        await put_map(db, artifact, resource)


async def put_system(db: Database, artifact: int, resource: Json) -> None:
    """Put a CodeSystem in: a batch of concepts to a transaction. Nobody sees it before it is whole."""
    concepts = read_concepts(resource)
    head = read_head(resource, concepts=concepts)
    batches = [concepts[start : start + _BATCH] for start in range(0, len(concepts), _BATCH)] or [[]]
    for number, batch in enumerate(batches, 1):
        async with db.transaction() as conn:
            if number == 1:
                await store.begin_system(conn, system=artifact, head=head)
            await store.put_concepts(conn, system=artifact, concepts=batch, is_cased=head.is_case_sensitive)
            if number == len(batches):
                await store.finish_system(conn, system=artifact)


async def put_map(db: Database, artifact: int, resource: Json) -> None:
    """Put a ConceptMap in: between which systems it goes."""
    if resource.get("url"):
        await store.put_map(
            db, map=artifact, url=resource["url"], version=resource.get("version", ""), groups=groups_of(resource)
        )


def groups_of(concept_map: Json) -> Iterator[tuple[str, str]]:
    """The pairs of code systems that a ConceptMap goes between; '' for what it leaves out."""
    for group in concept_map.get("group", ()):
        yield group.get("source", ""), group.get("target", "")
