"""The client's way to the bundled provider: the same requests, without a network between."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode, urlsplit

from starlette.types import ASGIApp, Message

from fellesjournal.kit.http import Answer


class InProcess:
    """Answers as `kit.http.HttpClient` does, by calling an application directly.

    So the demo works whatever address, proxy or certificate stands in front of it.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def get(self, url: str, **more: Any) -> Answer:
        """Send a GET."""
        return await self._request("GET", url, headers=more.get("headers") or {}, body=b"")

    async def post(self, url: str, **more: Any) -> Answer:
        """Send a POST with the form `data`."""
        body = urlencode(more.get("data") or {}).encode()
        form = {"content-type": "application/x-www-form-urlencoded", "content-length": str(len(body))}
        return await self._request("POST", url, headers=form | dict(more.get("headers") or {}), body=body)

    async def _request(self, method: str, url: str, *, headers: dict[str, str], body: bytes) -> Answer:
        parts = urlsplit(url)
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": parts.scheme,
            "path": parts.path,
            "raw_path": parts.path.encode(),
            "query_string": parts.query.encode(),
            "root_path": "",
            "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()]
            + [(b"host", parts.netloc.encode())],
            "server": (parts.hostname, parts.port),
            "client": None,
        }
        heard: list[Message] = []

        async def receive() -> Message:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Message) -> None:
            heard.append(message)

        await self._app(scope, receive, send)
        return _answer(heard)


def _answer(heard: list[Message]) -> Answer:
    start = next(message for message in heard if message["type"] == "http.response.start")
    headers = {name.decode().lower(): value.decode("latin-1") for name, value in start["headers"]}
    body = b"".join(message.get("body", b"") for message in heard if message["type"] == "http.response.body")
    return Answer(status=start["status"], headers=headers, body=body)
