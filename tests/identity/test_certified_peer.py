"""Our client against a provider that others wrote and the OpenID Foundation certified: `oidc-provider`."""

from __future__ import annotations

import json
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
from joserfc.jwk import ECKey

from fellesjournal.identity.model import LevelTooLow, TokenRefused
from fellesjournal.identity.oidc import OidcClient, Provider, idporten
from fellesjournal.kit.clock import SystemClock
from fellesjournal.kit.http import HttpClient
from tests import peers
from tests.identity.conftest import BASE, CITIZEN
from tests.needs import find_node

PEER = Path(__file__).parent / "peer"
CLIENT_KEY = ECKey.generate_key("P-256", {"kid": "client", "use": "sig", "alg": "ES256"})
PROVIDER_KEY = ECKey.generate_key("P-256", {"kid": "provider", "use": "sig", "alg": "ES256"})

pytestmark = [pytest.mark.needs("node"), pytest.mark.slow]
Start = Callable[[str], Provider]


@pytest.fixture(scope="module")
def package() -> None:
    """The provider's package, installed beside the test by its lock."""
    peers.install(PEER)


@pytest.fixture
def start(package: None) -> Iterator[Start]:
    """Starts the provider with an answer for `acr`."""
    with ExitStack() as running:

        def begin(acr: str) -> Provider:
            with closing(socket.socket()) as free:
                free.bind(("127.0.0.1", 0))
                port = free.getsockname()[1]
            issuer = f"http://127.0.0.1:{port}"
            ours = idporten(issuer=issuer, client_id="us", base_url=BASE, client_key=CLIENT_KEY)
            settings = {
                "redirect_uri": ours.redirect_uri,
                "signed_out_uri": ours.signed_out_uri,
                "client_key": CLIENT_KEY.as_dict(private=False),
                "provider_key": PROVIDER_KEY.as_dict(private=True),
                "pid": CITIZEN,
                "acr": acr,
            }
            node = find_node()
            assert node
            process = subprocess.Popen(
                [node, "provider.mjs", str(port), json.dumps(settings)],
                cwd=PEER, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
            )  # fmt: skip
            running.callback(process.wait, 10)
            running.callback(process.terminate)
            assert process.stdout
            running.callback(process.stdout.close)
            assert process.stdout.readline().strip() == "ready"
            return ours

        yield begin


async def test_whole_flow_holds_with_a_certified_provider(start: Start) -> None:
    provider = start("idporten-loa-high")
    async with HttpClient() as http:
        client = OidcClient(provider, http=http, clock=SystemClock())
        begun = await client.begin()
        assert "request_uri" in begun.url
        answer = await _through(begun.url)
        signed_in = await client.finish(answer, begun=begun)
        assert (signed_in.national_id, signed_in.level) == (CITIZEN, 4)
        with pytest.raises(TokenRefused):
            await client.finish(answer, begun=begun)
        assert (await client.sign_out_url() or "").startswith(f"{provider.issuer}/session/end?")


async def test_lower_level_of_a_certified_provider_is_refused(start: Start) -> None:
    provider = start("idporten-loa-substantial")
    async with HttpClient() as http:
        client = OidcClient(provider, http=http, clock=SystemClock())
        begun = await client.begin()
        with pytest.raises(LevelTooLow):
            await client.finish(await _through(begun.url), begun=begun)


async def _through(url: str) -> dict[str, str]:
    """As a browser: follow until the provider leads back to us."""
    async with httpx.AsyncClient() as browser:
        for _ in range(10):
            answer = await browser.get(url)
            assert answer.is_redirect, answer.text
            url = str(answer.request.url.join(answer.headers["location"]))
            if url.startswith(BASE):
                return dict(parse_qsl(urlsplit(url).query))
    raise AssertionError("never led back")
