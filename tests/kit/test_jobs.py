"""The job queue: in the caller's transaction, tried again, held when given up; by roles that may little."""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from fellesjournal.kit import db
from fellesjournal.kit.jobs import NotAnId, Worker, dead_letters, encode_payload, enqueue, try_again, waiting

FAST = timedelta(milliseconds=20)


@pytest.fixture
async def web(database: Any) -> AsyncGenerator[db.Database, None]:
    async with await database.connect("fj_web") as pool:
        yield pool


@pytest.fixture
async def worker_pool(database: Any) -> AsyncGenerator[db.Database, None]:
    async with await database.connect("fj_worker", max_size=6) as pool:
        yield pool


@asynccontextmanager
async def running(worker: Worker) -> AsyncIterator[None]:
    task = asyncio.create_task(worker.run())
    try:
        yield
    finally:
        worker.stop()
        await asyncio.wait_for(task, 10)


async def until(condition: Any) -> None:
    async with asyncio.timeout(10):
        while not (await condition() if asyncio.iscoroutinefunction(condition) else condition()):  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def test_job_of_a_committed_transaction_is_run_and_of_a_rolled_back_one_is_not(
    web: db.Database, worker_pool: db.Database
) -> None:
    seen: list[Any] = []

    async def handle(payload: Any) -> None:
        seen.append(payload["n"])

    with pytest.raises(RuntimeError, match="changed my mind"):  # noqa: PT012 the whole block is the subject
        async with web.transaction() as tx:
            await enqueue(tx, "count", {"n": 1})
            raise RuntimeError("changed my mind")
    async with web.transaction() as tx:
        assert await enqueue(tx, "count", {"n": 2, "patient": "0000abcdefgh123"})
    worker = Worker(worker_pool, look_every=FAST)
    worker.register("count", handle)
    async with running(worker):
        await until(lambda: seen)
    assert seen == [2]
    assert await waiting(worker_pool) == {}


async def test_failing_job_is_tried_again_then_held_then_tried_again_by_an_operator(
    web: db.Database, worker_pool: db.Database
) -> None:
    tries: list[int] = []

    async def handle(payload: Any) -> None:
        tries.append(1)
        if len(tries) < 4:
            raise ValueError("the note says: hypertensjon")

    await enqueue(web, "fragile", {"n": 1})
    worker = Worker(worker_pool, look_every=FAST)
    worker.register("fragile", handle, attempts=3, first_pause=timedelta(milliseconds=5))
    async with running(worker):

        async def is_dead() -> bool:
            return bool(await dead_letters(worker_pool))

        await until(is_dead)
        (dead,) = await dead_letters(worker_pool)
        assert (dead.entrypoint, len(tries)) == ("fragile", 3)
        assert await try_again(worker_pool, [dead.id]) == 1
        await until(lambda: len(tries) == 4)
    assert await dead_letters(worker_pool) == []
    log = json.dumps(
        [dict(row) for row in await worker_pool.fetch("SELECT traceback FROM jobs.pgqueuer_log")]
    )
    assert "ValueError" in log
    assert "hypertensjon" not in log


async def test_like_jobs_wait_only_once(web: db.Database, worker_pool: db.Database) -> None:
    assert await enqueue(web, "seal", {}, dedupe_key="seal 2026-01") is not None
    assert await enqueue(web, "seal", {}, dedupe_key="seal 2026-01") is None
    assert await enqueue(web, "seal", {}, dedupe_key="seal 2026-02", delay=timedelta(hours=1)) is not None
    assert await waiting(worker_pool) == {"seal": 2}


async def test_delayed_job_waits(web: db.Database, worker_pool: db.Database) -> None:
    seen: list[str] = []

    async def handle(payload: Any) -> None:
        seen.append(payload["which"])

    await enqueue(web, "j", {"which": "later"}, delay=timedelta(hours=1))
    await enqueue(web, "j", {"which": "now"})
    worker = Worker(worker_pool, look_every=FAST)
    worker.register("j", handle)
    async with running(worker):
        await until(lambda: seen)
        await asyncio.sleep(0.2)
    assert seen == ["now"]


