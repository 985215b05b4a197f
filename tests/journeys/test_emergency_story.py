"""A nurse is refused, opens the record in an emergency, then what is blocked; the patient sees both in Min journal.

In a real browser, with every page looked at by axe. Set FELLESJOURNAL_TEST_SHOTS to a folder to keep pictures.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright

from fellesjournal.kit import ids
from tests import needs
from tests.axe import axe_finds_nothing, found_by_axe
from tests.site import LEGEVAKT_NURSE, TONIGHT, Site

pytestmark = [pytest.mark.browser, pytest.mark.needs("chromium"), pytest.mark.slow]



@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=needs.find_chromium(), args=["--no-sandbox"], chromium_sandbox=False
        )
        yield browser
        browser.close()


@pytest.fixture
def pages(chromium: Browser) -> Iterator[tuple[Page, Page]]:
    """The nurse's browser and the patient's."""
    contexts = [
        chromium.new_context(viewport={"width": 1280, "height": 900}, locale="nb-NO", reduced_motion="reduce")
        for _ in range(2)
    ]
    yield contexts[0].new_page(), contexts[1].new_page()
    for context in contexts:
        context.close()


def press(page: Page, wanted: Locator, *, key: str = "Enter") -> None:
    """Go on with Tab until something has the focus, as who uses no mouse does; then press a key."""
    for _step in range(60):
        page.keyboard.press("Tab")
        if wanted.evaluate("element => element === document.activeElement"):
            page.keyboard.press(key)
            return
    raise AssertionError(f"not reached by keyboard: {wanted}")


def test_emergency_access_and_override_open_the_record_and_the_patient_is_told(
    demo_site: Site, pages: tuple[Page, Page]
) -> None:
    site, (page, own) = demo_site, pages
    patient = site.patient_id(TONIGHT)
    chart = f"{site.url}/pasienter/{patient}"
    born = site.row(
        "SELECT (r.body::jsonb ->> 'birthDate')::date AS day FROM vault.resource r"
        " JOIN identity.person p ON p.patient = r.pid WHERE p.name = $1", TONIGHT,
    )["day"]  # fmt: skip
    site.sign_in(page, LEGEVAKT_NURSE)
    refused = page.goto(chart)
    assert refused is not None
    assert refused.status == 403
    expect(page.get_by_role("heading", name="Du har ikke tilgang")).to_be_visible()
    expect(page.get_by_role("link", name="Åpne det pasienten har sperret")).to_have_count(0)
    axe_finds_nothing(page, "refused")

    # By keyboard alone from here to the open chart.
    press(page, page.get_by_role("link", name="Identifiser pasient"))
    expect(page.get_by_label("Fødselsnummer, eller navn og fødselsdato")).to_be_focused()
    page.keyboard.type(f"{TONIGHT} {born:%d.%m.%Y}")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="1 treff")).to_be_visible()
    assert found_by_axe(page) == []
    press(page, page.get_by_role("link", name="Andre veier til journalen"))
    press(page, page.get_by_role("link", name="Blålys: øyeblikkelig hjelp"))
    axe_finds_nothing(page, "emergency")
    expect(page.get_by_label("Skriv hva som haster")).to_be_focused()
    page.keyboard.type("kort")
    press(page, page.get_by_role("button", name="Åpne journalen med blålys"))
    expect(page.locator(".ds-error-summary")).to_be_focused()
    press(page, page.get_by_label("Skriv hva som haster"), key="Control+a")
    page.keyboard.type("Bevisstløs, ukjente medisiner")
    press(page, page.get_by_role("button", name="Åpne journalen med blålys"))
    expect(page.get_by_role("link", name=TONIGHT)).to_be_visible()
    banner = page.get_by_role("status").filter(has_text="Blålys")
    expect(banner).to_contain_text("minutter igjen")
    axe_finds_nothing(page, "emergency-chart")
    page.get_by_role("link", name="Hvorfor har jeg tilgang?").click()
    expect(page.get_by_role("row").filter(has_text="Blålys")).to_contain_text("helsepersonelloven § 7")
    axe_finds_nothing(page, "why")

    page.goto(chart)
    banner.get_by_role("link", name="Forleng med ny begrunnelse").click()
    page.get_by_label("Skriv hva som haster").fill("Fortsatt bevisstløs, venter på ambulanse")
    page.get_by_role("button", name="Åpne journalen med blålys").click()
    expect(banner).to_contain_text("minutter igjen")

    number = ids.decode(patient)
    assert number
    site.row("INSERT INTO access.block (patient) VALUES ($1) RETURNING id", number[1])
    page.goto(chart)
    expect(page.get_by_text("Personen har sperret journalen")).to_be_visible()
    page.get_by_role("link", name="Åpne det pasienten har sperret").click()
    axe_finds_nothing(page, "override")
    page.get_by_label("Skriv hvilke tungtveiende grunner").fill("Fare for liv, må vite om blødningsrisiko")
    page.get_by_role("button", name="Åpne det som er sperret").click()
    expect(page.get_by_role("status").filter(has_text="Sperring overstyrt")).to_be_visible()

    # Else the page comes in the patient's own written language.
    own.context.add_cookies([{"name": "sprak", "value": "nb", "url": site.url}])
    site.sign_in(own, TONIGHT, kind="innbygger")
    own.goto(f"{site.url}/min-journal")
    told = own.locator(".ds-alert").filter(has_text="utenom det vanlige")
    expect(told).to_contain_text("Blålys")
    expect(told).to_contain_text("Sperring overstyrt")
    expect(told).to_contain_text(LEGEVAKT_NURSE)
    expect(told).not_to_contain_text("blødningsrisiko")
    axe_finds_nothing(own, "told")
    told.get_by_role("link", name="Se hva de så").click()
    expect(own.get_by_role("heading", name="Hvem har sett journalen min")).to_be_visible()
    expect(own.get_by_text("Blålys").first).to_be_visible()

    page.get_by_role("status").filter(has_text="Sperring overstyrt").get_by_role("button", name="Avslutt nå").click()
    page.goto(chart)
    expect(page.get_by_text("Personen har sperret journalen")).to_be_visible()
    tasks = site.row(
        "SELECT array_agg(r.kind ORDER BY r.id) AS kinds, bool_and(r.state = 'open') AS is_open FROM access.review r"
        " WHERE r.patient = $1", number[1],
    )  # fmt: skip
    # The extension has a reason, an end and a task of its own.
    assert (tasks["kinds"], tasks["is_open"]) == (["EMERGENCY", "EMERGENCY", "OVERRIDE"], True)
    extended = site.row(
        "SELECT later.until_at > first.until_at AND later.reason <> first.reason AS is_longer FROM access.choice later"
        " JOIN access.choice first ON first.id = later.extends WHERE later.patient = $1", number[1],
    )  # fmt: skip
    assert extended["is_longer"]
