"""The token endpoint's work: a code, a refresh token or an app's own proof against an access token.

Source: RFC 6749, RFC 7636, RFC 9449, OpenID Connect Core § 3.1.3; SMART App Launch 2.2, "Launch context".
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from fellesjournal.identity.apps import ledger
from fellesjournal.identity.apps.model import App, Grant, OAuthError
from fellesjournal.identity.apps.scopes import BadScope, Scopes, is_within, narrowed, read_scopes
from fellesjournal.identity.apps.signing import Signer
from fellesjournal.kit import ids
from fellesjournal.kit.clock import Clock
from fellesjournal.kit.db import Database
from fellesjournal.kit.keys import Keys
from fellesjournal.kit.log import get_logger

BACKEND_S: Final = 300
"""How long an app's own token lives (SMART Backend Services: at most five minutes)."""
_VERIFIER: Final = re.compile(r"[A-Za-z0-9._~-]{43,128}")
_log = get_logger("apps")

Json = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Tokens:
    """Issues tokens. `signin` is a pool of the role that may; `base` the server's own address."""

    signin: Database
    signer: Signer
    keys: Keys
    clock: Clock
    base: str
    token_s: int

    async def issue(self, app: App, form: Mapping[str, str], *, jkt: str) -> Json:
        """The answer to a request that an app was found behind. Raises OAuthError."""
        kind = form.get("grant_type", "")
        works = {
            "authorization_code": self._by_code,
            "refresh_token": self._by_refresh,
            "client_credentials": self._by_itself,
        }
        if kind not in works:
            raise OAuthError("unsupported_grant_type", "authorization_code, refresh_token or client_credentials")
        answer = await works[kind](app, form, jkt)
        _log.info("token issued", client=app.client_id, grant=kind)
        return answer

    async def _by_code(self, app: App, form: Mapping[str, str], jkt: str) -> Json:
        verifier = form.get("code_verifier", "")
        if not _VERIFIER.fullmatch(verifier):
            raise OAuthError("invalid_grant", "the code is proved by its verifier (PKCE)")
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
        code, address = form.get("code", ""), form.get("redirect_uri", "")
        used = await ledger.use_code(self.signin, app=app, code=code, redirect_uri=address, challenge=challenge)
        grant = None if used is None else await ledger.grant_of(self.signin, used[0])
        if used is None or grant is None:
            raise OAuthError("invalid_grant", "the code is not good, or was used before")
        if jkt and not await ledger.bind_grant(self.signin, grant.id, jkt=jkt):
            raise OAuthError("invalid_grant", "the code is bound to another key")
        return await self._answer(app, grant, grant.scopes, jkt=jkt, nonce=used[1])

    async def _by_refresh(self, app: App, form: Mapping[str, str], jkt: str) -> Json:
        token = form.get("refresh_token", "")
        found = await ledger.inspect(self.signin, token)
        if "scope" in form and found is not None and not found.is_access:
            # Before the token is used up: a client that asks for too much has not lost it.
            self._check_within(_asked(form), found.scopes)
        number = await ledger.use_refresh(self.signin, app=app, token=token, jkt=jkt)
        grant = None if number is None else await ledger.grant_of(self.signin, number)
        if grant is None:
            raise OAuthError("invalid_grant", "the refresh token is not good, or was used before")
        scopes = _asked(form) if "scope" in form else grant.scopes
        self._check_within(scopes, grant.scopes)
        return await self._answer(app, grant, scopes, jkt=jkt)

    async def _by_itself(self, app: App, form: Mapping[str, str], jkt: str) -> Json:
        scopes = narrowed(_asked(form), app.registration.scopes)
        if app.registration.kind != "confidential-asymmetric" or not scopes.of("system"):
            raise OAuthError("invalid_scope", "nothing of this was registered for the app itself")
        own = Scopes(scopes.of("system"))
        number = await ledger.start_backend(self.signin, app=app, scopes=own, jkt=jkt, max_s=BACKEND_S)
        if number is None:
            raise OAuthError("unauthorized_client", "the app has no unit, or its time is over")
        token, expires_in = await self._token(number, own, BACKEND_S)
        return {"access_token": token, "token_type": _kind(jkt), "expires_in": expires_in, "scope": str(own)}

    def _check_within(self, wanted: Scopes, granted: Scopes) -> None:
        if not is_within(wanted, granted):
            raise OAuthError("invalid_scope", "more than was granted")

    async def _answer(self, app: App, grant: Grant, scopes: Scopes, *, jkt: str, nonce: str = "") -> Json:
        token, expires_in = await self._token(grant.id, scopes, self.token_s)
        answer: Json = {
            "access_token": token, "token_type": _kind(jkt), "expires_in": expires_in, "scope": str(scopes),
            **context_of(grant),
        }  # fmt: skip
        if scopes.has("openid"):
            claims = self._claims(app, grant, nonce=nonce, scopes=scopes)
            answer["id_token"] = await self.signer.sign(claims, alg=app.registration.id_token_alg)
        if grant.scopes.has("offline_access") or grant.scopes.has("online_access"):
            refresh = os.urandom(32)
            await ledger.put_refresh(self.signin, grant=grant.id, token=refresh)
            answer["refresh_token"] = ledger.issued(refresh)
        return answer

    async def _token(self, grant: int, scopes: Scopes, max_s: int) -> tuple[str, int]:
        secret = os.urandom(32)
        until = await ledger.start_token(self.signin, grant=grant, token=secret, scopes=scopes, max_s=max_s)
        return ledger.issued(secret), max(1, int((until - self.clock.now()).total_seconds()))

    def _claims(self, app: App, grant: Grant, *, nonce: str, scopes: Scopes) -> Json:
        now = int(self.clock.now().timestamp())
        claims: Json = {
            "iss": self.base, "sub": subject(self.keys, grant), "aud": app.client_id, "iat": now,
            "exp": now + self.token_s,
        }  # fmt: skip
        user = fhir_user(grant)
        if user and (scopes.has("fhirUser") or scopes.has("profile")):
            claims["fhirUser"] = f"{self.base}/fhir/{user}"
        return claims | ({"nonce": nonce} if nonce else {})


def context_of(grant: Grant) -> Json:
    """What the app was launched for. The app shows itself whose record it is: there is no frame of ours around it."""
    found: Json = {}
    if grant.patient is not None:
        found = {"patient": ids.encode(*grant.patient), "need_patient_banner": True}
    return found | ({"encounter": grant.encounter} if grant.encounter else {})


def fhir_user(grant: Grant) -> str:
    """Who let the app in, as a resource here; "" for nobody."""
    if grant.kind == "citizen" and grant.patient is not None:
        return f"Patient/{ids.encode(*grant.patient)}"
    return f"Practitioner/{ids.encode(0, grant.practitioner)}" if grant.kind == "staff" and grant.practitioner else ""


def subject(keys: Keys, grant: Grant) -> str:
    """A name for the person that only this app gets: two apps can't put together whom they serve."""
    label = f"fellesjournal subject {grant.app} {grant.kind} {grant.person}".encode()
    return hmac.digest(keys.current("hash"), label, hashlib.sha256).hex()[:40]


def _asked(form: Mapping[str, str]) -> Scopes:
    try:
        return read_scopes(form.get("scope", ""))
    except BadScope as error:
        raise OAuthError("invalid_scope", str(error)) from None


def _kind(jkt: str) -> str:
    return "DPoP" if jkt else "Bearer"
