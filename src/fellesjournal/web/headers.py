"""Security headers on every answer, as plain ASGI."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, MutableMapping
from functools import cache
from typing import Any
from urllib.parse import urlsplit

from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

NONCE_KEY = "fellesjournal.nonce"
FORM_TARGETS_KEY = "fellesjournal.form_targets"

_FIXED = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "x-frame-options": "DENY",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": (
        "accelerometer=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), magnetometer=(), "
        "microphone=(), midi=(), payment=(), usb=()"
    ),
}
_FIXED_PAIRS = [(name.encode(), value.encode()) for name, value in _FIXED.items()]
_FIXED_NAMES = frozenset(name for name, _ in _FIXED_PAIRS)
_POLICY = (
    "default-src 'none'; script-src {scripts}; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; worker-src 'self'; manifest-src 'self'; form-action {forms}; base-uri 'none'; "
    "frame-ancestors 'none'"
)


class SecurityHeaders:
    """Adds the headers to each answer of the application that it wraps.

    A page that asks for a nonce gets a policy that lets scripts with that nonce run; all other answers let
    none. `form_targets` are the origins that a form may lead to besides our own (the sign-in services), since
    browsers check the redirect after a POST as well.
    """

    def __init__(self, app: ASGIApp, *, form_targets: tuple[str, ...] = ()) -> None:
        """Wrap the application."""
        self._app = app
        self._forms = " ".join(("'self'", *form_targets))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and complete the headers of its answer."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def completed(message: Message) -> None:
            if message["type"] == "http.response.start":
                complete(scope, MutableHeaders(scope=message), forms=self._forms)
            await send(message)

        await self._app(scope, receive, completed)


def complete(scope: MutableMapping[str, Any], headers: MutableHeaders, *, forms: str = "'self'") -> None:
    """Add what is missing; cache rules and policies that an answer has set itself stay."""
    # On the raw list: setting six headers by name costs more than all the rest of this.
    headers.raw[:] = [pair for pair in headers.raw if pair[0] not in _FIXED_NAMES]
    headers.raw.extend(_FIXED_PAIRS)
    headers.setdefault("cache-control", "no-store")
    targets = scope.get(FORM_TARGETS_KEY)
    forms = f"{forms} {targets}" if targets else forms
    headers.setdefault("content-security-policy", _policy(scope.get(NONCE_KEY), forms))
    if scope["scheme"] == "https":
        headers["strict-transport-security"] = "max-age=31536000; includeSubDomains"


def allow_form_targets(connection: HTTPConnection, addresses: Iterable[str]) -> None:
    """Let forms on this page lead to the origins of these addresses: an app that somebody is about to open."""
    parts = (urlsplit(address) for address in addresses)
    connection.scope[FORM_TARGETS_KEY] = " ".join(sorted({f"{one.scheme}://{one.netloc}" for one in parts}))


@cache
def _scriptless(forms: str) -> str:
    return _POLICY.format(scripts="'none'", forms=forms)


def _policy(made: str | None, forms: str) -> str:
    return _POLICY.format(scripts=f"'nonce-{made}'", forms=forms) if made else _scriptless(forms)


def nonce(connection: HTTPConnection) -> str:
    """The nonce for this answer's scripts, made when it is first asked for."""
    made = connection.scope.setdefault(NONCE_KEY, secrets.token_urlsafe(16))
    return str(made)
