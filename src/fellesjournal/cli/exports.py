"""`fellesjournal exports`: which systems may export the records that they may see."""

import argparse
import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

from fellesjournal.cli.operate import OperatorError
from fellesjournal.clinical.correspondence import ensure_system_actors
from fellesjournal.identity.numbers import system_hash
from fellesjournal.kit import db
from fellesjournal.kit.keys import open_keys
from fellesjournal.kit.settings import Settings


def add_command(commands: Any) -> None:
    """`exports allow NAME`, `forbid NAME`."""
    parser = commands.add_parser("exports", help="let a system export the records that it may see, or no longer")
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    allowing = actions.add_parser("allow", help="let a system export, for a time")
    allowing.add_argument("name", help="the system's name, as its tokens are issued by")
    allowing.add_argument("--days", type=int, default=365, help="for how long (365)")
    allowing.set_defaults(run=_allow)
    forbidding = actions.add_parser("forbid", help="take that back; exports under way are given up")
    forbidding.add_argument("name")
    forbidding.set_defaults(run=_forbid)


def _allow(settings: Settings, arguments: argparse.Namespace) -> int:
    if arguments.days < 1:
        raise OperatorError("--days must be at least 1")
    until = datetime.now(UTC) + timedelta(days=arguments.days)
    asyncio.run(_grant(settings, arguments.name, until))
    print(f"{arguments.name}: may export until {until:%Y-%m-%d}")  # noqa: T201 - a command's answer
    return 0


def _forbid(settings: Settings, arguments: argparse.Namespace) -> int:
    asyncio.run(_grant(settings, arguments.name, datetime.now(UTC)))
    print(f"{arguments.name}: may not export")  # noqa: T201 - a command's answer
    return 0


async def _grant(settings: Settings, name: str, until: datetime) -> None:
    keys = open_keys(settings.data_dir)
    async with await db.Database.connect(settings, keys, "fj_migrate", max_size=1) as operator:
        row = await operator.fetchrow("SELECT person FROM identity.find_system($1)", system_hash(keys, name))
        if row is None:
            raise OperatorError(f"{name}: no system of this name")
        await ensure_system_actors(operator, keys=keys, granted_by="exports")
        await operator.execute("SELECT identity.put_grant($1, 'EXPORT', $2, 'exports')", row["person"], until)
