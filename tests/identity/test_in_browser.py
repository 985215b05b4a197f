"""Sign-in in a real browser: the keyboard does all, a switch is quick, axe finds nothing."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
import uvicorn
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import Page, expect, sync_playwright

from tests import needs
from tests.axe import axe_finds_nothing, found_by_axe
from tests.identity.conftest import open_site

pytestmark = [pytest.mark.browser, pytest.mark.needs("chromium")]


@pytest.fixture(scope="module")
def address(module_database: Any) -> Iterator[str]:
    """The site as it is served to a browser."""
    with contextlib.closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    servers: list[uvicorn.Server] = []

    async def serve() -> None:
        async with open_site(module_database, port=port) as site:
            servers.append(uvicorn.Server(uvicorn.Config(site.app, port=port, log_level="error")))
            await servers[0].serve()

    thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    while not (servers and servers[0].started):
        time.sleep(0.02)
    yield f"http://127.0.0.1:{port}"
    servers[0].should_exit = True
    thread.join(10)


@pytest.fixture(scope="module")
def chromium(address: str) -> Iterator[Chromium]:
    """After the site and closed before it: two event loops cannot run together in this thread."""
    with sync_playwright() as playwright:
        program = needs.find_chromium()
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def page(chromium: Chromium, address: str) -> Iterator[Page]:
    """A page of a new browser."""
    context = chromium.new_context(base_url=address, locale="nb-NO")
    yield context.new_page()
    context.close()


def to_provider(page: Page, way: str = "Logg inn som helsepersonell") -> None:
    """From the sign-in page to the provider's."""
    page.goto("/logg-inn")
    page.get_by_role("button", name=way).click()
    expect(page.get_by_role("heading", name="Velg hvem du er")).to_be_visible()


def test_axe_finds_nothing_on_the_way_in(page: Page) -> None:
    for path in ("/logg-inn", "/tidsavbrudd?til=/side", "/logget-ut", "/logg-inn/svar?state=x"):
        page.goto(path)
        axe_finds_nothing(page)
    to_provider(page)
    axe_finds_nothing(page)
    page.get_by_label("Søk etter navn").fill("lege")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Treff")).to_be_visible()
    axe_finds_nothing(page)
    page.get_by_role("button", name="Kari Lege").first.click()
    expect(page.get_by_role("heading", name="Velg rolle")).to_be_visible()
    axe_finds_nothing(page)


def test_keyboard_alone_signs_in_and_switches_within_five_seconds(page: Page) -> None:
    page.goto("/logg-inn")
    press_focused(page, "Logg inn som helsepersonell")
    expect(page.get_by_role("heading", name="Velg hvem du er")).to_be_visible()
    page.get_by_role("button", name="Kari Lege").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Velg rolle")).to_be_visible()
    press_focused(page, "Lege · Bjørkeli legesenter")
    expect(page.locator("body")).to_contain_text("Kari Lege · lege · Bjørkeli legesenter")
    began = time.monotonic()
    page.goto("/kontekst")
    press_focused(page, "Lege · Fjordby legevakt")
    expect(page.locator("body")).to_contain_text("Kari Lege · lege · Fjordby legevakt")
    assert time.monotonic() - began < 5


def press_focused(page: Page, button: str) -> None:
    """Enter, once the page has put the focus where nobody needs to move it from."""
    expect(page.get_by_role("button", name=button)).to_be_focused()
    page.keyboard.press("Enter")


def test_level_3_is_refused_in_words(page: Page) -> None:
    to_provider(page, "Logg inn som innbygger")
    page.get_by_label("Nivå 3").check()
    page.get_by_role("button", name="Ola Innbygger").click()
    expect(page.get_by_role("heading", name="Innloggingen er ikke sikker nok")).to_be_visible()
    assert found_by_axe(page) == []


def test_sign_out_leaves_encrypted_drafts_in_the_browser(page: Page) -> None:
    to_provider(page, "Logg inn som innbygger")
    page.get_by_role("button", name="Ola Innbygger").click()
    page.evaluate("localStorage.setItem('fj-draft:x', 'sealed')")
    page.goto("/logg-inn")
    page.get_by_role("button", name="Logg ut").click()
    expect(page.get_by_role("heading", name="Du har logget ut")).to_be_visible()
    assert page.evaluate("localStorage.getItem('fj-draft:x')") == "sealed"
