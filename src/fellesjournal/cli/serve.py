"""The two process types: web and worker."""

import argparse
import signal
import socket
import subprocess
import sys
from typing import Any

from fellesjournal.kit.settings import Settings, check_listen

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


def bind(settings: Settings, *, chosen_by: str = "--port") -> socket.socket:
    """Listen where the settings say; `chosen_by` is what the operator can choose another port with.

    Raises PortTaken, SettingsError (beyond loopback without TLS or proxy).
    """
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
            f"Stop what is running there, or choose another with {chosen_by} {settings.port + 1}"
        ) from None
    listening.listen(_BACKLOG)
    listening.set_inheritable(True)
    return listening


def command(name: str, *arguments: str) -> list[str]:
    """The command line of one of our own processes."""
    return [sys.executable, "-m", "fellesjournal", name, *arguments]


def start_web(listening: socket.socket, *, settings: Settings) -> list[subprocess.Popen[bytes]]:
    """Web processes that share a listening socket; in process groups of their own, so that Ctrl+C is ours alone."""
    # They must know the address that was asked for: every other one is refused.
    where = ("--host", settings.host, "--port", str(settings.port))
    argv = command("serve", "--fd", str(listening.fileno()), *where)
    return [
        subprocess.Popen(argv, pass_fds=[listening.fileno()], start_new_session=True)  # noqa: S603 - ourselves
        for _ in range(settings.workers)
    ]


def _serve(settings: Settings, arguments: argparse.Namespace) -> int:
    # Imported here: the application takes a second to load, which the other commands need not wait for.
    from fellesjournal.cli.processes import run_web

    if arguments.fd is not None:
        run_web(settings, socket.socket(fileno=arguments.fd))
        return 0
    listening = bind(settings)
    if settings.workers == 1:
        run_web(settings, listening)
        return 0
    return _watch(start_web(listening, settings=settings))


def _watch(processes: list[subprocess.Popen[bytes]]) -> int:
    """Stop them all when one ends or we are told to."""

    def stop(*_: object) -> None:
        for process in processes:
            process.terminate()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    codes = [process.wait() for process in processes]
    return max(abs(code) for code in codes)


def _worker(settings: Settings, _: argparse.Namespace) -> int:
    from fellesjournal.cli.processes import run_worker

    run_worker(settings)
    return 0
