"""The reviewer at work in a real browser: a use of emergency access, judged with the keyboard; a question, answered."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests import needs
from tests.axe import axe_finds_nothing
from tests.clinical.review.test_pages import REVIEWER, open_task
from tests.site import ELDERLY, GP, LEGEVAKT_NURSE, Site

pytestmark = [pytest.mark.browser, pytest.mark.needs("chromium"), pytest.mark.slow]

FINDING = (
    '{"score": 110, "threshold": 80, "shown": 6, "first_at": "2026-11-01T21:10:00+00:00",'
    ' "last_at": "2026-11-01T21:14:00+00:00", "signs": [{"code": "COLLEAGUE", "points": 60},'
    ' {"code": "NO_NEED", "points": 30}, {"code": "DEEP", "points": 20}]}'
)


@pytest.fixture(scope="module")
def tasks(demo_site: Site) -> dict[str, int]:
    """One that is judged, one that is answered, one that is looked at; made before the browser has its loop."""
    return {
        "used": open_task(demo_site, "EMERGENCY", LEGEVAKT_NURSE, ELDERLY, reason="Funnet bevisstløs hjemme."),
        "asked": open_task(demo_site, "QUESTION", GP, ELDERLY, reason="Hvorfor leste dere i journalen min?"),
        "found": open_task(demo_site, "FINDING", LEGEVAKT_NURSE, ELDERLY, evidence=FINDING),
    }


@pytest.fixture
def page(demo_site: Site, tasks: dict[str, int]) -> Iterator[Page]:
    """The reviewer, signed in through the pages."""
    with sync_playwright() as playwright:
        browser: Browser = playwright.chromium.launch(executable_path=needs.find_chromium(), args=["--no-sandbox"])
        found = browser.new_context(base_url=demo_site.url, locale="nb-NO", reduced_motion="reduce").new_page()
        demo_site.sign_in(found, REVIEWER)
        yield found
        browser.close()


def test_a_reviewer_judges_by_keyboard_and_answers_a_citizen(page: Page, tasks: dict[str, int]) -> None:
    expect(page.get_by_role("heading", name="Kontroll av innsyn")).to_be_visible()
    for path in ("/kontroll", f"/kontroll/{tasks['found']}", "/kontroll/tall", "/kontroll/tegn"):
        page.goto(path)
        axe_finds_nothing(page)
    page.goto("/kontroll?slag=EMERGENCY")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Funnet bevisstløs hjemme.")).to_be_visible()
    page.get_by_role("radio", name="I orden").press("Space")
    page.get_by_label("Har snakket med den det gjelder").check()
    page.get_by_role("button", name="Lagre vurderingen").press("Enter")
    expect(page.get_by_text("Vurderingen er lagret.")).to_be_visible()
    page.goto(f"/kontroll/{tasks['asked']}")
    page.get_by_role("radio", name="I orden").check()
    page.get_by_role("button", name="Lagre vurderingen").click()
    expect(page.get_by_role("alert")).to_contain_text("Skriv svaret som innbyggeren skal få.")
    page.get_by_label("Svar til innbyggeren").fill("Du hadde time hos oss den dagen.")
    page.get_by_role("button", name="Lagre vurderingen").click()
    expect(page.get_by_text("Vurderingen er lagret.")).to_be_visible()
