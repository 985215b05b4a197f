# ruff: noqa: E501 - tables of what is planted and asked read best a line each
"""The whole application in this process: every question goes through its edge, its gates and its database, and no socket."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Final, Protocol
from urllib.parse import urlsplit

from fellesjournal.app import Open, create_app
from fellesjournal.identity.cookies import secret_text
from tests.conftest import TestDatabase
from tests.law.oracle.facts import Reader

Headers = tuple[tuple[bytes, bytes], ...]
_JSON: Final = (b"content-type", b"application/fhir+json")


@dataclass(frozen=True)
class Answer:
    """A status and a body."""

    status: int
    text: str
    location: str = ""
    """Where an export is to be asked for."""

    @cached_property
    def body(self) -> Any:
        """The text as the JSON that it is."""
        return json.loads(self.text)


class Asks(Protocol):
    """Whatever answers a question of the FHIR interface."""

    async def ask(self, reader: Reader, path: str, query: str = "", *, method: str = "GET", body: bytes = b"",
                  more: Headers = ()) -> Answer:  # fmt: skip
        """The answer to one question of a reader."""


@dataclass
class Caller:
    """Asks the application as a reader."""

    app: Any
    host: bytes

    async def ask(self, reader: Reader, path: str, query: str = "", *, method: str = "GET", body: bytes = b"",
                  more: Headers = ()) -> Answer:  # fmt: skip
        """One request of the FHIR interface with the reader's token."""
        token = (b"authorization", f"Bearer {secret_text(reader.secret)}".encode())
        where = f"/fhir/{path}".removesuffix("/")
        return await self.send(method, where, query, (token, (b"accept", b"application/fhir+json"), *more), body)

    async def send(self, method: str, path: str, query: str, headers: Headers, body: bytes) -> Answer:
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


@dataclass
class Together:
    """Puts what one reader asks at the same time into one batch: each answer must be the one that is given to it alone."""

    caller: Caller
    count: int
    """How many ask; when all of them wait, the batch is sent."""

    def __post_init__(self) -> None:
        self.waiting: list[tuple[Mapping[str, Any], asyncio.Future[Answer]]] = []
        self.sent: set[asyncio.Task[None]] = set()

    async def ask(self, reader: Reader, path: str, query: str = "", *, method: str = "GET", body: bytes = b"",
                  more: Headers = ()) -> Answer:  # fmt: skip
        """As Caller, in an entry."""
        entry: dict[str, Any] = {"request": {"method": method, "url": f"{path}?{query}".rstrip("?")}}
        if body:
            kind = dict(more)[b"content-type"].decode()
            entry["resource"] = {"resourceType": "Binary", "contentType": kind, "data": base64.b64encode(body).decode()}
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self.waiting.append((entry, answer))
        self._send_when_all_wait(reader)
        return await answer

    def leave(self, reader: Reader) -> None:
        """One of them has nothing more to ask."""
        self.count -= 1
        self._send_when_all_wait(reader)

    def _send_when_all_wait(self, reader: Reader) -> None:
        if self.waiting and len(self.waiting) >= self.count:
            task = asyncio.create_task(self._send(reader, self.waiting))
            self.waiting = []
            self.sent.add(task)
            task.add_done_callback(self.sent.discard)

    async def _send(self, reader: Reader, waiting: list[tuple[Mapping[str, Any], asyncio.Future[Answer]]]) -> None:
        try:
            bundle = {"resourceType": "Bundle", "type": "batch", "entry": [entry for entry, _ in waiting]}
            answer = await self.caller.ask(reader, "", method="POST", body=json.dumps(bundle).encode(), more=(_JSON,))
            entries = answer.body["entry"] if answer.status == 200 else []
            for n, (_, future) in enumerate(waiting):
                future.set_result(_of_entry(n, entries[n]) if entries else answer)
        except Exception as error:
            for _, future in waiting:
                if not future.done():
                    future.set_exception(error)


def _of_entry(n: int, entry: Any) -> Answer:
    """As if it had stood alone: a refusal names its place in the batch, which says nothing of what was asked."""
    said = entry["response"]
    content = entry.get("resource", said.get("outcome"))
    text = "" if content is None else json.dumps(content, ensure_ascii=False).replace(f"Bundle.entry[{n}]", "Bundle.entry")
    return Answer(int(said["status"][:3]), text)


@asynccontextmanager
async def opened(database: TestDatabase) -> AsyncGenerator[Caller, None]:
    """The application over a test's database."""
    settings = replace(database.settings, data_dir=database.keys.path.parent, pool_max=4)
    open_ = await Open.connect(settings, database.keys)
    try:
        yield Caller(create_app(open_), urlsplit(settings.base_url).netloc.encode())
    finally:
        await open_.close()
