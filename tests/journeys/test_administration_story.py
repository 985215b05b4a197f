"""An administrator brings somebody in, prolongs and ends a post, by keyboard; and every page holds for everybody."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from fellesjournal.cli.apps import _appoint_one
from fellesjournal.kit.clock import OSLO
from tests import needs
from tests.axe import axe_finds_nothing
from tests.identity.administration.making import number
from tests.site import GP, Site

pytestmark = [pytest.mark.browser, pytest.mark.needs("chromium"), pytest.mark.slow]
PAGES = ("", "/personer/ny", "/enheter", "/roller", "/fil", "/systemer", "/innsynskontroll", "/kjente", "/endringer")


@pytest.fixture(scope="module")
def administrator(demo_site: Site) -> str:
    """A session of an administrator at the legevakt; before the browser, which has a loop of its own."""
    unit = demo_site.row("SELECT id, name FROM identity.unit WHERE kind = 'legevakt'")
    asyncio.run(_appoint_one(demo_site.settings, GP, unit["name"]))
    demo_site.row(
        "DELETE FROM identity.post o USING identity.person p WHERE p.id = o.person AND p.name = $2 AND o.unit = $1"
        " AND o.role <> 'administrator' RETURNING 1", unit["id"], GP,
    )  # fmt: skip
    return demo_site.token(GP, unit=unit["name"])


@pytest.fixture(scope="module")
def leader(demo_site: Site) -> str:
    """A session of the legevakt's leader, with somebody on duty and two later."""
    at = demo_site.row(
        "SELECT u.id, u.name, p.id AS leader, p.name AS leader_name FROM identity.unit u"
        " JOIN identity.post o ON o.unit = u.id AND o.role = 'leder' JOIN identity.person p ON p.id = o.person"
        " WHERE u.kind = 'legevakt' ORDER BY p.id LIMIT 1"
    )
    demo_site.row(
        "INSERT INTO access.duty (person, unit, from_at, until_at)"
        " SELECT q.person, $1, now() + q.n * interval '8 hours', now() + (q.n + 1) * interval '8 hours' FROM ("
        "   SELECT person, row_number() OVER (ORDER BY person) - 1 AS n FROM identity.post"
        "   WHERE unit = $1 AND person <> $2 ORDER BY person LIMIT 3) q RETURNING 1", at["id"], at["leader"],
    )  # fmt: skip
    return demo_site.token(at["leader_name"], unit=at["name"])


@pytest.fixture(scope="module")
def chromium(leader: str, administrator: str) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=needs.find_chromium(), args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def page(chromium: Browser, demo_site: Site, administrator: str) -> Iterator[Page]:
    context = chromium.new_context(
        base_url=demo_site.url, viewport={"width": 1280, "height": 900}, locale="nb-NO", reduced_motion="reduce"
    )
    context.add_cookies([{"name": "fellesjournal", "value": administrator, "url": demo_site.url}])
    yield context.new_page()
    context.close()


def test_a_post_is_given_prolonged_and_ended_by_keyboard(demo_site: Site, page: Page) -> None:
    page.goto("/")
    page.wait_for_url("**/administrasjon")
    page.get_by_role("link", name="Ny person").press("Enter")
    page.get_by_label("Fødselsnummer eller D-nummer").fill(number(60))
    page.get_by_label("Navn", exact=True).fill("Jorunn Journey")
    page.get_by_label("Enhet", exact=True).select_option(index=1)
    page.get_by_label("Rolle", exact=True).select_option("assistent")
    page.get_by_role("button", name="Legg til").press("Enter")
    expect(page.get_by_role("heading", name="Jorunn Journey")).to_be_visible()
    expect(page.locator(".ds-tag")).to_contain_text("gjelder")
    axe_finds_nothing(page, "person")
    page.get_by_label("Ny siste dag").fill("2031-05-31")
    page.get_by_role("button", name="Lagre siste dag").press("Enter")
    expect(page.get_by_text("31.05.2031").first).to_be_visible()
    page.get_by_role("button", name="Avslutt nå").press("Enter")
    expect(page.locator(".ds-tag")).to_contain_text("avsluttet")
    page.get_by_role("link", name="Personer", exact=True).click()
    page.get_by_role("search").get_by_label("Navn").fill("jor")
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="Jorunn Journey")).to_be_visible()
    assert "jor" not in page.url


def test_every_page_holds_for_everybody(page: Page) -> None:
    for path in PAGES:
        answer = page.goto(f"/administrasjon{path}")
        assert answer is not None
        assert answer.status == 200, path
        axe_finds_nothing(page, path.strip("/").replace("/", "-") or "personer")


def test_a_leader_puts_somebody_on_duty_by_keyboard(chromium: Browser, demo_site: Site, leader: str) -> None:
    context = chromium.new_context(base_url=demo_site.url, locale="nb-NO", reduced_motion="reduce")
    context.add_cookies([{"name": "fellesjournal", "value": leader, "url": demo_site.url}])
    page = context.new_page()
    page.goto("/")
    page.wait_for_url("**/vaktliste")
    axe_finds_nothing(page, "vaktliste")
    page.get_by_label("Hvem").select_option(index=4)
    page.get_by_label("Til", exact=True).fill("2020-01-01T08:00")
    page.get_by_role("button", name="Sett på vakt").press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("Vakten må slutte etter at den begynner")
    until = f"{datetime.now(OSLO) + timedelta(hours=5):%Y-%m-%dT%H:%M}"
    page.get_by_label("Til", exact=True).fill(until)
    page.get_by_role("button", name="Sett på vakt").press("Enter")
    expect(page.get_by_role("button", name="Avslutt vakten nå")).to_have_count(2)
    context.close()
