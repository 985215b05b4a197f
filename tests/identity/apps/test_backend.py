"""An app that acts by itself, and tokens that are bound to a key."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import time
from typing import Any

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, RSAKey

from fellesjournal.identity.apps import BadRegistration, read_registration
from fellesjournal.identity.apps.clients import ASSERTION_TYPE
from tests.apps import READS, TestApp, mark, register
from tests.site import DIABETIC, ELDERLY, GP, TONIGHT, Site

SYSTEM = "system/Patient.rs system/Observation.rs?category=laboratory"
EC, RSA, OTHER = ECKey.generate_key("P-384"), RSAKey.generate_key(2048), ECKey.generate_key("P-384")


def public(key: Any) -> dict[str, Any]:
    return {**key.as_dict(private=False), "kid": key.thumbprint(), "use": "sig"}


@pytest.fixture(scope="module")
def unit(demo_site: Site) -> str:
    row = demo_site.row(
        "SELECT u.name FROM identity.unit u JOIN identity.post o ON o.unit = u.id"
        " JOIN identity.person p ON p.id = o.person WHERE p.name = $1",
        GP,
    )
    return str(row["name"])


@pytest.fixture(scope="module")
def app(demo_site: Site, unit: str) -> TestApp:
    return register(
        demo_site, "egen-app", scope=SYSTEM, type="confidential-asymmetric", jwks={"keys": [public(EC), public(RSA)]},
        unit=unit, until="2099-12-31",
    )  # fmt: skip


def assertion(app: TestApp, key: Any = EC, alg: str = "ES384", **more: Any) -> str:
    now = int(time.time())
    claims = {
        "iss": app.client_id, "sub": app.client_id, "aud": f"{app.site.url}/oauth/token", "exp": now + 200,
        "jti": secrets.token_urlsafe(16), **more,
    }  # fmt: skip
    return jwt.encode({"alg": alg, "kid": key.thumbprint(), "typ": "JWT"}, claims, key, algorithms=[alg])


def ask(app: TestApp, text: str, scope: str = SYSTEM, headers: dict[str, str] | None = None) -> httpx.Response:
    form = {
        "grant_type": "client_credentials", "scope": scope, "client_assertion_type": ASSERTION_TYPE,
        "client_assertion": text,
    }  # fmt: skip
    return httpx.post(f"{app.site.url}/oauth/token", data=form, headers=headers, timeout=30)


@pytest.mark.parametrize(("key", "alg"), [(EC, "ES384"), (RSA, "RS384")])
def test_it_sees_the_people_of_its_unit_within_its_scopes(demo_site: Site, app: TestApp, key: Any, alg: str) -> None:
    found = ask(app, assertion(app, key, alg)).json()
    assert found["scope"] == SYSTEM.replace("?category=laboratory", "?category=laboratory")
    assert found["expires_in"] <= 300
    assert "refresh_token" not in found
    with app.fhir(found["access_token"]) as fhir:
        known, stranger = demo_site.patient_id(ELDERLY), demo_site.patient_id(TONIGHT)
        assert fhir.get(f"/Patient/{known}").status_code == 200
        assert fhir.get(f"/Patient/{stranger}").status_code == 404
        assert fhir.get("/Patient", params={"_count": "5"}).json()["entry"]
        rows = fhir.get("/Observation", params={"patient": demo_site.patient_id(DIABETIC)}).json()["entry"]
        assert {c["code"] for e in rows for one in e["resource"]["category"] for c in one["coding"]} == {"laboratory"}
        assert fhir.get("/Condition", params={"patient": known}).status_code == 403
        made = fhir.post("/Observation", json={"resourceType": "Observation"})
        assert made.status_code in (403, 422)


def test_a_patients_block_holds_for_it_too(demo_site: Site, app: TestApp) -> None:
    from fellesjournal.kit import ids

    patient = demo_site.patient_id(DIABETIC)
    key = ids.decode(patient)
    assert key
    with app.fhir(ask(app, assertion(app)).json()["access_token"]) as fhir:
        assert fhir.get(f"/Patient/{patient}").status_code == 200
        demo_site.row("INSERT INTO access.block (patient) VALUES ($1) RETURNING id", key[1])
        try:
            assert fhir.get(f"/Patient/{patient}").status_code == 404
            assert fhir.get("/Observation", params={"patient": patient}).status_code == 403
        finally:
            demo_site.row("DELETE FROM access.block WHERE patient = $1 RETURNING id", key[1])


def test_an_assertion_is_good_once(app: TestApp) -> None:
    text = assertion(app)
    assert ask(app, text).status_code == 200
    assert ask(app, text).json()["error"] == "invalid_client"


def test_an_assertion_that_does_not_hold_is_refused(app: TestApp) -> None:
    now = int(time.time())
    shared = OctKey.import_key("hemmelig" * 8)
    none = (
        base64.urlsafe_b64encode(b'{"alg":"none","kid":"x"}').decode().rstrip("=")
        + "."
        + assertion(app).split(".")[1]
        + "."
    )
    for text in (
        assertion(app, OTHER), assertion(app, aud="https://evil.example.no/token"), assertion(app, exp=now - 10),
        assertion(app, exp=now + 900), assertion(app, jti=""), assertion(app, iss="annen"), assertion(app, sub="annen"),
        assertion(app, exp="soon"), assertion(app, nbf=now + 600), assertion(app, RSA, "RS256"), none,
        jwt.encode({"alg": "HS256", "kid": EC.thumbprint()}, {"iss": app.client_id}, shared), "a.b", "a.b.c", "",
    ):  # fmt: skip
        answer = ask(app, text)
        assert answer.status_code == 401, text
        assert answer.json()["error"] == "invalid_client"


def test_it_gets_nothing_that_was_not_registered_for_it(app: TestApp) -> None:
    assert ask(app, assertion(app), "system/Condition.rs").json()["error"] == "invalid_scope"
    assert ask(app, assertion(app), "patient/Patient.rs").json()["error"] == "invalid_scope"
    wide = ask(app, assertion(app), "system/*.cruds").json()
    assert set(wide["scope"].split()) == {"system/Patient.rs", "system/Observation.rs?category=laboratory"}


def test_it_stops_when_the_administrator_says_so(demo_site: Site, unit: str) -> None:
    more: dict[str, Any] = {
        "scope": SYSTEM,
        "type": "confidential-asymmetric",
        "jwks": {"keys": [public(EC)]},
        "unit": unit,
    }
    made = register(demo_site, "stans-app", until="2099-12-31", **more)
    token = ask(made, assertion(made)).json()["access_token"]
    with made.fhir(token) as fhir:
        assert fhir.get("/Patient").status_code == 200
        mark(demo_site, "stans-app", "suspended")
        assert fhir.get("/Patient").status_code == 401
    assert ask(made, assertion(made)).json()["error"] == "invalid_client"
    late = register(demo_site, "for-sent", until="2020-01-01", **more)
    assert ask(late, assertion(late)).json()["error"] == "unauthorized_client"


# ── DPoP ─────────────────────────────────────────────────────────────────────────────────────────


def proof(key: Any, method: str, url: str, token: str = "", header: dict[str, Any] | None = None, **more: Any) -> str:
    claims = {"jti": secrets.token_urlsafe(16), "htm": method, "htu": url, "iat": int(time.time())}
    if token:
        claims["ath"] = base64.urlsafe_b64encode(hashlib.sha256(token.encode()).digest()).decode().rstrip("=")
    head = {"typ": "dpop+jwt", "alg": "ES384", "jwk": key.as_dict(private=False)} | (header or {})
    return jwt.encode(head, claims | more, key, algorithms=["ES384"], default_type=None)


def test_a_bound_token_is_worth_nothing_without_its_key(demo_site: Site, app: TestApp) -> None:
    place, patients = f"{demo_site.url}/oauth/token", f"{demo_site.url}/fhir/Patient"
    found = ask(app, assertion(app), headers={"DPoP": proof(OTHER, "POST", place)}).json()
    assert found["token_type"] == "DPoP"
    token = found["access_token"]

    def get(scheme: str, *proofs: str) -> int:
        headers = [("Authorization", f"{scheme} {token}"), *(("DPoP", one) for one in proofs)]
        return httpx.get(patients, headers=headers).status_code

    good = proof(OTHER, "GET", patients, token)
    assert get("DPoP", good) == 200
    assert get("DPoP", good) == 401
    for scheme, proofs in (
        ("Bearer", ()), ("DPoP", ()), ("Bearer", (proof(OTHER, "GET", patients, token),)),
        ("DPoP", (proof(EC, "GET", patients, token),)), ("DPoP", (proof(OTHER, "POST", patients, token),)),
        ("DPoP", (proof(OTHER, "GET", f"{demo_site.url}/fhir/Observation", token),)),
        ("DPoP", (proof(OTHER, "GET", patients),)), ("DPoP", (proof(OTHER, "GET", patients, "another"),)),
        ("DPoP", (proof(OTHER, "GET", patients, token, iat=int(time.time()) - 4000),)),
        ("DPoP", (proof(OTHER, "GET", patients, token, jti=""),)), ("DPoP", ("a.b.c",)),
        ("DPoP", (proof(OTHER, "GET", patients, token, header={"typ": "JWT"}),)),
        ("DPoP", (proof(OTHER, "GET", patients, token), proof(OTHER, "GET", patients, token))),
    ):  # fmt: skip
        assert get(scheme, *proofs) == 401, (scheme, proofs)


def test_a_refresh_token_is_bound_to_the_key_as_well(demo_site: Site) -> None:
    made, place = register(demo_site, "bundet-app", scope=f"offline_access {READS}"), f"{demo_site.url}/oauth/token"
    with demo_site.client(ELDERLY) as browser:
        code, verifier = made.authorize(browser, f"offline_access {READS}")
    found = made.redeem(code, verifier, headers={"DPoP": proof(EC, "POST", place)}).json()
    token = found["refresh_token"]
    assert made.refresh(token).json()["error"] == "invalid_grant"
    assert made.refresh(token, headers={"DPoP": proof(OTHER, "POST", place)}).json()["error"] == "invalid_grant"
    again = made.refresh(token, headers={"DPoP": proof(EC, "POST", place)}).json()
    assert again["token_type"] == "DPoP"
    assert (
        httpx.get(
            f"{demo_site.url}/fhir/Patient", headers={"Authorization": f"Bearer {again['access_token']}"}
        ).status_code
        == 401
    )


def test_an_ordinary_token_is_not_made_a_bound_one_by_a_proof(demo_site: Site) -> None:
    patients, token = f"{demo_site.url}/fhir/Patient", demo_site.token(GP)
    headers = {"Authorization": f"DPoP {token}", "DPoP": proof(EC, "GET", patients, token)}
    assert httpx.get(patients, headers=headers).status_code == 401


def test_keys_are_fetched_from_allowed_hosts_alone() -> None:
    made = {
        "client_id": "hentet", "name": "Hentet", "type": "confidential-asymmetric", "scope": READS,
        "redirect_uris": ["https://app.example.no/"], "jwks_uri": "https://keys.example.no/jwks",
    }  # fmt: skip
    content = json.dumps(made).encode()
    assert read_registration(content, key_hosts=("keys.example.no",)).jwks_uri
    for hosts in ((), ("example.no",), ("keys.example.no:444",)):
        with pytest.raises(BadRegistration, match="jwks_uri"):
            read_registration(content, key_hosts=hosts)
