"""`fellesjournal support`: one ticket, one record, one member of support, for a time; logged, and a reviewer's task."""

import argparse
import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

from fellesjournal.cli.operate import OperatorError
from fellesjournal.clinical.correspondence.actors import Actor, acting_once
from fellesjournal.kit import db, ids
from fellesjournal.kit.clock import OSLO
from fellesjournal.kit.keys import open_keys
from fellesjournal.kit.settings import Settings
from fellesjournal.record.ownership import slot_of

_GIVER = Actor("support", "Brukerstøtte gitt av driften", "SUPPORT")
_ERRAND = timedelta(minutes=5)
_SAID = {
    "self": "nobody gives support access to themselves",
    "person": "no member of support has that name, or several have",
    "reason": "say why, in at least ten letters",
    "ticket": "say which ticket it is for",
    "refused": "no such record, or the ground for support is not in force",
    "none": "the grant was taken back meanwhile",
}


def add_command(commands: Any) -> None:
    """`support open`, `close`, `list`."""
    actions = commands.add_parser("support", help="open one record for support, for one ticket").add_subparsers(
        required=True, metavar="ACTION"
    )
    opening = actions.add_parser("open", help="let a member of support read one record, for a time")
    opening.add_argument("name", help="the member of support, by name (role brukerstotte)")
    opening.add_argument("patient", help="the record's id, as in the address of its pages")
    opening.add_argument("--ticket", required=True, help="the case that it is for")
    opening.add_argument("--reason", required=True, help="why; the reviewer reads it, the patient never does")
    opening.add_argument("--minutes", type=int, default=60, help="for how long (60; at most 480)")
    opening.set_defaults(run=_open)
    closing = actions.add_parser("close", help="end what is open for a ticket")
    closing.add_argument("ticket")
    closing.set_defaults(run=_close)
    for parser in (opening, closing):
        parser.add_argument("--by", required=True, metavar="NAME", help="your own name, as it will stand on record")
    actions.add_parser("list", help="what is open now").set_defaults(run=_list)


def _open(settings: Settings, arguments: argparse.Namespace) -> int:
    key = ids.decode(arguments.patient)
    if key is None or not arguments.by.strip():
        raise OperatorError(_SAID["refused"] if key is None else "say who you are")
    until = asyncio.run(_give(settings, arguments, key[1]))
    print(f"{arguments.ticket}: {arguments.name} may read {arguments.patient} until {_clock(until)}")  # noqa: T201
    return 0


async def _give(settings: Settings, arguments: argparse.Namespace, patient: int) -> datetime:
    async with _errand(settings, arguments.by) as (operator, secret):
        row = await operator.fetchrow(
            "SELECT status, until_at FROM access.open_support($1, $2, $3, $4, $5, $6, $7)", secret, arguments.by,
            arguments.name, patient, arguments.ticket, arguments.reason, min(max(arguments.minutes, 1), 480),
        )  # fmt: skip
    if row is None or row["status"] != "ok":
        raise OperatorError(_SAID[row["status"] if row else "none"])
    until: datetime = row["until_at"]
    return until


def _close(settings: Settings, arguments: argparse.Namespace) -> int:
    count = asyncio.run(_end(settings, arguments))
    print(f"{arguments.ticket}: {count} ended")  # noqa: T201
    return 0 if count else 1


async def _end(settings: Settings, arguments: argparse.Namespace) -> int:
    async with _errand(settings, arguments.by) as (operator, secret):
        return int(await operator.fetchval("SELECT access.close_support($1, $2)", secret, arguments.ticket))


def _list(settings: Settings, _: argparse.Namespace) -> int:
    for row in asyncio.run(_supports(settings)):
        patient = ids.encode(slot_of(row["patient"]), row["patient"])
        print(f"{row['ticket']}  {row['person_name']}  {patient}  until {_clock(row['until_at'])}")  # noqa: T201
    return 0


async def _supports(settings: Settings) -> list[db.Row]:
    keys = open_keys(settings.data_dir)
    async with await db.Database.connect(settings, keys, "fj_migrate", max_size=1) as operator:
        rows: list[db.Row] = await operator.fetch("SELECT * FROM access.open_supports()")
    return rows


@asynccontextmanager
async def _errand(settings: Settings, by: str) -> AsyncIterator[tuple[db.Database, bytes]]:
    keys = open_keys(settings.data_dir)
    async with (
        await db.Database.connect(settings, keys, "fj_migrate", max_size=1) as operator,
        acting_once(operator, keys=keys, actor=_GIVER, granted_by=by, lasts=_ERRAND) as secret,
    ):
        yield operator, secret


def _clock(at: datetime) -> str:
    return f"{at.astimezone(OSLO):%Y-%m-%d %H:%M}"
