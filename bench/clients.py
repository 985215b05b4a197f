"""One request after another over one kept connection, timed; and bundles posted by several such."""

import http.client
import itertools
import statistics
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Times:
    """Milliseconds of single requests, as the client next door sees them."""

    all_ms: list[float]
    bytes: int

    @property
    def p50(self) -> float:
        """Half were faster."""
        return statistics.median(self.all_ms)

    @property
    def p95(self) -> float:
        """Nineteen of twenty were faster."""
        return statistics.quantiles(self.all_ms, n=20)[-1]


def time_gets(port: int, paths: Sequence[str], *, count: int, headers: Mapping[str, str]) -> Times:
    """Ask for these in turn, one at a time, after a first round uncounted. Raises RuntimeError for a failure."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    found, size = list[float](), 0
    for number, path in enumerate(itertools.islice(itertools.cycle(paths), len(paths) + count)):
        began = time.perf_counter()
        connection.request("GET", path, headers=dict(headers))
        answer = connection.getresponse()
        body = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"a request failed with {answer.status}")
        if number >= len(paths):
            found.append((time.perf_counter() - began) * 1000)
            size = max(size, len(body))
    return Times(found, size)


def post_all(port: int, bodies: Sequence[bytes], *, token: str, connections: int) -> float:
    """Seconds for posting all bundles over this many connections. Raises RuntimeError when one isn't taken."""
    waiting, failed = iter(bodies), list[int]()
    lock = threading.Lock()

    def post() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/fhir+json"}
        while True:
            with lock:
                body = next(waiting, None)
            if body is None:
                return
            connection.request("POST", "/fhir", body=body, headers=headers)
            answer = connection.getresponse()
            answer.read()
            if answer.status != 200:
                failed.append(answer.status)

    began = time.perf_counter()
    threads = [threading.Thread(target=post) for _ in range(connections)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        raise RuntimeError(f"{len(failed)} bundles were refused, first with {failed[0]}")
    return time.perf_counter() - began
