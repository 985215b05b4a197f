"""`fellesjournal apps`: which apps may run (SMART App Launch), by the operator."""

import argparse
import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from fellesjournal.cli.operate import OperatorError
from fellesjournal.clinical.apps.register import new_secret
from fellesjournal.identity.apps import ADMINISTRATOR, App, BadRegistration, Registration, ledger, read_registration
from fellesjournal.identity.apps.model import Status
from fellesjournal.kit import db
from fellesjournal.kit.keys import open_keys
from fellesjournal.kit.settings import Settings
from fellesjournal.record.ceiling import check_scopes
from fellesjournal.record.search import SearchError

ALWAYS = (datetime(2000, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC))
_STATUS: dict[str, Status] = {"approve": "approved", "suspend": "suspended", "remove": "removed"}


def add_command(commands: Any) -> None:
    """`apps add FILE`, `list`, `approve ID`, `suspend ID`, `remove ID`, `appoint NAME`."""
    parser = commands.add_parser("apps", help="register apps, approve, suspend and remove them")
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    adding = actions.add_parser("add", help="register or change an app by a JSON file (docs/integrations/smart.md)")
    adding.add_argument("file", type=Path)
    adding.add_argument("--approve", action="store_true", help="approve it at once")
    adding.set_defaults(run=_add)
    actions.add_parser("list", help="the apps and their status").set_defaults(run=_list)
    words = {
        "approve": "let an app run",
        "suspend": "stop an app; what it was granted ends at once",
        "remove": "remove an app; what it was granted ends at once",
    }
    for name, help_text in words.items():
        marking = actions.add_parser(name, help=help_text)
        marking.add_argument("client_id", metavar="ID")
        marking.set_defaults(run=_mark, status=_STATUS[name])
    appointing = actions.add_parser("appoint", help="make a demo person an administrator, who has the page")
    appointing.add_argument("name", help="as the sign-in of the demo shows it")
    appointing.add_argument("--unit", required=True, help="the unit that the role is at, by its name")
    appointing.set_defaults(run=_appoint)


def _add(settings: Settings, arguments: argparse.Namespace) -> int:
    try:
        made = read_registration(arguments.file.read_bytes(), key_hosts=settings.app_key_hosts)
        check_scopes(made.scopes.resources)
        secret = asyncio.run(_register(settings, made, approve_too=arguments.approve))
    except OSError as error:
        raise OperatorError(f"{arguments.file}: {error.strerror}") from None
    except BadRegistration as error:
        raise OperatorError(f"{arguments.file}: {error}") from None
    except SearchError as error:
        raise OperatorError(f"{arguments.file}: scope: {error.issues[0].diagnostics}") from None
    print(f"{made.client_id}: {'approved' if arguments.approve else 'registered; it runs when it is approved'}")  # noqa: T201
    if secret:
        print(f"client_secret (shown once): {secret}")  # noqa: T201
    return 0


async def _register(settings: Settings, made: Registration, *, approve_too: bool) -> str:
    keys, secret = open_keys(settings.data_dir), new_secret(made)
    async with await db.Database.connect(settings, keys, "fj_migrate", max_size=1) as operator:
        await ledger.register(operator, made, keys=keys, secret=secret)
        if approve_too:
            await ledger.mark(operator, made.client_id, "approved")
    return secret


def _mark(settings: Settings, arguments: argparse.Namespace) -> int:
    if not asyncio.run(_mark_one(settings, arguments.client_id, arguments.status)):
        raise OperatorError(f"{arguments.client_id}: no app of this name")
    print(f"{arguments.client_id}: {arguments.status}")  # noqa: T201
    return 0


async def _mark_one(settings: Settings, client_id: str, status: Status) -> bool:
    keys = open_keys(settings.data_dir)
    async with await db.Database.connect(settings, keys, "fj_migrate", max_size=1) as operator:
        return await ledger.mark(operator, client_id, status)


def _appoint(settings: Settings, arguments: argparse.Namespace) -> int:
    asyncio.run(_appoint_one(settings, arguments.name, arguments.unit))
    print(f"{arguments.name}: administrator at {arguments.unit}, from the next sign-in on")  # noqa: T201
    return 0


async def _appoint_one(settings: Settings, name: str, unit_name: str) -> None:
    async with await db.Database.connect(settings, open_keys(settings.data_dir), "fj_migrate", max_size=1) as operator:
        person = await operator.fetchrow("SELECT person FROM identity.find_demo($1) WHERE kind = 'human'", name)
        unit = await operator.fetchval("SELECT identity.unit_named($1)", unit_name)
        if person is None or unit is None:
            raise OperatorError(f"{name}, {unit_name}: no demo person, or no one unit, of this name")
        query = "SELECT identity.put_post($1, $2, $3, NULL, NULL, NULL, $4, $5)"
        await operator.execute(query, person["person"], unit, ADMINISTRATOR, *ALWAYS)


def _list(settings: Settings, _: argparse.Namespace) -> int:
    for app in asyncio.run(_all(settings)):
        print(f"{app.client_id}\t{app.status}\t{app.name}\t{app.registration.scopes}")  # noqa: T201
    return 0


async def _all(settings: Settings) -> list[App]:
    async with await db.Database.connect(settings, open_keys(settings.data_dir), "fj_migrate", max_size=1) as operator:
        return await ledger.everyone(operator)
