"""A citizen of 82 sees her own record and who has read it; the citizen of tonight finds the legevakt
nurse.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests import needs
from tests.axe import axe_finds_nothing, found_by_axe
from tests.site import DIABETIC, ELDERLY, LEGEVAKT_NURSE, TONIGHT, Site
from tests.town import Town, birth_date, sign_contact

pytestmark = [pytest.mark.browser, pytest.mark.needs("chromium"), pytest.mark.slow]

MENU = (
    "Oversikt",
    "Notater",
    "Målinger og prøver",
    "Legemidler",
    "Vaksiner",
    "Timer og kontakter",
    "Hvem har sett journalen",
    "Sperringer",
)
OPEN_PAGES = ("/", "/personvern", "/tilgjengelighet")


@pytest.fixture(scope="module")
def visited_at(demo_site: Site) -> datetime:
    """When the legevakt nurse had met the citizen of tonight; before the browser, which has a loop of its
    own.
    """
    asyncio.run(_visit_legevakt(Town(demo_site.settings, demo_site.keys)))
    return datetime.now(UTC)


@pytest.fixture(scope="module")
def chromium(demo_site: Site, visited_at: datetime) -> Iterator[Browser]:
    """Closed with the module: its event loop and asynchronous tests of others cannot run together."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=needs.find_chromium(), args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def page(chromium: Browser, demo_site: Site) -> Iterator[Page]:
    """A page of its own, that fails the test when a script does or when the policy stops something."""
    context = chromium.new_context(
        base_url=demo_site.url, viewport={"width": 1280, "height": 900}, locale="nb-NO", reduced_motion="reduce"
    )
    context.add_cookies([{"name": "sprak", "value": "nb", "url": demo_site.url}])
    made = context.new_page()
    faults: list[str] = []
    made.on("pageerror", lambda error: faults.append(str(error)))
    made.on("console", lambda line: faults.append(line.text) if "Content Security" in line.text else None)
    yield made
    context.close()
    assert faults == []


def sign_in(site: Site, page: Page, name: str) -> None:
    site.sign_in(page, name, kind="innbygger")
    page.wait_for_url("**/min-journal")


def open_all(page: Page) -> None:
    """Unfold the first of what is folded, so that it is looked at too; the rest is like it."""
    page.evaluate("[...document.querySelectorAll('main details')].slice(0, 4).forEach(one => one.open = true)")


def test_axe_finds_nothing_in_the_own_record(demo_site: Site, page: Page) -> None:
    sign_in(demo_site, page, ELDERLY)
    for name in MENU:
        page.get_by_role("navigation", name="Hovedmeny").get_by_role("link", name=name, exact=True).click()
        open_all(page)
        axe_finds_nothing(page, name)


def test_axe_finds_nothing_on_pages_for_all(page: Page) -> None:
    for path in OPEN_PAGES:
        page.goto(path)
        axe_finds_nothing(page, path)


def test_who_has_read_is_two_clicks_from_sign_in(demo_site: Site, page: Page) -> None:
    sign_in(demo_site, page, ELDERLY)
    page.get_by_role("link", name="Se hvem som har sett journalen din").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Hvem har sett journalen min")
    expect(page.get_by_text("Innlasting av demodata").first).to_be_visible()


def test_the_nurse_of_tonight_is_there_within_a_minute(demo_site: Site, page: Page, visited_at: datetime) -> None:
    sign_in(demo_site, page, TONIGHT)
    page.get_by_role("link", name="Hvem har sett journalen", exact=True).click()
    reading = page.get_by_role("listitem").filter(has_text=LEGEVAKT_NURSE).filter(has_text="Skrev i journalen")
    expect(reading).to_contain_text("Tindvåg og Øvreskog legevakt")
    expect(reading).to_contain_text("Pågående eller nylig kontakt")
    shown_at = datetime.fromisoformat(reading.locator("time").last.get_attribute("datetime") or "")
    assert abs((shown_at - visited_at).total_seconds()) < 60
    page.get_by_role("link", name="Notater", exact=True).click()
    page.get_by_text("Legevaktnotat").first.click()
    expect(page.get_by_text("Feber og flankesmerter.")).to_be_visible()


