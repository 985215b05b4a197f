"""`fellesjournal municipality export`, `verify` and `unpack`: what one controller answers for, taken out whole."""

import argparse
import asyncio
import getpass
import sys
from pathlib import Path
from typing import Any

from fellesjournal.cli.operate import OperatorError
from fellesjournal.kit import db
from fellesjournal.kit.keys import open_keys
from fellesjournal.kit.settings import Settings
from fellesjournal.onboarding.takeout import BadArchive, Manifest, NotTakenOut, Wish, read_archive, take_out, unpack


def add_actions(actions: Any) -> None:
    """Beside `municipality apply`."""
    exporting = actions.add_parser("export", help="write all that a controller answers for to a sealed file")
    exporting.add_argument("controller", help="code or name of the controller, as the municipality's file has it")
    exporting.add_argument("file", type=Path)
    exporting.add_argument("--by", required=True, metavar="NAME", help="your own name, as it will stand on record")
    exporting.add_argument("--reason", required=True, help="why, as it will stand on record")
    verifying = actions.add_parser("verify", help="read such a file through and hold it against its manifest")
    verifying.add_argument("file", type=Path)
    unpacking = actions.add_parser("unpack", help="the same, and write it in the clear into a new folder")
    unpacking.add_argument("file", type=Path)
    unpacking.add_argument("folder", type=Path)
    for parser, run in ((exporting, _export), (verifying, _verify), (unpacking, _unpack)):
        parser.add_argument("--passphrase", action="store_true", help="ask for a passphrase (else: the key file)")
        parser.set_defaults(run=run)


def _export(settings: Settings, arguments: argparse.Namespace) -> int:
    wish = Wish(arguments.controller, arguments.by, arguments.reason)
    try:
        manifest = asyncio.run(_take_out(settings, arguments.file, wish, _passphrase(arguments)))
    except NotTakenOut as error:
        raise OperatorError(str(error)) from None
    _tell(manifest, arguments.file)
    return 0


async def _take_out(settings: Settings, file: Path, wish: Wish, passphrase: str | None) -> Manifest:
    keys = open_keys(settings.data_dir)
    async with await db.Database.connect(settings, keys, "fj_migrate", max_size=1) as operator:
        return await take_out(operator, keys, file, wish=wish, passphrase=passphrase, on_progress=_progress)


def _progress(people: int) -> None:
    if sys.stderr.isatty():
        print(f"\r{people} people", end="", file=sys.stderr)  # noqa: T201 - while it runs


def _verify(settings: Settings, arguments: argparse.Namespace) -> int:
    keys = open_keys(settings.data_dir)
    try:
        _tell(read_archive(arguments.file, keys, passphrase=_passphrase(arguments)), arguments.file)
    except BadArchive as error:
        raise OperatorError(str(error)) from None
    return 0


def _unpack(settings: Settings, arguments: argparse.Namespace) -> int:
    keys = open_keys(settings.data_dir)
    try:
        manifest = unpack(arguments.file, keys, arguments.folder, passphrase=_passphrase(arguments))
    except BadArchive as error:
        raise OperatorError(str(error)) from None
    _tell(manifest, arguments.folder)
    return 0


def _passphrase(arguments: argparse.Namespace) -> str | None:
    return getpass.getpass("Passphrase: ") if arguments.passphrase else None


def _tell(manifest: Manifest, place: Path) -> None:
    lines = [f"{place}: {manifest.name}, made {manifest.made_at} by {manifest.operator}"]
    lines += [f"  {name:<14} {part.lines:>10}  {part.sha256}" for name, part in manifest.parts.items()]
    print("\n".join(lines))  # noqa: T201 - a command's answer
