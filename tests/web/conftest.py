"""The component page, as a client without a browser and as one in Chromium."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

import httpx
import pytest
import uvicorn
from playwright.sync_api import Browser, Page, sync_playwright
from starlette.applications import Starlette

from tests import needs
from tests.web import component_page


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(component_page.build(), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000") as made:
        yield made


@dataclass(frozen=True)
class Site:
    """The component page as it is served to a browser."""

    url: str
    app: Starlette
    server: uvicorn.Server


@pytest.fixture(scope="session")
def site() -> Iterator[Site]:
    with contextlib.closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    app = component_page.build()
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="error"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.02)
    yield Site(f"http://127.0.0.1:{port}", app, server)
    server.should_exit = True
    thread.join(5)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """Closed with the module: its event loop and asynchronous tests of others cannot run together."""
    with sync_playwright() as playwright:
        program = needs.find_chromium()
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def page(chromium: Browser, site: Site) -> Iterator[Page]:
    """A page of its own, that fails the test when a script does or when the policy stops something."""
    context = chromium.new_context(
        base_url=site.url, viewport={"width": 1280, "height": 900}, locale="nb-NO", reduced_motion="reduce"
    )
    made = context.new_page()
    faults: list[str] = []
    made.on("pageerror", lambda error: faults.append(str(error)))
    made.on("console", lambda line: faults.append(line.text) if "Content Security" in line.text else None)
    yield made
    context.close()
    assert faults == []
