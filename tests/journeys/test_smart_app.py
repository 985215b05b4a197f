"""A SMART app, built on fhirclient as it comes from npm, in a real browser: opened from a chart by a GP, let in by a
citizen, taken back, and registered by an administrator.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests import needs, peers
from tests.apps import READS, register
from tests.axe import axe_finds_nothing
from tests.site import ELDERLY, GP, Site

pytestmark = [pytest.mark.browser, pytest.mark.needs("chromium"), pytest.mark.needs("node"), pytest.mark.slow]

PEER = Path(__file__).parents[1] / "clients" / "peer"
SCOPE = f"openid fhirUser launch launch/patient online_access {READS} user/Practitioner.rs"
PAGES = {
    "launch.html": """FHIR.oauth2.authorize({clientId: "prove-app", scope: "%s", redirectUri: "index.html"});""",
    "alone.html": """FHIR.oauth2.authorize({iss: "%s/fhir", clientId: "prove-app", redirectUri: "index.html",
        scope: "openid fhirUser launch/patient patient/Patient.rs patient/Observation.rs"});""",
    "index.html": """const refreshed = async client => client.state.tokenResponse.refresh_token
            ? client.refresh().then(() => client.request(`Patient/${client.patient.id}`)).then(() => true) : false;
        FHIR.oauth2.ready().then(async client => {
        const patient = await client.patient.read();
        const seen = await client.request(`Observation?patient=${client.patient.id}&_count=5`);
        const user = await client.user.read();
        const denied = await client.request("Condition").then(() => "let in", error => String(error.status));
        document.body.textContent = JSON.stringify({patient: patient.id, seen: seen.entry.length,
            user: user.resourceType, denied, refreshed: await refreshed(client)});
    }).catch(error => { document.body.textContent = "failed: " + error; });""",
}  # fmt: skip


@pytest.fixture(scope="module")
def app_url(demo_site: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The app, served by itself at another origin; registered and approved."""
    peers.install(PEER)
    folder = tmp_path_factory.mktemp("app")
    library = PEER / "node_modules" / "fhirclient" / "build" / "fhir-client.js"
    (folder / "fhir-client.js").write_bytes(library.read_bytes())
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}"
    for name, script in PAGES.items():
        text = script % SCOPE if name == "launch.html" else script % demo_site.url if name == "alone.html" else script
        head = '<!doctype html><meta charset="utf-8"><title>Prøve-app</title><script src="fhir-client.js"></script>'
        (folder / name).write_text(f"{head}<body><script>{text}</script>")
    register(
        demo_site, "prove-app", scope=SCOPE, redirect_uris=[f"{url}/index.html"], launch_url=f"{url}/launch.html",
        description="Viser målinger.",
    )  # fmt: skip
    yield url
    server.shutdown()


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def patient(demo_site: Site) -> str:
    """Before the browser, which has a loop of its own."""
    return demo_site.patient_id(ELDERLY)


@pytest.fixture(scope="module")
def administrator(demo_site: Site) -> str:
    """A session of a person who is administrator, and nothing else."""
    row = demo_site.row(
        "SELECT p.id, p.name, p.demo_name FROM identity.person p JOIN identity.post o ON o.person = p.id"
        " WHERE o.role = 'leder' AND p.demo_name IS NOT NULL AND p.name NOT LIKE '%''%' ORDER BY p.id LIMIT 1"
    )
    demo_site.row("UPDATE identity.post SET role = 'administrator' WHERE person = $1 RETURNING id", row["id"])
    return demo_site.token(row["demo_name"])


@pytest.fixture(scope="module")
def chromium(demo_site: Site, app_url: str, patient: str, administrator: str) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=needs.find_chromium(), args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def page(chromium: Browser, demo_site: Site) -> Iterator[Page]:
    context = chromium.new_context(
        base_url=demo_site.url, viewport={"width": 1280, "height": 900}, locale="nb-NO", reduced_motion="reduce"
    )
    yield context.new_page()
    context.close()


def told(page: Page) -> dict[str, Any]:
    """What the app shows when it has done all that it does."""
    import json

    expect(page.locator("body")).to_contain_text("{", timeout=20_000)
    found: dict[str, Any] = json.loads(page.locator("body").inner_text())
    return found


def test_a_gp_opens_an_app_from_the_chart(demo_site: Site, page: Page, patient: str) -> None:
    demo_site.sign_in(page, GP)
    page.goto(f"/pasienter/{patient}")
    page.get_by_role("link", name="Apper", exact=True).click()
    axe_finds_nothing(page)
    with page.context.expect_page() as opened:
        page.get_by_role("button", name=re.compile("Åpne Appen prove-app")).press("Enter")
    found = told(opened.value)
    assert found == {"patient": patient, "seen": 5, "user": "Practitioner", "denied": "403", "refreshed": True}
    page.goto(f"/pasienter/{patient}/innsynslogg")
    expect(page.get_by_text("med appen «Appen prove-app»").first).to_be_visible()


