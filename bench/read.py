"""Read by id against the bare handler, interleaved; and what the log costs in it."""

import contextlib
import os
import random
import socket
import statistics
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bench.load import Result, drive
from bench.processes import Processes
from bench.site import Site, Web, await_listening


@dataclass(frozen=True)
class Side:
    """One side of a round: what wrk saw, and processor µs for each request in web and database."""

    result: Result
    web_us: float
    database_us: float


@dataclass(frozen=True)
class Comparison:
    """Rounds of both sides, in the order they ran."""

    ours: list[Side]
    bare: list[Side]

    @property
    def ratio(self) -> float:
        """Our throughput as a share of the bare handler's: the median of the rounds."""
        return statistics.median(o.result.per_s / b.result.per_s for o, b in zip(self.ours, self.bare, strict=True))


def compare(site: Site, web: Web, *, token: str, ids: Sequence[str], rounds: int, seconds: float) -> Comparison:
    """Interleaved rounds of the product and of the bare handler over the same resources."""
    paths = [f"/fhir/Observation/{id_}" for id_ in random.Random(1).sample(list(ids), min(300, len(ids)))]
    headers = {"Authorization": f"Bearer {token}", "Accept": "application/fhir+json"}
    ours, bare = list[Side](), list[Side]()
    with bare_handler(site) as (url, handler):
        drive(url, paths, seconds=1)
        drive(web.url, paths, seconds=1, headers=headers)
        for _ in range(rounds):
            bare.append(_side(site, handler, url, paths, seconds, {}))
            ours.append(_side(site, web.processes(), web.url, paths, seconds, headers))
    return Comparison(ours, bare)


@contextlib.contextmanager
def bare_handler(site: Site) -> Iterator[tuple[str, Processes]]:
    """The bare handler as a process of its own."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    argv = [sys.executable, "-m", "bench.bare", str(port), site.dsn.url()]
    process = subprocess.Popen(argv, env=os.environ | site.dsn.libpq_environment())
    try:
        await_listening(port, process=process)
        yield f"http://127.0.0.1:{port}", Processes(process.pid)
    finally:
        process.terminate()
        process.wait(20)


def _side(
    site: Site, handler: Processes, url: str, paths: Sequence[str], seconds: float, headers: dict[str, str]
) -> Side:
    database = site.postgres()
    web_s, database_s = handler.cpu_s(), database.cpu_s()
    result = drive(url, paths, seconds=seconds, headers=headers)
    if result.errors:
        raise RuntimeError(f"{result.errors} requests failed")
    web_us = (handler.cpu_s() - web_s) / result.requests * 1e6
    return Side(result, web_us, (database.cpu_s() - database_s) / result.requests * 1e6)
