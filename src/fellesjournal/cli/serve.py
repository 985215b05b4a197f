"""The two process types: web and worker."""

import argparse
import asyncio
import signal
import socket
import subprocess
import sys
from typing import Any

import uvicorn

from fellesjournal.app import Open, create_app
from fellesjournal.kit.keys import open_keys
from fellesjournal.kit.log import get_logger
from fellesjournal.kit.settings import Settings, check_listen

_log = get_logger("serve")
_BACKLOG = 512


class PortTaken(Exception):
    """Something else listens there."""


def add_commands(commands: Any) -> None:
    """`serve` and `worker`."""
    web = commands.add_parser("serve", help="run the web processes")
    web.add_argument("--host")
    web.add_argument("--port", type=int)
    web.add_argument("--workers", type=int)
    web.add_argument("--fd", type=int, help=argparse.SUPPRESS)
    web.set_defaults(run=_serve)
    worker = commands.add_parser("worker", help="run the background worker")
    worker.set_defaults(run=_worker)


def bind(settings: Settings) -> socket.socket:
    """Listen where the settings say. Raises PortTaken, SettingsError (beyond loopback without TLS or proxy)."""
    check_listen(settings)
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listening = socket.socket(family)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((settings.host, settings.port))
    except OSError as error:
        listening.close()
        raise PortTaken(
            f"cannot listen on {settings.host}:{settings.port} ({error.strerror}). "
            f"Stop what is running there, or choose another with --port {settings.port + 1}"
        ) from None
    listening.listen(_BACKLOG)
    listening.set_inheritable(True)
    return listening


def command(name: str, *arguments: str) -> list[str]:
    """The command line of one of our own processes."""
    return [sys.executable, "-m", "fellesjournal", name, *arguments]


def start_web(listening: socket.socket, *, count: int) -> list[subprocess.Popen[bytes]]:
    """Web processes that share a listening socket; in a process group of their own, so that Ctrl+C is ours to pass on."""
    argv = command("serve", "--fd", str(listening.fileno()))
    return [
        subprocess.Popen(argv, pass_fds=[listening.fileno()], start_new_session=True)  # noqa: S603 - ourselves
        for _ in range(count)
    ]


def _serve(settings: Settings, arguments: argparse.Namespace) -> int:
    if arguments.fd is not None:
        asyncio.run(_web(settings, socket.socket(fileno=arguments.fd)))
        return 0
    listening = bind(settings)
    if settings.workers == 1:
        asyncio.run(_web(settings, listening))
        return 0
    return _watch(start_web(listening, count=settings.workers))


def _watch(processes: list[subprocess.Popen[bytes]]) -> int:
    """Stop them all when one ends or we are told to."""

    def stop(*_: object) -> None:
        for process in processes:
            process.terminate()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    codes = [process.wait() for process in processes]
    return max(abs(code) for code in codes)


async def _web(settings: Settings, listening: socket.socket) -> None:
    open_ = await Open.connect(settings, open_keys(settings.data_dir))
    config = uvicorn.Config(
        create_app(open_), log_config=None, access_log=False, server_header=False, lifespan="on", loop="uvloop",
        http="httptools", ssl_certfile=settings.tls_cert or None, ssl_keyfile=settings.tls_key or None,
        proxy_headers=bool(settings.trusted_proxies), forwarded_allow_ips=list(settings.trusted_proxies) or None,
        timeout_graceful_shutdown=10,
    )  # fmt: skip
    await uvicorn.Server(config).serve(sockets=[listening])


def _worker(settings: Settings, _: argparse.Namespace) -> int:
    asyncio.run(_run_worker(settings))
    return 0


async def _run_worker(settings: Settings) -> None:
    from fellesjournal.clinical.correspondence.worker import run

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await run(settings, open_keys(settings.data_dir), stop)
