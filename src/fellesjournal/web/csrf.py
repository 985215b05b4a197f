"""The token that shows that a form comes from one of our own pages: a keyed hash of the session's secret.

It is different on each page, so that it cannot be guessed from the size of compressed pages. Beside the session's hash
stands one of the person alone: it tells a page of the same person's other context (they have switched role since) from
a token that somebody made up, and lets nothing through.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Sequence
from typing import Literal

from markupsafe import Markup
from starlette.requests import HTTPConnection

from fellesjournal.web.model import VISITOR_KEY, Visitor

FIELD = "csrf_token"
HEADER = "x-csrf-token"
_MADE_KEY = "fellesjournal.csrf"
_SALT_BYTES = 12
_MAC_BYTES = 32

Standing = Literal["genuine", "other context", "forged"]


def csrf_token(connection: HTTPConnection) -> str:
    """A token for one page's forms. Needs `app.state.csrf_key`: bytes, or several with the newest first."""
    made = connection.scope.get(_MADE_KEY)
    if made is None:
        salt = secrets.token_bytes(_SALT_BYTES)
        key = _keys(connection)[0]
        made = _encoded(salt + _mac(key, salt, _secret(connection)) + _mac(key, salt, _person(connection)))
        connection.scope[_MADE_KEY] = made
    return str(made)


def csrf_field(connection: HTTPConnection) -> Markup:
    """The hidden field that every form carries."""
    return Markup('<input type="hidden" name="{}" value="{}">').format(FIELD, csrf_token(connection))


def standing_of(connection: HTTPConnection, given: str) -> Standing:
    """Whether the token was made by us for this session, for another of the same person, or for neither."""
    raw = _decoded(given)
    if raw is None or len(raw) != _SALT_BYTES + 2 * _MAC_BYTES:
        return "forged"
    salt, session, person = raw[:_SALT_BYTES], raw[_SALT_BYTES:-_MAC_BYTES], raw[-_MAC_BYTES:]
    if _is_made_for(connection, salt, session, _secret(connection)):
        return "genuine"
    return "other context" if _is_made_for(connection, salt, person, _person(connection)) else "forged"


def _is_made_for(connection: HTTPConnection, salt: bytes, mac: bytes, whom: bytes) -> bool:
    return any(hmac.compare_digest(mac, _mac(key, salt, whom)) for key in _keys(connection))


def _keys(connection: HTTPConnection) -> Sequence[bytes]:
    keys = connection.scope["app"].state.csrf_key
    return (keys,) if isinstance(keys, bytes) else keys


def _secret(connection: HTTPConnection) -> bytes:
    visitor = connection.scope.get(VISITOR_KEY)
    return b"session:" + visitor.csrf_secret if isinstance(visitor, Visitor) else b"no session"


def _person(connection: HTTPConnection) -> bytes:
    visitor = connection.scope.get(VISITOR_KEY)
    return b"person:" + visitor.person if isinstance(visitor, Visitor) else b"nobody"


def _mac(key: bytes, salt: bytes, secret: bytes) -> bytes:
    return hmac.digest(key, salt + secret, hashlib.sha256)


def _encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _decoded(text: str) -> bytes | None:
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        return None
