"""The only door to PostgreSQL: a pool for each role, transactions, errors by our names, SQL files with named queries.

Nothing here or above may keep state in a database session (SET without LOCAL, prepared statements by name,
temporary tables, session locks): the pool gives connections back without a reset, and a test holds us to it.
The one exception is `listen`, which has a connection of its own.
"""

import asyncio
import re
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, Protocol

import asyncpg

from fellesjournal.kit.dsn import Dsn, parse_dsn
from fellesjournal.kit.embedded import find_running
from fellesjournal.kit.keys import Keys
from fellesjournal.kit.settings import Settings

DbError = asyncpg.PostgresError
UniqueViolation = asyncpg.UniqueViolationError
ForeignKeyViolation = asyncpg.ForeignKeyViolationError
CheckViolation = asyncpg.CheckViolationError
InvalidPassword = asyncpg.InvalidPasswordError
InsufficientPrivilege = asyncpg.InsufficientPrivilegeError
StatementTimeout = asyncpg.QueryCanceledError
LockTimeout = asyncpg.LockNotAvailableError
Deadlock = asyncpg.DeadlockDetectedError
DuplicateObject = asyncpg.DuplicateObjectError
ConnectionLost = (asyncpg.PostgresConnectionError, asyncpg.CannotConnectNowError, asyncpg.AdminShutdownError,
                  asyncpg.InterfaceError, ConnectionError)  # fmt: skip
"""For `except`: the server or the way to it is gone; the transaction did not commit, or nobody knows."""


class DatabaseUnavailable(Exception):
    """No database: no URL is set and no embedded server runs on the data folder, or it refuses us."""


class Row(Protocol):
    """One row: by position or by column name."""

    def __getitem__(self, key: int | str) -> Any:
        """The value of a column."""

    def __len__(self) -> int:
        """Number of columns."""

    def __iter__(self) -> Any:
        """The values, in order."""

    def keys(self) -> Iterable[str]:
        """The names of the columns, in order."""

    def get(self, key: str, default: Any = None) -> Any:
        """The value of a column, or the default when there is no such column."""


class Connection(Protocol):
    """What may be asked of a connection; the same four verbs as the pool's."""

    async def fetch(self, query: str, *args: Any, timeout: float | None = None) -> list[Row]:
        """All rows."""

    async def fetchrow(self, query: str, *args: Any, timeout: float | None = None) -> Row | None:
        """The first row, or None."""

    async def fetchval(self, query: str, *args: Any, timeout: float | None = None) -> Any:
        """The first column of the first row, or None."""

    async def execute(self, query: str, *args: Any, timeout: float | None = None) -> str:
        """Run it; the command's tag (`UPDATE 3`).

        Without arguments several statements may stand in one text.
        """

    async def executemany(
        self, query: str, args: Iterable[Sequence[Any]], *, timeout: float | None = None
    ) -> None:
        """Run it for each row of arguments, all or none."""

    def cursor(self, query: str, *args: Any, prefetch: int | None = None) -> AsyncIterator[Row]:
        """Rows as they come, inside a transaction."""

    def transaction(self) -> Any:
        """An asynchronous context: a transaction, or a savepoint inside one."""


class Database:
    """A pool of connections of one role."""

    def __init__(self, pool: Any, dsn: Dsn) -> None:
        self._pool = pool
        self.dsn = dsn
        self.raw = pool
        self.fetch: Callable[..., Any] = pool.fetch
        self.fetchrow: Callable[..., Any] = pool.fetchrow
        self.fetchval: Callable[..., Any] = pool.fetchval
        self.execute: Callable[..., Any] = pool.execute
        self.acquire: Callable[..., Any] = pool.acquire

    @classmethod
    async def connect(
        cls, settings: Settings, keys: Keys, role: str, *, max_size: int | None = None
    ) -> "Database":
        """A pool as one of our roles. Raises DatabaseUnavailable."""
        return await cls.open(
            role_dsn(settings, keys, role), settings=settings, max_size=max_size or settings.pool_max,
            again=lambda: role_dsn(settings, keys, role),
        )  # fmt: skip

    @classmethod
    async def open(
        cls, dsn: Dsn, *, settings: Settings, min_size: int = 1, max_size: int = 10,
        again: Callable[[], Dsn] | None = None,
    ) -> "Database":  # fmt: skip
        """A pool for a place and role; `again` tells where a new connection goes: the embedded server has a new
        socket after each start. Raises DatabaseUnavailable.
        """
        server_settings = _server_settings(settings, dsn.user)
        try:
            pool = await asyncpg.create_pool(
                **_arguments(dsn), min_size=min_size, max_size=max_size, reset=_no_reset, init=_set_codecs,
                server_settings=server_settings, max_inactive_connection_lifetime=300, connect=_connector(again),
            )  # fmt: skip
        except (*ConnectionLost, OSError, asyncpg.PostgresError) as error:
            raise DatabaseUnavailable(
                f"cannot reach the database as {dsn.user}: {type(error).__name__}"
            ) from error
        return cls(pool, dsn)

    async def close(self) -> None:
        """Wait for those who hold a connection (at most 10 s), then close all."""
        try:
            await asyncio.wait_for(self._pool.close(), 10)
        except TimeoutError:
            self._pool.terminate()

    @asynccontextmanager
    async def transaction(self, *, readonly: bool = False) -> AsyncGenerator[Connection, None]:
        """A connection inside a transaction, READ COMMITTED; commits at the end, rolls back on any exception."""
        async with self._pool.acquire() as connection, connection.transaction(readonly=readonly):
            yield connection

    @asynccontextmanager
    async def listen(self, *channels: str) -> AsyncGenerator[AsyncIterator[tuple[str, str]], None]:
        """Notifications as (channel, payload), on a connection of its own; ends with ConnectionLost if that is lost."""
        connection = await connect(self.dsn)
        queue: asyncio.Queue[tuple[str, str] | None] = asyncio.Queue()
        connection.add_termination_listener(lambda _: queue.put_nowait(None))
        try:
            for channel in channels:
                await connection.add_listener(
                    channel, lambda _c, _p, name, text: queue.put_nowait((name, text))
                )
            yield _until_lost(queue)
        finally:
            await connection.close()

    async def __aenter__(self) -> "Database":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


