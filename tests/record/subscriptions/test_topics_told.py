"""Topics with criteria of their own, and filters that choose as a search would."""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import httpx
import pytest

from fellesjournal import fhir
from fellesjournal.kit.ids import decode
from fellesjournal.record.search import SearchError
from fellesjournal.record.subscriptions.match import fulfils, is_elsewhere, read_filter, subject_of
from tests.record.samples import make, make_person, outcome, weight
from tests.record.subscriptions.receiver import Receiver, receiving, subscription, until
from tests.record.subscriptions.test_wishes import TOPIC
from tests.site import Site, running


@pytest.fixture(scope="module")
def site(demo_site: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A second site on the same record, whose operator has a topic of their own."""
    place = tmp_path_factory.mktemp("topics") / "topics.json"
    place.write_text(json.dumps(TOPIC))
    with running(replace(demo_site.settings, subscription_topics=str(place)), demo_site.keys) as own:
        own.start_worker()
        yield own


@pytest.fixture(scope="module")
def client(site: Site) -> Iterator[httpx.Client]:
    with site.fhir() as opened:
        yield opened


@pytest.fixture
def hook() -> Iterator[Receiver]:
    with receiving() as made:
        yield made


def test_a_topic_tells_of_what_became_so_and_not_of_what_was(client: httpx.Client, hook: Receiver) -> None:
    patient = make_person(client)
    body = subscription(hook.url, criteria=TOPIC["url"], filters=[f"Encounter?subject=Patient/{patient}"])
    assert client.post("/Subscription", json=body).status_code == 201
    until(lambda: hook.of("handshake"))

    def contact(status: str, id_: str = "") -> str:
        contact = {
            "resourceType": "Encounter", "status": status, "subject": {"reference": f"Patient/{patient}"},
            "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"},
        }  # fmt: skip
        if not id_:
            return str(client.post("/Encounter", json=contact).json()["id"])
        assert client.put(f"/Encounter/{id_}", json=contact | {"id": id_}).status_code == 200
        return id_

    begun = contact("in-progress")
    at_once = contact("finished")
    contact("finished", contact("finished", begun))
    assert client.delete(f"/Encounter/{at_once}").status_code in (200, 204)
    again = contact("finished", contact("in-progress", begun))
    until(lambda: len(hook.numbers()) == 3)
    assert hook.focuses() == [f"Encounter/{at_once}", f"Encounter/{begun}", f"Encounter/{again}"]


def test_the_statement_names_the_topics(client: httpx.Client) -> None:
    resources = client.get("/metadata").json()["rest"][0]["resource"]
    (stated,) = [one for one in resources if one["type"] == "Subscription"]
    topics = [one["valueCanonical"] for one in stated["extension"]]
    assert TOPIC["url"] in topics and "https://fellesjournal.no/fhir/SubscriptionTopic/Observation" in topics
    assert {"status", "events"} <= {one["name"] for one in stated["operation"]}


def test_what_may_be_subscribed_to_says_how_it_is_narrowed(site: Site, client: httpx.Client) -> None:
    with httpx.Client(base_url=f"{site.url}/fhir") as stranger:
        answer = stranger.get("/SubscriptionTopic/Observation", headers={"Accept": "application/fhir+xml"})
        assert (answer.status_code, answer.headers["content-type"]) == (200, "application/fhir+json; fhirVersion=5.0")
        offered = {one["filterParameter"]: one for one in answer.json()["canFilterBy"]}
        assert {"in", "not-in", "below", "above", "of-type"} <= set(offered["code"]["modifier"])
        assert {"ge", "sa"} <= set(offered["date"]["comparator"]) and "code-value-quantity" not in offered
        (entry,) = stranger.get("/SubscriptionTopic", params={"url": str(TOPIC["url"])}).json()["entry"]
        assert [one["filterParameter"] for one in entry["resource"]["canFilterBy"]] == ["subject"]
        assert stranger.get("/SubscriptionTopic/Subscription").status_code == 404
        assert stranger.get("/SubscriptionTopic").status_code == 400
    # What it says can be used is taken, what it says nothing of is refused.
    for code, one in offered.items():
        for modifier in one.get("modifier", []):
            value = {"missing": "true", "of-type": "urn:t|MR|1", "in": "http://x.no/v", "not-in": "http://x.no/v"}
            read_filter("Observation", f"{code}:{modifier}={value.get(modifier, 'urn:x|1')}")


CODED = {
    "code:in=urn:fj:vekter": ["29463-7"], "code:below=urn:fj:mål|vekt": ["kropp"],
    "code:not-in=urn:fj:vekter": ["puls", "kropp"],
}  # fmt: skip


@pytest.mark.parametrize("text", CODED)
def test_a_filter_by_terminology_is_judged_when_a_version_is(client: httpx.Client, hook: Receiver, text: str) -> None:
    within = {"resourceType": "ValueSet", "url": "urn:fj:vekter", "status": "active", "compose": {"include": [
        {"system": "http://loinc.org", "concept": [{"code": "29463-7"}]}]}}  # fmt: skip
    tree = {"resourceType": "CodeSystem", "url": "urn:fj:mål", "status": "active", "content": "complete",
            "hierarchyMeaning": "is-a",
            "concept": [{"code": "vekt", "concept": [{"code": "kropp"}]}, {"code": "puls"}]}  # fmt: skip
    for one in (within, tree):
        answer = client.put(f"/{one['resourceType']}?url={one['url']}", json=one)
        assert answer.status_code in (200, 201), answer.text
    patient = make_person(client)
    wish = subscription(hook.url, filters=[f"Observation?{text}&subject=Patient/{patient}"])
    unknown = subscription(hook.url, filters=["Observation?code:in=urn:fj:ingen"])
    assert outcome(client.post("/Subscription", json=unknown), 422)["expression"] == ["Subscription.criteria.extension"]
    assert client.post("/Subscription", json=wish).status_code == 201
    until(lambda: hook.of("handshake"))
    made = {}
    for system, code in (("urn:fj:mål", "puls"), ("http://loinc.org", "29463-7"), ("urn:fj:mål", "kropp")):
        body = json.loads(weight(patient)) | {"code": {"coding": [{"system": system, "code": code}]}}
        made[code] = make(client, "Observation", json.dumps(body).encode())
    wanted = [f"Observation/{made[code]}" for code in CODED[text]]
    until(lambda: len(hook.focuses()) >= len(wanted))
    assert hook.focuses() == wanted


FILTERS = (
    "status=final", "status=amended", "status=final,amended", "status:not=final", "code=29463-7",
    "code=http://loinc.org|", "code=http://loinc.org|29463-7", "code=|29463-7", "code=nothing", "date=2026",
    "date=2026-01-02", "date=ge2026-01-03", "date=lt2026-01-02", "date=ne2026-01-02", "date=sa2026-01-02",
    "date=eb2026-01-03", "date=ap2026-01", "_tag=a", "_tag=urn:x|a,urn:x|b", "subject=Patient/PERSON", "patient=PERSON",
    "performer=Practitioner/chosen-doctor", "performer=Practitioner/other", "status=final&date=2026-01-02",
    "status=final&status=amended", "_id=OWN", "_id=000000000000000",
    *(f"value-quantity={prefix}{value}" for prefix in ("", "ne", "gt", "ge", "lt", "le", "sa", "eb", "ap") for value in
      ("72.5", "72.50", "70", "72.5||kg", "72500|http://unitsofmeasure.org|g", "72.5|http://unitsofmeasure.org|kg")),
    "value-quantity=5|http://unitsofmeasure.org|cm", "value-quantity=70,72.50", "value-quantity:missing=true",
    "value-quantity:missing=false", "component-code:missing=true", "code:missing=false", "encounter:missing=true",
    "code:text=kropp", "code:text=vekt", "performer:text=x", "performer:missing=true", "date:missing=false",
    "identifier:of-type=urn:t|MR|1", "identifier:of-type=urn:t|MR|2",
)  # fmt: skip


def test_a_filter_chooses_what_a_search_finds(site: Site, client: httpx.Client) -> None:
    """The same parameters, asked of the record and of each resource by itself."""
    patient = make_person(client)
    client.put("/Practitioner/chosen-doctor", json={"resourceType": "Practitioner", "id": "chosen-doctor"})
    made = []
    for n, status in enumerate(("final", "amended", "final", "preliminary")):
        body = json.loads(weight(patient, status=status, day=f"2026-01-0{n + 1}"))
        body["meta"] = {"tag": [{"system": "urn:x", "code": "ab"[n % 2]}]}
        body["performer"] = [{"reference": "Practitioner/chosen-doctor"}] if n else [{"display": "x"}]
        body["identifier"] = [{"type": {"coding": [{"system": "urn:t", "code": "MR"}]}, "value": str(n)}]
        body["code"]["text"] = "Kroppsvekt" if n else "Vekt"
        body["valueQuantity"] |= {"value": 70 + n, "comparator": "<"} if n == 3 else {"value": 72.5 - n}
        if n == 2:
            del body["valueQuantity"]
            body["valueString"] = "ikke målt"
        made.append(make(client, "Observation", json.dumps(body).encode()))
    key = decode(patient) or (0, 0)
    bodies = {id_: fhir.parse(client.get(f"/Observation/{id_}").content) for id_ in made}
    for text in FILTERS:
        text = text.replace("PERSON", patient).replace("OWN", made[1])
        found = _found(client, patient, text)
        told = {id_ for id_, body in bodies.items() if _holds(site, id_, body, text)}
        assert told == found, text
        assert not (found and is_elsewhere(read_filter("Observation", text), patient=key[1])), text
    for text in ("patient=1v0samj5eh075es", "subject=Patient/1v0samj5eh075es&status=final"):
        assert is_elsewhere(read_filter("Observation", text), patient=1), text
    for text in ("subject:Patient.name=a", "_has:Provenance:target:agent=1", "code-value-quantity=a$5"):
        with pytest.raises(SearchError):
            read_filter("Observation", text)
    unsure = ("performer=Patient/1v0samj5eh075es", "subject=Group/1v0samj5eh075es", "patient=chosen", "status=final")
    for text in unsure:
        assert not is_elsewhere(read_filter("Observation", text), patient=1), text


def _found(client: httpx.Client, patient: str, text: str) -> set[str]:
    answer = client.get("/Observation", params=httpx.QueryParams(f"{text}&subject=Patient/{patient}&_count=50"))
    assert answer.status_code == 200, answer.text
    return {entry["resource"]["id"] for entry in answer.json().get("entry", [])}


def _holds(site: Site, id_: str, body: dict[str, Any], text: str) -> bool:
    subject = subject_of(body, ids=frozenset({id_}), hash64=site.keys.hash64)
    return fulfils(read_filter("Observation", text).query, subject, hash64=site.keys.hash64)


URIS = ("url=urn:a", "url=http://x.no/a", "url:below=http://x.no/a", "url:below=http://x.no", "url:above=http://x.no/a/b/c",
        "url:above=http://x.no/a", "url:missing=true", "url:missing=false")  # fmt: skip


def test_an_address_is_chosen_as_a_search_finds_it(site: Site, client: httpx.Client) -> None:
    made = {}
    for id_, url in (("uri-1", "http://x.no/a"), ("uri-2", "http://x.no/a/b"), ("uri-3", "http://x.no/ab")):
        body = {"resourceType": "ValueSet", "id": id_, "status": "draft", "url": url, "name": "UriTest"}
        assert client.put(f"/ValueSet/{id_}", json=body).status_code == 201
        made[id_] = fhir.parse(client.get(f"/ValueSet/{id_}").content)
    for text in URIS:
        answer = client.get("/ValueSet", params=httpx.QueryParams(f"{text}&name=UriTest"))
        found = {entry["resource"]["id"] for entry in answer.json().get("entry", []) if entry["resource"]["id"] in made}
        told = {id_ for id_, body in made.items() if fulfils(
            read_filter("ValueSet", text).query, subject_of(body, ids=frozenset({id_}), hash64=site.keys.hash64),
            hash64=site.keys.hash64)}  # fmt: skip
        assert told == found, text
