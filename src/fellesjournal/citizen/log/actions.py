"""Reading the own log: page by page, or whole for keeping."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final

from fellesjournal.access.audit import LogLine, Place
from fellesjournal.citizen.log.model import LogPage, page_end, visits_of

Read = Callable[[Place | None, int], Awaitable[list[LogLine]]]
"""The lines that are asked for, after a place (None: from the newest), newest first, at most so many."""

PAGE: Final = 25
_BATCH: Final = 400
_MOST: Final = 1_000
_KEPT: Final = 5_000


async def read_page(read: Read, *, after: Place | None = None) -> LogPage:
    """About PAGE visits. One that has more lines than a page goes on on the next."""
    kept: list[LogLine] = []
    async for lines in _batches(read, after, size=_BATCH):
        kept += lines
        end = page_end(kept, size=PAGE)
        if end is not None:
            return LogPage(visits_of(kept[:end]), kept[end - 1].place)
    return LogPage(visits_of(kept), None)


async def read_all(read: Read) -> list[LogLine]:
    """Every line that is asked for, newest first, up to 5,000."""
    kept: list[LogLine] = []
    async for lines in _batches(read, None, size=_MOST):
        kept += lines
        if len(kept) >= _KEPT:
            break
    return kept[:_KEPT]


async def _batches(read: Read, after: Place | None, *, size: int) -> AsyncIterator[list[LogLine]]:
    """The lines in batches, until the log ends."""
    while True:
        lines = await read(after, size)
        yield lines
        if len(lines) < size:
            return
        after = lines[-1].place
