#!/usr/bin/env python3
"""Gather the texts that are marked with `_()` and bring the catalogues of nynorsk and English up to date.

`tools/i18n.py [ROOM …]` updates the `.po` files of all rooms, or of those named: new texts are added empty,
unused ones taken out. `tools/i18n.py --check` changes nothing and names every text that lacks a translation.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "src/fellesjournal"
LOCALES = SOURCE / "web/locale"
LANGUAGES = ("nn", "en")
SHARED = "web"
METHODS = [("**.py", "python"), ("**/templates/**.html", "jinja2.ext:babel_extract")]
KEYWORDS: dict[str, tuple[int, ...] | None] = {"_": None, "_n": (1, 2)}

Text = str | tuple[str, ...] | list[str]
Rooms = dict[str, Catalog]


def main() -> int:
    """Update the catalogues, or only check them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rooms", nargs="*", help="only these rooms (all when none is named)")
    parser.add_argument("--check", action="store_true", help="name what is missing and change nothing")
    asked = parser.parse_args()
    rooms = {name: found for name, found in marked().items() if not asked.rooms or name in asked.rooms}
    if not asked.check:
        update(rooms)
    gaps = missing(rooms)
    print("\n".join(gaps) if gaps else f"{sum(map(len, rooms.values()))} texts, nothing missing")
    return 1 if gaps else 0


def marked() -> Rooms:
    """Every marked text by room; what the shared look says already is not asked for again."""
    found: Rooms = {}
    for name, _line, text, _comments, _context in extract_from_dir(SOURCE, METHODS, keywords=KEYWORDS):
        catalogue = found.setdefault(room_of(Path(name)), Catalog(charset="utf-8"))
        catalogue.add(text, locations=[(f"src/fellesjournal/{name}", 0)])
    shared = shared_texts(found)
    return {name: texts if name == SHARED else without(shared, texts) for name, texts in found.items()}


def room_of(path: Path) -> str:
    """The room that a file belongs to: each service is one of its own."""
    first = path.parts[0].removesuffix(".py")
    return path.parts[1] if first == "care" and len(path.parts) > 2 else first


def shared_texts(rooms: Rooms) -> set[str]:
    """What the shared look says."""
    return {key(message.id) for message in rooms.get(SHARED, ())}


def without(known: set[str], texts: Catalog) -> Catalog:
    """The texts that are not known already."""
    rest = Catalog(charset="utf-8")
    for message in texts:
        if message.id and key(message.id) not in known:
            rest.add(message.id, locations=message.locations)
    return rest


def missing(rooms: Rooms) -> list[str]:
    """`language/room: text` for each text that has no translation."""
    gaps = []
    for language in LANGUAGES:
        for room, texts in sorted(rooms.items()):
            known = catalogue(language, room)
            lacking = [message for message in texts if message.id and not is_translated(known, message.id)]
            gaps += [f"{language}/{room}: {key(message.id)}" for message in lacking]
    return gaps


def is_translated(known: Catalog, text: Text) -> bool:
    """Whether the text has a translation, in all its forms, that is not a guess."""
    message = known.get(key(text))
    if message is None or message.fuzzy or not message.string:
        return False
    return isinstance(message.string, str) or all(message.string)


def update(rooms: Rooms) -> None:
    """Write the catalogues with the texts of today, keeping the translations they have."""
    for language in LANGUAGES:
        for room, texts in rooms.items():
            known = catalogue(language, room)
            known.update(texts, no_fuzzy_matching=True)
            known.obsolete.clear()
            write(path_of(language, room), known)


def write(path: Path, known: Catalog) -> None:
    """Write one catalogue without dates and line numbers, so that only texts change it. None when empty."""
    if not any(message.id for message in known):
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        write_po(file, known, width=110, sort_output=True, omit_header=True, include_lineno=False)


def catalogue(language: str, room: str) -> Catalog:
    """The catalogue as it stands; empty when there is none yet."""
    path = path_of(language, room)
    if not path.exists():
        return Catalog(locale=language, charset="utf-8", fuzzy=False)
    with path.open("rb") as file:
        return read_po(file, locale=language, charset="utf-8")


def path_of(language: str, room: str) -> Path:
    """Where a room's catalogue lies."""
    return LOCALES / language / f"{room}.po"


def key(text: Text) -> str:
    """What a text is found by: its singular."""
    return text if isinstance(text, str) else text[0]


if __name__ == "__main__":
    sys.exit(main())
