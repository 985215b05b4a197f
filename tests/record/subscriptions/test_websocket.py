"""Subscriptions by topic over a WebSocket, with a client that others wrote."""

import contextlib
import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from tests.record.samples import make, make_person, outcome, weight
from tests.record.subscriptions.receiver import events_of, status_of, subscription, until
from tests.site import ELDERLY, GP, Site


@pytest.fixture(scope="module")
def site(demo_site: Site) -> Site:
    demo_site.start_worker()
    return demo_site


@pytest.fixture(scope="module")
def client(site: Site) -> Iterator[httpx.Client]:
    with site.fhir() as opened:
        yield opened


def subscribed(client: httpx.Client, patient: str = "", **more: Any) -> str:
    channel = {"type": "websocket", "endpoint": None}
    filters = [f"Observation?patient=Patient/{patient}"] if patient else []
    answer = client.post("/Subscription", json=subscription("", channel=channel, filters=filters, **more))
    assert answer.status_code == 201, answer.text
    id_ = str(answer.json()["id"])
    until(lambda: client.get(f"/Subscription/{id_}").json()["status"] == "active")
    return id_


def binding(client: httpx.Client, *ids: str) -> dict[str, str]:
    """The parameters of a binding token."""
    place = f"/Subscription/{ids[0]}" if len(ids) == 1 else "/Subscription"
    query = "" if len(ids) == 1 else f"?id={','.join(ids)}"
    answer = client.get(f"{place}/$get-ws-binding-token{query}")
    assert answer.status_code == 200, answer.text
    found = {}
    for one in answer.json()["parameter"]:
        found[one["name"]] = next(value for key, value in one.items() if key.startswith("value"))
    return found


@contextlib.contextmanager
def bound(client: httpx.Client, *ids: str) -> Iterator[ClientConnection]:
    token = binding(client, *ids)
    with connect(token["websocket-url"]) as socket:
        socket.send(f"bind-with-token: {token['token']}")
        yield socket


def told(socket: ClientConnection, kind: str = "event-notification") -> dict[str, Any]:
    """The next notification of a kind; others are passed by."""
    for _ in range(20):
        bundle: dict[str, Any] = json.loads(socket.recv(timeout=15))
        if status_of(bundle)["type"] == kind:
            return bundle
    raise AssertionError(f"no {kind}")


def closing(socket: ClientConnection) -> int:
    """The code that the server closes with."""
    with pytest.raises(ConnectionClosed) as closed:
        told(socket, "nothing")
    assert closed.value.rcvd is not None
    return int(closed.value.rcvd.code)


def measured(client: httpx.Client, patient: str) -> str:
    return f"Observation/{make(client, 'Observation', weight(patient))}"


def test_a_bound_socket_is_greeted_and_told_at_once(client: httpx.Client) -> None:
    patient = make_person(client)
    id_ = subscribed(client, patient, content="full-resource")
    with bound(client, id_) as socket:
        greeting = told(socket, "handshake")
        assert status_of(greeting)["subscription"]["reference"].endswith(f"/Subscription/{id_}")
        made = [measured(client, patient) for _ in range(3)]
        seen: list[tuple[int, str]] = []
        while len(seen) < 3:
            bundle = told(socket)
            assert [entry["resource"]["resourceType"] for entry in bundle["entry"][1:]] == ["Observation"] * (
                len(bundle["entry"]) - 1
            )
            seen += events_of(bundle)
        assert seen == list(enumerate(made, 1))
        socket.send("ping")
        assert socket.recv(timeout=5) == "pong"


def test_what_came_while_nobody_listened_is_sent_when_somebody_does(client: httpx.Client) -> None:
    patient = make_person(client)
    id_ = subscribed(client, patient)
    first = measured(client, patient)
    with bound(client, id_) as socket:
        assert events_of(told(socket)) == [(1, first)]
    second = measured(client, patient)
    with bound(client, id_) as socket:
        assert events_of(told(socket)) == [(2, second)]
    assert events_of(client.get(f"/Subscription/{id_}/$events").json()) == [(1, first), (2, second)]


