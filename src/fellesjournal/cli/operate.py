"""What an operator does: migrate, back up and restore, rotate keys; and tokens in a demo."""

import argparse
import asyncio
import getpass
from pathlib import Path
from typing import Any

from fellesjournal.kit import backup, db, jobs
from fellesjournal.kit.keys import PURPOSES, Keys, open_keys, open_or_create_keys
from fellesjournal.kit.migrate import migrate
from fellesjournal.kit.settings import Settings


class OperatorError(Exception):
    """A command can't be carried out; the text says why."""


def add_commands(commands: Any) -> None:
    """`migrate`, `backup`, `restore`, `keys`, `token`, `jobs`."""
    commands.add_parser("migrate", help="bring the database up to this release").set_defaults(run=_migrate)
    _add_backup(commands)
    keys = commands.add_parser("keys", help="rotate a key")
    keys.add_argument("action", choices=["rotate"])
    keys.add_argument("purpose", choices=sorted(PURPOSES))
    keys.set_defaults(run=_rotate)
    token = commands.add_parser("token", help="print a bearer token (demo database only)")
    token.add_argument("--as", dest="name", required=True, metavar="NAME", help="a demo person, or `integration`")
    token.add_argument("--unit", help="unit (name or kind) to act in, if not the first")
    token.add_argument("--for", dest="behalf", metavar="NAME", help="somebody whom a citizen acts for: their record")
    token.set_defaults(run=_token)
    dead = commands.add_parser("jobs", help="list jobs that were given up, or try them again")
    dead.add_argument("action", choices=["dead", "retry"])
    dead.set_defaults(run=_jobs)


def _add_backup(commands: Any) -> None:
    for name, run, what in (
        ("backup", _backup, "write an encrypted backup"),
        ("restore", _restore, "restore a backup into an empty database, and compare every row"),
    ):
        parser = commands.add_parser(name, help=what)
        parser.add_argument("file", type=Path)
        parser.add_argument("--passphrase", action="store_true", help="ask for a passphrase (else: the key file)")
        parser.set_defaults(run=run)


def _migrate(settings: Settings, _: argparse.Namespace) -> int:
    keys = open_or_create_keys(settings.data_dir)
    ran = asyncio.run(_bring_up(settings, keys))
    print("\n".join(ran) or "nothing to do")  # noqa: T201 - a command's answer
    return 0


async def _bring_up(settings: Settings, keys: Keys) -> list[str]:
    """The files that were run, and what was made anew of installed packages."""
    # What reads FHIR takes longer to import than most commands to run.
    from fellesjournal.terminology import catch_up

    ran = await migrate(db.admin_dsn(settings, keys), keys)
    async with await db.Database.connect(settings, keys, "fj_migrate", max_size=1) as operator:
        count = await catch_up(operator)
    return [*ran, *([f"the codes of {count} installed code systems and concept maps"] if count else [])]


def _backup(settings: Settings, arguments: argparse.Namespace) -> int:
    keys = open_keys(settings.data_dir)
    report = asyncio.run(
        backup.backup(settings, keys, arguments.file, passphrase=_passphrase(arguments))
    )
    print(f"{arguments.file}: {report.rows} rows in {len(report.tables)} tables")  # noqa: T201
    return 0


def _restore(settings: Settings, arguments: argparse.Namespace) -> int:
    keys = open_keys(settings.data_dir)
    report = asyncio.run(
        backup.restore(settings, keys, arguments.file, passphrase=_passphrase(arguments))
    )
    print(f"{report.rows} rows in {len(report.tables)} tables restored; every table's hash is equal")  # noqa: T201
    return 0


def _passphrase(arguments: argparse.Namespace) -> str | None:
    return getpass.getpass("Passphrase: ") if arguments.passphrase else None


def _rotate(settings: Settings, arguments: argparse.Namespace) -> int:
    open_keys(settings.data_dir).rotate(arguments.purpose)
    print(f"{arguments.purpose}: new key made; restart the processes")  # noqa: T201
    return 0


def _token(settings: Settings, arguments: argparse.Namespace) -> int:
    print(asyncio.run(_issue(settings, arguments.name, arguments.unit, arguments.behalf)))  # noqa: T201
    return 0


async def _issue(settings: Settings, name: str, unit: str | None, behalf: str | None) -> str:
    from fellesjournal.identity import IdentityRefusal, NotDemo, Sessions, issue_demo_token

    keys = open_keys(settings.data_dir)
    async with (
        await db.Database.connect(settings, keys, "fj_signin", max_size=1) as signin,
        await db.Database.connect(settings, keys, "fj_web", max_size=1) as web,
    ):
        sessions = Sessions(signin=signin, web=web, settings=settings, keys=keys)
        try:
            return await issue_demo_token(sessions, name, unit=unit, behalf=behalf)
        except NotDemo as error:
            raise OperatorError(str(error)) from None
        except IdentityRefusal as error:
            raise OperatorError(f"no token for that name: {error.title}") from None


def _jobs(settings: Settings, arguments: argparse.Namespace) -> int:
    return asyncio.run(_dead(settings, retry=arguments.action == "retry"))


async def _dead(settings: Settings, *, retry: bool) -> int:
    keys = open_keys(settings.data_dir)
    async with await db.Database.connect(settings, keys, "fj_worker", max_size=1) as worker:
        letters = await jobs.dead_letters(worker)
        if retry:
            print(await jobs.try_again(worker, [letter.id for letter in letters]))  # noqa: T201
            return 0
        for letter in letters:
            print(f"{letter.id}\t{letter.entrypoint}\t{letter.attempts} attempts")  # noqa: T201
    return 0
