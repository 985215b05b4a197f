"""A mother acts for her children: what staff withhold is gone for her; on a sixteenth birthday she is herself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests import needs
from tests.axe import axe_finds_nothing
from tests.clinical.representatives.test_pages import contact_of
from tests.site import GP, Site

pytestmark = [pytest.mark.browser, pytest.mark.needs("chromium"), pytest.mark.slow]
MOTHER, SON, NEARLY = "Silje Kvalnes", "Jakob Kvalnes Myrvang", "Mathias Kvalnes Myrvang"
TITLE = "Samtale om noe Jakob ville snakke om alene"


@pytest.fixture(scope="module")
def contact(demo_site: Site) -> str:
    """A contact of today with a note, which the GP wrote; before the browser, which has a loop of its own."""
    encounter, _measured = contact_of(demo_site, SON)
    patient = {"reference": f"Patient/{demo_site.patient_id(SON)}"}
    body = {"resourceType": "Composition", "status": "final", "type": {"text": "Notat"}, "title": TITLE,
            "date": "2026-11-20T10:00:00+01:00", "subject": patient, "author": [{"display": GP}],
            "encounter": {"reference": encounter}}  # fmt: skip
    with demo_site.fhir(GP) as gp:
        made = gp.post("/Composition", json=body)
        assert made.status_code == 201, made.text
    return f"Composition/{made.json()['id']}"


@pytest.fixture(scope="module")
def chromium(contact: str) -> Iterator[Browser]:
    assert contact
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=needs.find_chromium(), args=["--no-sandbox"])
        yield browser
        browser.close()


def signed_in(chromium: Browser, site: Site, name: str, kind: str) -> Page:
    context = chromium.new_context(base_url=site.url, viewport={"width": 1280, "height": 900}, locale="nb-NO")
    context.add_cookies([{"name": "sprak", "value": "nb", "url": site.url}])
    page = context.new_page()
    site.sign_in(page, name, kind=kind)
    return page


def open_child(page: Page, name: str) -> None:
    page.goto("/min-journal/representasjon")
    page.get_by_role("button", name=f"Åpne journalen til {name}").click()
    expect(page.get_by_role("region", name="Hvem du handler på vegne av")).to_contain_text(name)


def test_staff_withhold_a_contact_and_the_mother_who_is_in_the_record_sees_nothing_of_it(
    demo_site: Site, chromium: Browser, contact: str
) -> None:
    mother = signed_in(chromium, demo_site, MOTHER, "innbygger")
    open_child(mother, SON)
    mother.goto("/min-journal/notater")
    expect(mother.get_by_text(TITLE).first).to_be_visible()

    gp = signed_in(chromium, demo_site, GP, "helsepersonell")
    gp.goto(f"/pasienter/{demo_site.patient_id(SON)}")
    gp.get_by_role("navigation", name="Journalens sider").get_by_role("link", name="Representanter").click()
    expect(gp.get_by_text("Ser og handler").first).to_be_visible()
    axe_finds_nothing(gp)
    gp.get_by_role("link", name="Hold noe tilbake for foreldre").click()
    axe_finds_nothing(gp)
    gp.get_by_role("link", name=TITLE).press("Enter")
    axe_finds_nothing(gp)
    expect(gp.get_by_role("radio", name="Hele kontakten")).to_be_checked()
    gp.get_by_role("radio", name="Tungtveiende hensyn til barnet").focus()
    gp.keyboard.press("Space")
    gp.get_by_label("Begrunnelse").fill("Jakob ba om det.")
    gp.get_by_role("button", name="Hold tilbake").press("Enter")
    expect(gp.get_by_role("status").filter(has_text="Foreldrene ser det ikke lenger")).to_be_visible()
    expect(gp.get_by_text("Jakob ba om det.")).to_be_visible()

    for path in ("/min-journal/notater", "/min-journal", "/min-journal/innsyn", "/min-journal/timer"):
        mother.goto(path)
        expect(mother.get_by_text(TITLE)).to_have_count(0)
        expect(mother.get_by_text("Holdt tilbake")).to_have_count(0)


def test_on_the_sixteenth_birthday_the_mother_is_told_and_goes_on_as_herself(
    demo_site: Site, chromium: Browser
) -> None:
    mother = signed_in(chromium, demo_site, MOTHER, "innbygger")
    open_child(mother, NEARLY)
    _make_sixteen(demo_site)
    mother.get_by_role("navigation", name="Hovedmeny").get_by_role("link", name="Notater").click()
    expect(mother.get_by_role("heading", name="Du handler ikke lenger for en annen")).to_be_visible()
    axe_finds_nothing(mother)
    mother.get_by_role("link", name="Til min egen journal").click()
    expect(mother.get_by_role("region", name="Hvem du handler på vegne av")).to_have_count(0)
    mother.goto("/min-journal/representasjon")
    expect(mother.get_by_text(NEARLY)).to_have_count(0)


def _make_sixteen(site: Site) -> None:
    """The birthday comes: the birth date moves a day, since the clock can't."""
    with site.fhir(GP) as gp:
        url = f"/Patient/{site.patient_id(NEARLY)}"
        resource: dict[str, Any] = gp.get(url).json()
        born = resource["birthDate"]
        earlier = f"{int(born[:4]) - 1}{born[4:]}".replace("-02-29", "-02-28")
        assert gp.put(url, json=resource | {"birthDate": earlier}).status_code == 200
