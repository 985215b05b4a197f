"""`/fhir/websocket`: notifications over a WebSocket, once it is bound by a token of `$get-ws-binding-token`.

The feed's reader tells by their ids which subscriptions have something new; beside that a socket looks every two
seconds whether its session and its subscriptions are still there.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
from typing import Any, Final

from starlette.websockets import WebSocket, WebSocketDisconnect

from fellesjournal.access.gate import bound
from fellesjournal.access.model import AccessError
from fellesjournal.identity.current import sessions_of
from fellesjournal.kit.db import ConnectionLost, Database
from fellesjournal.record.names import Key
from fellesjournal.record.subscriptions.binding import MOST, Bound, bound_by
from fellesjournal.record.subscriptions.socket import NOTICE, Ended, Lines

ADDRESS: Final = "/fhir/websocket"
BIND_WITHIN_S: Final = 10.0
LOOK_EVERY_S: Final = 2.0
SEND_WITHIN_S: Final = 20.0
MAX_SOCKETS: Final = 500
MAX_FRAME: Final = 8192
_WORDS: Final = re.compile(r"(bind-with-token|unbind-from-token):?\s+(\S+)").fullmatch
_VIOLATION, _LATER = 1008, 1013


def websocket_url(base: str) -> str:
    """Where a client connects; `base` is the server's own address."""
    return f"ws{base.removeprefix('http')}{ADDRESS}"


class Bell:
    """Wakes the sockets of this process when their subscriptions have something new; one connection that listens."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._waiting: dict[asyncio.Event, Lines] = {}
        self._listening: asyncio.Task[None] | None = None

    @property
    def is_full(self) -> bool:
        """Whether there is room for no further socket."""
        return len(self._waiting) >= MAX_SOCKETS

    @contextlib.asynccontextmanager
    async def heard_by(self, lines: Lines) -> Any:
        """An event that is set when a subscription of these lines has something new."""
        woken = asyncio.Event()
        self._waiting[woken] = lines
        if self._listening is None or self._listening.done():
            self._listening = asyncio.create_task(self._listen())
        try:
            yield woken
        finally:
            del self._waiting[woken]
            if not self._waiting:
                self._listening.cancel()

    async def _listen(self) -> None:
        while True:
            with contextlib.suppress(*ConnectionLost, OSError):
                async with self._db.listen(NOTICE) as notices:
                    async for _, name in notices:
                        self._ring(name)
            await asyncio.sleep(LOOK_EVERY_S)

    def _ring(self, name: str) -> None:
        slot, _, pid = name.partition(".")
        key: Key = (int(slot), int(pid))
        for woken, lines in self._waiting.items():
            if key in lines.lines:
                woken.set()


@bound("a token that the subscriber got with a bearer token binds it; nothing is sent before")
async def subscription_socket(websocket: WebSocket) -> None:
    """Carry notifications until either side ends it."""
    bell: Bell = websocket.app.state.bell
    if bell.is_full:
        await websocket.close(_LATER)
        return
    await websocket.accept()
    lines = Lines(websocket.app.state.vault, sessions_of(websocket), websocket.send_text)
    async with bell.heard_by(lines) as woken:
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(_hear(websocket, lines, woken))
                group.create_task(_speak(lines, woken))
        except* (Ended, AccessError):
            await _close(websocket, _VIOLATION)
        except* (TimeoutError, *ConnectionLost):
            await _close(websocket, _LATER)
        except* (WebSocketDisconnect, RuntimeError):
            # The client is gone; the other half noticed at its next sending.
            pass


async def _hear(websocket: WebSocket, lines: Lines, woken: asyncio.Event) -> None:
    """What the client says. Raises WebSocketDisconnect, Ended."""
    loop = asyncio.get_running_loop()
    until = loop.time() + BIND_WITHIN_S
    while True:
        try:
            async with asyncio.timeout_at(None if lines.lines else until):
                text = await websocket.receive_text()
        except (TimeoutError, KeyError):
            # Too late, or bytes where text belongs.
            raise Ended from None
        word, found = _said(websocket, text)
        if word == "ping":
            await websocket.send_text('{"type":"pong"}' if text[:1] == "{" else "pong")
        elif found is None or len(lines.lines) + len(found.subscriptions) > MOST:
            raise Ended
        elif word == "bind-with-token":
            await lines.bind(found)
            woken.set()
        else:
            lines.unbind(found)
        await lines.stir()


def _said(websocket: WebSocket, text: str) -> tuple[str, Bound | None]:
    """A word and what its token stands for: `bind-with-token TOKEN`, or the same as JSON. Raises Ended for others."""
    if len(text) > MAX_FRAME:
        raise Ended
    word, token = text.strip(), ""
    if match := _WORDS(word):
        word, token = match[1], match[2]
    elif text[:1] == "{":
        word, token = _read(text)
    if word not in ("ping", "bind-with-token", "unbind-from-token"):
        raise Ended
    return word, bound_by(token, keys=websocket.app.state.keys) if token else None


def _read(text: str) -> tuple[str, str]:
    try:
        said = json.loads(text)
        payload = said.get("payload") or {}
        return str(said["type"]), str(payload.get("token", ""))
    except (ValueError, KeyError, AttributeError, RecursionError):
        raise Ended from None


async def _speak(lines: Lines, woken: asyncio.Event) -> None:
    """What is there to be sent, as soon as it is there. Raises Ended."""
    while True:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(woken.wait(), LOOK_EVERY_S)
        woken.clear()
        if lines.lines:
            async with asyncio.timeout(SEND_WITHIN_S):
                await lines.pump()


async def _close(websocket: WebSocket, code: int) -> None:
    with contextlib.suppress(RuntimeError, OSError):
        await websocket.close(code)
