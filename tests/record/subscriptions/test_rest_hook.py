"""Subscriptions by topic over rest-hook: a real worker, a real receiver."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from fellesjournal import fhir
from fellesjournal.kit.ids import decode
from tests.record.api.test_history import WITHHELD
from tests.record.samples import make, make_person, outcome, weight
from tests.record.subscriptions.receiver import Receiver, events_of, receiving, status_of, subscription, until
from tests.site import DIABETIC, ELDERLY, GP, Site


@pytest.fixture(scope="module")
def site(demo_site: Site) -> Site:
    demo_site.start_worker()
    return demo_site


@pytest.fixture(scope="module")
def client(site: Site) -> Iterator[httpx.Client]:
    with site.fhir() as opened:
        yield opened


@pytest.fixture
def hook() -> Iterator[Receiver]:
    with receiving() as made:
        yield made


def subscribed(client: httpx.Client, hook: Receiver, rtype: str = "Observation", **more: Any) -> str:
    """A subscription whose handshake has been received; its id."""
    answer = client.post("/Subscription", json=subscription(hook.url, rtype, **more))
    assert answer.status_code == 201, answer.text
    until(lambda: hook.of("handshake"))
    id_ = str(answer.json()["id"])
    until(lambda: client.get(f"/Subscription/{id_}").json()["status"] == "active")
    return id_


def key_of(reference: str) -> int:
    found = decode(reference.rpartition("/")[2])
    assert found
    return found[1]


def measured(client: httpx.Client, patient: str) -> str:
    return f"Observation/{make(client, 'Observation', weight(patient))}"


def test_a_subscriber_is_greeted_and_told_in_order(site: Site, client: httpx.Client, hook: Receiver) -> None:
    patient = make_person(client)
    id_ = subscribed(client, hook, filters=[f"Observation?patient=Patient/{patient}"])
    greeting = hook.of("handshake")[0]
    assert fhir.validate(fhir.parse(json.dumps(greeting).encode())) == []
    greeted = status_of(greeting)
    assert greeted["status"] == "requested" and greeted["events-since-subscription-start"] == "0"
    made = [measured(client, patient) for _ in range(3)]
    until(lambda: len(hook.numbers()) == 3)
    assert hook.numbers() == [1, 2, 3] and hook.focuses() == made
    told = hook.of("event-notification")[-1]
    assert fhir.validate(fhir.parse(json.dumps(told).encode())) == []
    assert len(told["entry"]) == 1
    assert status_of(told)["subscription"]["reference"].endswith(f"/fhir/Subscription/{id_}")
    stranger = make_person(client)
    measured(client, stranger)
    changed = json.loads(weight(patient)) | {"id": made[0].partition("/")[2], "status": "amended"}
    assert client.put(f"/{made[0]}", json=changed).status_code == 200
    assert client.delete(f"/{made[1]}").status_code in (200, 204)
    until(lambda: len(hook.numbers()) == 5)
    assert hook.focuses()[3:] == made[:2]
    # Whom a filter by patient leaves out is not looked at for it.
    looked = "SELECT count(*) AS n FROM access.log WHERE device = 'subscription' AND patient = $1"
    assert site.row(looked, key_of(patient))["n"] >= 5 and site.row(looked, key_of(stranger))["n"] == 0


@pytest.mark.parametrize("content", ["empty", "full-resource"])
def test_the_content_is_as_was_asked_for(client: httpx.Client, hook: Receiver, content: str) -> None:
    patient = make_person(client)
    header = ["Authorization: Bearer hemmelig"]
    subscribed(client, hook, content=content, filters=[f"Observation?patient={patient}"], channel={"header": header})
    made = measured(client, patient)
    assert client.delete(f"/{made}").status_code in (200, 204)
    until(lambda: len(hook.numbers()) == 2)
    assert all(one["authorization"] == "Bearer hemmelig" for one in hook.headers)
    told = hook.of("event-notification")
    entries = [entry for bundle in told for entry in bundle["entry"][1:]]
    if content == "empty":
        assert hook.focuses() == ["", ""] and not entries
        assert patient not in json.dumps(told) and "Observation" not in json.dumps(told)
    else:
        assert hook.focuses() == [made, made]
        assert [entry["request"]["method"] for entry in entries] == ["POST", "DELETE"]
        assert b'"value":72.50' in hook.raw[1] and "resource" not in entries[1]
        assert all(fhir.validate(fhir.parse(json.dumps(bundle).encode())) == [] for bundle in told)


def test_filters_choose_and_xml_is_sent_to_who_wishes(client: httpx.Client, hook: Receiver) -> None:
    patient = make_person(client)
    filters = [f"Observation?patient=Patient/{patient}", "Observation?status=amended&code=29463-7&date=ge2026"]
    subscribed(client, hook, filters=filters, channel={"payload": "application/fhir+json"})
    make(client, "Observation", weight(patient))
    make(client, "Observation", weight(patient, status="amended", day="2025-01-01"))
    wanted = make(client, "Observation", weight(patient, status="amended"))
    until(hook.numbers)
    assert hook.focuses() == [f"Observation/{wanted}"]
    subscribed_xml = subscription(hook.url, "Patient", channel={"payload": "application/fhir+xml"})
    assert client.post("/Subscription", json=subscribed_xml).status_code == 201
    until(lambda: any(body.startswith(b"<") and b"handshake" in body for body in hook.raw))


def test_nobody_is_told_what_they_may_not_see(site: Site, client: httpx.Client, hook: Receiver) -> None:
    """The GP hears of the own list; not of a stranger, and of no one who blocks them."""
    own = site.patient_id(ELDERLY)
    with site.fhir(GP) as gp:
        subscribed(gp, hook)
        measured(client, make_person(client))
        shown = measured(gp, own)
        until(hook.numbers)
        assert hook.focuses() == [shown]
        lines = site.row(
            "SELECT count(*) AS n FROM access.log"
            " WHERE device = 'subscription' AND outcome = 0 AND what = ARRAY[$1::bigint]", key_of(shown),
        )  # fmt: skip
        assert lines["n"] >= 1
        refusals = site.row("SELECT count(*) AS n FROM access.log WHERE device = 'subscription' AND outcome <> 0")
        assert refusals["n"] == 0


def test_a_block_holds_back_what_was_numbered_before_it(site: Site, hook: Receiver) -> None:
    """An event that waits while the endpoint is away goes out as a bare number when it is blocked meanwhile."""
    patient = site.patient_id(DIABETIC)
    with site.fhir(GP) as gp:
        id_ = subscribed(gp, hook, content="full-resource")
        hook.status = 503
        measured(gp, patient)
        until(lambda: hook.refused)
        site.row(
            "INSERT INTO access.block (patient, unit) SELECT p.patient, NULL FROM identity.person p WHERE p.name = $1 "
            "AND p.patient IS NOT NULL RETURNING id", DIABETIC,
        )  # fmt: skip
        try:
            hook.status = 200
            until(hook.numbers)
            told = hook.of("event-notification")[0]
            assert events_of(told) == [(1, "")] and len(told["entry"]) == 1
            assert "timestamp" not in json.dumps(told["entry"][0]["resource"])
            assert gp.get(f"/Subscription/{id_}/$events").json()["entry"][1:] == []
        finally:
            site.row("DELETE FROM access.block RETURNING id")


def test_in_a_transaction_too_it_is_refused_at_its_place_or_carried_out(client: httpx.Client, hook: Receiver) -> None:
    patient = make_person(client)
    wanted = subscription(hook.url, filters=[f"Observation?patient={patient}"])
    for resource, status in ((wanted | {"criteria": "https://example.no/x"}, 422), (wanted, 200)):
        bundle = {
            "resourceType": "Bundle", "type": "transaction",
            "entry": [{"resource": resource, "request": {"method": "POST", "url": "Subscription"}}],
        }  # fmt: skip
        answer = client.post("/", json=bundle)
        assert answer.status_code == status, answer.text
        if status == 422:
            assert answer.json()["issue"][0]["expression"] == ["Bundle.entry[0].resource.criteria"]
    until(lambda: hook.of("handshake"))


def test_a_citizen_can_not_subscribe(site: Site, hook: Receiver) -> None:
    with site.fhir(ELDERLY) as citizen:
        outcome(citizen.post("/Subscription", json=subscription(hook.url)), 403)


def test_what_is_not_received_is_sent_again_under_the_same_number(client: httpx.Client, hook: Receiver) -> None:
    patient = make_person(client)
    subscribed(client, hook, filters=[f"Observation?patient={patient}"], numbers={"max-count": 2})
    hook.status = 500
    made = [measured(client, patient) for _ in range(5)]
    until(lambda: len(hook.refused) >= 2)
    hook.status = 202
    until(lambda: len(hook.numbers()) == 5, seconds=25)
    assert hook.numbers() == [1, 2, 3, 4, 5] and hook.focuses() == made
    assert all(len(events_of(bundle)) <= 2 for bundle in hook.of("event-notification"))


def test_events_and_status_can_be_asked_for(site: Site, client: httpx.Client, hook: Receiver) -> None:
    patient = make_person(client)
    id_ = subscribed(client, hook, filters=[f"Observation?patient={patient}"])
    made = [measured(client, patient) for _ in range(3)]
    until(lambda: len(hook.numbers()) == 3)
    answer = client.get(f"/Subscription/{id_}/$events?eventsSinceNumber=2&content=full-resource").json()
    assert events_of(answer) == [(2, made[1]), (3, made[2])] and status_of(answer)["type"] == "query-event"
    assert [entry["resource"]["resourceType"] for entry in answer["entry"][1:]] == ["Observation"] * 2
    assert fhir.validate(fhir.parse(json.dumps(answer).encode())) == []
    assert events_of(client.get(f"/Subscription/{id_}/$events?eventsUntilNumber=1").json()) == [(1, made[0])]
    status = client.get(f"/Subscription/{id_}/$status").json()
    assert status_of(status) | {"subscription": 0} == {
        "subscription": 0, "topic": "https://fellesjournal.no/fhir/SubscriptionTopic/Observation", "status": "active",
        "type": "query-status", "events-since-subscription-start": "3",
    }  # fmt: skip
    assert fhir.validate(fhir.parse(json.dumps(status).encode())) == []
    assert client.get("/Subscription/$status").json()["total"] >= 1
    assert client.get(f"/Subscription/$status?id={id_}&status=active").json()["total"] == 1
    assert client.get(f"/Subscription/$status?id={id_}&status=off").json()["total"] == 0
    with site.fhir(GP) as gp:
        assert gp.get(f"/Subscription/{id_}/$events").status_code == 404
        assert gp.get(f"/Subscription/{id_}/$status").status_code == 404
    for bad in ("eventsSinceNumber=x", "content=all", "nothing=1"):
        outcome(client.get(f"/Subscription/{id_}/$events?{bad}"), 400)


def test_one_that_is_turned_off_or_deleted_tells_nothing_more(client: httpx.Client, hook: Receiver) -> None:
    patient = make_person(client)
    id_ = subscribed(client, hook, filters=[f"Observation?patient={patient}"])
    other = subscribed(client, hook, filters=[f"Observation?patient={patient}"])
    stored = client.get(f"/Subscription/{id_}").json()
    assert client.put(f"/Subscription/{id_}", json=stored | {"status": "off"}).status_code == 200
    assert client.delete(f"/Subscription/{other}").status_code in (200, 204)
    measured(client, patient)
    again = stored | {"status": "requested"}
    assert client.put(f"/Subscription/{id_}", json=again).status_code == 200
    until(lambda: client.get(f"/Subscription/{id_}").json()["status"] == "active")
    after = measured(client, patient)
    until(hook.numbers)
    assert hook.focuses() == [after]


def test_a_withheld_entry_reaches_staff_alone(site: Site, hook: Receiver) -> None:
    patient = site.patient_id(ELDERLY)
    with site.fhir(GP) as gp:
        subscribed(gp, hook, filters=[f"Observation?patient={patient}"])
        withheld = f"Observation/{make(gp, 'Observation', weight(patient)[:-1] + WITHHELD + b'}')}"
        until(hook.numbers)
    assert hook.focuses() == [withheld]


def test_a_heartbeat_comes_when_nothing_happens(client: httpx.Client, hook: Receiver) -> None:
    patient = make_person(client)
    subscribed(client, hook, filters=[f"Observation?patient={patient}"], numbers={"heartbeat-period": 5})
    beat = until(lambda: hook.of("heartbeat"), seconds=12)[0]
    assert status_of(beat)["status"] == "active"


def test_one_by_search_is_kept_and_told_why_it_is_not_carried_out(client: httpx.Client, hook: Receiver) -> None:
    classic = {
        "resourceType": "Subscription", "status": "requested", "reason": "Test", "criteria": "Observation?code=1",
        "channel": {"type": "rest-hook", "endpoint": hook.url},
    }  # fmt: skip
    id_ = client.post("/Subscription", json=classic).json()["id"]
    stopped = until(lambda: (found := client.get(f"/Subscription/{id_}").json())["status"] == "off" and found)
    assert "topic" in stopped["error"] and not hook.raw