def test_the_keyboard_alone_finds_a_name_in_the_log(demo_site: Site, page: Page) -> None:
    sign_in(demo_site, page, ELDERLY)
    _tab_to(page, "Se hvem som har sett journalen din")
    page.keyboard.press("Enter")
    page.wait_for_url("**/innsyn")
    _tab_to(page, "Finn noe bestemt, eller last ned listen")
    page.keyboard.press("Enter")
    page.get_by_label("Navn på den som har sett").focus()
    page.keyboard.type("innlasting")
    page.keyboard.press("Enter")
    expect(page.get_by_label("Navn på den som har sett")).to_have_value("innlasting")
    _tab_to(page, "Innlasting av demodata")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Skrev: navn, adresse og kontaktopplysninger")).to_be_visible()


def test_the_log_is_kept_as_a_file(demo_site: Site, page: Page) -> None:
    sign_in(demo_site, page, ELDERLY)
    page.goto("/min-journal/innsyn")
    page.get_by_text("Finn noe bestemt, eller last ned listen").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Last ned som tabell").click()
    assert download.value.suggested_filename.startswith("innsyn-")
    assert "Innlasting av demodata" in Path(download.value.path()).read_text("utf-8-sig")


@pytest.mark.usefixtures("visited_at")
def test_a_reading_is_asked_about_and_its_reader_can_be_blocked(demo_site: Site, page: Page) -> None:
    sign_in(demo_site, page, TONIGHT)
    page.get_by_role("link", name="Hvem har sett journalen", exact=True).click()
    reading = page.get_by_role("listitem").filter(has_text=LEGEVAKT_NURSE).filter(has_text="Skrev i journalen")
    reading.locator("summary").click()
    reading.get_by_role("button", name="Spør om dette oppslaget").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Spør om dette oppslaget")
    assert found_by_axe(page) == []
    page.get_by_label("Hva lurer du på?").fill("Hva ble skrevet?")
    page.get_by_role("button", name="Send spørsmålet").click()
    expect(page.get_by_text("venter på svar")).to_be_visible()
    assert found_by_axe(page) == []
    page.get_by_role("link", name="Tilbake til loggen").click()
    asked = page.get_by_role("listitem").filter(has_text="du har spurt")
    asked.locator("summary").click()
    asked.get_by_role("link", name="Sperr for denne personen").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(re.compile("Sperr"))


def test_trends_are_told_in_words_too(demo_site: Site, page: Page) -> None:
    sign_in(demo_site, page, DIABETIC)
    page.goto("/min-journal/maalinger")
    trend = page.get_by_role("img", name="HbA1c")
    expect(trend).to_have_accessible_name(re.compile("HbA1c.*lavest.*høyest.*siste"))


def test_the_language_is_changed_on_the_spot(demo_site: Site, page: Page) -> None:
    sign_in(demo_site, page, ELDERLY)
    page.goto("/min-journal/innsyn")
    for language, heading in (("Nynorsk", "Kven har sett journalen min"), ("English", "Who has seen my record")):
        page.locator(".fj-menu > summary").click()
        page.get_by_role("button", name=language).click()
        expect(page.get_by_role("heading", level=1)).to_have_text(heading)
        assert found_by_axe(page) == []


def test_the_record_is_read_without_javascript(demo_site: Site, chromium: Browser) -> None:
    context = chromium.new_context(base_url=demo_site.url, java_script_enabled=False, locale="nb-NO")
    context.add_cookies([{"name": "sprak", "value": "nb", "url": demo_site.url}])
    page = context.new_page()
    sign_in(demo_site, page, ELDERLY)
    page.get_by_role("link", name="Notater", exact=True).click()
    page.locator("main summary").first.click()
    page.locator("main details a").first.click()
    expect(page.get_by_text("Skrevet av")).to_be_visible()
    context.close()


def test_the_page_shown_on_paper_holds_every_reading(demo_site: Site, page: Page) -> None:
    sign_in(demo_site, page, ELDERLY)
    page.goto("/min-journal/innsyn")
    page.emulate_media(media="print")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    expect(page.get_by_role("button", name="Logg ut")).to_be_hidden()
    expect(page.get_by_text("Skrev: navn, adresse og kontaktopplysninger")).to_be_visible()


def _tab_to(page: Page, text: str) -> None:
    """Press Tab until what has the focus says this."""
    for _ in range(80):
        page.keyboard.press("Tab")
        if text in (page.evaluate("document.activeElement.textContent") or ""):
            return
    raise AssertionError(f"Tab never reaches {text}")


async def _visit_legevakt(town: Town) -> None:
    patient = await town.patient(TONIGHT)
    born = await birth_date(town, patient)
    async with town.acting(LEGEVAKT_NURSE) as (vault, reader):
        await sign_contact(vault, reader, patient, born=born, name=TONIGHT, text="Feber og flankesmerter.")
