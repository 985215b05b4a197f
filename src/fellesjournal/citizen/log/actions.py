"""Reading the own log: page by page, or whole for keeping."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime
from typing import Final

from fellesjournal.access.audit import LogLine
from fellesjournal.citizen.log.model import LogPage, Wish, page_end, visits_of

Read = Callable[[datetime, int], Awaitable[list[LogLine]]]
"""The log's lines before an instant, newest first, at most so many."""

PAGE: Final = 25
_BATCH: Final = 200
_BATCHES: Final = 15
_KEPT: Final = 5_000


async def read_page(read: Read, *, wish: Wish, before: datetime) -> LogPage:
    """About PAGE visits that are asked for. A page may be short, or empty, and still have a next one."""
    kept: list[LogLine] = []
    reached, has_more = before, False
    async for lines, is_end in _batches(read, wish, before, batches=_BATCHES):
        has_more = not is_end
        reached = lines[-1].at if lines else reached
        kept += filter(wish.takes, lines)
        end = page_end(kept, size=PAGE)
        if end is not None:
            return LogPage(visits_of(kept[:end]), kept[end - 1].at)
    return LogPage(visits_of(kept), reached if has_more else None)


async def read_all(read: Read, *, wish: Wish, before: datetime) -> list[LogLine]:
    """Every line that is asked for, newest first, up to 5,000."""
    kept: list[LogLine] = []
    async for lines, _ in _batches(read, wish, before, batches=_KEPT // _BATCH * 4):
        kept += filter(wish.takes, lines)
        if len(kept) >= _KEPT:
            break
    return kept[:_KEPT]


async def _batches(
    read: Read, wish: Wish, before: datetime, *, batches: int
) -> AsyncIterator[tuple[list[LogLine], bool]]:
    """(lines, whether they are the last), until the log or the period ends, or so many batches are read."""
    for _ in range(batches):
        lines = await read(before, _BATCH)
        is_end = len(lines) < _BATCH or wish.is_before(lines[-1].at)
        yield lines, is_end
        if is_end:
            return
        before = lines[-1].at
