"""A small demo of real processes in a data folder of its own."""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

SIZE = 30
PATIENCE_S = 90.0


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@dataclass
class Cli:
    """The command line over one data folder; `demo` is the demo while it runs."""

    data: Path
    port: int = field(default_factory=free_port)
    demo: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where the demo answers."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def said(self) -> str:
        """What the demo has told since it was started."""
        return (self.data / "said.txt").read_text()

    def run(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        return subprocess.run(
            self._argv(*arguments), env=self._environment(**environment), capture_output=True, text=True,
            timeout=PATIENCE_S, check=False,
        )  # fmt: skip

    def start(self, *arguments: str) -> None:
        """Start the demo as a shell without job control does: in the background, with SIGINT ignored."""
        with (self.data / "said.txt").open("wb") as said:
            self.demo = subprocess.Popen(
                self._argv("demo", "--port", str(self.port), "--size", str(SIZE), *arguments),
                env=self._environment(), stderr=said, stdout=said, start_new_session=True,
                preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN),
            )  # fmt: skip

    def await_up(self) -> float:
        """Wait for the start page; how many seconds it took."""
        began = time.monotonic()
        while time.monotonic() - began < PATIENCE_S:
            assert self.demo is not None
            assert self.demo.poll() is None, self.said
            with contextlib.suppress(httpx.TransportError):
                if httpx.get(self.url, follow_redirects=True, timeout=10).status_code == 200:
                    return time.monotonic() - began
            time.sleep(0.05)
        raise TimeoutError(self.said)

    def await_told(self, words: str) -> None:
        """Wait until the demo has said this."""
        until = time.monotonic() + PATIENCE_S
        while words not in self.said:
            assert time.monotonic() < until, self.said
            time.sleep(0.05)

    def interrupt(self) -> int:
        """Ctrl+C, and the exit code."""
        assert self.demo is not None
        os.killpg(self.demo.pid, signal.SIGINT)
        code = self.demo.wait(40)
        self.demo = None
        return code

    def ensure_up(self) -> None:
        """Have the demo run."""
        if self.demo is None:
            self.start()
            self.await_up()

    def left_behind(self) -> list[str]:
        """Processes that name the data folder."""
        found = []
        for one in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                told = (one / "cmdline").read_bytes() + (one / "environ").read_bytes()
                if str(self.data).encode() in told and int(one.name) != os.getpid():
                    found.append(re.sub("\0", " ", (one / "cmdline").read_text()))
        return found

    def is_unlocked(self) -> bool:
        """Whether nobody holds the data folder."""
        with (self.data / "postgres.lock").open() as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
            return True

    def _argv(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "fellesjournal", *arguments]

    def _environment(self, **more: str) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("FELLESJOURNAL_")}
        chosen = {"FELLESJOURNAL_PG_BIN": os.environ["FELLESJOURNAL_PG_BIN"]} if _chosen() else {}
        return {
            **kept, **chosen, "FELLESJOURNAL_DATA": str(self.data), "FELLESJOURNAL_PORT": str(self.port),
            "PYTHONPATH": str(Path(__file__).parents[2] / "src"), **more,
        }  # fmt: skip


def _chosen() -> bool:
    return bool(os.environ.get("FELLESJOURNAL_PG_BIN"))


@pytest.fixture(scope="session")
def cli() -> Iterator[Cli]:
    """The command line over a data folder in which the demo is brought in once."""
    data = Path(tempfile.mkdtemp(prefix="fj-cli-"))
    made = Cli(data)
    try:
        yield made
    finally:
        if made.demo is not None:
            made.interrupt()
        shutil.rmtree(data, ignore_errors=True)
