"""Apps (SMART App Launch 2.2, OpenID Connect): who is registered, what they are granted, and the tokens that they get.

An access token is the secret of a session, as a person's cookie is: opaque, kept as its hash, dead in the moment that
its grant, its app's approval, the person's role or (without offline access) the person's session ends.
"""

from __future__ import annotations

from fellesjournal.identity.apps.model import (
    ADMINISTRATOR,
    App,
    AppSession,
    Grant,
    OAuthError,
    Registration,
)
from fellesjournal.identity.apps.registration import BadRegistration, read_registration, registration_of
from fellesjournal.identity.apps.scopes import (
    BadScope,
    Scope,
    Scopes,
    is_whole,
    is_within,
    limits,
    narrowed,
    read_scopes,
)

__all__ = [
    "ADMINISTRATOR",
    "App",
    "AppSession",
    "BadRegistration",
    "BadScope",
    "Grant",
    "OAuthError",
    "Registration",
    "Scope",
    "Scopes",
    "is_whole",
    "is_within",
    "limits",
    "narrowed",
    "read_registration",
    "read_scopes",
    "registration_of",
]
