"""What is kept between two pages of a sign-in, sealed in cookies, and where one may be led afterwards."""

from __future__ import annotations

from urllib.parse import urlsplit

import msgspec

from fellesjournal.identity.model import ProviderName

FLOW_S = 600
CHOICE_S = 600
LAST_S = 7 * 24 * 3600
_OWN = ("/logg-inn", "/logg-ut", "/logget-ut", "/kontekst", "/tidsavbrudd", "/okt", "/test-idp", "/fhir")


class Flow(msgspec.Struct, frozen=True, kw_only=True):
    """A sign-in under way in this browser."""

    provider: ProviderName
    state: str
    nonce: str
    verifier: str
    return_to: str


class Signed(msgspec.Struct, frozen=True, kw_only=True):
    """A member of staff who has signed in and not yet chosen a role. `ticket` makes it usable once."""

    ticket: str
    person: int
    name: str
    level: int
    return_to: str


class Last(msgspec.Struct, frozen=True, kw_only=True):
    """Who worked in this browser last, and in which role: only they are led back to where they were."""

    kind: str
    person: int
    post: int | None


def local_path(text: str) -> str:
    """The path and query when it is a page of ours that one can return to, else empty.

    Never another host, whatever a browser makes of slashes, backslashes and control characters.
    """
    is_plain = text.startswith("/") and len(text) <= 500 and text.isprintable() and text.isascii()
    if not is_plain or text.startswith("//") or "\\" in text or " " in text:
        return ""
    parts = urlsplit(text)
    if parts.scheme or parts.netloc or any(_is_under(parts.path, own) for own in _OWN):
        return ""
    return parts.path + (f"?{parts.query}" if parts.query else "")


def _is_under(path: str, top: str) -> bool:
    return path == top or path.startswith(top + "/")
