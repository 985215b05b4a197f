"""One typed function for each query of `store.sql`. Only this room imports it."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import msgspec

from fellesjournal.kit.db import Connection, Database, Row, sql_file
from fellesjournal.terminology.codes import Codes
from fellesjournal.terminology.concept import Concept, Designation, Head, Property
from fellesjournal.terminology.words import Typed, code_key, split

_SQL = sql_file("fellesjournal.terminology")

INACTIVE, ABSTRACT = 1, 2

_unstorable = re.compile("[\0\ud800-\udfff]")
_heads = msgspec.json.Decoder(Head)
_properties = msgspec.json.Decoder(list[Property], float_hook=Decimal)
_encode = msgspec.json.Encoder(decimal_format="number").encode


@dataclass(frozen=True, slots=True)
class Place:
    """A code system in the database, and which of its codes are meant."""

    system: int
    is_cased: bool
    codes: Codes

    @property
    def named(self) -> list[str]:
        """The codes that are named, as they are compared."""
        return [plain(code, is_cased=self.is_cased) for code in self.codes.named]


def plain(code: str, *, is_cased: bool) -> str:
    """A code as it is compared."""
    return storable(code if is_cased else code.lower())


def storable(text: str) -> str:
    """A text without the characters that no column holds; a sign that is no letter stands for each."""
    if text.isascii() and "\0" not in text:
        return text
    return _unstorable.sub("\uffff", text)


async def heads(db: Database, *, systems: Collection[int]) -> dict[int, Head]:
    """Heads of code systems by their artifacts; of those that are wholly in."""
    rows = await db.fetch(_SQL.heads, list(systems))
    return {row["system"]: _heads.decode(row["head"]) for row in rows}


async def system_of(db: Database, *, value_set: str) -> str | None:
    """The address of the code system whose every code a value set has."""
    url: str | None = await db.fetchval(_SQL.system_of, storable(value_set))
    return url


async def systems(db: Database) -> list[Head]:
    """All code systems, by address and version."""
    return [_heads.decode(row["head"]) for row in await db.fetch(_SQL.systems)]


async def concepts(db: Database, *, system: int, plains: Collection[str]) -> dict[str, Concept]:
    """Some codes with all that is known of them, by the code as it is compared."""
    rows = await db.fetch(_SQL.concepts, system, list(plains))
    texts = await designations(db, system=system, places=[row["n"] for row in rows]) if rows else {}
    return {row["plain"]: _whole(row, texts.get(row["n"], ())) for row in rows}


async def designations(db: Database, *, system: int, places: Collection[int]) -> dict[int, tuple[Designation, ...]]:
    """The designations of some places, a system's own before those of supplements."""
    found: dict[int, list[Designation]] = {}
    for row in await db.fetch(_SQL.designations, system, list(places)):
        use = msgspec.json.decode(row["use"]) if row["use"] else None
        found.setdefault(row["n"], []).append(Designation(row["value"], row["language"], use))
    return {n: tuple(texts) for n, texts in found.items()}


async def existing(db: Database, *, wanted: Sequence[tuple[int, str]]) -> set[int]:
    """Places in `wanted` (system, code as it is compared) of the codes that there are."""
    rows = await db.fetch(_SQL.existing, [system for system, _ in wanted], [code for _, code in wanted])
    return {row["existing"] - 1 for row in rows}


async def page(db: Database, *, place: Place, hidden: int, offset: int, limit: int) -> list[Concept]:
    """A page of a system, in its order; no more of each concept than a list shows."""
    rows = await db.fetch(
        _SQL.page, place.system, place.named, place.codes.is_rest, hidden, offset, limit
    )  # fmt: skip
    return [_listed(row) for row in rows]


async def count(db: Database, *, place: Place, hidden: int) -> int:
    """How many codes such a page is one of."""
    number: int = await db.fetchval(_SQL.count, place.system, place.named, place.codes.is_rest, hidden)
    return number


async def search(
    db: Database, *, places: Sequence[Place], hidden: int, asked: Typed, limit: int
) -> list[tuple[int, tuple[int, int], str, Concept]]:
    """(system, rank, key, concept) of what a few words find in some systems, best first."""
    named = [(place.system, code) for place in places for code in place.named]
    words = " & ".join(f"'{word}':*" for word in asked.words)
    rows = await db.fetch(
        _SQL.search, [place.system for place in places], [place.codes.is_rest for place in places],
        [system for system, _ in named], [code for _, code in named], hidden, asked.code, asked.start, words, limit,
    )  # fmt: skip
    return [(row["system"], (row["how"], row["length"]), row["key"], _listed(row)) for row in rows]


async def related(db: Database, *, system: int, plain: str, op: str) -> list[str]:
    """The codes below one (itself too), or above it (`generalizes`); empty when there is no such code."""
    return [row["related"] for row in await db.fetch(_SQL.related, system, plain, op)]


async def kin(db: Database, *, system: int, plain: str) -> list[Row]:
    """Rows (is_up, code, display) of the codes right above and below one."""
    rows: list[Row] = await db.fetch(_SQL.kin, system, plain)
    return rows


