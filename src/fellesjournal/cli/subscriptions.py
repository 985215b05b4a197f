"""`fellesjournal subscriptions`: how they stand, and sending again what was not received."""

import argparse
import asyncio
from typing import Any

from fellesjournal.cli.operate import OperatorError
from fellesjournal.kit import db, ids
from fellesjournal.kit.keys import open_keys
from fellesjournal.kit.settings import Settings
from fellesjournal.record.subscriptions import standing


def add_command(commands: Any) -> None:
    """`subscriptions list`, `resend ID [--from NUMBER]`."""
    parser = commands.add_parser("subscriptions", help="how subscriptions stand; send again what was not received")
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    actions.add_parser("list", help="every subscription, those in error first").set_defaults(run=_list)
    again = actions.add_parser("resend", help="greet the subscriber anew, then send what was not received")
    again.add_argument("id", help="id of the Subscription")
    again.add_argument("--from", dest="first", type=int, help="number of the first event to send (again)")
    again.set_defaults(run=_resend)


def _list(settings: Settings, _: argparse.Namespace) -> int:
    for row in asyncio.run(_all(settings)):
        id_, waiting = ids.encode(row["slot"], row["pid"]), row["events"] - row["sent"]
        said = f" ({row['error']}, {row['failures']} times)" if row["error"] else ""
        counts = f"{row['events']} events, {waiting} not received"
        status, until = f"{row['status']}{said}", f"until {row['until_at']:%Y-%m-%d}"
        words = (id_, status, row["channel"], counts, row["unit"], until)
        print("\t".join(words))  # noqa: T201
    return 0


async def _all(settings: Settings) -> list[db.Row]:
    async with await db.Database.connect(settings, open_keys(settings.data_dir), "fj_migrate", max_size=1) as operator:
        return await standing.listed(operator)


def _resend(settings: Settings, arguments: argparse.Namespace) -> int:
    key = ids.decode(arguments.id)
    if key is None or not asyncio.run(_resend_one(settings, key, arguments.first)):
        raise OperatorError(f"{arguments.id[:64]}: no subscription of this id is to be carried out")
    print(f"{arguments.id}: sent as soon as the subscriber answers")  # noqa: T201
    return 0


async def _resend_one(settings: Settings, key: tuple[int, int], first: int | None) -> bool:
    async with await db.Database.connect(settings, open_keys(settings.data_dir), "fj_migrate", max_size=1) as operator:
        return await standing.resend(operator, key=key, first=first)
