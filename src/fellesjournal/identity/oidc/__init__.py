"""OpenID Connect: one client for HelseID, ID-porten and the bundled test provider.

Authorization code flow with PKCE (RFC 7636), pushed requests where the provider takes them (RFC 9126) and
`private_key_jwt` (RFC 7523), as the security profiles of HelseID and ID-porten ask for.
"""

from __future__ import annotations

from fellesjournal.identity.oidc.client import Begun, OidcClient
from fellesjournal.identity.oidc.proof import SignedIn
from fellesjournal.identity.oidc.provider import Http, Provider, check_provider, helseid, idporten

__all__ = ["Begun", "Http", "OidcClient", "Provider", "SignedIn", "check_provider", "helseid", "idporten"]
