"""Which app is asking at the token endpoint: by its secret, by a key of its own, or by its name when it is public.

Source: RFC 6749 § 2.3, RFC 7523, and SMART App Launch 2.2, "Client Authentication: Asymmetric".
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import unquote_plus, urlsplit

from joserfc import jwt
from joserfc.errors import JoseError
from starlette.requests import Request

from fellesjournal.identity.apps import ledger
from fellesjournal.identity.apps.dpop import unverified_header
from fellesjournal.identity.apps.model import App, OAuthError
from fellesjournal.identity.apps.registration import public_keys
from fellesjournal.identity.model import ProviderUnavailable, TokenRefused
from fellesjournal.identity.oidc import Http
from fellesjournal.identity.oidc.proof import ProviderKeys
from fellesjournal.identity.sessions import Sessions
from fellesjournal.kit.db import Database

ASSERTION_ALGORITHMS: Final = ("ES384", "RS384")
ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_LIFE_S: Final = 300
_SKEW_S: Final = 30
_MOST: Final = 8000


class Clients:
    """Finds the app behind a request. `audiences` are the addresses that an assertion may be made for."""

    def __init__(
        self, signin: Database, *, sessions: Sessions, http: Callable[[], Http], key_hosts: tuple[str, ...],
        audiences: tuple[str, ...],
    ) -> None:  # fmt: skip
        self._signin = signin
        self._sessions = sessions
        self._http = http
        self._key_hosts = key_hosts
        self._audiences = audiences
        self._published: dict[str, ProviderKeys] = {}

    async def authenticate(self, request: Request, form: Mapping[str, str]) -> App:
        """The approved app that asks. Raises OAuthError."""
        basic = _basic(request)
        if basic is not None:
            if "client_assertion" in form or form.get("client_id", basic[0]) != basic[0]:
                raise _refused("one way of authentication is used at a time")
            return await self._by_secret(*basic)
        if "client_assertion" in form:
            return await self._by_assertion(form)
        client_id = form.get("client_id", "")
        if not client_id and form.get("grant_type") == "refresh_token":
            client_id = await ledger.app_of_refresh(self._signin, form.get("refresh_token", ""))
        app = await self._approved(client_id)
        if app.registration.kind != "public" or "client_secret" in form:
            raise _refused("the app must prove who it is")
        return app

    async def _approved(self, client_id: str) -> App:
        app = await ledger.find(self._signin, client_id) if 0 < len(client_id) <= 100 else None
        if app is None or not app.is_approved:
            raise _refused("no approved app of this name")
        return app

    async def _by_secret(self, client_id: str, secret: str) -> App:
        app = await self._approved(client_id)
        is_right = app.registration.kind == "confidential-symmetric" and await ledger.has_secret(
            self._signin, client_id, secret
        )
        if not is_right:
            raise _refused("the app's secret is wrong")
        return app

    async def _by_assertion(self, form: Mapping[str, str]) -> App:
        text = form["client_assertion"]
        if form.get("client_assertion_type") != ASSERTION_TYPE or len(text) > _MOST:
            raise _refused("the assertion is not one of a JWT")
        claimed = _claimed(text)
        app = await self._approved(claimed)
        if form.get("client_id", claimed) != claimed or app.registration.kind != "confidential-asymmetric":
            raise _refused("the assertion is another app's")
        claims = await self._verified(app, text)
        await self._check(app, claims)
        return app

    async def _verified(self, app: App, text: str) -> Mapping[str, Any]:
        made = app.registration
        try:
            header = unverified_header(text)
            if header.get("alg") not in ASSERTION_ALGORITHMS or not isinstance(header.get("kid"), str):
                raise _refused(f"an assertion is signed by {' or '.join(ASSERTION_ALGORITHMS)}, with the key's id")
            if made.jwks is not None:
                return jwt.decode(text, public_keys(made.jwks), algorithms=list(ASSERTION_ALGORITHMS)).claims
            return await self._keys_of(made.jwks_uri).decode(text, made.jwks_uri)
        except (JoseError, ValueError, TypeError, TokenRefused):
            raise _refused("the assertion does not hold") from None
        except ProviderUnavailable:
            raise OAuthError("temporarily_unavailable", "the app's keys can't be fetched", status=503) from None

    def _keys_of(self, address: str) -> ProviderKeys:
        if urlsplit(address).netloc not in self._key_hosts:
            raise _refused("keys are not fetched from where the app publishes them")
        if address not in self._published:
            self._published[address] = ProviderKeys(self._http())
        return self._published[address]

    async def _check(self, app: App, claims: Mapping[str, Any]) -> None:
        now = self._sessions.clock.now().timestamp()
        audience, ends, jti = claims.get("aud"), claims.get("exp"), claims.get("jti")
        named = audience if isinstance(audience, list) else [audience]
        if claims.get("iss") != app.client_id or claims.get("sub") != app.client_id:
            raise _refused("iss and sub are the app's client id")
        if not any(one in self._audiences for one in named):
            raise _refused("the assertion is made for another server")
        if not isinstance(ends, int | float) or isinstance(ends, bool) or not now < ends <= now + _LIFE_S + _SKEW_S:
            raise _refused("an assertion lives for at most five minutes")
        begins = claims.get("nbf", 0)
        if not isinstance(begins, int | float) or begins > now + _SKEW_S:
            raise _refused("the assertion is from the future")
        if not isinstance(jti, str) or not 1 <= len(jti) <= 200:
            raise _refused("an assertion has an id")
        if not await self._sessions.use_once(f"assertion {app.client_id} {jti}", ttl_s=_LIFE_S + 2 * _SKEW_S):
            raise _refused("the assertion was used before")


def _claimed(text: str) -> str:
    """The issuer that an assertion names, unverified: whose keys to look at."""
    try:
        body = unverified_header(text.split(".")[1])
    except (ValueError, IndexError, binascii.Error):
        raise _refused("the assertion is not a JWT") from None
    return str(body.get("iss", ""))


def _basic(request: Request) -> tuple[str, str] | None:
    """(client id, secret) of HTTP basic authentication, both form-encoded (RFC 6749 § 2.3.1). Raises OAuthError."""
    scheme, _sep, given = request.headers.get("authorization", "").partition(" ")
    if not scheme:
        return None
    try:
        client_id, separator, secret = base64.b64decode(given.strip(), validate=True).decode().partition(":")
    except ValueError:
        separator = ""
    if scheme.lower() != "basic" or not separator:
        raise _refused("the Authorization header can't be read")
    return unquote_plus(client_id), unquote_plus(secret)


def _refused(why: str) -> OAuthError:
    return OAuthError("invalid_client", why, status=401)
