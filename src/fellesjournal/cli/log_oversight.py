"""`fellesjournal log known` and `log answer-for`: well-known people, and whose reviewers judge for which controller.

They are the same wishes as on the administrator's pages, and stand on record by the operator's name.
"""

import argparse
import asyncio
from datetime import date
from typing import Any

from fellesjournal.cli.operate import OperatorError
from fellesjournal.kit import db
from fellesjournal.kit.ids import decode
from fellesjournal.kit.keys import open_keys
from fellesjournal.kit.settings import Settings

_SAID = {
    "unit": "one of the names is no unit here, or the name of several",
    "unknown": "there is no such row that still holds",
    "reason": "say why with --reason, in at most 200 letters",
    "name": "say who with --name, in 2 to 200 letters",
    "source": "say what it stands on with --source, in at most 200 letters",
    "period": "--until is over already",
    "own": "they judge for that controller by their role",
    "last": "nobody would be left to judge there: let others judge first",
}


def add_actions(actions: Any) -> None:
    """`log known add|end|list`, `log answer-for UNIT --controller UNIT`."""
    known = actions.add_parser("known", help="well-known people, whose readings weigh more in the analysis")
    known = known.add_subparsers(required=True, metavar="ACTION")
    adding = known.add_parser("add", help="put somebody on the list, or change what stands there; asks for the number")
    adding.add_argument("--name", required=True)
    adding.add_argument("--reason", required=True, help="why many know of the person (at most 200 letters)")
    adding.add_argument("--patient", metavar="ID", help="the id of a Patient, for one who has no national number")
    adding.set_defaults(run=_add)
    ending = known.add_parser("end", help="take somebody off the list")
    ending.add_argument("number", type=int, help="as `log known list` shows it")
    ending.set_defaults(run=_end)
    known.add_parser("list", help="who is on the list").set_defaults(run=_list)
    scope = actions.add_parser("answer-for", help="let a unit's reviewers answer for another controller too")
    scope.add_argument("unit", help="the unit where the reviewers have their posts, by code or name")
    scope.add_argument("--controller", required=True, metavar="UNIT", help="any unit of the controller")
    scope.add_argument("--source", default="", help="the agreement that it stands on")
    scope.add_argument("--end", action="store_true", help="they answer for it no more")
    scope.set_defaults(run=_answer_for)
    for parser in (adding, scope):
        parser.add_argument("--until", type=_day, metavar="DAY", help="the last day (2027-06-30)")
    for parser in (adding, ending, scope):
        parser.add_argument("--by", required=True, metavar="NAME", help="your own name, as it will stand on record")


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError("a day is written as 2027-06-30") from None


def _add(settings: Settings, arguments: argparse.Namespace) -> int:
    whom = _patient(arguments.patient) if arguments.patient else asyncio.run(_numbered(settings))
    _wish(settings, arguments, {"do": "known", **whom, "name": arguments.name, "reason": arguments.reason})
    return 0


def _patient(text: str) -> dict[str, Any]:
    found = decode(text)
    if found is None or found[0] == 0:
        raise OperatorError(f"{text}: no Patient has such an id")
    return {"patient": found[1]}


async def _numbered(settings: Settings) -> dict[str, Any]:
    from fellesjournal.cli.administration import ask_number
    from fellesjournal.identity import named_by_number

    keys = open_keys(settings.data_dir)
    async with await db.Database.connect(settings, keys, "fj_migrate", max_size=1) as operator:
        return named_by_number(keys, await ask_number(operator))


def _end(settings: Settings, arguments: argparse.Namespace) -> int:
    _wish(settings, arguments, {"do": "known", "known": arguments.number})
    return 0


def _list(settings: Settings, _: argparse.Namespace) -> int:
    asyncio.run(_print_list(settings))
    return 0


async def _print_list(settings: Settings) -> None:
    from fellesjournal.identity.administration import last_day
    from fellesjournal.identity.administration.oversight import known_people_as_operator

    async with await db.Database.connect(settings, open_keys(settings.data_dir), "fj_migrate", max_size=1) as operator:
        for one in await known_people_as_operator(operator):
            until = f"  until {last_day(one.until_at)}" if one.until_at else ""
            print(f"{one.id}  {one.name}  {one.reason}{until}")  # noqa: T201 - a command's answer


def _answer_for(settings: Settings, arguments: argparse.Namespace) -> int:
    wish = {"do": "review", "unit_code": arguments.unit, "controller_code": arguments.controller}
    _wish(settings, arguments, {**wish, **({"is_over": True} if arguments.end else {"source": arguments.source})})
    return 0


def _wish(settings: Settings, arguments: argparse.Namespace, wish: dict[str, Any]) -> None:
    if not arguments.by.strip():
        raise OperatorError("say who you are with --by")
    asyncio.run(_carry_out(settings, wish, by=arguments.by, until=getattr(arguments, "until", None)))


async def _carry_out(settings: Settings, wish: dict[str, Any], *, by: str, until: date | None) -> None:
    from fellesjournal.identity.administration import Operator, Refused, carry_out, midnight_after

    whole = {**wish, **({"until": midnight_after(until)} if until else {})}
    async with await db.Database.connect(settings, open_keys(settings.data_dir), "fj_migrate", max_size=1) as operator:
        try:
            await carry_out(operator, [whole], by=Operator(by))
        except Refused as refused:
            raise OperatorError(_SAID[refused.why]) from None
