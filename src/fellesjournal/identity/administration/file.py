"""A file with units, people, posts, rights and controllers: TOML, JSON of the same shape, or CSV with a line a post.

The file says how things shall be; what it does not name stays as it is, but for the posts of units that it names as
complete. National numbers are hashed here and stand in nothing that comes out. The shape is in
docs/operations/administration.md.
"""

from __future__ import annotations

import csv
import io
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Final

import msgspec

from fellesjournal.identity.administration.model import Wish, midnight, midnight_after
from fellesjournal.identity.numbers import named_by_number
from fellesjournal.kit import ids
from fellesjournal.kit.keys import Keys
from fellesjournal.national.identifiers import DNR, FNR, kind_of

MAX_BYTES: Final = 10_000_000
MAX_ROWS: Final = 50_000
UNIT_KINDS: Final = (
    "municipality", "service", "gp", "legevakt", "home_care", "nursing_home", "child_health", "allocation", "company",
)  # fmt: skip
_CODE: Final = re.compile(r"[^\s\x00-\x1f]{1,100}")
_LICENCE: Final = re.compile(r"[0-9]{7,9}")
_MUNICIPALITY: Final = re.compile(r"[0-9]{4}")
_TABLES: Final = {
    "unit": frozenset({"code", "name", "kind", "parent", "entity", "municipality", "from", "until"}),
    "person": frozenset({"national_id", "name", "licence", "user_name", "posts"}),
    "right": frozenset({"role", "action", "kinds", "from", "until"}),
    "controllership": frozenset({"municipality", "kind", "controller", "model", "from", "until"}),
    "complete": frozenset({"unit"}),
}
_POST: Final = frozenset({"unit", "role", "licence", "from", "until"})
_COLUMNS: Final = ("national_id", "name", "licence", "user_name", "unit", "role", "from", "until")


