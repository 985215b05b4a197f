"""The worker's metrics and health, as an operator's monitoring asks for them."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from fellesjournal.kit.health import Health
from fellesjournal.record import feed
from tests.clinical.correspondence.conftest import town
from tests.town import Town

__all__ = ["town"]
UP_WITHIN_S = 15


@contextmanager
def worker(town: Town, port: int) -> Iterator[subprocess.Popen[str]]:
    """A real worker process with this port set."""
    environment = {
        "PATH": os.environ["PATH"], "PYTHONPATH": str(Path(__file__).parents[2] / "src"),
        "FELLESJOURNAL_DATA": str(town.settings.data_dir),
        "FELLESJOURNAL_DATABASE_NAME": town.settings.database_name, "FELLESJOURNAL_WORKER_PORT": str(port),
    }  # fmt: skip
    process = subprocess.Popen(
        [sys.executable, "-m", "fellesjournal", "worker"], env=environment, stderr=subprocess.PIPE, text=True
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


@pytest.fixture
def port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def await_answer(port: int, path: str) -> httpx.Response:
    until = time.monotonic() + UP_WITHIN_S
    while True:
        try:
            answer = httpx.get(f"http://127.0.0.1:{port}{path}")
        except httpx.TransportError:
            assert time.monotonic() < until
        else:
            if answer.status_code == 200 or time.monotonic() > until:
                return answer
        time.sleep(0.1)


def test_worker_tells_how_it_is_and_ends_when_told(town: Town, port: int) -> None:
    with worker(town, port) as process:
        ready = await_answer(port, "/health/ready")
        assert ready.json() == {"ready": True, "parts": {"database": "ok", "feed": "ok", "subscriptions": "ok"}}
        assert httpx.get(f"http://127.0.0.1:{port}/health/live").text == "ok\n"
        metrics = httpx.get(f"http://127.0.0.1:{port}/metrics")
        assert 'fellesjournal_feed_lag_seconds{feed="correspondence"}' in metrics.text
        assert metrics.headers["content-type"].startswith("text/plain")
        assert httpx.get(f"http://127.0.0.1:{port}/fastlege").status_code == 404
        foreign = httpx.get(f"http://127.0.0.1:{port}/metrics", headers={"host": "ond.example"})
        assert foreign.status_code == 421
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0


def test_worker_without_a_port_answers_nowhere(town: Town) -> None:
    with worker(town, 0) as process:
        time.sleep(2)
        assert process.poll() is None
        listening = subprocess.run(["ss", "-ltnp"], capture_output=True, text=True).stdout
        assert f"pid={process.pid}," not in listening


def test_port_that_is_taken_is_one_clear_line(town: Town) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with worker(town, taken.getsockname()[1]) as process:
            _out, told = process.communicate(timeout=UP_WITHIN_S)
            assert process.returncode == 1
    assert told.startswith("fellesjournal: cannot listen on 127.0.0.1:")
    assert "worker_port" in told and told.count("\n") == 1


async def test_feed_that_is_not_read_is_a_failing_part(monkeypatch: pytest.MonkeyPatch) -> None:
    async def nothing() -> bytes:
        return b""

    reader = feed.FeedReader(
        None, name="x", secret=nothing, wants=lambda _: False, handle=lambda _: nothing(), parked="x"  # type: ignore[arg-type, return-value]
    )
    health = Health()
    health.register("feed", reader.check)
    assert (await health.report()).is_ready
    monkeypatch.setattr(feed, "STANDS_AFTER_S", -1.0)
    assert (await health.report()).failing == ["feed"]
