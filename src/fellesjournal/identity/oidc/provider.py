"""What we know of a sign-in service beforehand, and what it says of itself."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import urlsplit

import msgspec
from joserfc.jwk import ECKey, RSAKey

from fellesjournal.identity.model import NotDemo, ProviderName, ProviderUnavailable
from fellesjournal.kit.http import Answer, HttpError

CALLBACK = "/logg-inn/svar"
SIGNED_OUT = "/logget-ut"
TEST_PATH = "/test-idp"
_HELSEID_SCOPES = "openid profile helseid://scopes/identity/pid helseid://scopes/identity/security_level"


class Http(Protocol):
    """What the client needs of a HTTP client; `kit.http.HttpClient` is one."""

    async def get(self, url: str, **more: Any) -> Answer:
        """Send a GET."""

    async def post(self, url: str, **more: Any) -> Answer:
        """Send a POST; `data` is a form."""


@dataclass(frozen=True, kw_only=True)
class Provider:
    """One sign-in service and who we are to it.

    Without `client_key` we are a public client, protected by PKCE alone.
    """

    name: ProviderName
    issuer: str
    client_id: str
    redirect_uri: str
    signed_out_uri: str
    scope: str
    acr_values: str = ""
    client_key: ECKey | RSAKey | None = field(default=None, repr=False)


def helseid(
    *, issuer: str, client_id: str, base_url: str, client_key: ECKey | RSAKey | None = None
) -> Provider:
    """HelseID, for staff: national id and security level as its own claims."""
    return Provider(
        name="helseid",
        issuer=issuer,
        client_id=client_id,
        redirect_uri=base_url + CALLBACK,
        signed_out_uri=base_url + SIGNED_OUT,
        scope=_HELSEID_SCOPES,
        acr_values="Level4",
        client_key=client_key,
    )


def idporten(
    *, issuer: str, client_id: str, base_url: str, client_key: ECKey | RSAKey | None = None
) -> Provider:
    """ID-porten, for citizens."""
    return Provider(
        name="idporten",
        issuer=issuer,
        client_id=client_id,
        redirect_uri=base_url + CALLBACK,
        signed_out_uri=base_url + SIGNED_OUT,
        scope="openid profile",
        acr_values="idporten-loa-high",
        client_key=client_key,
    )


def check_provider(provider: Provider, *, is_demo: bool) -> None:
    """Refuse the test provider, and any that is not reached by https, outside of a demo database. Raises NotDemo."""
    parts = urlsplit(provider.issuer)
    if not is_demo and (parts.scheme != "https" or TEST_PATH in parts.path):
        raise NotDemo(f"the issuer of {provider.name} may be used in a demo database alone")


class Metadata(msgspec.Struct, frozen=True, kw_only=True):
    """What a provider says of itself (OpenID Connect Discovery 1.0 § 3)."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    end_session_endpoint: str | None = None
    pushed_authorization_request_endpoint: str | None = None
    authorization_response_iss_parameter_supported: bool = False


async def discover(provider: Provider, http: Http) -> Metadata:
    """The provider's own word, checked. Raises ProviderUnavailable."""
    answer = await asked(http.get(provider.issuer + "/.well-known/openid-configuration"))
    try:
        metadata = msgspec.json.decode(answer.body, type=Metadata)
    except msgspec.MsgspecError:
        raise ProviderUnavailable("the discovery document can't be read") from None
    if answer.status != 200 or metadata.issuer != provider.issuer:
        raise ProviderUnavailable("the discovery document is another provider's")
    if not all(_is_safe(url) for url in _endpoints(metadata)):
        raise ProviderUnavailable("the discovery document names an address without TLS")
    return metadata


async def asked(request: Any) -> Answer:
    """Await a request; what goes wrong on the way is the provider's fault. Raises ProviderUnavailable."""
    try:
        answer: Answer = await request
    except HttpError as error:
        raise ProviderUnavailable(str(error)) from None
    return answer


def parsed(answer: Answer) -> Mapping[str, Any]:
    """The answer's JSON object. Raises ProviderUnavailable."""
    try:
        return msgspec.json.decode(answer.body, type=dict[str, Any])
    except msgspec.MsgspecError:
        raise ProviderUnavailable("the provider's answer can't be read") from None


def _endpoints(metadata: Metadata) -> list[str]:
    named = (
        metadata.authorization_endpoint,
        metadata.token_endpoint,
        metadata.jwks_uri,
        metadata.end_session_endpoint,
        metadata.pushed_authorization_request_endpoint,
    )
    return [url for url in named if url is not None]


def _is_safe(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme == "https" or (parts.scheme == "http" and _is_loopback(parts.hostname or ""))


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
