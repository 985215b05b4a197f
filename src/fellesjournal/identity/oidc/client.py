"""The code flow: send the browser away with a question, and check the answer that it comes back with."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlencode

from fellesjournal.identity.model import FlowLost, ProviderUnavailable, SignInCancelled, TokenRefused
from fellesjournal.identity.oidc.proof import ProviderKeys, SignedIn, check_claims, client_proof
from fellesjournal.identity.oidc.provider import Http, Metadata, Provider, asked, discover, parsed
from fellesjournal.kit.clock import Clock

METADATA_KEPT_S = 3600


@dataclass(frozen=True, slots=True)
class Begun:
    """A sign-in that was begun: where the browser goes, and what only we and this browser may know."""

    url: str
    state: str = field(repr=False)
    nonce: str = field(repr=False)
    verifier: str = field(repr=False)


class OidcClient:
    """Signs people in at one provider."""

    def __init__(
        self, provider: Provider, *, http: Http, clock: Clock, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self.provider = provider
        self._http = http
        self._clock = clock
        self._monotonic = monotonic
        self._keys = ProviderKeys(http, monotonic=monotonic)
        self._metadata: Metadata | None = None
        self._asked_at = 0.0

    async def begin(self) -> Begun:
        """Begin a sign-in. Raises ProviderUnavailable."""
        metadata = await self._discovered()
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        question = _question(self.provider, state=state, nonce=nonce, verifier=verifier)
        pushed = metadata.pushed_authorization_request_endpoint
        if pushed:
            question = await self._push(pushed, question)
        return Begun(f"{metadata.authorization_endpoint}?{urlencode(question)}", state, nonce, verifier)

    async def finish(self, answer: Mapping[str, str], *, begun: Begun) -> SignedIn:
        """Who signed in, from the answer that the browser brought.

        Raises FlowLost, SignInCancelled, TokenRefused, LevelTooLow, ProviderUnavailable.
        """
        metadata = await self._discovered()
        _check_answer(answer, begun.state, metadata)
        token = await self._redeem(metadata, code=answer["code"], verifier=begun.verifier)
        claims = await self._keys.decode(token, metadata.jwks_uri)
        return check_claims(claims, provider=self.provider, nonce=begun.nonce, clock=self._clock)

    async def sign_out_url(self) -> str | None:
        """Where the browser ends the session at the provider; None when it can't be told.

        Without `id_token_hint`: that token holds the national id, and must not stand in an address.
        """
        try:
            metadata = await self._discovered()
        except ProviderUnavailable:
            return None
        if metadata.end_session_endpoint is None:
            return None
        named = {
            "client_id": self.provider.client_id,
            "post_logout_redirect_uri": self.provider.signed_out_uri,
        }
        return f"{metadata.end_session_endpoint}?{urlencode(named)}"

    async def _discovered(self) -> Metadata:
        now = self._monotonic()
        if self._metadata is None or now - self._asked_at > METADATA_KEPT_S:
            self._metadata = await discover(self.provider, self._http)
            self._asked_at = now
        return self._metadata

    async def _push(self, url: str, question: dict[str, str]) -> dict[str, str]:
        proof = client_proof(self.provider, clock=self._clock)
        answer = await asked(self._http.post(url, data=question | proof))
        reference = parsed(answer).get("request_uri")
        if answer.status not in (200, 201) or not isinstance(reference, str):
            raise ProviderUnavailable("the provider refused the pushed request")
        return {"client_id": self.provider.client_id, "request_uri": reference}

    async def _redeem(self, metadata: Metadata, *, code: str, verifier: str) -> str:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.provider.redirect_uri,
            "code_verifier": verifier,
        }
        proof = client_proof(self.provider, clock=self._clock)
        answer = await asked(self._http.post(metadata.token_endpoint, data=form | proof))
        if answer.status >= 500:
            raise ProviderUnavailable("the provider failed")
        token = parsed(answer).get("id_token")
        if answer.status != 200 or not isinstance(token, str):
            raise TokenRefused("the code was not accepted")
        return token


def _question(provider: Provider, *, state: str, nonce: str, verifier: str) -> dict[str, str]:
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
    question = {
        "client_id": provider.client_id,
        "response_type": "code",
        "redirect_uri": provider.redirect_uri,
        "scope": provider.scope,
        "state": state,
        "nonce": nonce,
        "code_challenge": challenge,
        "code_challenge_method": "S256",
        "ui_locales": "nb",
    }
    return question | ({"acr_values": provider.acr_values} if provider.acr_values else {})


def _check_answer(answer: Mapping[str, str], state: str, metadata: Metadata) -> None:
    if not hmac.compare_digest(answer.get("state", "").encode(), state.encode()):
        raise FlowLost
    # RFC 9207: an answer that another provider was tricked into giving.
    issuer = answer.get("iss")
    required = metadata.authorization_response_iss_parameter_supported
    if (required or issuer is not None) and issuer != metadata.issuer:
        raise FlowLost
    if "error" in answer or not answer.get("code"):
        raise SignInCancelled
