"""`fellesjournal search-parameters`: search parameters of the installation's own, while the site runs."""

import argparse
import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from fellesjournal import fhir
from fellesjournal.cli.operate import OperatorError
from fellesjournal.clinical.correspondence import ensure_system_actors
from fellesjournal.kit import db
from fellesjournal.kit.keys import open_keys
from fellesjournal.kit.settings import Settings
from fellesjournal.packages import Library
from fellesjournal.record import parameter
from fellesjournal.record.parameter import BadParameter


def add_command(commands: Any) -> None:
    """`search-parameters add FILE-OR-URL`, `list`, `remove CODE`."""
    parser = commands.add_parser("search-parameters", help="add search parameters, list them, take them back")
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    adding = actions.add_parser("add", help="add a SearchParameter (a file of FHIR JSON, or one of a package)")
    adding.add_argument("place", metavar="FILE-OR-URL", help="a file, or the url of one in an installed package")
    adding.set_defaults(run=_add)
    actions.add_parser("list", help="what was added, and how far the worker is with it").set_defaults(run=_list)
    removing = actions.add_parser("remove", help="take one back from all its resource types")
    removing.add_argument("code")
    removing.set_defaults(run=_remove)


def _add(settings: Settings, arguments: argparse.Namespace) -> int:
    try:
        made = asyncio.run(_add_one(settings, arguments.place, _file(arguments.place)))
    except BadParameter as error:
        raise OperatorError(f"{arguments.place}: {error}") from None
    print(f"{made.code}: added to {', '.join(made.bases)}; searches may use it when the worker is done")  # noqa: T201
    return 0


async def _add_one(settings: Settings, place: str, content: bytes | None) -> parameter.NewParameter:
    keys = open_keys(settings.data_dir)
    async with await db.Database.connect(settings, keys, "fj_migrate", max_size=1) as operator:
        made = parameter.read_parameter(content if content is not None else await _installed(operator, place))
        await ensure_system_actors(operator, keys=keys, granted_by="search-parameters")
        await parameter.add(operator, made)
    return made


def _file(place: str) -> bytes | None:
    """The content of a file; None for the url of an installed one."""
    if "://" in place or place.startswith("urn:"):
        return None
    try:
        return Path(place).read_bytes()
    except OSError as error:
        raise OperatorError(f"{place}: {error.strerror}") from None


async def _installed(operator: db.Database, url: str) -> bytes:
    found = await Library(operator).find(url, "SearchParameter")
    if found is None:
        raise OperatorError(f"{url}: no installed package brings a search parameter of this url")
    return fhir.encode(found)


def _remove(settings: Settings, arguments: argparse.Namespace) -> int:
    if not asyncio.run(_remove_one(settings, arguments.code)):
        raise OperatorError(f"{arguments.code}: no parameter of this name was added")
    print(f"{arguments.code}: taken back; the worker deletes its rows")  # noqa: T201
    return 0


async def _remove_one(settings: Settings, code: str) -> int:
    async with await db.Database.connect(settings, open_keys(settings.data_dir), "fj_migrate", max_size=1) as operator:
        return await parameter.remove(operator, code)


def _list(settings: Settings, _: argparse.Namespace) -> int:
    for row in asyncio.run(_all(settings)):
        since = _ago(row["ready_at"] or row["added_at"])
        faults = f", {row['faults']} where the expression failed" if row["faults"] else ""
        name = f"{fhir.RESOURCE_TYPES[row['rtype'] - 1]}.{row['code']}"
        print(f"{name}\t{row['type']}\t{row['state']} ({row['seen']} looked at{faults}; {since})\t{row['url']}")  # noqa: T201
    return 0


async def _all(settings: Settings) -> list[db.Row]:
    async with await db.Database.connect(settings, open_keys(settings.data_dir), "fj_migrate", max_size=1) as operator:
        return await parameter.listed(operator)


def _ago(at: datetime) -> str:
    seconds = int((datetime.now(UTC) - at).total_seconds())
    return f"{seconds // 3600} h {seconds // 60 % 60} min ago"
