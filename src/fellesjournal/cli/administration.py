"""`fellesjournal municipality` and `administrators`: units and people from a file, and a first administrator."""

import argparse
import asyncio
import getpass
import secrets
from pathlib import Path
from typing import Any

from fellesjournal.cli import takeout
from fellesjournal.cli.operate import OperatorError
from fellesjournal.identity import number_hash
from fellesjournal.identity.administration import (
    BadFile,
    Change,
    Operator,
    Refused,
    Report,
    carry_out,
    ledger,
    read_file,
)
from fellesjournal.identity.administration.file import Wishes
from fellesjournal.kit import db
from fellesjournal.kit.keys import Keys, open_keys
from fellesjournal.kit.migrate import installation
from fellesjournal.kit.settings import Settings
from fellesjournal.national.identifiers import DNR, FNR, kind_of

_ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
_SAID = {
    "unit": "no unit has that code, or that name alone",
    "there": "there is an administrator already; administrators appoint each other",
    "code": "the code is wrong, used, or older than 24 hours",
    "same": "somebody else than the one who proposed must confirm",
}


def add_commands(commands: Any) -> None:
    """`municipality apply FILE`, `administrators propose`, `administrators confirm`."""
    actions = commands.add_parser("municipality", help="units, people and rights from a file").add_subparsers(
        required=True, metavar="ACTION"
    )
    applying = actions.add_parser("apply", help="a file of docs/operations/administration.md: all of it or nothing")
    applying.add_argument("file", type=Path)
    applying.add_argument("--dry-run", action="store_true", help="print what would be changed, and change nothing")
    _add_by(applying)
    applying.set_defaults(run=_apply)
    takeout.add_actions(actions)
    first = commands.add_parser("administrators", help="appoint a first administrator").add_subparsers(
        required=True, metavar="ACTION"
    )
    proposing = first.add_parser("propose", help="propose one; asks for the national number, prints a code")
    proposing.add_argument("--name", required=True)
    proposing.add_argument("--unit", required=True, help="code or name of the unit that the role is at")
    _add_by(proposing)
    proposing.set_defaults(run=_propose)
    confirming = first.add_parser("confirm", help="another operator confirms, with the code, within 24 hours")
    confirming.add_argument("code")
    _add_by(confirming)
    confirming.set_defaults(run=_confirm)


def _add_by(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--by", required=True, metavar="NAME", help="your own name, as it will stand on record")


def _apply(settings: Settings, arguments: argparse.Namespace) -> int:
    try:
        content = arguments.file.read_bytes()
    except OSError as error:
        raise OperatorError(f"{arguments.file}: {error.strerror}") from None
    report = asyncio.run(_apply_all(settings, arguments.file.name, content, arguments.by, is_dry=arguments.dry_run))
    for one in report.changes:
        print(line_of(one))  # noqa: T201 - a command's answer
    done = "would be made; nothing was changed" if report.is_dry else "made"
    print(f"{len(report.changes)} changes {done}")  # noqa: T201
    return 0


async def _apply_all(settings: Settings, name: str, content: bytes, by: str, *, is_dry: bool) -> Report:
    keys = open_keys(settings.data_dir)
    async with await db.Database.connect(settings, keys, "fj_migrate", max_size=1) as operator:
        read = await _read(operator, content, name, keys)
        try:
            return await carry_out(operator, read.wishes, by=Operator(by), is_dry=is_dry)
        except Refused as refused:
            lines = [f"{read.places[place]}: {why}" for place, why in refused.faults.items()]
            raise OperatorError("\n  ".join([f"{name}: nothing was changed", *lines])) from None


async def _read(operator: db.Database, content: bytes, name: str, keys: Keys) -> Wishes:
    async with operator.acquire() as connection:
        is_demo = (await installation(connection)).demo
    try:
        return read_file(content, name=name, keys=keys, is_demo=is_demo)
    except BadFile as bad:
        raise OperatorError("\n  ".join([f"{name}: nothing was changed", *bad.faults])) from None


def line_of(change: Change) -> str:
    """One change as a line of a difference."""
    sign = {"added": "+", "changed": "~", "ended": "-"}[change.did]
    names = sorted(change.before.keys() | change.after.keys())
    fields = [
        f"{name}: {change.before[name]} → {change.after.get(name)}"
        if change.before.get(name) is not None
        else f"{name}: {change.after.get(name)}"
        for name in names
        if change.before.get(name) != change.after.get(name)
    ]
    return f"{sign} {change.subject} {change.about_name} {{{', '.join(fields)}}}".replace("  ", " ")


def _propose(settings: Settings, arguments: argparse.Namespace) -> int:
    code = "-".join("".join(secrets.choice(_ALPHABET) for _ in range(4)) for _ in range(3))
    asyncio.run(_propose_one(settings, arguments, code))
    print("Proposed. Another operator confirms within 24 hours:")  # noqa: T201
    print(f"  fellesjournal administrators confirm {code} --by NAME")  # noqa: T201
    return 0


async def _propose_one(settings: Settings, arguments: argparse.Namespace, code: str) -> None:
    keys = open_keys(settings.data_dir)
    async with await db.Database.connect(settings, keys, "fj_migrate", max_size=1) as operator:
        number = await ask_number(operator)
        status = await ledger.propose(
            operator, by=arguments.by, code=code, number_hash=number_hash(keys, number), name=arguments.name,
            unit=arguments.unit,
        )  # fmt: skip
    if status != "done":
        raise OperatorError(_SAID[status])


async def ask_number(operator: db.Database) -> str:
    """A national number that is typed and not shown. Raises OperatorError when it can't be one here."""
    number = getpass.getpass("National number (not shown): ").replace(" ", "")
    async with operator.acquire() as connection:
        wanted = "synthetic" if (await installation(connection)).demo else "real"
    if wanted not in (kind_of(FNR, number), kind_of(DNR, number)):
        raise OperatorError(f"that is not a {wanted} national number")
    return number


def _confirm(settings: Settings, arguments: argparse.Namespace) -> int:
    status = asyncio.run(_confirm_one(settings, arguments))
    if status != "done":
        raise OperatorError(_SAID[status])
    print("Appointed, from the next sign-in on")  # noqa: T201
    return 0


async def _confirm_one(settings: Settings, arguments: argparse.Namespace) -> str:
    keys = open_keys(settings.data_dir)
    async with await db.Database.connect(settings, keys, "fj_migrate", max_size=1) as operator:
        return await ledger.confirm(operator, by=arguments.by, code=arguments.code)
