"""An app is let in by a person, and its tokens are worth what the person, the administrator and the session say."""

from __future__ import annotations

import base64
import json
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest

from fellesjournal.kit import ids
from tests.apps import BACK, READS, TestApp, mark, press, register, ticks
from tests.site import DIABETIC, ELDERLY, GP, TONIGHT, Site

ALL = f"openid fhirUser launch/patient offline_access online_access {READS} user/Practitioner.rs"


@pytest.fixture(scope="module")
def app(demo_site: Site) -> TestApp:
    return register(demo_site, "kode-app", scope=ALL)


def test_a_citizen_lets_an_app_in_and_it_reads_the_own_record(demo_site: Site, app: TestApp) -> None:
    own = demo_site.patient_id(ELDERLY)
    with demo_site.client(ELDERLY) as browser:
        found = app.enter(browser, f"openid fhirUser launch/patient offline_access {READS}")
    assert found["patient"] == own
    assert found["token_type"] == "Bearer"
    assert set(found["scope"].split()) == {"openid", "fhirUser", "launch/patient", "offline_access", *READS.split()}
    with app.fhir(found["access_token"]) as fhir:
        assert fhir.get(f"/Patient/{own}").json()["id"] == own
        page = fhir.get("/Observation", params={"_count": "3"})
        assert page.status_code == 200, page.text
        assert {entry["resource"]["resourceType"] for entry in page.json()["entry"]} == {"Observation"}
        refused = fhir.get("/Condition")
        assert refused.status_code == 403
        assert "insufficient_scope" in refused.headers["www-authenticate"]


def test_the_log_names_the_app(demo_site: Site, app: TestApp) -> None:
    own = demo_site.patient_id(ELDERLY)
    with demo_site.client(ELDERLY) as browser:
        found = app.enter(browser, READS)
    with app.fhir(found["access_token"]) as fhir:
        assert fhir.get(f"/Patient/{own}").status_code == 200
    key = ids.decode(own)
    assert key
    row = demo_site.row(
        "SELECT l.action, a.client_id FROM access.log l JOIN identity.app a ON a.id = l.app"
        " WHERE l.patient = $1 ORDER BY l.pos DESC",
        key[1],
    )
    assert (row["action"], row["client_id"]) == ("read", "kode-app")


def test_staff_choose_whose_record_and_the_app_opens_no_other(demo_site: Site, app: TestApp) -> None:
    chosen, other = demo_site.patient_id(ELDERLY), demo_site.patient_id(DIABETIC)
    with demo_site.client(GP) as browser:
        found = app.enter(browser, f"launch/patient {READS}", patient=chosen)
    assert found["patient"] == chosen
    with app.fhir(found["access_token"]) as fhir, demo_site.fhir(GP) as person:
        assert fhir.get(f"/Patient/{chosen}").status_code == 200
        assert {e["resource"]["id"] for e in fhir.get("/Patient").json()["entry"]} == {chosen}
        assert fhir.get("/Observation", params={"patient": chosen}).json().get("entry")
        assert person.get(f"/Patient/{other}").status_code == 200
        assert fhir.get(f"/Patient/{other}").status_code == 404
        assert fhir.get("/Observation", params={"patient": other}).status_code == 403
        assert fhir.get("/Patient", params={"_id": other}).status_code == 403


def test_staff_can_not_open_an_app_on_somebody_they_have_no_need_for(demo_site: Site, app: TestApp) -> None:
    with demo_site.client(GP) as browser:
        asked, _ = app.question(f"launch/patient {READS}")
        page = browser.get("/oauth/authorize", params=asked)
        assert press(browser, page.text, gjor="velg", pasient=demo_site.patient_id(TONIGHT)).status_code == 403


def test_a_person_may_share_less_or_nothing(demo_site: Site, app: TestApp) -> None:
    with demo_site.client(ELDERLY) as browser:
        asked, verifier = app.question(READS)
        page = browser.get("/oauth/authorize", params=asked).text
        assert ticks(page) == READS.split()
        assert "Målinger og prøvesvar" in page
        empty = press(browser, page, gjor="tillat")
        assert empty.status_code == 422
        back = press(browser, page, gjor="tillat", omfang="patient/Patient.rs").headers["location"]
        found = app.redeem(dict(parse_qsl(urlsplit(back).query))["code"], verifier).json()
        assert found["scope"] == "patient/Patient.rs"
        no = press(browser, page, gjor="avbryt").headers["location"]
        assert dict(parse_qsl(urlsplit(no).query))["error"] == "access_denied"
    with app.fhir(found["access_token"]) as fhir:
        assert fhir.get("/Observation").status_code == 403


def test_what_was_not_registered_is_not_granted(demo_site: Site, app: TestApp) -> None:
    with demo_site.client(ELDERLY) as browser:
        found = app.enter(browser, "patient/*.cruds user/*.rs")
    assert set(found["scope"].split()) == {*READS.split(), "user/Practitioner.rs"}


def test_sign_out_kills_an_apps_token_at_once_unless_it_may_stay(demo_site: Site, app: TestApp) -> None:
    with demo_site.client(ELDERLY) as browser:
        online = app.enter(browser, f"online_access {READS}")
        offline = app.enter(browser, f"offline_access {READS}")
        token = browser.get("/min-journal").text.partition('name="csrf-token" content="')[2].partition('"')[0]
        browser.post("/logg-ut", headers={"x-csrf-token": token}, follow_redirects=False)
    for found, status in ((online, 401), (offline, 200)):
        with app.fhir(found["access_token"]) as fhir:
            assert fhir.get("/Observation").status_code == status
    assert app.refresh(online["refresh_token"]).json()["error"] == "invalid_grant"
    assert app.refresh(offline["refresh_token"]).status_code == 200


