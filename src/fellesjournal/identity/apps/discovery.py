"""What the server says of itself to apps: only what works.

Source: SMART App Launch 2.2, "Conformance"; OpenID Connect Discovery.
"""

from __future__ import annotations

from typing import Any, Final

from fellesjournal.identity.apps import dpop
from fellesjournal.identity.apps.clients import ASSERTION_ALGORITHMS
from fellesjournal.identity.apps.registration import ALGORITHMS

AUTHORIZE: Final = "/oauth/authorize"
TOKEN: Final = "/oauth/token"  # noqa: S105 - an address
INTROSPECT: Final = "/oauth/introspect"
REVOKE: Final = "/oauth/revoke"
JWKS: Final = "/oauth/jwks"
MANAGE: Final = "/apper"
SMART: Final = "/.well-known/smart-configuration"
OPENID: Final = "/.well-known/openid-configuration"
BACK_CHANNEL: Final = (TOKEN, INTROSPECT, REVOKE)
"""Where apps send forms without a cookie."""
OPEN_TO_ALL_ORIGINS: Final = ("/fhir", "/.well-known", JWKS, *BACK_CHANNEL)
"""What scripts of other origins may ask: none of it looks at a cookie."""

_CAPABILITIES: Final = (
    "launch-ehr", "launch-standalone", "client-public", "client-confidential-symmetric",
    "client-confidential-asymmetric", "sso-openid-connect", "context-banner", "context-ehr-patient",
    "context-ehr-encounter", "context-standalone-patient", "permission-offline", "permission-online",
    "permission-patient", "permission-user", "permission-v1", "permission-v2",
)  # fmt: skip
_SCOPES: Final = (
    "openid", "fhirUser", "launch", "launch/patient", "launch/encounter", "offline_access", "online_access",
    "patient/*.cruds", "user/*.cruds", "system/*.cruds",
)  # fmt: skip


def smart_configuration(base: str) -> dict[str, Any]:
    """`/.well-known/smart-configuration`."""
    return {
        **_common(base),
        "management_endpoint": base + MANAGE,
        "capabilities": list(_CAPABILITIES),
    }


def openid_configuration(base: str) -> dict[str, Any]:
    """`/.well-known/openid-configuration`."""
    return {
        **_common(base),
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": list(ALGORITHMS),
        "claims_supported": ["sub", "iss", "aud", "exp", "iat", "nonce", "fhirUser"],
        "response_modes_supported": ["query"],
        "request_parameter_supported": False,
        "request_uri_parameter_supported": False,
    }


def oauth_uris(base: str) -> dict[str, Any]:
    """The extension that the CapabilityStatement's security has."""
    places = {"authorize": AUTHORIZE, "token": TOKEN, "introspect": INTROSPECT, "revoke": REVOKE, "manage": MANAGE}
    return {
        "url": "http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris",
        "extension": [{"url": name, "valueUri": base + path} for name, path in places.items()],
    }


def _common(base: str) -> dict[str, Any]:
    return {
        "issuer": base,
        "jwks_uri": base + JWKS,
        "authorization_endpoint": base + AUTHORIZE,
        "token_endpoint": base + TOKEN,
        "introspection_endpoint": base + INTROSPECT,
        "revocation_endpoint": base + REVOKE,
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "private_key_jwt", "none"],
        "token_endpoint_auth_signing_alg_values_supported": list(ASSERTION_ALGORITHMS),
        "grant_types_supported": ["authorization_code", "refresh_token", "client_credentials"],
        "response_types_supported": ["code"],
        "scopes_supported": list(_SCOPES),
        "code_challenge_methods_supported": ["S256"],
        "dpop_signing_alg_values_supported": list(dpop.ALGORITHMS),
        "authorization_response_iss_parameter_supported": True,
    }
