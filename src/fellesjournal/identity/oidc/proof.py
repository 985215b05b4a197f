"""The proofs: our own to the provider, and the provider's of who signed in."""

from __future__ import annotations

import hmac
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet

from fellesjournal.identity.model import LevelTooLow, ProviderUnavailable, SecurityLevel, TokenRefused
from fellesjournal.identity.oidc.provider import Http, Provider, asked, parsed
from fellesjournal.kit.clock import Clock

ALGORITHMS = ("ES256", "ES384", "PS256", "RS256", "RS384", "RS512")
"""What a proof may be signed with: asymmetric only, so that no public key passes for a shared one."""

SKEW_S = 60
MAX_AGE_S = 600
ASSERTION_S = 30
KEYS_KEPT_S = 3600
KEYS_ASKED_AGAIN_S = 30

HELSEID_PID = "helseid://claims/identity/pid"
HELSEID_LEVEL = "helseid://claims/identity/security_level"
_LEVELS = {
    "helseid": {"4": SecurityLevel.HIGH, "3": SecurityLevel.SUBSTANTIAL},
    "idporten": {
        "idporten-loa-high": SecurityLevel.HIGH,
        "Level4": SecurityLevel.HIGH,
        "idporten-loa-substantial": SecurityLevel.SUBSTANTIAL,
        "Level3": SecurityLevel.SUBSTANTIAL,
    },
}


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Whom the provider vouched for. The national id is never printed, logged or sent on."""

    national_id: str = field(repr=False)
    level: SecurityLevel


class ProviderKeys:
    """The provider's public keys, kept for an hour and asked for anew when an unknown one turns up."""

    def __init__(self, http: Http, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._http = http
        self._monotonic = monotonic
        self._keys: KeySet | None = None
        self._asked_at = 0.0

    async def decode(self, token: str, jwks_uri: str) -> Mapping[str, Any]:
        """The claims of a token that the provider signed. Raises TokenRefused, ProviderUnavailable."""
        keys = await self._current(jwks_uri, max_age_s=KEYS_KEPT_S)
        try:
            return _decoded(token, keys)
        except InvalidKeyIdError:
            # The provider has changed its keys; a forged key id makes us ask at most twice a minute.
            keys = await self._current(jwks_uri, max_age_s=KEYS_ASKED_AGAIN_S)
        try:
            return _decoded(token, keys)
        except InvalidKeyIdError:
            raise TokenRefused("signed with an unknown key") from None

    async def _current(self, jwks_uri: str, *, max_age_s: float) -> KeySet:
        now = self._monotonic()
        if self._keys is None or now - self._asked_at > max_age_s:
            self._keys = await self._fetch(jwks_uri)
            self._asked_at = now
        return self._keys

    async def _fetch(self, jwks_uri: str) -> KeySet:
        answer = await asked(self._http.get(jwks_uri))
        found = parsed(answer)
        try:
            return KeySet.import_key_set(
                {"keys": [key for key in found["keys"] if key.get("use", "sig") == "sig"]}
            )
        except (JoseError, KeyError, TypeError, ValueError, AttributeError):
            raise ProviderUnavailable("the provider's keys can't be read") from None


def check_claims(claims: Mapping[str, Any], *, provider: Provider, nonce: str, clock: Clock) -> SignedIn:
    """Who signed in, when the id token is for us, for this sign-in and fresh (OpenID Connect Core § 3.1.3.7).

    Raises TokenRefused, and LevelTooLow below level 4.
    """
    _check_parties(claims, provider)
    _check_times(claims, clock.now().timestamp())
    if not hmac.compare_digest(str(claims.get("nonce", "")).encode(), nonce.encode()):
        raise TokenRefused("another sign-in's nonce")
    signed_in = _signed_in(claims, provider)
    if signed_in.level < SecurityLevel.HIGH:
        raise LevelTooLow
    return signed_in


def client_proof(provider: Provider, *, clock: Clock) -> dict[str, str]:
    """The form fields that show who we are at the provider; for a public client only our name."""
    if provider.client_key is None:
        return {"client_id": provider.client_id}
    return {
        "client_id": provider.client_id,
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_assertion": _assertion(provider, int(clock.now().timestamp())),
    }


def _assertion(provider: Provider, now: int) -> str:
    key = provider.client_key
    assert key is not None  # noqa: S101 - the caller has looked
    key.ensure_kid()
    algorithm = "ES256" if key.key_type == "EC" else "RS256"
    header = {"alg": algorithm, "kid": key.kid, "typ": "client-authentication+jwt"}
    claims = {
        "iss": provider.client_id,
        "sub": provider.client_id,
        "aud": provider.issuer,
        "iat": now,
        "nbf": now,
        "exp": now + ASSERTION_S,
        "jti": secrets.token_urlsafe(16),
    }
    return jwt.encode(header, claims, key, algorithms=[algorithm])


def _decoded(token: str, keys: KeySet) -> Mapping[str, Any]:
    try:
        return dict(jwt.decode(token, keys, algorithms=list(ALGORITHMS)).claims)
    except InvalidKeyIdError:
        raise
    except (JoseError, ValueError, TypeError) as error:
        raise TokenRefused(type(error).__name__) from None


def _check_parties(claims: Mapping[str, Any], provider: Provider) -> None:
    audience = claims.get("aud")
    several = audience if isinstance(audience, list) else [audience]
    if claims.get("iss") != provider.issuer:
        raise TokenRefused("another issuer's token")
    if provider.client_id not in several:
        raise TokenRefused("another client's token")
    if claims.get("azp", provider.client_id) != provider.client_id or (
        len(several) > 1 and "azp" not in claims
    ):
        raise TokenRefused("made for another client")
    if not claims.get("sub"):
        raise TokenRefused("a token about nobody")


def _check_times(claims: Mapping[str, Any], now: float) -> None:
    made, ends, begins = (
        claims.get(name, default) for name, default in (("iat", None), ("exp", None), ("nbf", 0))
    )
    if not all(isinstance(at, int | float) and not isinstance(at, bool) for at in (made, ends, begins)):
        raise TokenRefused("a token without its times")
    if now >= ends + SKEW_S:
        raise TokenRefused("the token has expired")
    if made > now + SKEW_S or begins > now + SKEW_S:
        raise TokenRefused("the token is from the future")
    if made < now - MAX_AGE_S - SKEW_S:
        raise TokenRefused("the token is old")


def _signed_in(claims: Mapping[str, Any], provider: Provider) -> SignedIn:
    if provider.name == "helseid":
        number, level = claims.get(HELSEID_PID), claims.get(HELSEID_LEVEL)
    else:
        number, level = claims.get("pid"), claims.get("acr")
    if not isinstance(number, str) or not number:
        raise TokenRefused("a token without the national id")
    return SignedIn(number, _LEVELS[provider.name].get(str(level), SecurityLevel.UNKNOWN))
