# ruff: noqa: E501 - tables of what is tried read best a line each
"""Whatever is sent, by anyone, to any address: no 500, an answer in time, and below `/fhir` one that a client reads."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from fellesjournal.access.gate import gates_of
from fellesjournal.app import Open, create_app
from fellesjournal.demo.people import INTEGRATION
from tests.faults.crawl import Form, crawl
from tests.faults.making import ENDING, made, of_a_form, to_a_door
from tests.faults.requests import Answer, Pairs, Sent, send, send_bytes, spoken
from tests.law.test_every_door import form_token
from tests.site import ELDERLY, GP, LEGEVAKT_NURSE, TONIGHT, Site

AT_ONCE = 8
READERS = {"gp": GP, "nurse": LEGEVAKT_NURSE, "citizen": ELDERLY}
HOMES = {"gp": "/fastlege", "nurse": "/legevakt", "citizen": "/min-journal"}
FEW, MANY = 4, 14
"""Requests to an address, and to one where much can be sent."""


@pytest.fixture(scope="module")
def doors(demo_site: Site) -> list[tuple[str, str]]:
    """(method, address) of every route, public ones too, and of some that are none."""
    known = [door for door in asyncio.run(_doors(demo_site)) if "{path:path}" not in door[1]]
    return [*known, ("GET", "/{path:path}"), ("POST", "/fhir/{path:path}"), ("GET", "/fhir/{rtype}/{id}/{path:path}")]


async def _doors(site: Site) -> list[tuple[str, str]]:
    open_ = await Open.connect(site.settings, site.keys)
    try:
        routes = create_app(open_).routes
        return [(method, path) for path, methods, _ in gates_of(routes) for method in sorted(methods)]
    finally:
        await open_.close()


@pytest.fixture(scope="module")
def sessions(demo_site: Site) -> dict[str, Pairs]:
    """The headers of each reader: pages with the token that every form carries, `/fhir` with a bearer token."""
    signed_in = {name: _session(demo_site, person) for name, person in [*READERS.items(), ("guest", GP)]}
    return signed_in | {"nobody": (), "system": (("Authorization", f"Bearer {demo_site.token(INTEGRATION)}"),)}


def _session(site: Site, person: str) -> Pairs:
    with site.client(person) as client:
        token = form_token(client)
        cookies = "; ".join(f"{name}={value}" for name, value in client.cookies.items())
        bearer = f"Bearer {client.cookies['fellesjournal']}"
        return (("Cookie", cookies), ("X-CSRF-Token", token), ("Authorization", bearer))


@pytest.fixture(scope="module")
def forms(demo_site: Site, sessions: dict[str, Pairs]) -> list[tuple[str, Form]]:
    """(reader, form) of the forms that each reader's pages show."""
    chart = f"/pasienter/{demo_site.patient_id(ELDERLY)}"
    start = {"gp": [HOMES["gp"], chart, f"{chart}/notat/nytt", f"{chart}/problemer", "/innboks", "/identifiser"]}
    found = []
    for reader in READERS:
        with httpx.Client(base_url=demo_site.url, headers=dict(sessions[reader]), follow_redirects=True) as client:
            found += [(reader, form) for form in crawl(client, start.get(reader, [HOMES[reader]]))]
    found = [(reader, form) for reader, form in found if not form.url.startswith(ENDING)]
    assert len(found) > 12, found
    return found


@pytest.fixture(scope="module")
def resources(demo_site: Site) -> list[dict[str, Any]]:
    """Real resources from a chart, which its GP may change, and a transaction of some of them."""
    patient = demo_site.patient_id(ELDERLY)
    with demo_site.fhir(GP) as client:
        found = [client.get(f"/Patient/{patient}").json()]
        for rtype in ("Observation", "Task", "Composition", "Condition", "Encounter"):
            page = client.get(f"/{rtype}", params={"patient": patient, "_count": 2}).json()
            found += [entry["resource"] for entry in page.get("entry", [])]
    assert len(found) > 5
    entries = [{"resource": one, "request": {"method": "POST", "url": one["resourceType"]}} for one in found]
    return [*found, {"resourceType": "Bundle", "type": "transaction", "entry": entries[1:4]}]