def test_a_gp_lets_an_app_in_by_itself_and_chooses_the_patient(
    demo_site: Site, page: Page, app_url: str, patient: str
) -> None:
    demo_site.sign_in(page, GP)
    page.goto(f"{app_url}/alone.html")
    expect(page.get_by_role("heading", name="Vil du gi «Appen prove-app» tilgang?")).to_be_visible()
    axe_finds_nothing(page)
    page.get_by_label("Navn").fill(ELDERLY.split()[0])
    page.get_by_role("button", name="Søk").last.click()
    page.get_by_role("button", name=f"Velg {ELDERLY}").click()
    expect(page.get_by_text(ELDERLY)).to_be_visible()
    page.get_by_role("button", name="Ja, gi tilgang").click()
    assert told(page)["patient"] == patient


def test_a_citizen_lets_an_app_in_by_keyboard_sees_it_in_the_log_and_takes_it_back(
    demo_site: Site, page: Page, app_url: str, patient: str
) -> None:
    page.goto(f"{app_url}/alone.html")
    page.locator("button[name=hvem][value=innbygger]").click()
    page.get_by_role("button", name=re.compile(re.escape(ELDERLY))).first.click()
    expect(page.get_by_role("heading", name="Vil du gi «Appen prove-app» tilgang?")).to_be_visible()
    expect(page.get_by_label("Målinger og prøvesvar")).to_be_checked()
    axe_finds_nothing(page)
    page.get_by_role("button", name="Ja, gi tilgang").press("Enter")
    found = told(page)
    assert found["patient"] == patient
    assert found["user"] == "Patient"
    page.goto(f"{demo_site.url}/min-journal/innsyn")
    expect(page.get_by_text("med appen «Appen prove-app»").first).to_be_visible()
    page.goto(f"{demo_site.url}/apper")
    axe_finds_nothing(page)
    page.get_by_role("button", name="Trekk tilgangen for Appen prove-app").first.press("Enter")
    expect(page.get_by_text("Tilgangen er trukket.")).to_be_visible()


def test_an_administrator_registers_approves_and_stops_an_app(demo_site: Site, page: Page, administrator: str) -> None:
    page.context.add_cookies([{"name": "fellesjournal", "value": administrator, "url": demo_site.url}])
    page.goto("/")
    page.wait_for_url("**/administrasjon")
    page.get_by_role("link", name="Apper", exact=True).click()
    axe_finds_nothing(page)
    page.get_by_role("link", name="Registrer en app").click()
    axe_finds_nothing(page)
    page.get_by_label("Appens navn").fill("Vekstkurve")
    page.get_by_label("Klient (client_id)").fill("vekst")
    page.get_by_label("Med et passord som appens server oppbevarer").check()
    page.get_by_label("Omfang (scope)").fill("launch patient/Patient.rs patient/Rubbish.rs")
    page.get_by_role("button", name="Registrer").click()
    expect(page.get_by_role("alert")).to_contain_text("adresse")
    page.get_by_label("Adresser som svaret sendes til").fill("https://vekst.example.no/")
    page.get_by_role("button", name="Registrer").click()
    expect(page.get_by_role("alert")).to_contain_text("Omfanget")
    page.get_by_label("Omfang (scope)").fill("launch patient/Patient.rs")
    page.get_by_role("button", name="Registrer").click()
    expect(page.get_by_text("Appens passord vises bare nå")).to_be_visible()
    expect(page.get_by_text("Venter på godkjenning")).to_be_visible()
    axe_finds_nothing(page)
    page.get_by_role("button", name="Godkjenn").click()
    expect(page.locator(".ds-tag")).to_contain_text("Godkjent")
    page.get_by_role("button", name="Stopp appen").click()
    expect(page.locator(".ds-tag")).to_contain_text("Stoppet")
    expect(page.locator("tbody tr")).to_have_count(3)
    page.get_by_role("button", name="Fjern").click()
    page.wait_for_url("**/apper/administrer")
    expect(page.get_by_text("Vekstkurve")).to_have_count(0)


def test_the_register_is_for_administrators(demo_site: Site, page: Page) -> None:
    demo_site.sign_in(page, GP)
    answer = page.goto("/apper/administrer")
    assert answer is not None
    assert answer.status == 403
