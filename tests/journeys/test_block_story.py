"""A citizen blocks the legevakt: the nurse who has the chart open gets no further, and the GP sees a count of what is
hidden.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests import needs
from tests.axe import axe_finds_nothing
from tests.site import ELDERLY, GP, LEGEVAKT_NURSE, Site
from tests.town import Town, birth_date, sign_contact

pytestmark = [pytest.mark.browser, pytest.mark.needs("chromium"), pytest.mark.slow]


@pytest.fixture(scope="module")
def chart(demo_site: Site) -> str:
    """The chart of the citizen, whom the nurse has met; before the browser, which has a loop of its own."""
    asyncio.run(_visit(Town(demo_site.settings, demo_site.keys)))
    return f"/pasienter/{demo_site.patient_id(ELDERLY)}"


@pytest.fixture(scope="module")
def chromium(demo_site: Site, chart: str) -> Iterator[Browser]:
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


def test_a_citizen_blocks_a_unit_and_what_it_wrote_and_lifts_both(
    demo_site: Site, chromium: Browser, chart: str
) -> None:
    nurse = signed_in(chromium, demo_site, LEGEVAKT_NURSE, "helsepersonell")
    gp = signed_in(chromium, demo_site, GP, "helsepersonell")
    me = signed_in(chromium, demo_site, ELDERLY, "innbygger")
    assert nurse.goto(chart).status == 200  # type: ignore[union-attr]
    gp.goto(chart)
    expect(gp.get_by_text("sperret for deg")).to_have_count(0)

    me.get_by_role("navigation", name="Hovedmeny").get_by_role("link", name="Sperringer").click()
    axe_finds_nothing(me)
    me.get_by_label("Hva vil du sperre").select_option(label="Hele journalen")
    me.get_by_label("Hvem skal ikke se det").select_option(label="Legevakten")
    me.get_by_role("button", name="Sperr", exact=True).click()
    expect(me.get_by_text("Sperringen gjelder nå")).to_be_visible()
    assert nurse.reload().status == 403  # type: ignore[union-attr]
    expect(nurse.get_by_text("Personen har sperret journalen")).to_be_visible()
    gp.reload()
    expect(gp.get_by_text("sperret for deg")).to_have_count(0)

    me.get_by_label("Hva vil du sperre").select_option(label="Alt som er skrevet av legevakten")
    me.get_by_role("button", name="Sperr", exact=True).click()
    expect(me.get_by_role("list", name="Sperringer som gjelder").get_by_role("listitem")).to_have_count(2)
    gp.reload()
    expect(gp.get_by_text(re.compile(r"\d+ opplysning(er)? er sperret for deg"))).to_be_visible()

    for left in (1, 0):
        me.get_by_role("button", name=re.compile("^Opphev: ")).first.click()
        expect(me.get_by_text("Sperringen er opphevet")).to_be_visible()
        expect(me.get_by_role("button", name=re.compile("^Opphev: "))).to_have_count(left)
    assert nurse.goto(chart).status == 200  # type: ignore[union-attr]
    gp.reload()
    expect(gp.get_by_text("sperret for deg")).to_have_count(0)
    for page in (nurse, gp, me):
        page.context.close()


async def _visit(town: Town) -> None:
    patient = await town.patient(ELDERLY)
    born = await birth_date(town, patient)
    async with town.acting(LEGEVAKT_NURSE) as (vault, reader):
        await sign_contact(vault, reader, patient, born=born, name=ELDERLY, text="Falt på badet.", copy_to_gp=False)
