"""`fellesjournal demo`: one command brings up a living municipality, and Ctrl+C takes it all down."""

import argparse
import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from types import FrameType
from typing import Any

from rich.console import Console

from fellesjournal.cli.operate import OperatorError
from fellesjournal.cli.serve import bind, command, start_web
from fellesjournal.kit import db
from fellesjournal.kit.embedded import Embedded, remove_data
from fellesjournal.kit.keys import Keys, open_keys, open_or_create_keys
from fellesjournal.kit.migrate import installation, migrate
from fellesjournal.kit.settings import Settings

_STOP_S = 20


def add_command(commands: Any) -> None:
    """`demo` and the loader that it starts."""
    parser = commands.add_parser("demo", help="bring up the demo municipality")
    parser.add_argument("--port", type=int, help="port to listen on (8000)")
    parser.add_argument("--host", help="address to listen on (127.0.0.1)")
    parser.add_argument("--size", type=int, dest="demo_size", help="inhabitants of each municipality (3000)")
    parser.add_argument("--reset", action="store_true", help="throw the demo's data away and start anew")
    parser.set_defaults(run=_demo)
    loader = commands.add_parser("demo-load")
    loader.set_defaults(run=_load_the_rest)


@dataclass
class Children:
    """The processes that the demo runs; stopped together."""

    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start(self, name: str, *arguments: str) -> None:
        """Start one of our commands in a process group of its own: Ctrl+C comes to us, we stop it in order."""
        argv = command(name, *arguments)
        self.processes.append(subprocess.Popen(argv, start_new_session=True))  # noqa: S603 - ourselves

    def dead(self) -> int | None:
        """The exit code of a process that must not end but did; None while all is well."""
        for process in self.processes:
            code = process.poll()
            if code not in (None, 0):
                return code
        return None

    def stop(self) -> None:
        """Ask all to stop, wait, then insist."""
        for process in self.processes:
            if process.poll() is None:
                process.terminate()
        deadline = time.monotonic() + _STOP_S
        for process in self.processes:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(max(0.1, deadline - time.monotonic()))
            if process.poll() is None:
                process.kill()


def _demo(settings: Settings, arguments: argparse.Namespace) -> int:
    console = Console(stderr=True)
    if arguments.host:
        console.print(
            f"[yellow]Obs:[/] demoen lytter på {settings.host}. "
            "Alle som når denne adressen, kan logge inn som hvem som helst."
        )
    with bind(settings) as listening:
        if arguments.reset:
            _reset(settings)
        os.environ.update(_environment(settings))
        keys = open_or_create_keys(settings.data_dir)
        # Also when it was inherited as ignored, as by what a shell without job control starts in the background.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.signal(signal.SIGTERM, _interrupt)
        with _server(settings, keys):
            return _bring_up(settings, keys, listening, console)


def _bring_up(settings: Settings, keys: Keys, listening: socket.socket, console: Console) -> int:
    try:
        _prepare(settings, keys, console)
        return _run(settings, listening, console)
    except KeyboardInterrupt:
        console.print("\nStopper …")
        return 0


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


@contextlib.contextmanager
def _server(settings: Settings, keys: Keys) -> Iterator[None]:
    """The embedded server, unless a database of the operator's own is set."""
    if settings.database_url:
        yield
        return
    server = Embedded(data_dir=settings.data_dir, keys=keys, pg_bin=settings.pg_bin)
    server.start()
    try:
        yield
    finally:
        server.stop()


def _reset(settings: Settings) -> None:
    if settings.database_url:
        raise OperatorError("--reset throws away the embedded database alone; empty your own by yourself")
    remove_data(settings.data_dir)


def _environment(settings: Settings) -> dict[str, str]:
    """What our child processes must agree on."""
    return {
        "FELLESJOURNAL_DATA": str(settings.data_dir),
        "FELLESJOURNAL_HOST": settings.host,
        "FELLESJOURNAL_PORT": str(settings.port),
        "FELLESJOURNAL_DEMO_SIZE": str(settings.demo_size),
        "FELLESJOURNAL_LOG_LEVEL": os.environ.get("FELLESJOURNAL_LOG_LEVEL", "warning"),
    }


def _run(settings: Settings, listening: socket.socket, console: Console) -> int:
    children = Children()
    try:
        children.processes += start_web(listening, settings=settings)
        _await_first_page(settings)
        children.start("worker")
        children.start("demo-load")
        console.print(f"\n[bold green]Fellesjournal er oppe:[/] {settings.base_url}   (Ctrl+C stopper alt)\n")
        while children.dead() is None:
            time.sleep(0.3)
        console.print("[red]En prosess stoppet uventet; stopper resten.[/]")
        return 1
    except KeyboardInterrupt:
        console.print("\nStopper …")
        return 0
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        children.stop()


def _await_first_page(settings: Settings) -> None:
    """Let the web process have the machine to itself until it answers, at most ten seconds."""
    with contextlib.suppress(OSError), socket.create_connection((settings.host, settings.port), timeout=10) as asking:
        asking.sendall(b"GET /health/live HTTP/1.0\r\nHost: localhost\r\n\r\n")
        asking.recv(1)


def _prepare(settings: Settings, keys: Keys, console: Console) -> None:
    """The database up to date, and everything there that sign-in needs."""
    if asyncio.run(_is_ready(settings, keys)):
        return
    # Imported here: a start with the data in place must not wait for the generator.
    from fellesjournal.cli.municipality import bring_in

    asyncio.run(bring_in(settings, keys, console))


async def _is_ready(settings: Settings, keys: Keys) -> bool:
    await migrate(db.admin_dsn(settings, keys), keys, demo=True)
    async with await db.Database.connect(settings, keys, "fj_migrate", max_size=1) as identity:
        async with identity.acquire() as connection:
            if not (await installation(connection)).demo:
                raise OperatorError("this database is not a demo: nothing was touched")
        return bool(await identity.fetchval("SELECT EXISTS (SELECT 1 FROM demo.loaded WHERE key = 'first')"))


def _load_the_rest(settings: Settings, _: argparse.Namespace) -> int:
    from fellesjournal.cli.municipality import fill_in

    signal.signal(signal.SIGTERM, _interrupt)
    os.nice(10)
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(fill_in(settings, open_keys(settings.data_dir), Console(stderr=True)))
    return 0
