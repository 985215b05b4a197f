"""The terminology that is part of the product: R4's own, ICPC-2, and code systems that follow a rule.

What an operator installs under the same address comes before it. The file of R4 is read at the first question that
needs it, and each of its resources when it is asked for.
"""

from __future__ import annotations

import gzip
from functools import cache, lru_cache
from importlib import resources
from typing import Any, Final

import msgspec
from babel import Locale
from babel.core import get_global

from fellesjournal import fhir
from fellesjournal.terminology import icpc2
from fellesjournal.terminology.concept import Concept, Designation, Head, read_head
from fellesjournal.terminology.held import Held
from fellesjournal.terminology.rules import RULED
from fellesjournal.terminology.value_set import Definition, read_value_set

Json = dict[str, Any]

CURRENCIES: Final = "urn:iso:std:iso:4217"


class _File(msgspec.Struct):
    """The vendored file: resources by kind and address, unread; addresses by other names."""

    resources: dict[str, dict[str, msgspec.Raw]]
    aliases: dict[str, dict[str, str]]


def resource(kind: str, canonical: str) -> Json | None:
    """R4's own CodeSystem, ValueSet or ConceptMap of a canonical; None when there is none, or in another version."""
    url, _, version = canonical.partition("|")
    raw = _named(kind, url)
    if raw is None:
        return None
    found = fhir.parse(bytes(raw))
    return found if version in ("", found.get("version", "")) else None


@lru_cache(maxsize=256)
def value_set(canonical: str) -> Definition | None:
    """One of R4's own value sets."""
    found = resource("ValueSet", canonical)
    return read_value_set(found) if found and ("compose" in found or "expansion" in found) else None


@lru_cache(maxsize=256)
def system(url: str, version: str) -> Held | None:
    """A code system that is part of the product. A version that isn't the one here is not here."""
    if url in RULED:
        return RULED[url]
    made = {icpc2.SYSTEM: _icpc2, CURRENCIES: _currencies}.get(url)
    if made is not None:
        return made() if not version else None
    found = resource("CodeSystem", f"{url}|{version}" if version else url)
    return Held.read(found) if found else None


def system_of(value_set: str) -> str | None:
    """The code system that names a value set as the one of all its codes."""
    return _systems_of().get(value_set)


@cache
def heads() -> tuple[Head, ...]:
    """Every code system that is part of the product, by address, without how many codes it has."""
    raw = _file().resources["CodeSystem"].values()
    own = [*(one.head for one in RULED.values()), _icpc2().head, _currencies().head]
    return tuple(sorted([*map(_head, raw), *own], key=lambda one: one.url))


def maps_from(source: str, target: str) -> list[str]:
    """Canonicals of R4's own concept maps from one system to another ('': from or to any)."""
    return [
        url
        for url, groups in _map_groups().items()
        if any(source in ("", one.source) and target in ("", one.target) for one in groups)
    ]


def _named(kind: str, url: str) -> msgspec.Raw | None:
    file = _file()
    found = file.resources.get(kind, {})
    return found.get(url) or found.get(file.aliases.get(kind, {}).get(url, ""))


@cache
def _file() -> _File:
    packed = resources.files(__package__).joinpath("data/r4.json.gz").read_bytes()
    return msgspec.json.decode(gzip.decompress(packed), type=_File)


class _Group(msgspec.Struct):
    source: str = ""
    target: str = ""


class _Groups(msgspec.Struct):
    group: list[_Group] = []


@cache
def _systems_of() -> dict[str, str]:
    found = map(_head, _file().resources["CodeSystem"].values())
    return {one.value_set: one.url for one in found if one.value_set}


def _head(raw: msgspec.Raw) -> Head:
    return read_head(msgspec.json.decode(raw))


@cache
def _map_groups() -> dict[str, list[_Group]]:
    raw = _file().resources["ConceptMap"]
    return {url: msgspec.json.decode(one, type=_Groups).group for url, one in raw.items()}


@cache
def _icpc2() -> Held:
    """The small table of diagnoses: the process codes of ICPC-2 are not in it."""
    table = [Concept(n, one.code, one.display) for n, one in enumerate(icpc2.diagnoses())]
    head = Head(
        icpc2.SYSTEM, name="ICPC-2", title="ICPC-2", language="nb", content="fragment", is_case_sensitive=False,
        count=len(table),
    )  # fmt: skip
    return Held(head, table)


@cache
def _currencies() -> Held:
    english, bokmaal = Locale("en").currencies, Locale("nb").currencies
    table = [
        Concept(n, code, english.get(code, ""), designations=_in_bokmaal(bokmaal.get(code)))
        for n, code in enumerate(sorted(_current_currencies()))
    ]
    return Held(Head(CURRENCIES, name="ISO 4217", title="ISO 4217", language="en", count=len(table)), table)


def _current_currencies() -> set[str]:
    """What is legal tender somewhere today."""
    used = (one for listed in get_global("territory_currencies").values() for one in listed)
    return {code for code, _start, end, is_tender in used if end is None and is_tender}


def _in_bokmaal(text: str | None) -> tuple[Designation, ...]:
    return (Designation(text, "nb"),) if text else ()
