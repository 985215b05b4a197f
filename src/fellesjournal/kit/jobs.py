"""Background jobs: put one in within the caller's transaction, run them in the worker with retries and schedules.

PgQueuer keeps the queue (its tables in the schema `jobs`, made by our migration). A job carries ids only;
whoever runs it decides anew whether it may. A job that fails is tried again with growing pauses, then held
as a dead letter until an operator looks at it. Nothing notifies in the writing transaction: the worker looks
at the queue every half second.
"""

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from fellesjournal.kit import db
from fellesjournal.kit.log import get_logger

Payload = Mapping[str, int | str]
Handler = Callable[[Payload], Awaitable[None]]
ScheduledHandler = Callable[[], Awaitable[None]]

SCHEMA = "jobs"
LOOK_EVERY = timedelta(seconds=0.5)
GIVE_UP_AFTER = 8
_ID = re.compile(r"[A-Za-z0-9._:/\-]{1,120}")
_IDENTITY_NUMBER = re.compile(r"(?<!\d)\d{11}(?!\d)")
_ENQUEUE = "SELECT jobs.enqueue($1, $2, $3, $4, $5)"
_log = get_logger("kit.jobs")


class NotAnId(ValueError):
    """A job's payload holds something else than ids."""


@dataclass(frozen=True)
class DeadLetter:
    """A job that was given up."""

    id: int
    entrypoint: str
    attempts: int


@dataclass(frozen=True)
class _Registered:
    handler: Handler
    attempts: int
    concurrency: int
    first_pause: timedelta


async def enqueue(
    connection: db.Connection | db.Database,
    entrypoint: str,
    payload: Payload,
    *,
    delay: timedelta = timedelta(0),
    dedupe_key: str | None = None,
    priority: int = 0,
) -> int | None:
    """Put a job in the queue, in the transaction of the connection; its number, or None if its like waits already.

    Raises NotAnId when the payload holds anything but whole numbers and ids.
    """
    content = encode_payload(payload)
    number: int | None = await connection.fetchval(_ENQUEUE, entrypoint, content, delay, dedupe_key, priority)
    return number


def encode_payload(payload: Payload) -> bytes:
    """The bytes of a payload. Raises NotAnId when it holds anything but whole numbers and ids."""
    for name, value in payload.items():
        if isinstance(value, bool) or not isinstance(value, int | str):
            raise NotAnId(f"{name} is neither a whole number nor an id")
        if (isinstance(value, str) and not _ID.fullmatch(value)) or _IDENTITY_NUMBER.search(str(value)):
            raise NotAnId(f"{name} is not an id")
    return json.dumps(dict(payload), separators=(",", ":")).encode()