def test_a_refresh_token_is_good_once_and_a_second_use_ends_the_family(demo_site: Site, app: TestApp) -> None:
    with demo_site.client(ELDERLY) as browser:
        first = app.enter(browser, f"offline_access {READS}")
    assert app.refresh(first["refresh_token"], scope="patient/Condition.rs").json()["error"] == "invalid_scope"
    narrow = app.refresh(first["refresh_token"], scope="patient/Patient.r").json()
    assert narrow["scope"] == "patient/Patient.r"
    with app.fhir(first["access_token"]) as fhir:
        assert fhir.get("/Patient").status_code == 401
    with app.fhir(narrow["access_token"]) as fhir:
        assert fhir.get("/Observation").status_code == 403
        assert fhir.get(f"/Patient/{narrow['patient']}").status_code == 200
        wide = app.refresh(narrow["refresh_token"]).json()
        assert set(wide["scope"].split()) == {"offline_access", *READS.split()}
        # The first one again: somebody has stolen it.
        assert app.refresh(first["refresh_token"]).json()["error"] == "invalid_grant"
    with app.fhir(wide["access_token"]) as fhir:
        assert fhir.get("/Patient").status_code == 401
    assert app.refresh(wide["refresh_token"]).json()["error"] == "invalid_grant"


def test_who_the_user_is_can_be_read_with_its_own_scope(demo_site: Site, app: TestApp) -> None:
    with demo_site.client(GP) as browser:
        found = app.enter(browser, "openid fhirUser")
    claims = json.loads(base64.urlsafe_b64decode(found["id_token"].split(".")[1] + "=="))
    with app.fhir(found["access_token"]) as fhir:
        assert fhir.get(claims["fhirUser"]).json()["resourceType"] == "Practitioner"
        assert fhir.get("/Practitioner").status_code == 403
        assert fhir.get(claims["fhirUser"] + "/_history").status_code == 403


def test_an_app_without_a_secret_need_not_name_itself_to_refresh(demo_site: Site, app: TestApp) -> None:
    with demo_site.client(ELDERLY) as browser:
        first = app.enter(browser, f"offline_access {READS}")["refresh_token"]
    form = {"grant_type": "refresh_token", "refresh_token": first}
    assert httpx.post(f"{demo_site.url}/oauth/token", data=form).status_code == 200
    assert httpx.post(f"{demo_site.url}/oauth/token", data=form).json()["error"] == "invalid_grant"


def test_the_person_sees_what_was_given_and_takes_it_back(demo_site: Site, app: TestApp) -> None:
    with demo_site.client(DIABETIC) as browser:
        found = app.enter(browser, f"offline_access {READS}")
        page = browser.get("/apper").text
        assert "Appen kode-app" in page
        place = page.partition('action="/apper/')[2].partition('"')[0]
        token = page.partition('name="csrf-token" content="')[2].partition('"')[0]
        with demo_site.client(ELDERLY) as other:
            others = other.get("/apper").text.partition('name="csrf-token" content="')[2].partition('"')[0]
            assert "Tilgangen fantes ikke" in other.post(f"/apper/{place}", headers={"x-csrf-token": others}).text
        with app.fhir(found["access_token"]) as fhir:
            assert fhir.get("/Patient").status_code == 200
            assert "Tilgangen er trukket" in browser.post(f"/apper/{place}", headers={"x-csrf-token": token}).text
            assert fhir.get("/Patient").status_code == 401


def test_a_suspended_app_is_dead_at_once_and_a_changed_one_waits(demo_site: Site) -> None:
    made = register(demo_site, "stoppet-app", scope=f"offline_access {READS}")
    with demo_site.client(ELDERLY) as browser:
        found = made.enter(browser, f"offline_access {READS}")
        with made.fhir(found["access_token"]) as fhir:
            assert fhir.get("/Patient").status_code == 200
            mark(demo_site, "stoppet-app", "suspended")
            assert fhir.get("/Patient").status_code == 401
        assert made.refresh(found["refresh_token"]).json()["error"] == "invalid_client"
        asked, _ = made.question(READS)
        assert browser.get("/oauth/authorize", params=asked).status_code == 400
        register(demo_site, "stoppet-app", scope=READS, approve=False)
        assert browser.get("/oauth/authorize", params=asked).status_code == 400


def test_who_is_not_signed_in_signs_in_and_goes_on(demo_site: Site, app: TestApp) -> None:
    asked, _ = app.question(READS, state="x" * 800)
    with httpx.Client(base_url=demo_site.url, timeout=30) as browser:
        first = browser.get("/oauth/authorize", params=asked, follow_redirects=False)
        assert first.headers["location"] == "/logg-inn?til=/oauth/fortsett"
        browser.cookies.set("fellesjournal", demo_site.token(ELDERLY), domain="127.0.0.1")
        page = browser.get("/oauth/fortsett")
        assert "Appen kode-app" in page.text
        assert f"form-action 'self' {BACK.removesuffix('/back')}" in page.headers["content-security-policy"]


def test_an_apps_token_is_no_cookie(demo_site: Site, app: TestApp) -> None:
    with demo_site.client(ELDERLY) as browser:
        found = app.enter(browser, READS)
    with httpx.Client(base_url=demo_site.url, cookies={"fellesjournal": found["access_token"]}) as thief:
        assert thief.get("/min-journal", follow_redirects=False).status_code == 303