class BadFile(Exception):
    """The file can't be read: a line for each fault, none with a national number in it."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


@dataclass
class Wishes:
    """What a file wishes, and for each wish where in the file it stands."""

    wishes: list[Wish] = field(default_factory=list)
    places: list[str] = field(default_factory=list)

    def add(self, place: str, wish: Wish) -> int:
        """Add one; its place among the wishes."""
        self.wishes.append(wish)
        self.places.append(place)
        return len(self.wishes) - 1


def read_file(content: bytes, *, name: str, keys: Keys, is_demo: bool) -> Wishes:
    """The wishes of a file, by the ending of its name (.toml, .json, .csv). Raises BadFile."""
    if len(content) > MAX_BYTES:
        raise BadFile([f"the file is larger than {MAX_BYTES // 1_000_000} MB"])
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise BadFile(["the file is not UTF-8"]) from None
    if "\x00" in text:
        raise BadFile(["the file holds a NUL"])
    return _Reader(keys, is_demo).read(_tables(text, name.rpartition(".")[2].lower()))


def _tables(text: str, ending: str) -> Mapping[str, Any]:
    try:
        if ending == "toml":
            return tomllib.loads(text)
        if ending == "json":
            found = msgspec.json.decode(text)
            if isinstance(found, dict):
                return found
            raise BadFile(["the file is not a JSON object"])
        if ending == "csv":
            return {"person": list(_csv_people(text))}
    except (tomllib.TOMLDecodeError, msgspec.DecodeError, csv.Error, RecursionError):
        # Without the parser's words: they may quote a number.
        raise BadFile([f"the file is not {ending.upper()}"]) from None
    raise BadFile(["the file's name must end with .toml, .json or .csv"])


def _csv_people(text: str) -> Iterator[dict[str, Any]]:
    """A line for each post; the same person may come again."""
    head = text.partition("\n")[0]
    rows = csv.DictReader(
        io.StringIO(text, newline=""), delimiter=";" if head.count(";") > head.count(",") else ",", strict=True
    )
    if set(rows.fieldnames or ()) - set(_COLUMNS) or not {"national_id", "name"} <= set(rows.fieldnames or ()):
        raise BadFile([f"the first line must name columns among: {', '.join(_COLUMNS)}"])
    for row in rows:
        if None in row or len(row) > len(_COLUMNS):
            raise BadFile([f"line {rows.line_num}: more columns than the first line names"])
        found = {column: value.strip() for column, value in row.items() if value and value.strip()}
        post = {column: found.pop(column) for column in ("unit", "role", "from", "until") if column in found}
        yield {**found, "posts": [post] if post else []}


class _Reader:
    """Gathers wishes and faults of one file."""

    def __init__(self, keys: Keys, is_demo: bool) -> None:  # noqa: FBT001 - a fact about the database
        self._keys = keys
        self._kind = "synthetic" if is_demo else "real"
        self._made = Wishes()
        self._faults: list[str] = []
        self._posts: dict[str, list[tuple[int, str]]] = {}
        self._rows = 0

    def read(self, tables: Mapping[str, Any]) -> Wishes:
        """All wishes, units first. Raises BadFile."""
        for name in sorted(set(tables) - set(_TABLES)):
            self._faults.append(f"{name[:40]!r}: there is no such table; there are {', '.join(_TABLES)}")
        readers: dict[str, Callable[[str, dict[str, Any]], None]] = {
            "unit": self._unit, "controllership": self._controllership, "right": self._right, "person": self._person,
            "complete": self._complete,
        }  # fmt: skip
        for table, read in readers.items():
            self._each(table, tables.get(table, []), read)
        if self._faults:
            raise BadFile(self._faults[:200])
        return self._made

    def _each(self, table: str, rows: Any, read: Callable[[str, dict[str, Any]], None]) -> None:
        if not isinstance(rows, list):
            self._faults.append(f"{table}: must be a list of tables")
            return
        for number, row in enumerate(rows, 1):
            place = f"{table} {number}"
            self._rows += 1
            if self._rows > MAX_ROWS:
                raise BadFile([f"the file has more than {MAX_ROWS} rows"])
            if not isinstance(row, dict):
                self._faults.append(f"{place}: must be a table")
                continue
            for unknown in sorted(set(row) - _TABLES[table]):
                self._faults.append(f"{place}: {unknown[:40]!r}: there is no such field")
            read(place, row)

    def _unit(self, place: str, row: dict[str, Any]) -> None:
        wish: dict[str, Any] = {
            "do": "unit", "id": ids.new_pid(), "code": self._text(place, row, "code", _CODE),
            "name": self._text(place, row, "name"), "kind": self._choice(place, row, "kind", UNIT_KINDS),
            **self._optional(place, row, ("parent", "entity"), _CODE),
            **self._optional(place, row, ("municipality",), _MUNICIPALITY), **self._span(place, row),
        }  # fmt: skip
        self._made.add(place, wish)

    def _controllership(self, place: str, row: dict[str, Any]) -> None:
        model = row.get("model")
        if model not in (1, 2, 3) or isinstance(model, bool):
            self._faults.append(f"{place}: model: must be 1 (joint), 2 (central) or 3 (mixed)")
        wish = {
            "do": "controllership", "municipality": self._text(place, row, "municipality", _MUNICIPALITY),
            "controller": self._text(place, row, "controller", _CODE), "model": model,
            "kind": self._choice(place, row, "kind", UNIT_KINDS) if row.get("kind") else None, **self._span(place, row),
        }  # fmt: skip
        self._made.add(place, wish)

    def _right(self, place: str, row: dict[str, Any]) -> None:
        kinds = self._text(place, row, "kinds")
        wish = {
            "do": "right", "role": self._text(place, row, "role"), "action": self._text(place, row, "action"),
            "kinds": None if kinds == "INGEN" else kinds, **self._span(place, row),
        }  # fmt: skip
        self._made.add(place, wish)

    def _person(self, place: str, row: dict[str, Any]) -> None:
        number = str(row.get("national_id", "")).replace(" ", "")
        if self._kind not in (kind_of(FNR, number), kind_of(DNR, number)):
            self._faults.append(f"{place}: national_id: not a {self._kind} fødselsnummer or D-number")
            return
        wish = {
            "do": "person", **named_by_number(self._keys, number), "name": self._text(place, row, "name"),
            **self._optional(place, row, ("licence",), _LICENCE), **self._user_name(place, row),
        }  # fmt: skip
        at = self._made.add(place, wish)
        posts = row.get("posts", [])
        if not isinstance(posts, list) or len(posts) > 50:
            self._faults.append(f"{place}: posts: must be a list")
            return
        for post_number, post in enumerate(posts, 1):
            self._post(f"{place}, post {post_number}", post, at)

    def _post(self, place: str, row: Any, at: int) -> None:
        if not isinstance(row, dict) or set(row) - _POST:
            self._faults.append(f"{place}: must be a table with {', '.join(sorted(_POST))}")
            return
        unit, role = self._text(place, row, "unit", _CODE), self._text(place, row, "role")
        self._posts.setdefault(unit, []).append((at, role))
        wish = {
            "do": "post", "person_at": at, "unit_code": unit, "role": role,
            **self._optional(place, row, ("licence",), _LICENCE), **self._span(place, row),
        }  # fmt: skip
        self._made.add(place, wish)

    def _complete(self, place: str, row: dict[str, Any]) -> None:
        unit = self._text(place, row, "unit", _CODE)
        self._made.add(place, {"do": "complete", "unit_code": unit, "keep_at": self._posts.get(unit, [])})

    def _text(self, place: str, row: Mapping[str, Any], name: str, pattern: re.Pattern[str] | None = None) -> str:
        value = row.get(name)
        text = str(value).strip() if isinstance(value, str | int) and not isinstance(value, bool) else ""
        if (
            not text
            or len(text) > 200
            or not text.isprintable()
            or (pattern is not None and not pattern.fullmatch(text))
        ):
            self._faults.append(f"{place}: {name}: {'is missing' if value in (None, '') else 'can not be read'}")
            return ""
        return text

    def _optional(
        self, place: str, row: Mapping[str, Any], names: tuple[str, ...], pattern: re.Pattern[str]
    ) -> dict[str, str]:
        return {name: self._text(place, row, name, pattern) for name in names if row.get(name) not in (None, "")}

    def _choice(self, place: str, row: Mapping[str, Any], name: str, choices: tuple[str, ...]) -> str:
        text = self._text(place, row, name)
        if text and text not in choices:
            self._faults.append(f"{place}: {name}: must be one of {', '.join(choices)}")
        return text

    def _user_name(self, place: str, row: Mapping[str, Any]) -> dict[str, str]:
        if row.get("user_name") in (None, ""):
            return {}
        text = self._text(place, row, "user_name")
        if kind_of(FNR, text) or kind_of(DNR, text):
            self._faults.append(f"{place}: user_name: must not be a national number")
        return {"user_name": text}

    def _span(self, place: str, row: Mapping[str, Any]) -> dict[str, datetime]:
        """`from` begins with its day, `until` ends with it."""
        found = {}
        for name, instant in (("from", midnight), ("until", midnight_after)):
            value = row.get(name)
            if value in (None, ""):
                continue
            try:
                on = value if type(value) is date else date.fromisoformat(str(value))
                if not 1900 <= on.year <= 9000:
                    raise ValueError
                found[name] = instant(on)
            except ValueError:
                self._faults.append(f"{place}: {name}: must be a date such as 2027-01-31")
        return found
