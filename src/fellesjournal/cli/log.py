"""`fellesjournal log`: the seals of the access log for others to keep, and whether the log is as it was sealed."""

import argparse
import asyncio
import sys
from pathlib import Path
from typing import Any, Final

from fellesjournal.cli import log_analysis, log_oversight
from fellesjournal.cli.operate import OperatorError
from fellesjournal.kit import db
from fellesjournal.kit.keys import open_keys
from fellesjournal.kit.settings import Settings

_TEXTS: Final = {
    "changed": "this row was changed",
    "removed": "a row after this one was removed",
    "inserted": "this row was inserted",
    "misdated": "this row's time does not fit its place: it was put in later, or its time was changed",
    "batch": "the rows are not those that were sealed; which one can't be told, for the seal's marks were changed too",
    "seal": "the seal itself was changed",
    "signature": "the seal is not signed with a key of this installation",
    "chain": "the seal does not follow the one before it: a seal was removed or made anew",
    "device": "the name of a device was changed: its key was made of another one",
    "published": "the seal is not the one that was published",
}


def add_command(commands: Any) -> None:
    """`log seals`, `log verify`, `log analyse`, `log known`, `log answer-for`."""
    parser = commands.add_parser("log", help="print the seals of the access log; verify the log; read it through")
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    seals = actions.add_parser("seals", help="print the seals, a line of JSON each, for others to keep")
    seals.add_argument("--from", dest="start", type=int, default=1, metavar="NUMBER", help="the first to print (1)")
    seals.set_defaults(run=_seals)
    verify = actions.add_parser("verify", help="recompute every seal; status 1 if anything differs")
    verify.add_argument("--seals", type=Path, metavar="FILE", help="seals that were published, to hold ours against")
    verify.set_defaults(run=_verify)
    log_analysis.add_actions(actions)
    log_oversight.add_actions(actions)


def _seals(settings: Settings, arguments: argparse.Namespace) -> int:
    asyncio.run(_print_seals(settings, arguments.start))
    return 0


async def _print_seals(settings: Settings, start: int) -> None:
    from fellesjournal.access import chain

    async with await db.Database.connect(settings, open_keys(settings.data_dir), "fj_log", max_size=1) as reader:
        while page := await chain.published(reader, start=start):
            for seal in page:
                print(seal.published())  # noqa: T201 - a command's answer
            start = page[-1].number + 1


def _verify(settings: Settings, arguments: argparse.Namespace) -> int:
    from fellesjournal.access import chain

    try:
        kept = chain.read_published(arguments.seals.read_text("utf-8")) if arguments.seals else {}
    except OSError as error:
        raise OperatorError(f"{arguments.seals}: {error.strerror}") from None
    except ValueError:
        raise OperatorError(f"{arguments.seals}: a line is no seal, or was changed") from None
    return asyncio.run(_verified(settings, kept))


async def _verified(settings: Settings, kept: Any) -> int:
    from fellesjournal.access import chain

    keys, state = open_keys(settings.data_dir), None
    async with await db.Database.connect(settings, keys, "fj_log", max_size=1) as reader:
        async for state in chain.log_verified(reader, keys=keys, kept=kept):
            if sys.stderr.isatty():
                print(f"\r{state.seals} seals, {state.rows} rows", end="", file=sys.stderr, flush=True)  # noqa: T201
    assert state is not None  # noqa: S101 - the last state always comes
    for finding in state.findings:
        place = "" if finding.pos is None else f", row {finding.xid}/{finding.pos}"
        print(f"seal {finding.number}{place}: {_TEXTS[finding.what]}")  # noqa: T201
    since = f", the oldest from {state.waits_since:%Y-%m-%d %H:%M:%S}Z" if state.waits_since else ""
    print(f"{state.seals} seals, {state.rows} rows, {len(state.findings)} findings; "  # noqa: T201
          f"{state.waiting} rows not sealed yet{since}")  # fmt: skip
    return 1 if state.findings else 0
