"""How many requests, and how long they take, by route and status: no address, no id."""

from __future__ import annotations

import time
from functools import lru_cache

from prometheus_client import Counter, Histogram
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from fellesjournal.kit.metrics import counter, histogram

_REQUESTS = counter("requests_total", "Requests answered.", ("area", "method", "status"))
_SECONDS = histogram("request_seconds", "Time to the first byte of the answer.", ("area",))
_AREAS = {"fhir", "pasienter", "fastlege", "legevakt", "innboks", "min-journal", "static", "logg-inn", "test-idp"}


class RequestMetrics:
    """Counts and times every request."""

    def __init__(self, app: ASGIApp) -> None:
        """Wrap the application."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and note its answer."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        area = _area(scope["path"])

        async def note(message: Message) -> None:
            if message["type"] == "http.response.start":
                _seconds(area).observe(time.perf_counter() - began)
                _requests(area, scope["method"], message["status"]).inc()
            await send(message)

        await self._app(scope, receive, note)


# Finding a labelled counter costs more than counting.
@lru_cache(maxsize=256)
def _seconds(area: str) -> Histogram:
    return _SECONDS.labels(area)


@lru_cache(maxsize=1024)
def _requests(area: str, method: str, status: int) -> Counter:
    return _REQUESTS.labels(area, method, str(status))


def _area(path: str) -> str:
    """The first part of the address if it is one of ours: a closed list, so that nothing of anyone gets in."""
    first = path.split("/", 2)[1] if path.startswith("/") else ""
    return first if first in _AREAS else "other"
