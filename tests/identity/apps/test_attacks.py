"""What somebody might try against the app server, and gets nothing by."""

from __future__ import annotations

import base64
import json
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx
import pytest

from tests.apps import BACK, READS, TestApp, press, register
from tests.site import DIABETIC, ELDERLY, GP, Site

SCOPE = f"launch launch/patient online_access {READS}"


@pytest.fixture(scope="module")
def app(demo_site: Site) -> TestApp:
    return register(demo_site, "angrep-app", scope=SCOPE, launch_url="https://app.example.no/launch")


@pytest.fixture(scope="module")
def other(demo_site: Site) -> TestApp:
    return register(demo_site, "annen-app", scope=SCOPE, secret="hemmelig" * 4)


def error_of(answer: httpx.Response) -> str:
    assert 400 <= answer.status_code < 500, answer.text
    return str(answer.json()["error"])


def test_a_code_is_good_once_and_a_second_use_ends_what_came_of_it(demo_site: Site, app: TestApp) -> None:
    with demo_site.client(ELDERLY) as browser:
        code, verifier = app.authorize(browser, SCOPE)
    found = app.redeem(code, verifier).json()
    with app.fhir(found["access_token"]) as fhir:
        assert fhir.get("/Patient").status_code == 200
        assert error_of(app.redeem(code, verifier)) == "invalid_grant"
        assert fhir.get("/Patient").status_code == 401
    assert error_of(app.refresh(found["refresh_token"])) == "invalid_grant"


@pytest.mark.parametrize(
    "change",
    [{"code_verifier": "w" * 60}, {"code_verifier": ""}, {"redirect_uri": BACK + "/"}, {"redirect_uri": ""}],
)
def test_a_code_is_bound_to_its_verifier_and_its_address(demo_site: Site, app: TestApp, change: Any) -> None:
    with demo_site.client(ELDERLY) as browser:
        code, verifier = app.authorize(browser, READS)
    assert error_of(app.redeem(code, verifier, **change)) == "invalid_grant"


def test_a_code_and_a_refresh_token_are_bound_to_their_app(demo_site: Site, app: TestApp, other: TestApp) -> None:
    with demo_site.client(ELDERLY) as browser:
        code, verifier = app.authorize(browser, SCOPE)
        assert error_of(other.redeem(code, verifier)) == "invalid_grant"
        found = app.enter(browser, SCOPE)
    assert error_of(other.refresh(found["refresh_token"])) == "invalid_grant"
    # The thief has used nothing up.
    assert app.refresh(found["refresh_token"]).status_code == 200


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"code_challenge": ""}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge_method": ""}, "invalid_request"),
        ({"state": ""}, "invalid_request"),
        ({"aud": ""}, "invalid_request"),
        ({"aud": "https://evil.example.no/fhir"}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"scope": "patient/Patient"}, "invalid_scope"),
        ({"scope": "patient/Patient.sr"}, "invalid_scope"),
        ({"scope": "system/*.rs"}, "invalid_scope"),
        ({"scope": ""}, "invalid_scope"),
        ({"prompt": "none"}, "interaction_required"),
        ({"request": "x"}, "request_not_supported"),
    ],
)
def test_a_faulty_question_is_told_to_the_app_alone(
    demo_site: Site, app: TestApp, change: dict[str, str], error: str
) -> None:
    asked = {name: value for name, value in (app.question(READS)[0] | change).items() if value}
    with demo_site.client(ELDERLY) as browser:
        answer = browser.get("/oauth/authorize", params=asked, follow_redirects=False)
    assert answer.status_code == 303
    address = answer.headers["location"]
    assert address.startswith(BACK + "?")
    said = dict(parse_qsl(urlsplit(address).query))
    assert said["error"] == error
    assert said["iss"] == demo_site.url


@pytest.mark.parametrize(
    "change",
    [
        {"redirect_uri": "https://evil.example.no/"}, {"redirect_uri": BACK + "?a=1"}, {"redirect_uri": BACK + "/"},
        {"redirect_uri": ""}, {"client_id": "ingen"}, {"client_id": ""}, {"state": "x" * 5000},
    ],
)  # fmt: skip
def test_nobody_is_sent_to_an_address_that_was_not_registered(
    demo_site: Site, app: TestApp, change: dict[str, str]
) -> None:
    asked = app.question(READS)[0] | change
    for name in (ELDERLY, ""):
        cookies = {"fellesjournal": demo_site.token(name)} if name else {}
        with httpx.Client(base_url=demo_site.url, cookies=cookies) as browser:
            answer = browser.get("/oauth/authorize", params=asked)
            assert answer.status_code == 400
            assert "location" not in answer.headers