@pytest.fixture(scope="module")
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(AT_ONCE) as opened:
        yield opened


@pytest.fixture(scope="module")
def place(demo_site: Site) -> tuple[str, int]:
    parts = urlsplit(demo_site.url)
    return str(parts.hostname), int(parts.port or 0)


@pytest.mark.slow
def test_no_request_makes_the_site_stumble(
    demo_site: Site, doors: list[tuple[str, str]], forms: list[tuple[str, Form]], resources: list[dict[str, Any]],
    sessions: dict[str, Pairs], pool: ThreadPoolExecutor, place: tuple[str, int],
) -> None:  # fmt: skip
    people = [demo_site.patient_id(name) for name in (ELDERLY, ELDERLY, TONIGHT)]
    # Each address by itself: hypothesis would come back to a few of them again and again.
    batches = [made(of_a_form(reader, form), MANY) for reader, form in forms]
    for method, path in doors:
        is_write = path.startswith("/fhir") and method in ("POST", "PUT", "PATCH")
        one = to_a_door(method, path, people=people, resources=resources)
        batches.append(made(one, MANY if is_write else FEW))
    tried = list({sent: None for batch in batches for sent in batch})
    for sent, answer in zip(tried, pool.map(lambda one: send(place, one, sessions[one.reader]), tried), strict=True):
        _check(sent, answer)
    for reader, url in HOMES.items():
        answer = send(place, Sent("GET", url), sessions[reader])
        assert answer.status == 200, f"{reader} was signed out on the way: not everything was tried"


def _check(sent: Sent, answer: Answer) -> None:
    assert 200 <= answer.status < 500, (sent, answer)
    if sent.is_fhir and answer.status >= 400 and sent.method != "HEAD":
        assert spoken(answer)["resourceType"] == "OperationOutcome", (sent, answer)


_LINE, _HOST = b"GET /fhir/metadata HTTP/1.1\r\n", b"Host: a\r\n"


@pytest.mark.parametrize(
    "data",
    [
        b"", b"\x00" * 50, b"\r\n\r\n", b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", _LINE + b"\r\n", _LINE + b"Host\r\n\r\n",
        b"BREW / HTTP/1.1\r\n\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"GET /fhir/a b HTTP/1.1\r\n\r\n",
        *(_LINE + b"Host: " + host + b"\r\n\r\n" for host in (b"\xff\xfe", b"x y", b"[::1", b"a:99999", b"a:b", b"a\r\nHost: b")),
        *(
            b"GET " + target + b" HTTP/1.1\r\n" + _HOST + b"\r\n"
            for target in (
                b"http://[::1/", b"fhir/metadata", b"*", b"//x/y", b"http://ond.no/fhir/Patient", b"/fhir/\xff\xfe",
                b"/fhir/%ff%fe%00", b"/" + b"a" * 200_000, b"/?" + b"a=b&" * 20_000, b"/static/../../etc/passwd",
            )
        ),
        *(
            b"POST /fhir/Patient HTTP/1.1\r\n" + _HOST + header + b"\r\n"
            for header in (
                b"Content-Length: -1\r\n", b"Content-Length: 1\r\nContent-Length: 2\r\n", b"Content-Length: 99999999999\r\n",
                b"Transfer-Encoding: x\r\n", b"Transfer-Encoding: chunked\r\n\r\nffffffffffffffff1\r\n",
                b"Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\nzz\r\n", b"A: " + b"b" * 200_000 + b"\r\n",
                b"A: b\r\n" * 5000, b"Cookie: " + b"a=b; " * 2000 + b"\r\n", b"Upgrade: h2c\r\nConnection: Upgrade\r\n",
                b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: x\r\nSec-WebSocket-Version: 13\r\n",
            )
        ),
    ],
    ids=lambda data: repr(data[:70]),
)  # fmt: skip
def test_bytes_that_are_hardly_http_are_refused(place: tuple[str, int], data: bytes) -> None:
    answer = send_bytes(place, data)
    assert answer.status < 500, answer
    assert httpx.get(f"http://{place[0]}:{place[1]}/health/live").status_code == 200
