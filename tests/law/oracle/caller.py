# ruff: noqa: E501 - tables of what is planted and asked read best a line each
"""The whole application in this process: every question goes through its edge, its gates and its database, and no socket."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

from fellesjournal.app import Open, create_app
from fellesjournal.identity.cookies import secret_text
from tests.conftest import TestDatabase
from tests.law.oracle.facts import Reader


@dataclass(frozen=True)
class Answer:
    """A status and a body."""

    status: int
    text: str
    location: str = ""
    """Where an export is to be asked for."""


@dataclass
class Caller:
    """Asks the application as a reader."""

    app: Any
    host: bytes

    async def ask(self, reader: Reader, path: str, query: str = "", *, method: str = "GET", body: bytes = b"",
                  more: tuple[tuple[bytes, bytes], ...] = ()) -> Answer:  # fmt: skip
        """One request of the FHIR interface with the reader's token."""
        token = (b"authorization", f"Bearer {secret_text(reader.secret)}".encode())
        where = f"/fhir/{path}".removesuffix("/")
        return await self.send(method, where, query, (token, (b"accept", b"application/fhir+json"), *more), body)

    async def send(self, method: str, path: str, query: str, headers: tuple[tuple[bytes, bytes], ...], body: bytes) -> Answer:
        """One request as the server would hand it on."""
        scope = {
            "type": "http", "http_version": "1.1", "method": method, "path": path, "raw_path": path.encode(), "root_path": "",
            "query_string": query.encode(), "headers": [(b"host", self.host), *headers], "scheme": "http",
            "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 80), "asgi": {"version": "3.0"},
        }  # fmt: skip
        sent: list[dict[str, Any]] = []
        left = [body]

        async def receive() -> dict[str, Any]:
            if not left:
                await asyncio.get_running_loop().create_future()  # nobody hangs up
            return {"type": "http.request", "body": left.pop(), "more_body": False}

        async def send(message: Any) -> None:
            sent.append(message)

        await self.app(scope, receive, send)
        content = b"".join(message.get("body", b"") for message in sent[1:])
        answered = dict(sent[0]["headers"])
        return Answer(sent[0]["status"], content.decode(), answered.get(b"content-location", b"").decode())


@asynccontextmanager
async def opened(database: TestDatabase) -> AsyncGenerator[Caller, None]:
    """The application over a test's database."""
    settings = replace(database.settings, data_dir=database.keys.path.parent)
    open_ = await Open.connect(settings, database.keys)
    try:
        yield Caller(create_app(open_), urlsplit(settings.base_url).netloc.encode())
    finally:
        await open_.close()
