"""Putting sign-in together: with real providers, or with the bundled one in a demo."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import msgspec
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey

from fellesjournal.identity.current import VisitorFor, plain_visitor
from fellesjournal.identity.entry import SignIn
from fellesjournal.identity.oidc import Http, OidcClient, Provider, check_provider
from fellesjournal.identity.sessions import Sessions
from fellesjournal.identity.test_provider import BundledProvider, DemoPerson, People
from fellesjournal.kit.settings import Settings


def sign_in_with(
    providers: Sequence[tuple[Provider, Http]],
    *,
    sessions: Sessions,
    is_demo: bool,
    visitor_for: VisitorFor = plain_visitor,
) -> SignIn:
    """Sign-in at these providers, each with the HTTP client that reaches it.

    Raises NotDemo for a test provider, or one without https, when the database is no demo.
    """
    for provider, _http in providers:
        check_provider(provider, is_demo=is_demo)
    clients = {
        provider.name: OidcClient(provider, http=http, clock=sessions.clock) for provider, http in providers
    }
    return SignIn(sessions=sessions, clients=clients, visitor_for=visitor_for)


def demo_sign_in(
    read_people: Callable[[], Awaitable[Sequence[DemoPerson]]],
    *,
    settings: Settings,
    sessions: Sessions,
    is_demo: bool,
    visitor_for: VisitorFor = plain_visitor,
) -> tuple[SignIn, BundledProvider]:
    """Sign-in at the bundled provider, and that provider, to be mounted. Raises NotDemo."""
    people = People(read_people, keys=sessions.keys)
    bundled = BundledProvider(settings=settings, sessions=sessions, people=people, is_demo=is_demo)
    providers = [(provider, bundled.http) for provider in bundled.providers]
    return sign_in_with(providers, sessions=sessions, is_demo=is_demo, visitor_for=visitor_for), bundled


def read_client_key(path: Path) -> ECKey | RSAKey:
    """The private key by which a provider knows us, as PEM or JWK. Raises ValueError when it is neither."""
    text = path.read_text("utf-8")
    for kind in (ECKey, RSAKey):
        try:
            return kind.import_key(msgspec.json.decode(text) if text.lstrip().startswith("{") else text)
        except (ValueError, TypeError, JoseError):
            continue
    raise ValueError("the client key is neither an EC nor an RSA key")
