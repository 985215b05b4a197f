"""`fellesjournal duty`: who is on duty at a unit, from a file; and whether only they have access there."""

import argparse
import asyncio
import csv
import io
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from fellesjournal.cli.operate import OperatorError
from fellesjournal.kit import db
from fellesjournal.kit.clock import OSLO
from fellesjournal.kit.keys import open_keys
from fellesjournal.kit.settings import Settings

COLUMNS: Final = ("unit", "person", "from", "until")
MAX_BYTES: Final = 10_000_000
MAX_ROWS: Final = 50_000
_SAID: Final = {
    "unit": "no unit has that code, or that name alone",
    "person": "nobody with a post at the unit has that user name, licence or name, or several have",
    "period": "until must be after from, and at most 7 days after it",
}


@dataclass(frozen=True, slots=True)
class Shift:
    """A line of the file: who (user name, HPR number or name), where, from and until."""

    place: int
    unit: str
    person: str
    from_at: datetime
    until_at: datetime


def add_command(commands: Any) -> None:
    """`duty load FILE`, `duty on UNIT`, `duty off UNIT`, `duty list UNIT`."""
    actions = commands.add_parser("duty", help="duty lists: who is at work, and whether only they have access")
    actions = actions.add_subparsers(required=True, metavar="ACTION")
    loading = actions.add_parser("load", help="shifts from a CSV file; for each unit in it, its list from now on")
    loading.add_argument("file", type=Path)
    loading.set_defaults(run=_load)
    turning_on = actions.add_parser("on", help="at this unit only those on duty have access, but in an emergency")
    turning_on.add_argument("--exempt", nargs="*", default=[], metavar="ROLE", help="roles that it does not count for")
    turning_off = actions.add_parser("off", help="at this unit all who work there have access again")
    for parser, is_on in ((turning_on, True), (turning_off, False)):
        parser.add_argument("unit", help="code or name")
        parser.set_defaults(run=_set, is_on=is_on)
    for parser in (loading, turning_on, turning_off):
        parser.add_argument("--by", required=True, metavar="NAME", help="your own name, as it will stand on record")
    listing = actions.add_parser("list", help="who is on duty now and later")
    listing.add_argument("unit", help="code or name")
    listing.set_defaults(run=_list)


def read_shifts(text: str) -> list[Shift]:
    """The shifts of a file, with Norwegian times. Raises OperatorError with a line for each fault."""
    rows = csv.DictReader(io.StringIO(text), delimiter=";")
    if tuple(rows.fieldnames or ()) != COLUMNS:
        raise OperatorError(f"the first line must be {';'.join(COLUMNS)}")
    shifts, faults = list[Shift](), list[str]()
    for place, row in enumerate(rows, 2):
        if place > MAX_ROWS:
            raise OperatorError(f"the file has more than {MAX_ROWS} lines")
        try:
            shifts.append(_shift(place, row))
        except ValueError as error:
            faults.append(f"line {place}: {error}")
    if faults:
        raise OperatorError("\n  ".join(["nothing was changed", *faults[:100]]))
    return shifts


def _shift(place: int, row: dict[str, Any]) -> Shift:
    if None in row or None in row.values():
        raise ValueError("another number of fields than the first line")
    words = {name: row[name].strip() for name in COLUMNS}
    if not words["unit"] or not words["person"]:
        raise ValueError("unit and person are needed")
    return Shift(place, words["unit"], words["person"], _instant(words["from"]), _instant(words["until"]))


def _instant(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError("a time is written as 2026-11-23T15:00") from None
    return at if at.tzinfo else at.replace(tzinfo=OSLO)


def _load(settings: Settings, arguments: argparse.Namespace) -> int:
    try:
        content = arguments.file.read_bytes()
        text = content.decode("utf-8-sig")
    except OSError as error:
        raise OperatorError(f"{arguments.file}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise OperatorError(f"{arguments.file}: the file is not UTF-8") from None
    if len(content) > MAX_BYTES:
        raise OperatorError(f"{arguments.file}: the file is larger than {MAX_BYTES // 1_000_000} MB")
    shifts = read_shifts(text)
    rows = asyncio.run(_ask(
        settings, "SELECT place, fault FROM access.load_duties($1, $2, $3, $4, $5, $6)", arguments.by,
        [one.place for one in shifts], [one.unit for one in shifts], [one.person for one in shifts],
        [one.from_at for one in shifts], [one.until_at for one in shifts],
    ))  # fmt: skip
    if rows:
        faults = [f"line {row['place']}: {_SAID[row['fault']]}" for row in rows[:100]]
        raise OperatorError("\n  ".join(["nothing was changed", *faults]))
    print(f"{len(shifts)} shifts at {len({one.unit for one in shifts})} units")  # noqa: T201 - a command's answer
    return 0


def _set(settings: Settings, arguments: argparse.Namespace) -> int:
    exempt = getattr(arguments, "exempt", [])
    (row,) = asyncio.run(_ask(
        settings, "SELECT access.set_duty_list($1, $2, $3, $4) AS fault", arguments.unit, arguments.is_on, exempt,
        arguments.by,
    ))  # fmt: skip
    if row["fault"]:
        raise OperatorError(f"{arguments.unit}: {_SAID[row['fault']]}")
    said = "only those on duty have access" if arguments.is_on else "all who work there have access"
    print(f"{arguments.unit}: {said}")  # noqa: T201
    return 0


def _list(settings: Settings, arguments: argparse.Namespace) -> int:
    for row in asyncio.run(_ask(settings, "SELECT * FROM access.duties_of($1)", arguments.unit)):
        times = " – ".join(f"{row[name].astimezone(OSLO):%Y-%m-%d %H:%M}" for name in ("from_at", "until_at"))
        print(f"{times}  {row['name']}")  # noqa: T201
    return 0


async def _ask(settings: Settings, query: str, *values: Any) -> list[db.Row]:
    keys = open_keys(settings.data_dir)
    async with await db.Database.connect(settings, keys, "fj_migrate", max_size=1) as operator:
        rows: list[db.Row] = await operator.fetch(query, *values)
    return rows
