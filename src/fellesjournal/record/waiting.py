"""Natural batching: calls to the database that wait are taken together by one."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from fellesjournal.kit.db import DbError

Item = TypeVar("Item")
Result = TypeVar("Result")


class Waiting(Generic[Item, Result]):
    """One call decides, logs and answers all that wait: one durable commit for them.

    No timer: whatever has come in when the call before it is done goes next, so that a lone one never waits.
    Another call starts when more than `patience` wait, `width` at once at most; then each takes half of what waits (not
    less than `patience`, at most `batch`), so that the process has answers to send while the database is at work: with
    all in one call, each of the two would stand still in turn.
    """

    def __init__(
        self, fetch: Callable[[list[Item]], Awaitable[Sequence[Result]]], *, batch: int, patience: int, width: int = 2
    ) -> None:  # fmt: skip
        self._fetch = fetch
        self._batch, self._patience, self._width = batch, patience, width
        self._running = 0
        self._items: deque[tuple[Item, asyncio.Future[Result]]] = deque()
        self._tasks: set[asyncio.Task[None]] = set()

    def ask(self, item: Item) -> "asyncio.Future[Result]":
        """What `fetch` gives for this item."""
        future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._items.append((item, future))
        if not self._running or (self._running < self._width and len(self._items) > self._patience):
            self._running += 1
            task = asyncio.create_task(self._drain())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return future

    async def _drain(self) -> None:
        try:
            while self._items:
                share = max(self._patience, len(self._items) // 2)
                count = min(self._batch, share, len(self._items))
                await self._serve([self._items.popleft() for _ in range(count)])
        finally:
            self._running -= 1

    async def _serve(self, batch: list[tuple[Item, "asyncio.Future[Result]"]]) -> None:
        try:
            results = await self._fetch([item for item, _ in batch])
        except DbError as error:
            if len(batch) == 1:
                _fail(batch, error)
                return
            # One bad item must not take the others with it.
            for one in batch:
                await self._serve([one])
        except BaseException as error:
            _fail(batch, error)
            if not isinstance(error, Exception):
                raise
        else:
            for (_, future), result in zip(batch, results, strict=True):
                if not future.done():
                    future.set_result(result)


def _fail(batch: Sequence[tuple[Item, "asyncio.Future[Result]"]], error: BaseException) -> None:
    for _, future in batch:
        if not future.done():
            future.set_exception(error if isinstance(error, Exception) else ConnectionError("stopped"))
