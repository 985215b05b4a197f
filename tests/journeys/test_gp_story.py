"""A GP's morning in a real browser: the day list, a chart, a note written and corrected, results signed, a
refusal.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright

from tests import needs
from tests.axe import axe_finds_nothing, found_by_axe
from tests.site import DIABETIC, ELDERLY, GP, TONIGHT, Site

pytestmark = [pytest.mark.browser, pytest.mark.needs("chromium"), pytest.mark.slow]

DRAFTS = "JSON.stringify(Object.entries(localStorage))"
CHART_PAGES = ("", "/tidslinje", "/notater", "/malinger", "/problemer", "/notat/nytt", "/innsynslogg")


@pytest.fixture(scope="module")
def chart(demo_site: Site) -> str:
    """Before the browser, which has a loop of its own."""
    return f"/pasienter/{demo_site.patient_id(ELDERLY)}"


@pytest.fixture(scope="module")
def hidden_chart(demo_site: Site) -> str:
    return f"/pasienter/{demo_site.patient_id(TONIGHT)}"


@pytest.fixture(scope="module")
def chromium(demo_site: Site, chart: str, hidden_chart: str) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=needs.find_chromium(), args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def page(chromium: Browser, demo_site: Site) -> Iterator[Page]:
    """A signed-in GP, who sees no fault of a script and nothing that the policy stops."""
    context = chromium.new_context(
        base_url=demo_site.url, viewport={"width": 1280, "height": 900}, locale="nb-NO", reduced_motion="reduce"
    )
    made = context.new_page()
    faults: list[str] = []
    made.on("pageerror", lambda error: faults.append(str(error)))
    made.on("console", lambda line: faults.append(line.text) if "Content Security" in line.text else None)
    demo_site.sign_in(made, GP)
    made.wait_for_url("**/fastlege")
    yield made
    context.close()
    assert faults == []


@dataclass
class Hands:
    """Does what a person does, and counts it: a click, a key or a stretch of typing is one action."""

    page: Page
    actions: int = 0

    def click(self, what: Locator) -> None:
        self.actions += 1
        what.click()

    def press(self, key: str) -> None:
        self.actions += 1
        self.page.keyboard.press(key)

    def type(self, text: str) -> None:
        self.actions += 1
        self.page.keyboard.type(text)


def test_gp_finds_todays_patients_and_opens_a_chart_in_one_click(page: Page) -> None:
    row = page.get_by_role("row").filter(has_text=ELDERLY)
    expect(row).to_contain_text("Hjertesvikt")
    expect(page.get_by_role("region", name="Timer")).to_be_visible()
    page.get_by_role("link", name=ELDERLY, exact=True).click()
    story = page.get_by_role("complementary", name="Om pasienten")
    for text in (ELDERLY, "82 år", "Antikoagulasjonsbehandling", GP, "Anne Grete Ulvestad", "Står på fastlegens liste"):
        expect(story).to_contain_text(text)
    expect(page.get_by_role("heading", name="Legemidler i bruk")).to_be_visible()


def test_gp_sees_the_whole_number_only_when_asking_for_it(page: Page, chart: str) -> None:
    page.goto(chart)
    expect(page.locator("#fj-nid")).to_contain_text("*****")
    page.get_by_role("button", name="Vis hele fødselsnummeret").click()
    expect(page.locator("#fj-nid")).to_have_text(re.compile(r"^\s*\d{11}\s*$"))
    assert not re.search(r"\d{11}", page.url)


def test_gp_follows_one_patient_through_all_municipal_services(page: Page, chart: str) -> None:
    page.goto(f"{chart}/tidslinje?periode=alt")
    visits = page.locator("li").filter(has_text="hjemmebesøk")
    expect(visits.first).to_be_visible()
    page.get_by_role("checkbox", name=re.compile("Hjemmetjeneste")).uncheck()
    expect(visits.first).to_be_hidden()
    consultation = page.locator(".fj-events li").filter(has_text="Konsultasjon").first
    consultation.locator("summary").click()
    expect(consultation.locator(".fj-prose")).not_to_be_empty()


def test_known_problem_is_noted_and_signed_within_twenty_actions(page: Page) -> None:
    hands = Hands(page)
    hands.click(page.get_by_role("link", name=f"Skriv notat {DIABETIC}"))
    expect(page.get_by_label("Notat", exact=True)).to_be_focused()
    hands.type("Diabeteskontroll. Føler seg bra, tåler medisinene. ")
    hands.type("/")
    hands.press("Enter")
    hands.type("T90")
    expect(page.get_by_role("option", name=re.compile("^T90"))).to_be_visible()
    hands.press("Enter")
    hands.type(" BT i dag ")
    hands.type("/")
    hands.press("ArrowDown")
    hands.press("Enter")
    hands.press("Enter")
    hands.type("138/82")
    hands.press("Enter")
    expect(page.locator(".fj-chips li")).to_have_count(2)
    assert found_by_axe(page) == []
    hands.click(page.get_by_role("button", name="Signer", exact=True))
    expect(page.get_by_role("status").filter(has_text="Notatet er signert")).to_be_visible()
    expect(page.get_by_text("[T90 Diabetes type 2]")).to_be_visible()
    assert hands.actions <= 20
    page.goto("/fastlege")
    expect(page.get_by_role("row").filter(has_text=DIABETIC)).to_contain_text("Ferdig")


def test_note_is_written_and_signed_without_the_mouse(page: Page, chart: str) -> None:
    page.goto(f"{chart}/notat/nytt")
    expect(page.locator(":focus")).to_have_id("f-tekst")
    page.keyboard.type("Telefon fra datter. Avventer. /")
    page.keyboard.press("Enter")
    page.keyboard.type("hjertesvikt")
    expect(page.get_by_role("option", name=re.compile("^K77"))).to_be_visible()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.get_by_role("checkbox", name="på problemlisten")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Signer", exact=True)).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("status").filter(has_text="Notatet er signert")).to_be_visible()


def test_note_without_diagnosis_asks_once_and_is_signed_by_one_more_action(page: Page, chart: str) -> None:
    page.goto(f"{chart}/notat/nytt")
    expect(page.locator(":focus")).to_have_id("f-tekst")
    page.keyboard.type("Kort beskjed om time.")
    page.get_by_role("button", name="Signer", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("ingen kontaktdiagnose")
    expect(page.get_by_label("Notat", exact=True)).to_have_value("Kort beskjed om time.")
    assert found_by_axe(page) == []
    page.get_by_role("button", name="Signer uten diagnose").click()
    expect(page.get_by_role("status").filter(has_text="Notatet er signert")).to_be_visible()


def test_unusual_value_is_asked_about_and_signed_by_one_more_action(page: Page, chart: str) -> None:
    page.goto(f"{chart}/notat/nytt")
    expect(page.locator(":focus")).to_have_id("f-tekst")
    page.keyboard.type("Kontroll. /")
    page.keyboard.press("Enter")
    page.keyboard.type("K86")
    expect(page.get_by_role("option", name=re.compile("^K86"))).to_be_visible()
    page.keyboard.press("Enter")
    page.keyboard.type(" /")
    for key in ("ArrowDown", "Enter", "Enter"):
        page.keyboard.press(key)
    page.keyboard.type("260/110")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Signer", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("Systolisk 260 mmHg er uvanlig")
    expect(page.locator(".fj-chips li")).to_have_count(2)
    assert found_by_axe(page) == []
    page.get_by_role("button", name="Ja, verdiene stemmer").click()
    expect(page.get_by_role("status").filter(has_text="Notatet er signert")).to_be_visible()


def test_note_of_a_tab_from_before_a_switch_is_given_back_and_its_draft_is_kept(page: Page, chart: str) -> None:
    page.goto(f"{chart}/notat/nytt")
    page.locator("fj-draft[data-ready]").wait_for()
    expect(page.locator(":focus")).to_have_id("f-tekst")
    page.keyboard.type("Skrevet før byttet.")
    expect(page.locator(".fj-draft-status")).to_contain_text("Kladd lagret")
    other = page.context.new_page()
    other.goto("/kontekst")
    other.get_by_role("button", name=re.compile("legesenter")).first.click()
    other.wait_for_url("**/fastlege")
    page.get_by_role("button", name="Signer", exact=True).click()
    expect(page.get_by_role("heading", name="Du har byttet rolle eller enhet")).to_be_visible()
    expect(page.get_by_label("Notat", exact=True)).to_have_value("Skrevet før byttet.")
    assert found_by_axe(page) == []
    page.goto(f"{chart}/notat/nytt")
    expect(page.get_by_label("Notat", exact=True)).to_have_value("Skrevet før byttet.")
    page.get_by_role("button", name="Signer", exact=True).click()
    page.get_by_role("button", name="Signer uten diagnose").click()
    expect(page.get_by_role("status").filter(has_text="Notatet er signert")).to_be_visible()


def test_process_code_is_refused_with_a_clear_text_and_nothing_is_lost(page: Page, chart: str) -> None:
    page.goto(f"{chart}/notat/nytt")
    expect(page.locator(":focus")).to_have_id("f-tekst")
    page.keyboard.type("Blodprøve tatt.")
    page.evaluate("document.querySelector('[data-without-script]').hidden = false")
    page.get_by_text("Legg til diagnose eller måling").click()
    page.get_by_label("Diagnosekode (ICPC-2)").fill("K34")
    page.get_by_role("button", name="Signer", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("K34 er en prosesskode")
    expect(page.get_by_label("Notat", exact=True)).to_have_value("Blodprøve tatt.")


def test_draft_comes_back_after_the_page_was_left_and_goes_when_it_is_signed(page: Page, chart: str) -> None:
    page.goto(f"{chart}/notat/nytt")
    page.locator("fj-draft[data-ready]").wait_for()
    expect(page.locator(":focus")).to_have_id("f-tekst")
    page.keyboard.type("Halvskrevet notat. /")
    page.keyboard.press("Enter")
    page.keyboard.type("K77")
    expect(page.get_by_role("option", name=re.compile("^K77"))).to_be_visible()
    page.keyboard.press("Enter")
    expect(page.locator(".fj-draft-status")).to_contain_text("Kladd lagret")
    kept = page.evaluate(DRAFTS)
    page.get_by_role("checkbox", name="på problemlisten").check()
    page.wait_for_function(f"before => {DRAFTS} !== before", arg=kept)
    page.goto("/innboks")
    page.goto(f"{chart}/notat/nytt")
    expect(page.get_by_label("Notat", exact=True)).to_have_value(re.compile("Halvskrevet notat"))
    expect(page.get_by_role("checkbox", name="på problemlisten")).to_be_checked()
    page.get_by_role("checkbox", name="på problemlisten").uncheck()
    page.get_by_role("button", name="Signer", exact=True).click()
    expect(page.get_by_role("status").filter(has_text="Notatet er signert")).to_be_visible()
    page.goto(f"{chart}/notat/nytt")
    page.locator("fj-draft[data-ready]").wait_for()
    expect(page.get_by_label("Notat", exact=True)).to_have_value("")


def test_note_is_corrected_and_the_old_version_can_be_read(page: Page, chart: str) -> None:
    page.goto(f"{chart}/notat/nytt?uten")
    expect(page.locator(":focus")).to_have_id("f-tekst")
    page.keyboard.type("Venstre hofte.")
    page.get_by_role("button", name="Signer", exact=True).click()
    page.get_by_role("button", name="Signer uten diagnose").click()
    page.get_by_role("link", name="Rett notatet").click()
    page.get_by_label("Notat", exact=True).fill("Høyre hofte.")
    page.get_by_role("button", name="Signer rettelsen").click()
    expect(page.locator("article")).to_contain_text("Høyre hofte.")
    expect(page.locator("del")).to_contain_text("Venstre")
    page.get_by_role("link", name="Versjon 1").click()
    expect(page.locator("article")).to_contain_text("Venstre hofte.")
    expect(page.locator("article")).to_contain_text("Dette er en eldre versjon")
    assert found_by_axe(page) == []


def test_result_is_signed_from_the_inbox_by_keyboard_and_the_next_one_opens(page: Page) -> None:
    page.goto("/innboks?slag=sign-result")
    before = page.locator("tbody tr").count()
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("k")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Signer og åpne neste")).to_be_focused()
    expect(page.get_by_role("columnheader", name="Referanse")).to_be_visible()
    first = page.url
    assert found_by_axe(page) == []
    page.keyboard.press("Enter")
    expect(page.get_by_text("Utført. Her er den neste.")).to_be_visible()
    assert page.url != first
    page.goto("/innboks?slag=sign-result")
    expect(page.locator("tbody tr")).to_have_count(before - 1)
    page.goto(f"{first.partition('/oppgaver')[0]}/malinger")
    expect(page.locator("#prover").get_by_text(f"signert av {GP}").first).to_be_visible()
    assert found_by_axe(page) == []


def test_task_is_handed_over_to_a_colleague(page: Page) -> None:
    page.goto("/innboks")
    mine = page.locator("tbody tr").count()
    page.locator("tbody a").first.click()
    page.get_by_text("Overlever til en kollega").click()
    page.get_by_label("Kollega").select_option(index=1)
    page.get_by_label(re.compile("^Beskjed")).fill("Kan du ta denne?")
    page.get_by_role("button", name="Overlever", exact=True).click()
    expect(page.get_by_text("Oppgaven er overlevert.")).to_be_visible()
    expect(page.locator("tbody tr")).to_have_count(mine - 1)


def test_palette_leads_to_a_patient_without_the_mouse(page: Page) -> None:
    page.keyboard.press("Control+k")
    page.keyboard.type("borghild")
    expect(page.get_by_role("option", name=re.compile(ELDERLY))).to_be_visible()
    page.keyboard.press("ArrowUp")
    while ELDERLY not in page.locator("[role=option][aria-selected=true]").inner_text():
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.get_by_role("complementary", name="Om pasienten")).to_contain_text(ELDERLY)


def test_patient_without_a_need_is_refused_with_why_and_what_can_be_done(page: Page, hidden_chart: str) -> None:
    page.goto(hidden_chart)
    main = page.get_by_role("main")
    expect(main).to_contain_text("tjenstlig behov")
    expect(main).to_contain_text("Registrer en kontakt hvis personen er hos deg")
    expect(main.get_by_role("link").first).to_be_visible()
    assert TONIGHT not in page.content()
    assert found_by_axe(page) == []


def test_axe_finds_nothing_and_no_page_scrolls_sideways(page: Page, chart: str) -> None:
    pages = [chart + path for path in CHART_PAGES] + ["/fastlege", "/fastlege/uke", "/innboks", "/innboks/neste"]
    for path in pages:
        page.goto(path)
        axe_finds_nothing(page, path.removeprefix(chart))


def test_note_prints_with_the_patient_and_without_the_chrome(page: Page, chart: str) -> None:
    page.goto(f"{chart}/notater")
    page.get_by_role("link", name=re.compile("^Åpne notatet")).first.click()
    page.emulate_media(media="print")
    expect(page.get_by_role("link", name=ELDERLY)).to_be_visible()
    expect(page.locator("header")).to_be_hidden()
    expect(page.get_by_role("navigation", name="Journalens sider")).to_be_hidden()
    expect(page.locator("article .fj-prose")).to_be_visible()