def test_one_socket_carries_several_and_lets_them_go(client: httpx.Client) -> None:
    patients = [make_person(client) for _ in range(2)]
    ids = [subscribed(client, patient) for patient in patients]
    token = binding(client, *ids)
    with connect(token["websocket-url"]) as socket:
        socket.send(json.dumps({"type": "bind-with-token", "payload": {"token": token["token"]}}))
        made = [measured(client, patient) for patient in patients]
        assert {events_of(told(socket))[0][1] for _ in made} == set(made)
        socket.send(json.dumps({"type": "ping"}))
        assert json.loads(socket.recv(timeout=5)) == {"type": "pong"}
        socket.send(f"unbind-from-token {binding(client, ids[0])['token']}")
        measured(client, patients[0])
        after = measured(client, patients[1])
        assert events_of(told(socket)) == [(2, after)]


def test_a_heartbeat_comes_when_nothing_happens(client: httpx.Client) -> None:
    id_ = subscribed(client, make_person(client), numbers={"heartbeat-period": 5})
    with bound(client, id_) as socket:
        assert status_of(told(socket, "heartbeat"))["status"] == "active"


def test_a_socket_ends_with_the_session_that_bound_it(site: Site) -> None:
    with site.fhir(GP) as gp:
        id_ = subscribed(gp)
        with bound(gp, id_) as socket:
            told(socket, "handshake")
            shown = measured(gp, site.patient_id(ELDERLY))
            assert (1, shown) in events_of(told(socket))
            site.row(
                "UPDATE identity.session SET ended_at = clock_timestamp() WHERE device = 'token' AND kind = 'staff'"
                " RETURNING id"
            )
            assert closing(socket) == 1008


def test_a_socket_ends_with_the_last_of_its_subscriptions(client: httpx.Client) -> None:
    id_ = subscribed(client, make_person(client))
    with bound(client, id_) as socket:
        told(socket, "handshake")
        assert client.delete(f"/Subscription/{id_}").status_code in (200, 204)
        assert closing(socket) == 1008


@pytest.mark.parametrize("said", ["bind-with-token: forged", "bind 1", "{", '{"type":1}', "x" * 9000, b"\x00\x01"])
def test_what_is_no_binding_ends_the_socket(client: httpx.Client, said: str | bytes) -> None:
    id_ = subscribed(client, make_person(client))
    with connect(binding(client, id_)["websocket-url"]) as socket:
        socket.send(said)
        assert closing(socket) in (1008, 1009)


def test_a_token_is_given_to_the_subscriber_alone_and_for_a_websocket(site: Site, client: httpx.Client) -> None:
    id_ = subscribed(client, make_person(client))
    with site.fhir(GP) as gp:
        assert gp.get(f"/Subscription/{id_}/$get-ws-binding-token").status_code == 404
    outcome(client.get("/Subscription/$get-ws-binding-token"), 400)
    stored = client.get(f"/Subscription/{id_}").json()
    assert client.put(f"/Subscription/{id_}", json=stored | {"status": "off"}).status_code == 200
    outcome(client.get(f"/Subscription/{id_}/$get-ws-binding-token"), 400)


def test_whoever_writes_it_last_is_the_subscriber(site: Site) -> None:
    """A colleague of the unit sees how it stands, but hears nothing by another's right; rewriting it takes it over."""
    colleagues = site.row(
        "SELECT min(c.demo_name) AS one, max(c.demo_name) AS other, p.unit FROM identity.post p"
        " JOIN identity.person c ON c.id = p.person WHERE p.role IN ('lege', 'sykepleier', 'helsesekretaer')"
        " GROUP BY p.unit HAVING count(DISTINCT c.demo_name) > 1 ORDER BY p.unit LIMIT 1"
    )
    unit = site.row("SELECT name FROM identity.unit WHERE id = $1", colleagues["unit"])["name"]
    with site.fhir(colleagues["one"], unit=unit) as gp, site.fhir(colleagues["other"], unit=unit) as other:
        id_ = subscribed(gp)
        assert status_of(other.get(f"/Subscription/{id_}/$status").json())["status"] == "active"
        issue = outcome(other.get(f"/Subscription/{id_}/$get-ws-binding-token"), 400)
        assert issue["code"] == "forbidden"
        stored = other.get(f"/Subscription/{id_}").json()
        assert other.put(f"/Subscription/{id_}", json=stored).status_code == 200
        outcome(gp.get(f"/Subscription/{id_}/$get-ws-binding-token"), 400)
        with bound(other, id_) as socket:
            assert status_of(told(socket, "handshake"))["status"] in ("requested", "active")


def test_another_address_is_no_socket(site: Site) -> None:
    for path in ("/fhir", "/fhir/Patient", "/fastlege"):
        with pytest.raises(Exception, match=r"(?i)rejected|invalid|HTTP"), connect(f"ws{site.url[4:]}{path}"):
            pass