async def relation(db: Database, *, system: int, one: str, other: str) -> str | None:
    """How two codes stand to each other; None when there is no such code."""
    found: str | None = await db.fetchval(_SQL.relation, system, one, other)
    return found


async def with_property(
    db: Database, *, system: int, code: str, values: Collection[str] | None
) -> list[tuple[str, str]]:
    """(code, value) of those that have a property, with one of the values alone if any are given."""
    wanted = None if values is None else [storable(value) for value in values]
    rows = await db.fetch(_SQL.with_property, system, storable(code), wanted)
    return [(row["code"], row["value"]) for row in rows]


async def every(db: Database, *, system: int, what: str) -> list[tuple[str, str]]:
    """(code, value) of every code: its code, display or definition."""
    return [(row["code"], row["value"]) for row in await db.fetch(_SQL.every, system, what)]


async def maps(db: Database, *, source: str, target: str) -> list[str]:
    """Canonicals of the ConceptMaps from one system to another, '' for any."""
    return [row["canonical"] for row in await db.fetch(_SQL.maps, storable(source), storable(target))]


async def missing(db: Database) -> dict[int, set[int]]:
    """The code systems and concept maps of ready packages that are not wholly in: package → artifacts."""
    found: dict[int, set[int]] = {}
    for row in await db.fetch(_SQL.missing):
        found.setdefault(row["package"], set()).add(row["artifact"])
    return found


async def begin_system(db: Database | Connection, *, system: int, head: Head) -> None:
    """Begin with a code system; what was put in before goes."""
    await db.execute(
        _SQL.begin_system, system, *map(storable, (head.url, head.version, head.value_set, head.supplements)),
        _text(head), head.is_case_sensitive,
    )  # fmt: skip


async def put_concepts(db: Database | Connection, *, system: int, concepts: Sequence[Concept], is_cased: bool) -> None:
    """Put concepts in, their texts and their properties."""
    if not concepts:
        return
    keys = [code_key(one.code) for one in concepts]
    flags = [one.is_inactive * INACTIVE + one.is_abstract * ABSTRACT for one in concepts]
    await db.execute(
        _SQL.put_concepts, system, [one.n for one in concepts], [storable(one.code) for one in concepts],
        [plain(one.code, is_cased=is_cased) for one in concepts], keys, flags,
        [storable(one.display) for one in concepts], [storable(one.definition) for one in concepts],
        [_text(one.properties) for one in concepts],
        ["{" + ",".join(map(str, one.parents)) + "}" for one in concepts],
    )  # fmt: skip
    texts = [row for one, key, flag in zip(concepts, keys, flags, strict=True) for row in _texts(one, key, flag)]
    if texts:
        await db.execute(_SQL.put_texts, system, *map(list, zip(*texts, strict=True)))
    values = [(one.n, storable(owned.code), _short(owned.text)) for one in concepts for owned in one.properties]
    values += [(one.n, "inactive", "true") for one in concepts if one.is_inactive]
    if values:
        await db.execute(_SQL.put_properties, system, *map(list, zip(*values, strict=True)))


async def finish_system(db: Database | Connection, *, system: int) -> None:
    """End with a code system: who is above whom, and what supplements say."""
    await db.execute(_SQL.finish_system, system)


async def put_map(
    db: Database | Connection, *, map: int, url: str, version: str, groups: Iterable[tuple[str, str]]
) -> None:
    """Put a ConceptMap in: the pairs of systems that it goes between."""
    pairs = [(storable(source), storable(target)) for source, target in groups]
    await db.execute(
        _SQL.put_map, map, storable(url), storable(version), [source for source, _ in pairs],
        [target for _, target in pairs],
    )  # fmt: skip


async def remove_system(db: Database | Connection, *, package: int) -> bool:
    """Take away what was made of one CodeSystem of a package; whether there was one."""
    was_there: bool = await db.fetchval(_SQL.remove_system, package)
    return was_there


def _whole(row: Row, texts: tuple[Designation, ...]) -> Concept:
    return Concept(
        row["n"], row["code"], row["display"], row["definition"], texts, tuple(_properties.decode(row["properties"])),
        tuple(row["parents"]), bool(row["flags"] & INACTIVE), bool(row["flags"] & ABSTRACT),
    )  # fmt: skip


def _listed(row: Row) -> Concept:
    return Concept(
        row["n"], row["code"], row["display"], parents=tuple(row["parents"]),
        is_inactive=bool(row["flags"] & INACTIVE), is_abstract=bool(row["flags"] & ABSTRACT),
    )  # fmt: skip


def _texts(one: Concept, key: str, flags: int) -> list[tuple[object, ...]]:
    """A row for the display, and one for each designation; a code without any is found by itself."""
    shown = [(0, "", "", one.display)]
    shown += [
        (place, text.language, _text(text.use) if text.use else "", text.value)
        for place, text in enumerate(one.designations, 1)
    ]
    return [
        (one.n, place, storable(language), use, storable(value), " ".join(split(value)), key, flags)
        for place, language, use, value in shown
    ]


def _short(value: str) -> str:
    """A value at a length that an index holds."""
    return storable(value[:MAX_VALUE])


MAX_VALUE = 500
"""Characters of a property's value that filters see."""


def _text(value: Any) -> str:
    return _encode(value).decode()