async def test_stop_lets_a_job_finish(web: db.Database, worker_pool: db.Database) -> None:
    started, done = asyncio.Event(), asyncio.Event()

    async def handle(payload: Any) -> None:
        started.set()
        await asyncio.sleep(0.3)
        done.set()

    await enqueue(web, "slow", {})
    worker = Worker(worker_pool, look_every=FAST)
    worker.register("slow", handle)
    async with running(worker):
        await asyncio.wait_for(started.wait(), 5)
    assert done.is_set()
    assert await waiting(worker_pool) == {}


async def test_two_workers_share_the_jobs_and_run_none_twice(database: Any, web: db.Database) -> None:
    seen: list[int] = []

    async def handle(payload: Any) -> None:
        seen.append(payload["n"])

    for number in range(60):
        await enqueue(web, "share", {"n": number})
    async with await database.connect("fj_worker") as one, await database.connect("fj_worker") as two:
        workers = [Worker(pool, look_every=FAST) for pool in (one, two)]
        for worker in workers:
            worker.register("share", handle)
        async with running(workers[0]), running(workers[1]):
            await until(lambda: len(seen) >= 60)
    assert sorted(seen) == list(range(60))


async def test_schedule_runs_and_survives_its_own_failure(worker_pool: db.Database) -> None:
    runs: list[int] = []

    async def handle() -> None:
        runs.append(1)
        raise ValueError("once")

    worker = Worker(worker_pool, look_every=FAST)
    worker.schedule("nightly", "* * * * * *", handle)
    async with running(worker):
        await until(lambda: len(runs) >= 2)


async def test_a_listener_that_is_gone_when_the_worker_ends_is_no_fault(worker_pool: db.Database) -> None:
    worker = Worker(worker_pool, look_every=FAST)
    worker.register("x", never)
    async with running(worker):
        await until(lambda: worker._queuer is not None and worker._queuer.connection._listener_connection is not None)
        await worker_pool.raw.release(worker._queuer.connection._listener_connection)


async def never(_payload: Any) -> None:
    raise AssertionError("nothing was put in")


async def test_web_role_puts_jobs_in_and_sees_none(web: db.Database) -> None:
    await enqueue(web, "x", {"n": 1})
    for statement in (
        "SELECT * FROM jobs.pgqueuer",
        "DELETE FROM jobs.pgqueuer",
        "SELECT * FROM jobs.pgqueuer_log",
    ):
        with pytest.raises(db.InsufficientPrivilege):
            await web.execute(statement)


async def test_log_role_puts_no_jobs_in(database: Any) -> None:
    async with await database.connect("fj_log") as pool:
        with pytest.raises(db.InsufficientPrivilege):
            await enqueue(pool, "x", {})


@pytest.mark.parametrize(
    "payload",
    [
        {"name": "Kari Nordmann"}, {"fnr": "15876512345"}, {"fnr": 15876512345}, {"x": None},
        {"x": 1.5}, {"x": ""}, {"x": ["a"]}, {"x": True}, {"x": "a" * 200}, {"x": "æ"},
    ],
)  # fmt: skip
def test_payload_holds_ids_only(payload: Any) -> None:
    with pytest.raises(NotAnId):
        encode_payload(payload)


def test_tables_are_those_of_the_installed_pgqueuer() -> None:
    """A new PgQueuer that wants other tables is seen here, and needs a migration."""
    from pgqueuer.adapters.persistence.qb import QueryBuilderEnvironment
    from pgqueuer.domain.settings import DBSettings

    theirs = QueryBuilderEnvironment(DBSettings(db_schema="jobs")).build_install_query()
    theirs = theirs[theirs.index("CREATE TYPE") : theirs.index("CREATE FUNCTION")]
    migration = Path(__file__).resolve().parents[2] / "migrations" / "0002_jobs.sql"
    ours = (
        migration.read_text("utf-8").split("-- mark: pgqueuer begins")[1].split("-- mark: pgqueuer ends")[0]
    )
    assert ours.split() == theirs.split()
