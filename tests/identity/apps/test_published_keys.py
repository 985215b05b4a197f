"""An app that publishes its keys: fetched over real TLS, kept, asked for anew, and bounded in every way."""

from __future__ import annotations

import http.server
import ipaddress
import json
import ssl
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from joserfc.jwk import ECKey

from fellesjournal import app as site_map
from fellesjournal.identity.oidc import proof
from fellesjournal.kit.http import HttpClient
from tests.apps import TestApp, register
from tests.identity.apps.test_backend import SYSTEM, ask, assertion, public
from tests.site import GP, Site, running

FIRST, SECOND = ECKey.generate_key("P-384"), ECKey.generate_key("P-384")


@dataclass
class Publisher:
    """Where an app publishes its keys. `answer` gives status, headers and body; `wait_s` between its bytes."""

    answer: tuple[int, dict[str, str], bytes] = (200, {}, b"")
    wait_s: float = 0
    asked: list[str] = field(default_factory=list)
    port: int = 0

    def publish(self, *keys: Any) -> None:
        content = json.dumps({"keys": [public(key) for key in keys]}).encode()
        self.answer, self.wait_s = (200, {"Content-Type": "application/json"}, content), 0


def _certificate(place: Path) -> Path:
    """A certificate of 127.0.0.1 that it has signed itself, with its key; the path of both."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    here = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
        .not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1)).add_extension(here, False)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    form = serialization.PrivateFormat.PKCS8
    secret = key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())
    place.write_bytes(made.public_bytes(serialization.Encoding.PEM) + secret)
    return place


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _certificate(tmp_path_factory.mktemp("keys") / "peer.pem")


@pytest.fixture(scope="module")
def publisher(certificate: Path) -> Iterator[Publisher]:
    made = Publisher()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            made.asked.append(self.path)
            status, headers, body = made.answer
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            try:
                for byte in body if made.wait_s else ():
                    self.wfile.write(bytes([byte]))
                    time.sleep(made.wait_s)
                if not made.wait_s:
                    self.wfile.write(body)
            except OSError:
                self.close_connection = True

        def log_message(self, *_: Any) -> None: ...

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    made.port = server.server_address[1]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield made
    server.shutdown()


@pytest.fixture(scope="module")
def app(demo_site: Site, publisher: Publisher, certificate: Path) -> Iterator[TestApp]:
    """An app whose keys are where the operator lets us fetch them, on a second site over the same record."""
    row = demo_site.row("SELECT u.name FROM identity.unit u JOIN identity.post o ON o.unit = u.id"
                        " JOIN identity.person p ON p.id = o.person WHERE p.name = $1", GP)  # fmt: skip
    trusted = partial(HttpClient, verify=ssl.create_default_context(cafile=str(certificate)))
    settings = replace(demo_site.settings, app_key_hosts=(f"127.0.0.1:{publisher.port}",))
    with mock.patch.object(site_map, "HttpClient", trusted), running(settings, demo_site.keys) as site:
        yield register(
            site, "publisert-app", scope=SYSTEM, type="confidential-asymmetric", unit=str(row["name"]),
            jwks_uri=f"https://127.0.0.1:{publisher.port}/jwks", until="2099-12-31",
        )  # fmt: skip


@pytest.fixture(autouse=True)
def _forgetful() -> Iterator[None]:
    """Each test begins with keys that are to be fetched again."""
    with mock.patch.object(proof, "KEYS_KEPT_S", -1):
        yield


def test_keys_are_fetched_once_and_kept(app: TestApp, publisher: Publisher) -> None:
    publisher.publish(FIRST)
    assert ask(app, assertion(app, FIRST)).status_code == 200
    before = len(publisher.asked)
    with mock.patch.object(proof, "KEYS_KEPT_S", 3600):
        for _ in range(3):
            assert ask(app, assertion(app, FIRST)).status_code == 200
    assert len(publisher.asked) == before


def test_a_new_key_is_asked_for_and_an_old_one_goes(app: TestApp, publisher: Publisher) -> None:
    publisher.publish(FIRST)
    assert ask(app, assertion(app, FIRST)).status_code == 200
    publisher.publish(SECOND)
    with mock.patch.object(proof, "KEYS_KEPT_S", 3600):
        # Within half a minute of the last look nobody makes us look again.
        refused, before = ask(app, assertion(app, SECOND)), len(publisher.asked)
        assert refused.json()["error"] == "invalid_client"
        with mock.patch.object(proof, "KEYS_ASKED_AGAIN_S", -1):
            assert ask(app, assertion(app, SECOND)).status_code == 200
        assert len(publisher.asked) == before + 1
        assert ask(app, assertion(app, FIRST)).json()["error"] == "invalid_client"


@pytest.mark.parametrize(
    ("status", "headers", "body"),
    [
        (302, {"Location": "https://127.0.0.1:1/jwks"}, b""), (500, {}, b"{}"), (404, {}, b""),
        (200, {}, b"not json"), (200, {}, b'{"keys": 1}'), (200, {}, b'{"keys": [{"kty": "EC"}]}'),
        (200, {}, b'{"keys": [' + b" " * 200_000 + b"]}"),
    ],
)  # fmt: skip
def test_keys_that_can_not_be_had_open_nothing(
    app: TestApp, publisher: Publisher, status: int, headers: dict[str, str], body: bytes
) -> None:
    publisher.answer, publisher.wait_s = (status, headers, body), 0
    answer = ask(app, assertion(app, FIRST))
    assert (answer.status_code, answer.json()["error"]) == (503, "temporarily_unavailable")


def test_an_answer_that_drips_ends_in_time(app: TestApp, publisher: Publisher) -> None:
    publisher.answer, publisher.wait_s = (200, {}, b" " * 1000), 0.2
    begun = time.monotonic()
    assert ask(app, assertion(app, FIRST)).status_code == 503
    assert time.monotonic() - begun < 10


def test_a_redirect_is_not_followed(app: TestApp, publisher: Publisher) -> None:
    publisher.answer = (307, {"Location": "/elsewhere"}, b"")
    ask(app, assertion(app, FIRST))
    assert "/elsewhere" not in publisher.asked


def test_a_certificate_that_nobody_vouches_for_is_refused(app: TestApp, publisher: Publisher) -> None:
    publisher.publish(FIRST)
    settings = replace(app.site.settings, app_key_hosts=(f"127.0.0.1:{publisher.port}",))
    with mock.patch.object(site_map, "HttpClient", HttpClient), running(settings, app.site.keys) as plain:
        elsewhere = TestApp(plain, app.client_id)
        assert ask(elsewhere, assertion(elsewhere, FIRST)).status_code == 503


def test_keys_are_not_fetched_when_the_operator_takes_the_host_back(app: TestApp, publisher: Publisher) -> None:
    publisher.publish(FIRST)
    before = len(publisher.asked)
    with running(replace(app.site.settings, app_key_hosts=()), app.site.keys) as plain:
        elsewhere = TestApp(plain, app.client_id)
        assert ask(elsewhere, assertion(elsewhere, FIRST)).json()["error"] == "invalid_client"
    assert len(publisher.asked) == before
