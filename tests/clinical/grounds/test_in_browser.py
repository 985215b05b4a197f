"""Close family by keyboard alone, from the list to the open record and out again; support; axe on a chart's pages."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright

from fellesjournal.demo import story
from fellesjournal.identity.cookies import secret_of
from tests import needs
from tests.axe import axe_finds_nothing, found_by_axe
from tests.clinical.grounds.test_family import tell_family
from tests.site import GP, Site

pytestmark = [pytest.mark.browser, pytest.mark.needs("chromium"), pytest.mark.slow]

NURSE, MOTHER = "Maria Tveiten", "Randi Tveiten"
SUPPORT, ADMINISTRATOR = "Aslak Furuberg", "Gunnhild Storevik"


@pytest.fixture(scope="module")
def chromium(demo_site: Site) -> Iterator[Browser]:
    asyncio.run(tell_family(demo_site))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=needs.find_chromium(), args=["--no-sandbox"], chromium_sandbox=False
        )
        yield browser
        browser.close()


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    context = chromium.new_context(
        viewport={"width": 1280, "height": 900}, locale="nb-NO", reduced_motion="reduce"
    )
    yield context.new_page()
    context.close()


def press(page: Page, wanted: Locator, key: str = "Enter") -> None:
    """Go on with Tab until something has the focus, then press a key."""
    for _step in range(90):
        if wanted.evaluate("element => element === document.activeElement"):
            page.keyboard.press(key)
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"not reached by keyboard: {wanted}")


def test_a_relatives_record_is_opened_with_a_reason_and_closed_again_without_a_mouse(
    demo_site: Site, page: Page
) -> None:
    demo_site.sign_in(page, NURSE)
    expect(page.get_by_role("link", name=MOTHER)).to_have_count(0)
    assert found_by_axe(page) == []
    press(page, page.get_by_role("link", name="Se hvem, og skriv hvorfor du må åpne journalen"))
    expect(page.get_by_role("heading", name="Nær familie")).to_be_visible()
    axe_finds_nothing(page, "family")
    press(page, page.get_by_role("link", name="Skriv hvorfor, og åpne"))
    reason = page.get_by_label("Skriv hvorfor det må være deg")
    expect(reason).to_be_focused()
    page.keyboard.type("kort")
    press(page, page.get_by_role("button", name="Åpne journalen"))
    expect(page.locator(".ds-error-summary")).to_be_focused()
    assert found_by_axe(page) == []
    press(page, page.get_by_role("link", name="Skriv en begrunnelse med egne ord"))
    expect(reason).to_be_focused()
    page.keyboard.type(", for ingen andre er på jobb i kveld")
    press(page, page.get_by_role("button", name="Åpne journalen"))
    opened = page.get_by_role("status").filter(has_text="Nær familie")
    expect(opened).to_contain_text("Omtrent 8 timer igjen")
    press(page, page.get_by_role("link", name="Hvorfor har jeg tilgang?"))
    expect(page.get_by_text("[K]")).to_have_count(0)
    press(page, page.get_by_role("button", name="Avslutt nå"))
    expect(page.get_by_role("heading", name="Hvorfor har jeg ikke tilgang?")).to_be_visible()
    assert found_by_axe(page) == []


def test_support_sees_what_is_open_to_it_and_nothing_else(demo_site: Site, page: Page) -> None:
    demo_site.sign_in(page, SUPPORT)
    expect(page.get_by_text("Ingen journal er åpnet for deg nå")).to_be_visible()
    assert found_by_axe(page) == []
    with demo_site.client(NURSE) as other:
        assert other.get("/brukerstotte").status_code == 403
    given = demo_site.row(
        "SELECT g.status FROM identity.person p, identity.person x,"
        " access.grant_support($1, p.id, x.patient, 'SAK-2041', 'Feil i visningen av timer', 120) g"
        " WHERE p.name = $2 AND x.name = $3", secret_of(demo_site.token(ADMINISTRATOR)), SUPPORT, MOTHER,
    )  # fmt: skip
    assert given["status"] == "ok"
    page.reload()
    row = page.get_by_role("row").filter(has_text="SAK-2041")
    axe_finds_nothing(page, "support")
    press(page, row.get_by_role("link", name="Åpne journalen i saken SAK-2041"))
    expect(page.get_by_role("link", name=MOTHER)).to_be_visible()


def test_axe_finds_nothing_on_the_pages_about_a_chart(demo_site: Site, page: Page) -> None:
    names = {one.key: one.name for one in story.CAST}
    demo_site.sign_in(page, GP)
    for key, pages in (
        (story.SHELTERED, ("adresse",)), (story.STRICTLY_SHELTERED, ("adresse",)),
        (story.CHILD, ("representanter", "foreldre", "representanter/fortelle")),
        (story.ELDERLY, ("oppforinger", "retting", "innsynslogg", "sperring", "sensitivt")),
    ):  # fmt: skip
        patient = demo_site.patient_id(names[key])
        for path in pages:
            answer = page.goto(f"{demo_site.url}/pasienter/{patient}/{path}")
            assert answer is not None
            assert (answer.status, found_by_axe(page)) == (200, []), path
