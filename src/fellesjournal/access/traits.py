"""What the analysis of the log knows of a person: where, called what, of whose family; keyed hashes alone.

Two people with the same hash live at one address, in one street, or bear one name. Whoever has a protected address
gives no hash of it, so that no finding tells where they live.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

from fellesjournal.national.identifiers import SYSTEMS

Hash64 = Callable[[str], int]
ADDRESS, STREET, NAME, PERSON, NUMBER, KIN = "A", "S", "N", "I", "P", "K"
PARENT, CHILD, PARTNER, SIBLING = "F", "B", "E", "G"
KINDS: Final = (ADDRESS, STREET, NAME, PERSON, NUMBER, KIN, PARENT, CHILD, PARTNER, SIBLING)
KinCodes = Mapping[tuple[str, str], str]
"""What the one that a RelatedPerson names is to the patient, by the system and code of its relationship."""
_PROTECTED: Final = frozenset({"fortrolig", "strengtFortrolig"})
_HOUSE: Final = re.compile(r"^(.*?\D)\s*\d+\s*[a-zæøå]?$")
_PARTS: Final = re.compile(r"[\s\-]+")


def traits_of(resource: Mapping[str, Any], hash64: Hash64, *, close: KinCodes) -> list[tuple[str, int]]:
    """(kind, hash) of a Patient (its own), or of a RelatedPerson (whom it names as family of its patient)."""
    if resource["resourceType"] == "RelatedPerson":
        kinds = (KIN, *sorted(_closeness(resource, close)))
        return [(kind, hash64(text)) for text in (*_person(resource), *_numbers(resource)) for kind in kinds]
    is_protected = any(one.get("code") in _PROTECTED for one in resource.get("meta", {}).get("security", ()))
    places = () if is_protected else _places(resource)
    names = {part for one in _current(resource.get("name", ())) for part in family_names(one.get("family", ""))}
    return [
        *((kind, hash64(text)) for kind, text in places),
        *((NAME, hash64(text)) for text in sorted(names)),
        *((PERSON, hash64(text)) for text in _person(resource)),
        *((NUMBER, hash64(text)) for text in _numbers(resource)),
    ]


def reader_names(name: str, hash64: Hash64) -> list[int]:
    """The hashes of a reader's family name, which is the last word of the name as the staff register has it."""
    return [hash64(text) for text in family_names(name.split()[-1])] if name.split() else []


def family_names(family: str) -> list[str]:
    """A family name and, if it is double, each of its parts, as texts to hash."""
    folded = _fold(family)
    parts = [part for part in _PARTS.split(folded) if len(part) > 1]
    return [f"name\x1f{one}" for one in dict.fromkeys((folded, *parts)) if one]


def _closeness(related: Mapping[str, Any], close: KinCodes) -> set[str]:
    """How close the one that a RelatedPerson names is; nothing for others than close family, and for what is over."""
    if related.get("active") is False or "end" in related.get("period", {}):
        return set()
    codings = (coding for one in related.get("relationship", ()) for coding in one.get("coding", ()))
    return {close[key] for coding in codings if (key := (coding.get("system", ""), coding.get("code", ""))) in close}


def _places(resource: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for one in _current(resource.get("address", ())):
        line, post = _fold(" ".join(one.get("line", ())[:1])), _fold(one.get("postalCode", ""))
        house = _HOUSE.match(line)
        if line and post and house:
            yield ADDRESS, f"address\x1f{line}\x1f{post}"
            yield STREET, f"street\x1f{house[1].strip()}\x1f{post}"


def _person(resource: Mapping[str, Any]) -> Iterator[str]:
    born = resource.get("birthDate", "")
    for one in _current(resource.get("name", ())):
        given, family = " ".join(one.get("given", ())[:1]), one.get("family", "")
        if born and given and family:
            yield f"person\x1f{_fold(given)}\x1f{_fold(family)}\x1f{born}"


def _numbers(resource: Mapping[str, Any]) -> Iterator[str]:
    for one in resource.get("identifier", ()):
        if one.get("system") in SYSTEMS and one.get("value"):
            yield f"number\x1f{one['value']}"


def _current(entries: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return [one for one in entries if one.get("use") != "old"]


def _fold(text: str) -> str:
    return " ".join(unicodedata.normalize("NFC", text).casefold().split())
