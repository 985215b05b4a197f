"""The cookies of sign-in: who may read them, how long, and what a session's secret looks like in one.

Over https they carry the prefix `__Host-`, so that no other host or path can plant one; on loopback without TLS
browsers would refuse that prefix, and the plain name is used.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass

from starlette.requests import HTTPConnection
from starlette.responses import Response

from fellesjournal.kit.settings import Settings

SESSION = "fellesjournal"
FLOW = "fellesjournal-flow"
SIGNED = "fellesjournal-signed"
LAST = "fellesjournal-last"
SECRET_BYTES = 32
_SECRET_LENGTH = 43


@dataclass(frozen=True, slots=True)
class Cookies:
    """Reads and writes the cookies as the installation's address asks for."""

    is_secure: bool

    @classmethod
    def of(cls, settings: Settings) -> Cookies:
        """Secure exactly when people use https."""
        return cls(settings.base_url.startswith("https://"))

    def name(self, base: str) -> str:
        """The cookie's whole name."""
        return f"__Host-{base}" if self.is_secure else base

    def get(self, connection: HTTPConnection, base: str) -> str:
        """The cookie's text, empty when there is none."""
        return connection.cookies.get(self.name(base), "")

    def put(self, response: Response, base: str, text: str, *, max_age_s: int | None = None) -> None:
        """Set it; without `max_age_s` it goes with the browser. Lax: the way back from the sign-in service needs it."""
        response.set_cookie(
            self.name(base),
            text,
            max_age=max_age_s,
            path="/",
            secure=self.is_secure,
            httponly=True,
            samesite="lax",
        )

    def drop(self, response: Response, *bases: str) -> None:
        """Take cookies away."""
        for base in bases:
            response.delete_cookie(
                self.name(base), path="/", secure=self.is_secure, httponly=True, samesite="lax"
            )

    def secret(self, connection: HTTPConnection) -> bytes | None:
        """The session's secret, or None for none and for anything that we can't have made."""
        return secret_of(self.get(connection, SESSION))


def secret_text(secret: bytes) -> str:
    """A secret as it stands in a cookie or a bearer token."""
    return base64.urlsafe_b64encode(secret).decode().rstrip("=")


def secret_of(text: str) -> bytes | None:
    """The secret behind the text, or None for anything that `secret_text` can't have made."""
    if len(text) != _SECRET_LENGTH or not text.isascii():
        return None
    try:
        secret = base64.b64decode(text + "=", altchars=b"-_", validate=True)
    except ValueError:
        return None
    return secret if secret_text(secret) == text else None