class Worker:
    """Runs the jobs that are registered with it, until it is told to stop."""

    def __init__(
        self, database: db.Database, *, look_every: timedelta = LOOK_EVERY, concurrency: int = 8
    ) -> None:
        self._database = database
        self._look_every = look_every
        self._concurrency = concurrency
        self._jobs: dict[str, _Registered] = {}
        self._schedules: dict[str, tuple[str, ScheduledHandler]] = {}
        self._queuer: Any = None
        self._stopped = asyncio.Event()

    def register(
        self,
        entrypoint: str,
        handler: Handler,
        *,
        attempts: int = GIVE_UP_AFTER,
        concurrency: int = 0,
        first_pause: timedelta = timedelta(seconds=1),
    ) -> None:
        """Run `handler` for each job of this name; `concurrency` 1 = one at a time across all workers, 0 = no limit."""
        if entrypoint in self._jobs:
            raise ValueError(f"there is a job named {entrypoint} already")
        self._jobs[entrypoint] = _Registered(handler, attempts, concurrency, first_pause)

    def schedule(self, name: str, expression: str, handler: ScheduledHandler) -> None:
        """Run `handler` by a cron expression (UTC), in one worker at a time."""
        if name in self._schedules:
            raise ValueError(f"there is a schedule named {name} already")
        self._schedules[name] = (expression, handler)

    async def run(self) -> None:
        """Work until `stop`; jobs that are under way are finished first."""
        self._queuer = _queuer(self._database)
        for name, job in self._jobs.items():
            _bind(self._queuer, name, job)
        for name, (expression, handler) in self._schedules.items():
            _bind_schedule(self._queuer, name, expression, handler)
        if self._stopped.is_set():
            return
        try:
            await self._queuer.run(
                dequeue_timeout=self._look_every,
                batch_size=max(1, self._concurrency // 2),
                max_concurrent_tasks=max(2, self._concurrency),
            )
        except db.ConnectionLost as error:
            # PgQueuer gives its listener's connection back last, when all jobs are done: one that is gone by then is
            # no fault.
            if not self._stopped.is_set():
                raise
            _log.warning("the listener's connection was gone at the end", exc_info=error)

    def stop(self) -> None:
        """Take no more jobs; `run` returns when those under way are done."""
        self._stopped.set()
        if self._queuer is not None:
            self._queuer.shutdown.set()


async def dead_letters(database: db.Database, *, limit: int = 100) -> list[DeadLetter]:
    """Jobs that were given up, newest first."""
    rows = await database.fetch(_DEAD, limit)
    return [DeadLetter(id=row["id"], entrypoint=row["entrypoint"], attempts=row["attempts"]) for row in rows]


async def try_again(database: db.Database, job_ids: list[int]) -> int:
    """Put given-up jobs back in the queue with all their attempts; how many there were."""
    return len(await database.fetch(_AGAIN, job_ids))


async def waiting(database: db.Database) -> dict[str, int]:
    """Number of jobs that are waiting or being run, by name."""
    return {row["entrypoint"]: row["n"] for row in await database.fetch(_WAITING)}


_DEAD = "SELECT id, entrypoint, attempts FROM jobs.pgqueuer WHERE status = 'failed' ORDER BY id DESC LIMIT $1"
_AGAIN = """UPDATE jobs.pgqueuer SET status = 'queued', attempts = 0, execute_after = now(), updated = now(),
    queue_manager_id = NULL, slot = NULL WHERE id = ANY ($1::bigint[]) AND status = 'failed' RETURNING id"""
_WAITING = """SELECT entrypoint, count(*) AS n FROM jobs.pgqueuer WHERE status IN ('queued', 'picked')
    GROUP BY entrypoint ORDER BY entrypoint"""


class _JobFailed(Exception):
    """Stands for a handler's own error, whose text may hold content and must not reach the queue's log table."""


def _queuer(database: db.Database) -> Any:
    # Imported late: only the worker pays for it.
    from pgqueuer import PgQueuer
    from pgqueuer.adapters.drivers.asyncpg import AsyncpgPoolDriver
    from pgqueuer.adapters.persistence.qb import (
        QueryBuilderEnvironment,
        QueryQueueBuilder,
        QuerySchedulerBuilder,
    )
    from pgqueuer.adapters.persistence.queries import Queries
    from pgqueuer.domain.settings import DBSettings

    settings = DBSettings(db_schema=SCHEMA)
    driver = AsyncpgPoolDriver(database.raw)
    queries = Queries(
        driver,
        QueryBuilderEnvironment(settings),
        QueryQueueBuilder(settings),
        QuerySchedulerBuilder(settings),
    )
    return PgQueuer(connection=driver, channel=settings.channel, queries=queries)


def _bind(queuer: Any, name: str, job: _Registered) -> None:
    from pgqueuer.core.executors import DatabaseRetryEntrypointExecutor

    async def run(waiting_job: Any) -> None:
        try:
            await job.handler(json.loads(waiting_job.payload or b"{}"))
        except Exception as error:  # noqa: BLE001 every failure is logged without its text and handed to the retries
            _log.warning("job failed", entrypoint=name, attempt=waiting_job.attempts + 1, exc_info=error)
            raise _JobFailed(type(error).__name__) from None

    def executor(parameters: Any) -> Any:
        return DatabaseRetryEntrypointExecutor(
            parameters=parameters, max_attempts=job.attempts - 1, initial_delay=job.first_pause,
            max_delay=timedelta(hours=1),
        )  # fmt: skip

    queuer.entrypoint(
        name,
        concurrency_limit=job.concurrency,
        accepts_context=False,
        on_failure="hold",
        executor_factory=executor,
    )(run)


def _bind_schedule(queuer: Any, name: str, expression: str, handler: ScheduledHandler) -> None:
    async def run(_schedule: Any) -> None:
        try:
            await handler()
        except Exception as error:  # noqa: BLE001 logged without its text; the next time comes by itself
            _log.warning("scheduled job failed", schedule=name, exc_info=error)

    queuer.schedule(name, expression, accepts_context=False, clean_old=True)(run)
