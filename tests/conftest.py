"""One embedded PostgreSQL for the test run, a migrated template, and a clone of it for each test or module.

FELLESJOURNAL_TEST_PG_BIN or FELLESJOURNAL_PG_BIN chooses the programs, so that the same tests run on several
versions.
"""

import asyncio
import contextlib
import fcntl
import itertools
import json
import os
import shutil
import tempfile
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import hypothesis
import pytest

from fellesjournal.kit import db
from fellesjournal.kit.dsn import Dsn
from fellesjournal.kit.embedded import Embedded
from fellesjournal.kit.keys import Keys, open_or_create_keys
from fellesjournal.kit.migrate import migrate
from fellesjournal.kit.settings import Settings
from tests import needs

TEMPLATE, DEMO = "fj_template", "fj_demo"

# With CI the same examples each time: what it says of a commit must not hang on luck. At a desk new ones are tried.
hypothesis.settings.register_profile("ci", derandomize=True)
if os.environ.get("CI") == "true":
    hypothesis.settings.load_profile("ci")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what the machine can't run, with the reason."""
    needs.skip_missing(items)


@dataclass(frozen=True)
class TestDatabase:
    """A database of its own, migrated; `dsn(role)` for each of our roles."""

    __test__ = False
    admin: Dsn
    keys: Keys
    settings: Settings

    def dsn(self, role: str) -> Dsn:
        """The way in as a role."""
        return self.admin.as_role(user=role, password=self.keys.role_password(role))

    async def connect(self, role: str, *, max_size: int = 4) -> db.Database:
        """A pool as a role; the caller closes it."""
        return await db.Database.open(self.dsn(role), settings=self.settings, max_size=max_size)

    async def connect_admin(self, *, max_size: int = 2) -> db.Database:
        """A pool as the administrator; the caller closes it."""
        return await db.Database.open(self.admin, settings=self.settings, max_size=max_size)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder with data that isn't part of the project."""
    return needs.SHARED


@pytest.fixture(scope="session")
def embedded_server(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Iterator[tuple[Dsn, Keys]]:
    """The server of this test run and its keys; shared by all xdist workers, the first of which starts it."""
    if worker_id == "master":
        folder = Path(tempfile.mkdtemp(prefix="fj-test-"))
        keys = open_or_create_keys(folder)
        server = _server(folder, keys)
        yield server.start(), keys
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)
    else:
        with _joined_server(tmp_path_factory.getbasetemp().parent) as joined:
            yield joined


@pytest.fixture(scope="session")
def worker_id(request: pytest.FixtureRequest) -> str:
    """The xdist worker, `master` without xdist."""
    return str(getattr(request.config, "workerinput", {}).get("workerid", "master"))


@pytest.fixture(scope="session")
def template(embedded_server: tuple[Dsn, Keys]) -> str:
    """Name of a migrated, empty database to clone."""
    dsn, keys = embedded_server
    return _made_once(keys, TEMPLATE, lambda name: migrate(dsn.to(name), keys, demo=True))


@pytest.fixture
def database(
    embedded_server: tuple[Dsn, Keys], template: str, worker_id: str, tmp_path: Path
) -> Iterator[TestDatabase]:
    """A migrated database for one test."""
    with _clone(embedded_server, template, worker_id, tmp_path) as made:
        yield made


