"""The token that shows that a form comes from one of our own pages: a keyed hash of the session's secret.

It is different on each page, so that it cannot be guessed from the size of compressed pages.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Sequence

from markupsafe import Markup
from starlette.requests import HTTPConnection

from fellesjournal.web.model import VISITOR_KEY, Visitor

FIELD = "csrf_token"
HEADER = "x-csrf-token"
_MADE_KEY = "fellesjournal.csrf"
_SALT_BYTES = 12


def csrf_token(connection: HTTPConnection) -> str:
    """A token for one page's forms. Needs `app.state.csrf_key`: bytes, or several with the newest first."""
    made = connection.scope.get(_MADE_KEY)
    if made is None:
        salt = secrets.token_bytes(_SALT_BYTES)
        made = _encoded(salt + _mac(_keys(connection)[0], salt, _secret(connection)))
        connection.scope[_MADE_KEY] = made
    return str(made)


def csrf_field(connection: HTTPConnection) -> Markup:
    """The hidden field that every form carries."""
    return Markup('<input type="hidden" name="{}" value="{}">').format(FIELD, csrf_token(connection))


def is_genuine(connection: HTTPConnection, given: str) -> bool:
    """Whether the token was made by us for this session."""
    raw = _decoded(given)
    if raw is None or len(raw) <= _SALT_BYTES:
        return False
    salt, mac = raw[:_SALT_BYTES], raw[_SALT_BYTES:]
    return any(hmac.compare_digest(mac, _mac(key, salt, _secret(connection))) for key in _keys(connection))


def _keys(connection: HTTPConnection) -> Sequence[bytes]:
    keys = connection.scope["app"].state.csrf_key
    return (keys,) if isinstance(keys, bytes) else keys


def _secret(connection: HTTPConnection) -> bytes:
    visitor = connection.scope.get(VISITOR_KEY)
    return b"session:" + visitor.csrf_secret if isinstance(visitor, Visitor) else b"no session"


def _mac(key: bytes, salt: bytes, secret: bytes) -> bytes:
    return hmac.digest(key, salt + secret, hashlib.sha256)


def _encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _decoded(text: str) -> bytes | None:
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        return None
