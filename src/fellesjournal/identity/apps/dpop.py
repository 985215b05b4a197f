"""DPoP (RFC 9449): a token that is bound to a key is worth nothing without a fresh proof by that key."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import unquote, urlsplit

import msgspec
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey
from starlette.requests import HTTPConnection

from fellesjournal.identity.apps.model import OAuthError

ALGORITHMS: Final = ("ES256", "ES384", "RS256", "RS384", "PS256")
_SKEW_S: Final = 60
_AGE_S: Final = 300
_MOST: Final = 8000


async def proves(connection: HTTPConnection, *, token: str, jkt: str) -> bool:
    """Whether the request has a proof by the key `jkt`, made for it and this token, and never shown before."""
    try:
        found = await proof_key(connection, token=token)
    except OAuthError:
        return False
    return hmac.compare_digest(found.encode(), jkt.encode())


async def proof_key(connection: HTTPConnection, *, token: str = "") -> str:
    """The thumbprint of the key by which the request is proved; "" without a proof.

    Raises OAuthError for a proof that is not of this request, not fresh, or that comes again.
    """
    given = connection.headers.getlist("dpop")
    if not given:
        return ""
    if len(given) != 1 or len(given[0]) > _MOST:
        raise _refused("one proof is sent with a request")
    claims, key = _opened(given[0])
    _check(claims, connection, token)
    thumbprint = key.thumbprint()
    sessions = connection.scope["app"].state.sessions
    if not await sessions.use_once(f"dpop {thumbprint} {claims['jti']}", ttl_s=_AGE_S + 2 * _SKEW_S):
        raise _refused("the proof was used before")
    return thumbprint


def unverified_header(text: str) -> dict[str, Any]:
    """The header of a signed token, as it says itself. Raises ValueError for what is none."""
    head = text.split(".")[0]
    try:
        found = msgspec.json.decode(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError("no header") from error
    if not isinstance(found, dict):
        raise ValueError("no header")
    return found


def _opened(text: str) -> tuple[Mapping[str, Any], ECKey | RSAKey]:
    try:
        header = unverified_header(text)
        jwk = header["jwk"]
        if header.get("typ") != "dpop+jwt" or header.get("alg") not in ALGORITHMS or {"d", "p", "q", "k"} & set(jwk):
            raise _refused("the proof is not signed as it should be")
        key = RSAKey.import_key(jwk) if jwk["kty"] == "RSA" else ECKey.import_key(jwk)
        claims = jwt.decode(text, key, algorithms=list(ALGORITHMS)).claims
    except (JoseError, ValueError, TypeError, KeyError, AttributeError):
        raise _refused("the proof does not hold") from None
    return claims, key


def _check(claims: Mapping[str, Any], connection: HTTPConnection, token: str) -> None:
    jti, made_at = claims.get("jti"), claims.get("iat")
    if not isinstance(jti, str) or not 8 <= len(jti) <= 200:
        raise _refused("a proof has an id of 8 to 200 characters")
    now = connection.scope["app"].state.sessions.clock.now().timestamp()
    is_time = isinstance(made_at, int | float) and not isinstance(made_at, bool)
    if not is_time or not now - _AGE_S <= made_at <= now + _SKEW_S:
        raise _refused("the proof is not fresh")
    if claims.get("htm") != connection.scope.get("method") or not _is_address(claims.get("htu"), connection):
        raise _refused("the proof is of another request")
    if token:
        wanted = base64.urlsafe_b64encode(hashlib.sha256(token.encode()).digest()).decode().rstrip("=")
        if not hmac.compare_digest(str(claims.get("ath", "")).encode(), wanted.encode()):
            raise _refused("the proof is of another token")


def _is_address(given: Any, connection: HTTPConnection) -> bool:
    if not isinstance(given, str):
        return False
    base: str = connection.scope["app"].state.settings.base_url
    try:
        parts = urlsplit(given)
    except ValueError:
        return False
    place = f"{parts.scheme}://{parts.netloc}".lower()
    return place == base.lower() and unquote(parts.path) == connection.scope["path"]


def _refused(why: str) -> OAuthError:
    return OAuthError("invalid_dpop_proof", why)