@pytest.fixture(scope="module")
def module_database(
    embedded_server: tuple[Dsn, Keys], template: str, worker_id: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[TestDatabase]:
    """A migrated database for all tests of a module."""
    with _clone(embedded_server, template, worker_id, tmp_path_factory.mktemp("module")) as made:
        yield made


@pytest.fixture(scope="session")
def demo_template(embedded_server: tuple[Dsn, Keys]) -> str:
    """Name of a database with a small demo municipality in it, to clone; made at its first use."""
    from tests.site import SIZE, load_demo

    _dsn, keys = embedded_server
    return _made_once(keys, DEMO, lambda name: load_demo(_demo_settings(keys, name, demo_size=SIZE), keys))


@pytest.fixture(scope="module")
def demo_site(running_demo: Any) -> Iterator[Any]:
    """A running site (`tests.site.Site`) with the demo municipality, for all tests of a module."""
    with running_demo() as site:
        yield site


@pytest.fixture(scope="session")
def running_demo(embedded_server: tuple[Dsn, Keys], demo_template: str, worker_id: str) -> Any:
    """Runs a site with the demo municipality for as long as a block lasts, for a fixture of any width."""
    from tests.site import running

    dsn, keys = embedded_server

    @contextlib.contextmanager
    def run() -> Iterator[Any]:
        name = f"fj_site_{worker_id}_{next(_numbers)}"
        asyncio.run(_execute(dsn, f"CREATE DATABASE {name} TEMPLATE {demo_template}"))
        with running(_demo_settings(keys, name, subscription_hosts=("127.0.0.1",)), keys) as site:
            yield site
        asyncio.run(_execute(dsn, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)"))

    return run


def _demo_settings(keys: Keys, name: str, **more: Any) -> Settings:
    return replace(Settings(), data_dir=keys.path.parent, database_name=name, **more)


@pytest.fixture
async def admin(database: TestDatabase) -> AsyncGenerator[db.Database, None]:
    """A pool as the administrator of the test's database."""
    async with await database.connect_admin() as pool:
        yield pool


def _made_once(keys: Keys, name: str, make: Callable[[str], Awaitable[object]]) -> str:
    """A database that the first worker makes who wants it; the others wait for it."""
    done = keys.path.with_name(f"{name}.done")
    with done.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            asyncio.run(_awaited(make(name)))
            done.touch()
    return name


async def _awaited(work: Awaitable[object]) -> None:
    await work


_numbers = itertools.count(1)


@contextlib.contextmanager
def _clone(
    server: tuple[Dsn, Keys], template: str, worker: str, folder: Path
) -> Generator[TestDatabase, None, None]:
    dsn, keys = server
    name = f"fj_{worker}_{next(_numbers)}"
    asyncio.run(_execute(dsn, f"CREATE DATABASE {name} TEMPLATE {template}"))
    try:
        yield TestDatabase(dsn.to(name), keys, replace(Settings(), data_dir=folder, database_name=name))
    finally:
        asyncio.run(_execute(dsn, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)"))


async def _execute(dsn: Dsn, statement: str) -> None:
    connection = await db.connect(dsn)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


def _server(folder: Path, keys: Keys) -> Embedded:
    chosen = os.environ.get("FELLESJOURNAL_TEST_PG_BIN") or os.environ.get("FELLESJOURNAL_PG_BIN") or ""
    return Embedded(data_dir=folder, keys=keys, pg_bin=chosen, shared_buffers_mb=128)


@contextlib.contextmanager
def _joined_server(folder: Path) -> Generator[tuple[Dsn, Keys], None, None]:
    """The server that the first worker starts and the last one stops; a file counts who uses it."""
    data = Path(tempfile.gettempdir()) / f"fj-test-{folder.name}-{os.getuid()}"
    server = _enter(folder, data)
    try:
        state = json.loads((folder / "server.json").read_text())
        yield Dsn(**{**state, "options": ()}), open_or_create_keys(data)
    finally:
        _leave(folder, data, server)


def _enter(folder: Path, data: Path) -> Embedded | None:
    with _counter(folder) as count:
        count["users"] += 1
        if count["users"] > 1:
            return None
        keys = open_or_create_keys(data)
        server = _server(data, keys)
        dsn: dict[str, Any] = {**server.start().__dict__}
        (folder / "server.json").write_text(json.dumps(dsn))
        return server


def _leave(folder: Path, data: Path, server: Embedded | None) -> None:
    with _counter(folder) as count:
        count["users"] -= 1
    if server is None:
        return
    # The worker that started it is its parent: it waits for the others.
    while True:
        with _counter(folder) as count:
            if count["users"] == 0:
                break
        time.sleep(0.1)
    server.stop()
    shutil.rmtree(data, ignore_errors=True)


@contextlib.contextmanager
def _counter(folder: Path) -> Generator[dict[str, int], None, None]:
    path = folder / "server.users"
    with (folder / "server.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        count = {"users": int(path.read_text()) if path.exists() else 0}
        yield count
        path.write_text(str(count["users"]))