def test_a_parameter_that_comes_twice_is_refused(demo_site: Site, app: TestApp) -> None:
    twice = urlencode([*app.question(READS)[0].items(), ("scope", "patient/*.cruds")])
    with demo_site.client(ELDERLY) as browser:
        assert browser.get(f"/oauth/authorize?{twice}").status_code == 400


def test_an_app_that_was_not_approved_gets_nothing(demo_site: Site) -> None:
    waiting = register(demo_site, "venter-app", scope=READS, approve=False)
    with demo_site.client(ELDERLY) as browser:
        assert browser.get("/oauth/authorize", params=waiting.question(READS)[0]).status_code == 400
    assert error_of(waiting.redeem("x" * 43, "v" * 43)) == "invalid_client"


def test_a_secret_is_needed_and_must_be_right(demo_site: Site, other: TestApp) -> None:
    with demo_site.client(ELDERLY) as browser:
        code, verifier = other.authorize(browser, READS)
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": BACK, "code_verifier": verifier}
    bare = httpx.post(f"{demo_site.url}/oauth/token", data=form | {"client_id": "annen-app"})
    wrong = httpx.post(f"{demo_site.url}/oauth/token", data=form, auth=("annen-app", "galt"))
    posted = httpx.post(
        f"{demo_site.url}/oauth/token", data=form | {"client_id": "annen-app", "client_secret": other.secret}
    )
    assert [error_of(one) for one in (bare, wrong, posted)] == ["invalid_client"] * 3
    assert other.redeem(code, verifier).status_code == 200


def launch_token(browser: httpx.Client, patient: str, client_id: str) -> str:
    page = browser.get(f"/pasienter/{patient}/apper").text
    context = page.partition('name="context" value="')[2].partition('"')[0]
    csrf = page.partition('name="csrf-token" content="')[2].partition('"')[0]
    answer = browser.post(
        f"/pasienter/{patient}/apper/{client_id}",
        data={"context": context},
        headers={"x-csrf-token": csrf},
        follow_redirects=False,
    )
    assert answer.status_code == 303, answer.text
    return dict(parse_qsl(urlsplit(answer.headers["location"]).query))["launch"]


def test_an_app_is_launched_from_the_open_chart_without_being_asked_again(demo_site: Site, app: TestApp) -> None:
    patient = demo_site.patient_id(ELDERLY)
    with demo_site.client(GP) as browser:
        found = app.enter(browser, f"launch {READS}", launch=launch_token(browser, patient, "angrep-app"))
    assert found["patient"] == patient
    assert found["need_patient_banner"] is True


def test_a_launch_is_of_one_session_one_app_and_one_use(demo_site: Site, app: TestApp) -> None:
    patient = demo_site.patient_id(ELDERLY)
    with demo_site.client(GP) as browser, demo_site.client(GP) as same_person:
        launch = launch_token(browser, patient, "angrep-app")
        asked = app.question(f"launch {READS}", launch=launch)[0]

        def error(one: httpx.Client, question: dict[str, str]) -> str | None:
            answer = one.get("/oauth/authorize", params=question, follow_redirects=False)
            return dict(parse_qsl(urlsplit(answer.headers["location"]).query)).get("error")

        assert error(same_person, asked) == "invalid_request"
        assert error(browser, asked | {"launch": "x" * 43}) == "invalid_request"
        assert error(browser, asked) is None
        assert error(browser, asked) == "invalid_request"


def test_the_page_of_one_session_answers_for_no_other(demo_site: Site, app: TestApp) -> None:
    with demo_site.client(ELDERLY) as browser, demo_site.client(DIABETIC) as other:
        page = browser.get("/oauth/authorize", params=app.question(READS)[0]).text
        own = other.get("/oauth/authorize", params=app.question(READS)[0]).text
        sealed = page.partition('name="foresporsel" value="')[2].partition('"')[0]
        csrf = own.partition('name="csrf_token" value="')[2].partition('"')[0]
        form = {"csrf_token": csrf, "foresporsel": sealed, "gjor": "tillat", "omfang": READS.split()}
        assert other.post("/oauth/svar", data=form, follow_redirects=False).status_code == 400


def test_more_can_not_be_ticked_than_was_asked_for(demo_site: Site, app: TestApp) -> None:
    with demo_site.client(ELDERLY) as browser:
        asked, verifier = app.question("patient/Patient.r")
        page = browser.get("/oauth/authorize", params=asked).text
        back = press(browser, page, gjor="tillat", omfang=["patient/Patient.r", "patient/*.cruds"], offline_access="1")
    found = app.redeem(dict(parse_qsl(urlsplit(back.headers["location"]).query))["code"], verifier).json()
    assert found["scope"] == "patient/Patient.r"
    assert "refresh_token" not in found