def _connector(again: Callable[[], Dsn] | None) -> Callable[..., Any]:
    async def connector(*args: Any, **kwargs: Any) -> Any:
        try:
            if again is None:
                return await asyncpg.connect(*args, **kwargs)
            return await asyncpg.connect(**{**kwargs, **_arguments(again())})
        except (FileNotFoundError, DatabaseUnavailable, TimeoutError, asyncpg.TooManyConnectionsError) as error:
            # A socket that is not there (any more) is a server that does not answer; so is one that has no room.
            raise ConnectionRefusedError(type(error).__name__) from error

    return connector


async def connect(dsn: Dsn, *, settings: Settings | None = None) -> Any:
    """One connection outside a pool, for administration. The caller closes it."""
    server_settings = (
        _server_settings(settings, dsn.user)
        if settings
        else {"search_path": "", "application_name": "fellesjournal"}
    )
    connection = await asyncpg.connect(**_arguments(dsn), server_settings=server_settings)
    await _set_codecs(connection)
    return connection


def admin_dsn(settings: Settings, keys: Keys) -> Dsn:
    """Where the installation's database is, as its administrator. Raises DatabaseUnavailable."""
    if settings.database_url:
        try:
            return parse_dsn(settings.database_url)
        except ValueError as error:
            raise DatabaseUnavailable(f"setting database_url: {error}") from None
    running = find_running(settings.data_dir, keys)
    if running is None:
        raise DatabaseUnavailable(
            f"no database server runs on {settings.data_dir}; start Fellesjournal first"
        )
    return running.to(settings.database_name)


def role_dsn(settings: Settings, keys: Keys, role: str) -> Dsn:
    """Where the installation's database is, as one of our roles. Raises DatabaseUnavailable."""
    return admin_dsn(settings, keys).as_role(user=role, password=keys.role_password(role))


def sqlstate(error: BaseException) -> str:
    """The five-character code of a database error; empty for anything else.

    Our own functions raise codes `FJ…`.
    """
    return str(getattr(error, "sqlstate", "") or "")


def is_own_error(error: BaseException) -> bool:
    """Whether one of our own database functions raised it (class FJ)."""
    return sqlstate(error).startswith("FJ")


@dataclass(frozen=True)
class Queries:
    """The named queries of one SQL file, as attributes."""

    texts: dict[str, str]
    docs: dict[str, str]

    def __getattr__(self, name: str) -> str:
        try:
            return self.texts[name]
        except KeyError:
            raise AttributeError(f"no query named {name}") from None

    def __iter__(self) -> Any:
        return iter(self.texts)

    def doc(self, name: str) -> str:
        """The comment under the query's name."""
        return self.docs[name]


def sql_file(package: str, name: str = "store.sql") -> Queries:
    """The queries of a room's SQL file. Each starts with `-- name: read_many` and comment lines that say what it is.

    Raises ValueError for a name twice, a query without words or without SQL: such a file is a mistake of ours.
    """
    return parse_queries((files(package) / name).read_text("utf-8"))


def parse_queries(text: str) -> Queries:
    """As sql_file, from a text."""
    head, *blocks = re.split(r"^-- name:", text, flags=re.MULTILINE)
    if re.sub(r"^\s*--.*$", "", head, flags=re.MULTILINE).strip():
        raise ValueError("SQL before the first query's name")
    texts: dict[str, str] = {}
    docs: dict[str, str] = {}
    for block in blocks:
        name, doc, query = _parse_query(block)
        if name in texts:
            raise ValueError(f"two queries named {name}")
        texts[name], docs[name] = query, doc
    return Queries(texts, docs)


def _parse_query(block: str) -> tuple[str, str, str]:
    first, *lines = block.splitlines()
    name = first.strip()
    words: list[str] = []
    while lines and lines[0].startswith("--"):
        words.append(lines.pop(0).lstrip("-").strip())
    query = "\n".join(lines).strip().removesuffix(";").rstrip()
    if not name.isidentifier() or not words or not query:
        raise ValueError(f"query {name or '(no name)'}: needs a name, a comment line and SQL")
    return name, " ".join(words), query


def _arguments(dsn: Dsn) -> dict[str, Any]:
    return {"dsn": dsn.url(), "password": dsn.password, "timeout": 20}


def _server_settings(settings: Settings, role: str) -> dict[str, str]:
    return {
        "application_name": f"fellesjournal {role}",
        "search_path": "",
        "statement_timeout": str(settings.statement_timeout_ms),
        "idle_in_transaction_session_timeout": str(settings.idle_transaction_timeout_ms),
        "TimeZone": "UTC",
        "jit": "off",
    }


async def _set_codecs(_connection: Any) -> None:
    """None needed yet: bodies are text, instants come with their zone, jsonb stays text for its one reader."""


async def _no_reset(_connection: Any) -> None:
    """Saves a round trip for each use; possible because no session state is ever made."""


async def _until_lost(queue: "asyncio.Queue[tuple[str, str] | None]") -> AsyncIterator[tuple[str, str]]:
    while (item := await queue.get()) is not None:
        yield item
    raise ConnectionResetError("the listening connection was lost")
