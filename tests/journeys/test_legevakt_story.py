"""A legevakt nurse takes a call from another GP's patient; the note is in the GP's inbox and chart.

In a real browser, with every page looked at by axe. Set FELLESJOURNAL_TEST_SHOTS to a folder to keep
pictures.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests import needs
from tests.axe import axe_finds_nothing
from tests.site import LEGEVAKT_NURSE, OTHER_GP, TONIGHT, Site

pytestmark = [pytest.mark.browser, pytest.mark.needs("chromium"), pytest.mark.slow]

NOTE = "Feber og flankesmerter siden i går. Bankeøm over høyre nyrelosje. Avtalt tilsyn."


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=needs.find_chromium(), args=["--no-sandbox"], chromium_sandbox=False
        )
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def site(demo_site: Site) -> Site:
    demo_site.start_worker()
    return demo_site


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    context = chromium.new_context(viewport={"width": 1280, "height": 900}, locale="nb-NO", reduced_motion="reduce")
    made = context.new_page()
    faults: list[str] = []
    made.on("pageerror", lambda error: faults.append(str(error)))
    made.on("console", lambda line: faults.append(line.text) if "Content Security" in line.text else None)
    yield made
    context.close()
    assert faults == []


def born(site: Site) -> str:
    person = site.fhir(TONIGHT).get(f"/Patient/{site.patient_id(TONIGHT)}").json()
    year, month, day = person["birthDate"].split("-")
    return f"{day}.{month}.{year}"


def fill_vitals(page: Page, **values: str) -> None:
    labels = {
        "resp": "Respirasjon", "sat": "SpO₂", "sys": "Overtrykk", "dia": "Undertrykk", "pulse": "Puls",
        "temp": "Temperatur",
    }  # fmt: skip
    for name, value in values.items():
        page.get_by_label(labels[name], exact=True).fill(value)


def test_a_call_is_registered_measured_signed_and_reaches_the_gp(site: Site, page: Page) -> None:
    birth = born(site)
    site.sign_in(page, LEGEVAKT_NURSE)
    page.goto(f"{site.url}/legevakt")
    expect(page.get_by_role("heading", name="Legevakt i dag")).to_be_visible()
    axe_finds_nothing(page, "board-empty")

    picked_up = time.monotonic()
    page.get_by_label("Fødselsnummer, eller navn og fødselsdato").fill(TONIGHT)
    page.keyboard.press("Enter")
    expect(page.get_by_text("Navnet alene er ikke nok.").first).to_be_visible()
    axe_finds_nothing(page, "identify-name-alone")

    page.get_by_label("Fødselsnummer, eller navn og fødselsdato").fill(f"{TONIGHT} {birth}")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name=TONIGHT)).to_be_visible()
    axe_finds_nothing(page, "register")

    triage = time.monotonic()
    page.get_by_text("Haster, tåler noe venting").click()
    page.get_by_label(re.compile("Kontaktårsak")).fill("Feber og flankesmerter")
    fill_vitals(page, resp="22", sat="95", sys="104", dia="64", pulse="112")
    page.get_by_label("Luft", exact=True).check()
    expect(page.locator(".fj-news2")).to_contain_text("ingen sum ennå")
    expect(page.locator(".fj-news2")).to_contain_text("Temperatur")
    page.get_by_text("Våken").click()
    fill_vitals(page, temp="39,4")
    expect(page.locator(".fj-news2-total")).to_contain_text("NEWS2 8")
    axe_finds_nothing(page, "register-filled")
    page.get_by_role("button", name="Registrer og åpne journalen").click()
    expect(page.get_by_role("heading", name=re.compile("Legevaktkontakt"))).to_be_visible()
    assert time.monotonic() - triage < 60
    assert time.monotonic() - picked_up < 80
    expect(page.locator(".fj-story")).to_contain_text(TONIGHT)
    expect(page.locator("#maal table")).to_contain_text("8")
    axe_finds_nothing(page, "contact")

    page.get_by_label("Notat", exact=True).fill(NOTE)
    page.get_by_role("button", name="Signer", exact=True).click()
    expect(page.get_by_text("Notatet er signert.")).to_be_visible()
    expect(page.get_by_text("kopi til fastlegen").first).to_be_visible()
    axe_finds_nothing(page, "contact-signed")

    page.goto(f"{site.url}/legevakt")
    expect(page.get_by_role("link", name=TONIGHT)).to_be_visible()
    axe_finds_nothing(page, "board")
    the_gp_has_it(site, page)


def the_gp_has_it(site: Site, page: Page) -> None:
    with site.fhir(OTHER_GP, unit="gp") as gp:
        for _ in range(100):
            tasks = gp.get("/Task", params={"status": "requested", "code": "read-note", "_count": "100"}).json()
            found = [
                e["resource"] for e in tasks.get("entry", ()) if "legevakt" in e["resource"].get("description", "")
            ]
            if found:
                break
            time.sleep(0.1)
        assert found, "the note is in the GP's inbox"
        note = gp.get(f"/{found[0]['focus']['reference']}").json()
    assert "flankesmerter" in note["section"][0]["text"]["div"]


def test_a_number_with_a_wrong_digit_is_refused_in_words(site: Site, page: Page) -> None:
    site.sign_in(page, LEGEVAKT_NURSE)
    page.goto(f"{site.url}/identifiser")
    number = site.fhir(TONIGHT).get(f"/Patient/{site.patient_id(TONIGHT)}").json()["identifier"][0]["value"]
    wrong = number[:-1] + str((int(number[-1]) + 1) % 10)
    page.get_by_label("Fødselsnummer, eller navn og fødselsdato").fill(wrong)
    page.keyboard.press("Enter")
    expect(page.get_by_text("kontrollsifrene stemmer ikke").first).to_be_visible()
    page.get_by_label("Fødselsnummer, eller navn og fødselsdato").fill(number)
    page.keyboard.press("Enter")
    expect(page.get_by_text(TONIGHT).first).to_be_visible()
    assert number not in page.url
    axe_finds_nothing(page, "identify-hit")


def test_from_phone_pick_up_to_patient_open_takes_four_actions_by_keyboard(site: Site, page: Page) -> None:
    number = site.fhir(TONIGHT).get(f"/Patient/{site.patient_id(TONIGHT)}").json()["identifier"][0]["value"]
    site.sign_in(page, LEGEVAKT_NURSE)
    page.goto(f"{site.url}/legevakt")
    actions = 0
    expect(page.locator("input:focus")).to_be_visible()
    page.keyboard.type(number)  # the field has the focus
    actions += 1
    page.keyboard.press("Enter")
    actions += 1
    expect(page.get_by_role("heading", name=TONIGHT)).to_be_visible()
    page.get_by_text("Vanlig, haster mindre").click()
    actions += 1
    page.get_by_role("button", name="Registrer og åpne journalen").click()
    actions += 1
    expect(page.locator(".fj-story")).to_contain_text(TONIGHT)
    assert actions <= 4
