"""The scripts in a real browser: keyboard alone, drafts that survive, nothing for axe to find."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.axe import axe_finds_nothing, found_by_axe
from tests.web.conftest import Site

pytestmark = [pytest.mark.browser, pytest.mark.needs("chromium")]

NOTE = "textarea[name=tekst]"


@pytest.mark.parametrize("path", ["/", "/form", "/citizen", "/feil/409"])
def test_axe_finds_nothing(page: Page, path: str) -> None:
    page.goto(path)
    axe_finds_nothing(page)


def test_axe_finds_nothing_with_menus_open(page: Page) -> None:
    page.goto("/")
    page.get_by_text("Språk og farger").click()
    assert found_by_axe(page) == []
    page.keyboard.press("Escape")
    page.keyboard.press("Control+k")
    assert found_by_axe(page) == []
    page.goto("/form")
    page.locator(NOTE).press_sequentially("x /")
    assert found_by_axe(page) == []


def test_page_never_scrolls_sideways(page: Page) -> None:
    for path in ("/", "/form", "/citizen", "/feil/404"):
        page.goto(path)
        for width in (320, 390, 1280):
            page.set_viewport_size({"width": width, "height": 800})
            assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("width", [390, 1280])
def test_storyboard_stays_when_the_page_scrolls(page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 700})
    page.goto("/")
    page.evaluate("scrollTo(0, 900)")
    expect(page.get_by_role("link", name="Ola Testesen")).to_be_in_viewport()


def test_storyboard_unfolds_on_a_phone_by_keyboard(page: Page) -> None:
    page.set_viewport_size({"width": 390, "height": 800})
    page.goto("/")
    expect(page.get_by_text("Eva Testesen")).to_be_hidden()
    page.get_by_label("Mer om pasienten").focus()
    page.keyboard.press("Space")
    expect(page.get_by_text("Eva Testesen")).to_be_visible()


def test_palette_is_used_by_keyboard_alone(page: Page) -> None:
    page.goto("/citizen")
    page.goto("/")
    page.keyboard.press("Control+k")
    box = page.get_by_role("combobox", name="Søk etter pasient")
    expect(box).to_be_focused()
    expect(page.get_by_role("option").first).to_have_attribute("aria-selected", "true")
    page.keyboard.type("nytt")
    expect(page.get_by_role("option").first).to_contain_text("Nytt notat")
    active = box.get_attribute("aria-activedescendant")
    assert page.get_by_role("option").first.get_attribute("id") == active
    page.keyboard.press("Enter")
    page.wait_for_url("**/form")


def test_palette_searches_by_post_and_closes_by_escape(page: Page) -> None:
    page.goto("/")
    page.keyboard.press("Control+k")
    page.keyboard.type("ola")
    expect(page.get_by_role("option", name="Pasient ola")).to_be_visible()
    assert "ola" not in page.url
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()


def test_j_and_k_move_in_a_list(page: Page) -> None:
    page.goto("/")
    page.locator("h1").click()
    page.keyboard.press("j")
    expect(page.get_by_role("link", name="Vekt")).to_be_focused()
    page.keyboard.press("j")
    expect(page.get_by_role("link", name="Blodtrykk")).to_be_focused()
    page.keyboard.press("k")
    expect(page.get_by_role("link", name="Vekt")).to_be_focused()


def test_lane_of_the_timeline_is_switched_off(page: Page) -> None:
    page.goto("/")
    page.get_by_label("Legevakt").uncheck()
    expect(page.locator("summary", has_text="Legevaktkontakt")).to_be_hidden()


def test_note_inserts_a_diagnosis_by_keyboard(page: Page, site: Site) -> None:
    page.goto("/form")
    page.locator(NOTE).press_sequentially("Kontroll /")
    page.keyboard.press("Enter")
    page.keyboard.type("hyper")
    expect(page.get_by_role("option").first).to_contain_text("K86 Hypertensjon ukomplisert")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    expect(page.locator(NOTE)).to_have_value("Kontroll [K86 Hypertensjon ukomplisert]")
    expect(page.locator(NOTE)).to_be_focused()
    page.keyboard.type(" fin.")
    page.get_by_role("button", name="Signer").click()
    page.wait_for_url("**/form?lagret=1")
    expected = ("Kontroll [K86 Hypertensjon ukomplisert] fin.", (("K86", "Hypertensjon ukomplisert"),), ())
    assert site.app.state.saved[-1] == expected


def test_note_inserts_a_measurement_by_keyboard(page: Page, site: Site) -> None:
    page.goto("/form")
    page.locator(NOTE).press_sequentially("/")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.type("148/92")
    page.keyboard.press("Enter")
    expect(page.locator(NOTE)).to_have_value("Blodtrykk 148/92 mmHg")
    page.get_by_role("button", name="Signer").click()
    page.wait_for_url("**/form?lagret=1")
    assert site.app.state.saved[-1] == ("Blodtrykk 148/92 mmHg", (), (("bp", "148/92"),))


def test_stroke_inside_a_word_and_escape_leave_the_text_alone(page: Page) -> None:
    page.goto("/form")
    page.locator(NOTE).press_sequentially("BT 140/90 og/eller /")
    expect(page.get_by_role("listbox")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("listbox")).to_be_hidden()
    expect(page.locator(NOTE)).to_have_value("BT 140/90 og/eller /")
    expect(page.locator(NOTE)).to_be_focused()


def test_chip_is_removed(page: Page) -> None:
    page.goto("/form")
    page.locator(NOTE).press_sequentially("/")
    page.keyboard.press("Enter")
    page.keyboard.type("r74")
    expect(page.get_by_role("option")).to_have_count(1)
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Fjern R74 Akutt øvre luftveisinfeksjon").click()
    expect(page.locator("input[name=diagnosis]")).to_have_count(0)


def typed_draft(page: Page, text: str = "Skrevet tekst /") -> None:
    page.goto("/form")
    expect(page.locator("fj-draft[data-ready]")).to_be_attached()
    page.locator(NOTE).press_sequentially(text)


def test_draft_comes_back_after_reload_with_its_codes(page: Page) -> None:
    typed_draft(page)
    page.keyboard.press("Enter")
    page.keyboard.type("k87")
    expect(page.get_by_role("option")).to_have_count(1)
    page.keyboard.press("Enter")
    expect(page.locator(".fj-draft-status", has_text="Kladd lagret kl.")).to_be_visible()
    page.reload()
    expect(page.locator(NOTE)).to_have_value("Skrevet tekst [K87 Hypertensjon komplisert]")
    expect(page.locator("input[name=diagnosis]")).to_have_value("K87|Hypertensjon komplisert")
    expect(page.locator(".fj-draft-status")).to_contain_text("er hentet fram")


def test_draft_in_the_browser_is_not_readable(page: Page) -> None:
    typed_draft(page, "hemmelig innhold")
    expect(page.locator(".fj-draft-status", has_text="Kladd lagret kl.")).to_be_visible()
    kept = page.evaluate("Object.values(localStorage).join()")
    assert "hemmelig" not in kept
    assert len(kept) > 40


def test_draft_survives_an_error_and_a_lost_network(page: Page) -> None:
    typed_draft(page, "krasj her")
    page.get_by_role("button", name="Signer").click()
    expect(page.get_by_role("heading", name="Feil")).to_be_visible()
    page.goto("/form")
    expect(page.locator(NOTE)).to_have_value("krasj her")
    page.locator(NOTE).fill("uten nett")
    page.context.set_offline(True)
    page.get_by_role("button", name="Signer").click()
    page.wait_for_timeout(300)
    page.context.set_offline(False)
    page.goto("/form")
    expect(page.locator(NOTE)).to_have_value("uten nett")


def test_draft_goes_when_it_is_saved_and_only_then(page: Page) -> None:
    typed_draft(page, "til lagring")
    page.get_by_role("button", name="Signer").click()
    page.wait_for_url("**/form?lagret=1")
    expect(page.locator(NOTE)).to_have_value("")
    assert page.evaluate("Object.keys(localStorage).filter(k => k.startsWith('fj-draft')).length") == 0
    page.goto("/form")
    expect(page.locator(NOTE)).to_have_value("")


def test_draft_can_be_discarded(page: Page) -> None:
    typed_draft(page, "skal bort")
    expect(page.locator(".fj-draft-status", has_text="Kladd lagret kl.")).to_be_visible()
    page.reload()
    page.get_by_role("button", name="Forkast kladden").click()
    expect(page.locator(NOTE)).to_have_value("")
    page.reload()
    expect(page.locator(NOTE)).to_have_value("")


def test_draft_of_another_key_is_neither_shown_nor_lost(page: Page) -> None:
    typed_draft(page, "min tekst")
    expect(page.locator(".fj-draft-status", has_text="Kladd lagret kl.")).to_be_visible()
    other = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
    page.route("**/form", lambda r: r.fulfill(response=(a := r.fetch()), body=a.text().replace(KEY, other)))
    page.reload()
    expect(page.locator(NOTE)).to_have_value("")
    page.unroute("**/form")
    page.reload()
    expect(page.locator(NOTE)).to_have_value("min tekst")


KEY = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="


def test_session_warns_and_then_says_that_the_draft_is_kept(page: Page) -> None:
    page.goto("/form?tid=3")
    page.locator(NOTE).press_sequentially("midt i")
    expect(page.get_by_text("Du blir logget ut om").first).to_be_visible()
    expect(page.get_by_role("dialog", name="Du er logget ut")).to_be_visible(timeout=6000)
    expect(page.locator(NOTE)).to_be_hidden()
    page.goto("/form")
    expect(page.locator(NOTE)).to_have_value("midt i")


def test_note_works_without_javascript(chromium: object, site: Site) -> None:
    context = chromium.new_context(base_url=site.url, java_script_enabled=False, locale="nb-NO")  # type: ignore[attr-defined]
    page = context.new_page()
    page.goto("/form")
    page.locator(NOTE).fill("Uten skript")
    page.get_by_text("Legg til diagnose eller måling").click()
    page.get_by_label("Diagnosekode (ICPC-2)").fill("k86")
    page.get_by_label("Måling").select_option("wt")
    page.get_by_label("Verdi").fill("82,5")
    page.get_by_role("button", name="Signer").click()
    assert site.app.state.saved[-1] == ("Uten skript", (("K86", ""),), (("wt", "82,5"),))
    page.get_by_text("Språk og farger").click()
    page.get_by_role("button", name="Nynorsk").click()
    assert page.locator("html").get_attribute("lang") == "nn"
    context.close()
