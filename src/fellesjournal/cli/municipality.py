"""Bringing in the demo municipality, with progress shown."""

import sys
from datetime import date, datetime
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from fellesjournal.clinical.correspondence import ensure_system_actors
from fellesjournal.demo.load import is_complete, load_first, load_rest, open_loader
from fellesjournal.demo.reviews import put_reviews
from fellesjournal.kit.clock import OSLO
from fellesjournal.kit.db import Database
from fellesjournal.kit.keys import Keys
from fellesjournal.kit.settings import Settings


async def bring_in(settings: Settings, keys: Keys, console: Console) -> None:
    """Write what must be there before sign-in opens."""
    async with await Database.connect(settings, keys, "fj_migrate", max_size=1) as identity:
        await ensure_system_actors(identity, keys=keys)
    with _bars(console) as bars:
        async with open_loader(settings, keys, today=_today(), progress=_shown_in(bars)) as loader:
            await load_first(loader)


async def fill_in(settings: Settings, keys: Keys, console: Console) -> None:
    """Write every chart that is missing; nothing when all are there."""
    async with await Database.connect(settings, keys, "fj_migrate", max_size=1) as identity:
        if await is_complete(identity):
            return
    with _bars(console) as bars:
        async with open_loader(settings, keys, today=_today(), progress=_shown_in(bars)) as loader:
            await load_first(loader)
            await put_reviews(settings, loader)
            await load_rest(loader)


def _today() -> date:
    return datetime.now(OSLO).date()


def _bars(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description:<36}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), console=console
    )


def _shown_in(bars: Progress) -> Any:
    tasks: dict[str, TaskID] = {}

    def progress(what: str, done: int, total: int) -> None:
        if what not in tasks:
            tasks[what] = bars.add_task(what, total=total)
        bars.update(tasks[what], completed=done, total=total)
        if not sys.stderr.isatty() and done == total:
            bars.console.print(f"{what}: {done}")

    return progress
