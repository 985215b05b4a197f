"""`fellesjournal log analyse`: read the log through for readings without need; `log known`: well-known people."""

import argparse
import asyncio
import getpass
from datetime import UTC, date, datetime
from typing import Any

from fellesjournal.cli.operate import OperatorError
from fellesjournal.kit import db
from fellesjournal.kit.ids import decode
from fellesjournal.kit.keys import open_keys
from fellesjournal.kit.settings import Settings

_FOREVER = datetime(9999, 1, 1, tzinfo=UTC)


def add_actions(actions: Any) -> None:
    """`log analyse [--day DAY]`, `log known PATIENT --reason TEXT`, `log answer-for UNIT --controller UNIT`."""
    analyse = actions.add_parser("analyse", help="read the log through for readings without need, as each night")
    analyse.add_argument("--day", type=_day, metavar="DAY", help="this day alone, also again (2026-11-23)")
    analyse.set_defaults(run=_analyse)
    known = actions.add_parser("known", help="put a well-known person on the analysis' list, or take one off it")
    known.add_argument("patient", help="the id of the Patient")
    known.add_argument("--reason", default="", help="why many know of the person (at most 200 letters)")
    known.add_argument("--remove", action="store_true", help="take the person off the list")
    known.set_defaults(run=_known)
    scope = actions.add_parser("answer-for", help="let a unit's reviewers answer for another controller too")
    scope.add_argument("unit", help="the unit where the reviewers have their posts, by name")
    scope.add_argument("--controller", required=True, metavar="UNIT", help="any unit of the controller, by name")
    scope.add_argument("--source", required=True, help="the agreement that it stands on")
    scope.set_defaults(run=_answer_for)


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


def _known(settings: Settings, arguments: argparse.Namespace) -> int:
    found = decode(arguments.patient)
    if found is None or found[0] == 0:
        raise OperatorError(f"{arguments.patient}: no Patient has such an id")
    if not arguments.remove and not 0 < len(arguments.reason) <= 200:
        raise OperatorError("say why with --reason, in at most 200 letters")
    asyncio.run(_keep(settings, found[1], arguments))
    return 0


async def _keep(settings: Settings, patient: int, arguments: argparse.Namespace) -> None:
    until = datetime.now(UTC) if arguments.remove else _FOREVER
    async with await db.Database.connect(settings, open_keys(settings.data_dir), "fj_migrate", max_size=1) as operator:
        await operator.execute(
            "SELECT access.keep_known($1, $2, $3, $4)", patient, arguments.reason, getpass.getuser(), until
        )


def _answer_for(settings: Settings, arguments: argparse.Namespace) -> int:
    asyncio.run(_let_answer(settings, arguments))
    return 0


async def _let_answer(settings: Settings, arguments: argparse.Namespace) -> None:
    async with await db.Database.connect(settings, open_keys(settings.data_dir), "fj_migrate", max_size=1) as operator:
        done = await operator.fetchval(
            "SELECT access.let_answer($1, $2, $3)", arguments.unit, arguments.controller, arguments.source
        )
    if not done:
        raise OperatorError("one of the names is no unit here, or the name of several")
