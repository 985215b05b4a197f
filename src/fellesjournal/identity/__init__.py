"""Identity: sign-in through HelseID and ID-porten, sessions on the server, and the context that a person acts in.

A browser holds the secret of a session in a cookie, a client in a bearer token; the database knows its hash and decides
by it. Rooms above ask `current_reader` or `bearer_reader` who is there, and hand the reader's secret to the database.
"""

from __future__ import annotations

from fellesjournal.identity.canonical import CanonicalHost, canonical_url
from fellesjournal.identity.cookies import Cookies
from fellesjournal.identity.current import (
    CurrentReader,
    bearer_reader,
    context_tag,
    current_reader,
    plain_visitor,
    require_reader,
)
from fellesjournal.identity.drafts import draft_key
from fellesjournal.identity.entry import SignIn
from fellesjournal.identity.model import ROLE_NAMES, IdentityRefusal, NotDemo, NotSignedIn, Reader
from fellesjournal.identity.numbers import named_by_number, number_hash, system_hash
from fellesjournal.identity.oidc import OidcClient, Provider, check_provider
from fellesjournal.identity.refusals import refusal_handlers
from fellesjournal.identity.routes import PUBLIC, routes
from fellesjournal.identity.sessions import Sessions
from fellesjournal.identity.setup import demo_sign_in, sign_in_with
from fellesjournal.identity.tokens import issue_demo_token

__all__ = [
    "PUBLIC",
    "ROLE_NAMES",
    "CanonicalHost",
    "Cookies",
    "CurrentReader",
    "IdentityRefusal",
    "NotDemo",
    "NotSignedIn",
    "OidcClient",
    "Provider",
    "Reader",
    "Sessions",
    "SignIn",
    "bearer_reader",
    "canonical_url",
    "check_provider",
    "context_tag",
    "current_reader",
    "demo_sign_in",
    "draft_key",
    "issue_demo_token",
    "named_by_number",
    "number_hash",
    "plain_visitor",
    "refusal_handlers",
    "require_reader",
    "routes",
    "sign_in_with",
    "system_hash",
]
