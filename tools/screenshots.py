"""Maintainer's command: take the README's pictures from a running demo (`./run`).

Usage: .venv/bin/python tools/screenshots.py http://127.0.0.1:8000
"""

import re
import sys
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

OUT = Path(__file__).resolve().parent.parent / "docs" / "images"
GP, NURSE, CITIZEN = "Kari Elise Nordhaug", "Trude Aasmo", "Borghild Ulvestad"
DESKTOP, PHONE = {"width": 1280, "height": 800}, {"width": 390, "height": 780}


def main() -> None:
    """Take them all."""
    base = sys.argv[1].rstrip("/")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-gpu"]
        )
        _front(browser, base)
        _gp(browser, base)
        _legevakt(browser, base)
        _citizen(browser, base)
        browser.close()


def _front(browser: Any, base: str) -> None:
    page = _page(browser, DESKTOP)
    page.goto(base)
    _take(page, "forside")


def _gp(browser: Any, base: str) -> None:
    page = _signed_in(browser, base, GP, "helsepersonell", DESKTOP)
    _take(page, "fastlege-dagsliste")
    page.get_by_role("link", name=re.compile(CITIZEN)).first.click()
    page.wait_for_load_state()
    _take(page, "fastlege-journal")
    phone = _page(browser, PHONE, state=page.context.storage_state())
    phone.goto(page.url)
    _take(phone, "journal-telefon")
    page.get_by_role("link", name="Tidslinje").first.click()
    page.wait_for_load_state()
    _take(page, "fastlege-tidslinje")


def _legevakt(browser: Any, base: str) -> None:
    page = _signed_in(browser, base, NURSE, "helsepersonell", DESKTOP)
    _take(page, "legevakt-tavle")


def _citizen(browser: Any, base: str) -> None:
    page = _signed_in(browser, base, CITIZEN, "innbygger", DESKTOP)
    page.goto(f"{base}/min-journal/innsyn")
    _take(page, "innbygger-innsyn")


def _signed_in(browser: Any, base: str, name: str, kind: str, size: dict[str, int]) -> Any:
    page = _page(browser, size)
    page.goto(f"{base}/logg-inn")
    page.locator(f"button[name=hvem][value={kind}]").click()
    page.get_by_role("button", name=re.compile(re.escape(name))).first.click()
    page.wait_for_load_state()
    if "/kontekst" in page.url:
        page.locator("main form button").first.click()
        page.wait_for_load_state()
    return page


def _page(browser: Any, size: dict[str, int], *, state: Any = None) -> Any:
    return browser.new_context(viewport=size, locale="nb-NO", storage_state=state).new_page()


def _take(page: Any, name: str) -> None:
    page.wait_for_timeout(400)
    OUT.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=OUT / f"{name}.png")


main()