def test_introspection_and_revocation_are_of_the_apps_own_tokens(demo_site: Site, app: TestApp, other: TestApp) -> None:
    with demo_site.client(ELDERLY) as browser:
        mine, others = other.enter(browser, SCOPE), app.enter(browser, SCOPE)
    told = other.post("/oauth/introspect", {"token": mine["access_token"]}).json()
    assert told["active"] is True
    assert told["client_id"] == "annen-app"
    assert told["patient"] == mine["patient"]
    assert set(told["scope"].split()) == set(mine["scope"].split())
    assert other.post("/oauth/introspect", {"token": mine["refresh_token"]}).json()["token_type"] == "refresh_token"
    for token in (others["access_token"], demo_site.token(ELDERLY), "nonsense", ""):
        assert other.post("/oauth/introspect", {"token": token}).json() == {"active": False}
        assert other.post("/oauth/revoke", {"token": token}).status_code == 200
    assert error_of(app.post("/oauth/introspect", {"token": others["access_token"]})) == "invalid_client"
    with app.fhir(others["access_token"]) as fhir:
        assert fhir.get("/Patient").status_code == 200
    assert other.post("/oauth/revoke", {"token": mine["refresh_token"]}).status_code == 200
    assert other.post("/oauth/introspect", {"token": mine["access_token"]}).json() == {"active": False}
    with other.fhir(mine["access_token"]) as fhir:
        assert fhir.get("/Patient").status_code == 401


def test_nonsense_at_the_token_endpoint_is_a_refusal(demo_site: Site) -> None:
    place = f"{demo_site.url}/oauth/token"
    for sent in (
        {"content": b"{}", "headers": {"Content-Type": "application/json"}},
        {"content": b"\xff\xfe", "headers": {"Content-Type": "application/x-www-form-urlencoded"}},
        {"content": b"a=1&a=2", "headers": {"Content-Type": "application/x-www-form-urlencoded"}},
        {"content": b"a=%00", "headers": {"Content-Type": "application/x-www-form-urlencoded"}},
        {"content": b"a=" + b"x" * 60_000, "headers": {"Content-Type": "application/x-www-form-urlencoded"}},
        {"data": {"grant_type": "password", "client_id": "angrep-app"}},
        {"data": {"client_id": "x" * 5000}},
        {"data": {}, "headers": {"Authorization": "Basic !!!"}},
        {"data": {}, "headers": {"Authorization": "Bearer x"}},
        {"data": {"client_assertion": "a.b.c", "client_assertion_type": "x"}},
        {"data": {"client_id": "angrep-app", "grant_type": "refresh_token"}, "headers": {"DPoP": "a.b.c"}},
    ):
        answer = httpx.post(place, **sent)
        assert 400 <= answer.status_code < 500, answer.text
        assert answer.json()["error"]
        assert answer.headers["cache-control"] == "no-store"


def test_scripts_of_other_origins_may_ask_but_never_as_somebody(demo_site: Site) -> None:
    origin = {"Origin": "https://app.example.no"}
    asked = origin | {"Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "authorization"}
    assert httpx.options(f"{demo_site.url}/fhir/Patient", headers=asked).headers["access-control-allow-origin"] == "*"
    cookies = {"fellesjournal": demo_site.token(ELDERLY)}
    answer = httpx.get(f"{demo_site.url}/fhir/Patient", headers=origin, cookies=cookies)
    assert answer.status_code == 401
    assert "access-control-allow-credentials" not in answer.headers
    page = httpx.get(f"{demo_site.url}/min-journal", headers=origin, cookies=cookies)
    assert "access-control-allow-origin" not in page.headers


def test_the_id_token_is_signed_by_a_published_key(demo_site: Site) -> None:
    from joserfc import jwt
    from joserfc.jwk import KeySet

    openid = httpx.get(f"{demo_site.url}/.well-known/openid-configuration").json()
    keys = KeySet.import_key_set(httpx.get(openid["jwks_uri"]).json())
    for alg in openid["id_token_signing_alg_values_supported"]:
        made = register(
            demo_site,
            f"signert-{alg.lower()}",
            scope="openid fhirUser launch/patient",
            id_token_signed_response_alg=alg,
        )
        with demo_site.client(ELDERLY) as browser:
            found = made.enter(browser, "openid fhirUser launch/patient", nonce="n-1")
        token = jwt.decode(found["id_token"], keys, algorithms=[alg])
        assert token.header["alg"] == alg
        assert token.claims["aud"] == made.client_id
        assert token.claims["iss"] == openid["issuer"] == demo_site.url
        assert token.claims["nonce"] == "n-1"
        assert token.claims["fhirUser"] == f"{demo_site.url}/fhir/Patient/{demo_site.patient_id(ELDERLY)}"
        head, _, rest = found["id_token"].partition(".")
        bare = base64.urlsafe_b64encode(json.dumps({"alg": "none"}).encode()).decode().rstrip("=")
        assert head != bare
        assert rest
