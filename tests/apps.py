"""An app in tests: registered as the operator does it, and asking as apps do."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import re
import secrets
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx

from fellesjournal.identity.apps import ledger, read_registration
from fellesjournal.kit import db
from tests.site import Site

BACK = "https://app.example.no/back"
READS = "patient/Patient.rs patient/Observation.rs"


@dataclass
class TestApp:
    """A registered app of a site, and the way it asks."""

    __test__ = False
    site: Site
    client_id: str
    secret: str = ""
    redirect_uri: str = BACK

    def question(self, scope: str, **more: str) -> tuple[dict[str, str], str]:
        """The parameters of an authorization request, and the verifier behind its challenge."""
        verifier = secrets.token_urlsafe(48)
        asked = {
            "response_type": "code", "client_id": self.client_id, "redirect_uri": self.redirect_uri, "scope": scope,
            "state": "st", "aud": f"{self.site.url}/fhir", "code_challenge": challenge_of(verifier),
            "code_challenge_method": "S256", **more,
        }  # fmt: skip
        return {name: value for name, value in asked.items() if value}, verifier

    def authorize(self, browser: httpx.Client, scope: str, *, patient: str = "", **more: str) -> tuple[str, str]:
        """(code, verifier) as a person gives it: everything ticked; `patient` is chosen when the page asks whose."""
        asked, verifier = self.question(scope, **more)
        page = browser.get("/oauth/authorize", params=asked, follow_redirects=False)
        if page.status_code == 200 and patient:
            page = press(browser, page.text, gjor="velg", pasient=patient)
        if page.status_code == 200:
            page = press(browser, page.text, gjor="tillat", omfang=ticks(page.text), offline_access="1")
        assert page.status_code == 303, page.text
        answer = dict(parse_qsl(urlsplit(page.headers["location"]).query))
        assert "code" in answer, answer
        assert answer["state"] == "st"
        assert answer["iss"] == self.site.url
        return answer["code"], verifier

    def redeem(self, code: str, verifier: str, *, headers: dict[str, str] | None = None, **more: str) -> httpx.Response:
        """The answer of the token endpoint to a code."""
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.redirect_uri,
            "code_verifier": verifier,
        }
        return self.token(form | more, headers=headers)

    def refresh(self, token: str, *, headers: dict[str, str] | None = None, **more: str) -> httpx.Response:
        """The answer of the token endpoint to a refresh token."""
        return self.token({"grant_type": "refresh_token", "refresh_token": token} | more, headers=headers)

    def token(self, form: dict[str, str], *, headers: dict[str, str] | None = None) -> httpx.Response:
        """The answer of the token endpoint to a form, as this app."""
        return self.post("/oauth/token", form, headers=headers)

    def post(self, path: str, form: dict[str, str], *, headers: dict[str, str] | None = None) -> httpx.Response:
        """A form of this app's, authenticated by its secret when it has one."""
        auth = (self.client_id, self.secret) if self.secret else None
        named = {} if auth else {"client_id": self.client_id}
        return httpx.post(self.site.url + path, data=named | form, auth=auth, headers=headers, timeout=30)

    def enter(self, browser: httpx.Client, scope: str, *, patient: str = "", **more: str) -> dict[str, Any]:
        """Everything from the question to the token's answer."""
        answer = self.redeem(*self.authorize(browser, scope, patient=patient, **more))
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def fhir(self, token: str) -> httpx.Client:
        """A client of `/fhir` with an access token."""
        return httpx.Client(base_url=f"{self.site.url}/fhir", timeout=30, headers={"Authorization": f"Bearer {token}"})


def challenge_of(verifier: str) -> str:
    """The PKCE challenge of a verifier."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")


def register(site: Site, client_id: str, *, scope: str, approve: bool = True, secret: str = "", **more: Any) -> TestApp:
    """Register an app as the operator."""
    made = {
        "client_id": client_id, "name": f"Appen {client_id}", "type": "confidential-symmetric" if secret else "public",
        "scope": scope, "publisher": "Prøveverkstedet", **({} if "unit" in more else {"redirect_uris": [BACK]}), **more,
    }  # fmt: skip
    with ThreadPoolExecutor(1) as pool:
        pool.submit(asyncio.run, _register(site, made, secret, approve)).result()
    return TestApp(site, client_id, secret)


def mark(site: Site, client_id: str, status: Any) -> None:
    """Approve, suspend or remove an app as the operator."""
    with ThreadPoolExecutor(1) as pool:
        pool.submit(asyncio.run, _mark(site, client_id, status)).result()


async def _register(site: Site, made: dict[str, Any], secret: str, approve: bool) -> None:
    content = json.dumps(made).encode()
    async with await db.Database.connect(site.settings, site.keys, "fj_migrate", max_size=1) as operator:
        registration = read_registration(content, key_hosts=site.settings.app_key_hosts)
        assert await ledger.register(operator, registration, keys=site.keys, secret=secret)
        if approve:
            assert await ledger.mark(operator, registration.client_id, "approved")


async def _mark(site: Site, client_id: str, status: Any) -> None:
    async with await db.Database.connect(site.settings, site.keys, "fj_migrate", max_size=1) as operator:
        assert await ledger.mark(operator, client_id, status)


def hidden(page: str, name: str) -> str:
    """The value of a hidden field."""
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    assert found, page
    return found[1]


def ticks(page: str) -> list[str]:
    """The values of the boxes that are ticked for what an app may see."""
    return [value.replace("&amp;", "&") for value in re.findall(r'name="omfang" value="([^"]*)" checked', page)]


def press(browser: httpx.Client, page: str, **fields: Any) -> httpx.Response:
    """Send the page's form."""
    form = {"csrf_token": hidden(page, "csrf_token"), "foresporsel": hidden(page, "foresporsel"), **fields}
    return browser.post("/oauth/svar", data=form, follow_redirects=False)
