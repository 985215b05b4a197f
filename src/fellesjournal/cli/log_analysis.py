"""`fellesjournal log analyse`: read the log through for readings without need."""

import argparse
import asyncio
from datetime import date
from typing import Any

from fellesjournal.cli.operate import OperatorError
from fellesjournal.kit import db
from fellesjournal.kit.keys import open_keys
from fellesjournal.kit.settings import Settings


def add_actions(actions: Any) -> None:
    """`log analyse [--day DAY]`."""
    analyse = actions.add_parser("analyse", help="read the log through for readings without need, as each night")
    analyse.add_argument("--day", type=_day, metavar="DAY", help="this day alone, also again (2026-11-23)")
    analyse.set_defaults(run=_analyse)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError("a day is written as 2026-11-23") from None


def _analyse(settings: Settings, arguments: argparse.Namespace) -> int:
    asyncio.run(_read_through(settings, arguments.day))
    return 0


async def _read_through(settings: Settings, day: date | None) -> None:
    from fellesjournal.access import analysis
    from fellesjournal.access.model import SessionOver
    from fellesjournal.clinical.correspondence.actors import CONTROL, SystemSession
    from fellesjournal.clinical.review.jobs import Analyst
    from fellesjournal.identity.sessions import Sessions

    keys = open_keys(settings.data_dir)
    async with await db.Database.connect(settings, keys, "fj_worker", max_size=2) as worker:
        session = SystemSession(Sessions(signin=worker, web=worker, settings=settings, keys=keys), actor=CONTROL)
        analyst = Analyst(worker, hash64=keys.hash64, secret=session.secret, stop=asyncio.Event())
        try:
            if day is None:
                await analyst.work()
            else:
                await analyst.learn()
                found = await analysis.analyse(worker, secret=await session.secret(), day=day)
                if found is None:
                    raise SessionOver
        except SessionOver:
            raise OperatorError("the analysis has no grant: run `fellesjournal migrate`, or renew it") from None
        finally:
            await session.end()
    await _print_state(settings)


async def _print_state(settings: Settings) -> None:
    """The last days that were read through, and tasks that no reviewer can see."""
    async with await db.Database.connect(settings, open_keys(settings.data_dir), "fj_migrate", max_size=1) as operator:
        rows = await operator.fetch("SELECT * FROM access.analysed_days(10)")
        orphans = await operator.fetchval("SELECT access.review_orphans()")
    for row in rows:
        print(f"{row['on_day']}: {row['readings']} readings, {row['staff_days']} readers' days, "  # noqa: T201
              f"{row['findings']} findings")  # fmt: skip
    if orphans:
        print(f"{orphans} open tasks are of a controller that no reviewer answers for")  # noqa: T201
