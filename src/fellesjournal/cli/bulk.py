"""`fellesjournal exports` and `imports`: which systems may export the records that they may see, and write in bulk."""

import argparse
import asyncio
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from fellesjournal.cli.operate import OperatorError
from fellesjournal.clinical.correspondence import ensure_system_actors
from fellesjournal.identity.numbers import system_hash
from fellesjournal.kit import db
from fellesjournal.kit.keys import open_keys
from fellesjournal.kit.settings import Settings

_COMMANDS = {
    "exports": ("EXPORT", "may export", "let a system export the records that it may see, or no longer"),
    "imports": ("IMPORT", "may import", "let a system write in bulk where it may write, or no longer"),
}


def add_commands(commands: Any) -> None:
    """`exports allow NAME`, `exports forbid NAME`; `imports` likewise."""
    for name, (purpose, may, what) in _COMMANDS.items():
        actions = commands.add_parser(name, help=what).add_subparsers(required=True, metavar="ACTION")
        allowing = actions.add_parser("allow", help=f"a system {may}, for a time")
        allowing.add_argument("name", help="the system's name, as its tokens are issued by")
        allowing.add_argument("--days", type=int, default=365, help="for how long (365)")
        allowing.set_defaults(run=partial(_allow, purpose, may))
        forbidding = actions.add_parser("forbid", help="take that back; what is under way is given up")
        forbidding.add_argument("name")
        forbidding.set_defaults(run=partial(_forbid, purpose, may))


def _allow(purpose: str, may: str, settings: Settings, arguments: argparse.Namespace) -> int:
    if arguments.days < 1:
        raise OperatorError("--days must be at least 1")
    until = datetime.now(UTC) + timedelta(days=arguments.days)
    asyncio.run(_grant(settings, arguments.name, purpose, until))
    print(f"{arguments.name}: {may} until {until:%Y-%m-%d}")  # noqa: T201 - a command's answer
    return 0


def _forbid(purpose: str, may: str, settings: Settings, arguments: argparse.Namespace) -> int:
    asyncio.run(_grant(settings, arguments.name, purpose, datetime.now(UTC)))
    print(f"{arguments.name}: {may.replace('may', 'may not')}")  # noqa: T201 - a command's answer
    return 0


async def _grant(settings: Settings, name: str, purpose: str, until: datetime) -> None:
    keys = open_keys(settings.data_dir)
    async with await db.Database.connect(settings, keys, "fj_migrate", max_size=1) as operator:
        row = await operator.fetchrow("SELECT person FROM identity.find_system($1)", system_hash(keys, name))
        if row is None:
            raise OperatorError(f"{name}: no system of this name")
        await ensure_system_actors(operator, keys=keys, granted_by="bulk")
        await operator.execute("SELECT identity.put_grant($1, $2, $3, 'bulk')", row["person"], purpose, until)
