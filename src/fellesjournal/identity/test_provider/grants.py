"""What the bundled provider gives out, sealed, and how a client proves who it is."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping

import msgspec
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

ASSERTION_S = 120
_ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """An authorization request that was found good."""

    face: str
    redirect_uri: str
    state: str
    nonce: str
    challenge: str


class Code(msgspec.Struct, frozen=True, kw_only=True):
    """What a code stands for; the person by their key."""

    face: str
    redirect_uri: str
    nonce: str
    challenge: str
    person: str
    level: int
    once: str


class Access(msgspec.Struct, frozen=True, kw_only=True):
    """What an access token for userinfo stands for."""

    face: str
    person: str
    level: int


class OAuthError(Exception):
    """Refused, in OAuth's own words (RFC 6749 § 5.2)."""

    def __init__(self, error: str, *, status: int = 400) -> None:
        super().__init__(error)
        self.error = error
        self.status = status


def assertion_id(form: Mapping[str, str], *, key: ECKey, client: str, issuer: str, now: float) -> str:
    """The id of the client's own signature, when it is fresh and for us (RFC 7523 § 3). Raises OAuthError.

    The caller sees to it that it comes once.
    """
    if form.get("client_assertion_type") != _ASSERTION_TYPE:
        raise OAuthError("invalid_client", status=401)
    try:
        claims = jwt.decode(form.get("client_assertion", ""), key, algorithms=["ES256"]).claims
    except (JoseError, ValueError):
        raise OAuthError("invalid_client", status=401) from None
    is_ours = claims.get("iss") == claims.get("sub") == client and claims.get("aud") == issuer
    if not is_ours or not now < claims.get("exp", 0) <= now + ASSERTION_S:
        raise OAuthError("invalid_client", status=401)
    return str(claims.get("jti"))


def challenge_of(verifier: str) -> str:
    """The S256 challenge of a verifier (RFC 7636 § 4.2)."""
    digest = hashlib.sha256(verifier.encode("ascii", "replace")).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")
