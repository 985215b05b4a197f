"""fhirpy, as it comes from PyPI: its own words for what it does, the standard's in what it sends."""

import base64
from typing import Any

import pytest
from fhirpy import AsyncFHIRClient, SyncFHIRClient
from fhirpy.base.exceptions import (
    AuthorizationError,
    ForbiddenError,
    MultipleResourcesFound,
    OperationOutcome,
    ResourceNotFound,
)

from fellesjournal.demo.people import INTEGRATION
from tests.clients.people import SYSTEM, family, new_number, patient, weight
from tests.site import GP, TONIGHT, Site


@pytest.fixture(scope="module")
def bearer(demo_site: Site) -> str:
    return f"Bearer {demo_site.token(INTEGRATION)}"


@pytest.fixture(scope="module")
def client(demo_site: Site, bearer: str) -> Any:
    """Any: half of its functions say no types."""
    return SyncFHIRClient(f"{demo_site.url}/fhir", authorization=bearer)


@pytest.fixture
def person(client: Any) -> Any:
    return client.resource(**_named(patient(new_number()))).create()


def _named(resource: dict[str, Any]) -> dict[str, Any]:
    return {"resource_type": resource["resourceType"], **{k: v for k, v in resource.items() if k != "resourceType"}}


def _weights(client: Any, person: Any, days: int) -> None:
    for day in range(1, days + 1):
        client.resource(**_named(weight(f"Patient/{person.id}", day))).save()


def test_it_reads_what_the_server_can(client: Any) -> None:
    statement = client.execute("metadata", method="get")
    assert statement["fhirVersion"] == "4.0.1"
    assert {one["type"] for one in statement["rest"][0]["resource"]} >= {"Patient", "Observation"}


def test_a_resource_is_created_read_changed_and_deleted(client: Any, person: Any) -> None:
    assert (person.meta.versionId, person.name[0].given[1]) == ("1", "Åse")
    read = client.get("Patient", person.id)
    assert read["name"][0]["family"] == "Kundesen"
    person["name"][0]["family"] = "Endresen"
    person.save()
    assert person.meta.versionId == "2"
    assert client.execute(f"Patient/{person.id}/_history/1", method="get").name[0].family == "Kundesen"
    history = client.execute(f"Patient/{person.id}/_history", method="get")
    assert [one.resource.meta.versionId for one in history.entry] == ["2", "1"]
    person.delete()
    with pytest.raises(ResourceNotFound, match="deleted"):
        client.get("Patient", person.id)
    with pytest.raises(ResourceNotFound, match="not-found"):
        client.get("Patient", "000000000000001")


def test_an_unchanged_resource_is_not_sent_again(client: Any, person: Any) -> None:
    same = client.reference("Patient", person.id).to_resource()
    assert same.refresh().serialize() == person.serialize()
    person["gender"] = "other"
    person.save()
    assert same.refresh().gender == "other"


def test_fields_are_changed_alone(client: Any, person: Any) -> None:
    person.patch(birthDate="1971-01-01", gender=None)
    assert (person.birthDate, person.get("gender"), person.name[0].family) == ("1971-01-01", None, "Kundesen")
    person["active"], person["birthDate"] = True, "1972-01-01"
    person.save(fields=["active"])
    assert (person.active, person.birthDate) == (True, "1971-01-01")
    by_number = client.resources("Patient").search(identifier=f"{SYSTEM}|{person.identifier[0].value}")
    assert by_number.patch(active=False).active is False
    with pytest.raises(OperationOutcome) as refused:
        person.patch(gender="ukjent")
    assert refused.value.resource["issue"][0]["expression"] == ["Patient.gender"]


def test_conditions_make_one_of_a_thing(client: Any) -> None:
    number = new_number()
    known = client.resources("Patient").search(identifier=f"{SYSTEM}|{number}")
    first, is_first_new = known.get_or_create(client.resource(**_named(patient(number))))
    second, is_second_new = known.get_or_create(client.resource(**_named(patient(number))))
    assert (is_first_new, is_second_new, first.id == second.id) == (True, False, True)
    changed, is_new = known.update(client.resource(**_named(patient(number, "Betinget"))))
    assert (changed.id, changed.meta.versionId, changed.name[0].family, is_new) == (first.id, "2", "Betinget", False)
    client.resource(**_named(patient(number))).create()
    for attempt in (known.get, lambda: known.update(client.resource(**_named(patient(number))))):
        with pytest.raises(MultipleResourcesFound):
            attempt()


def test_a_search_goes_through_all_pages(client: Any, person: Any) -> None:
    _weights(client, person, 7)
    found = client.resources("Observation").search(patient=person.id, code="http://loinc.org|29463-7").sort("-date")
    assert [one.effectiveDateTime[-2:] for one in found.limit(3)] == ["07", "06", "05", "04", "03", "02", "01"]
    assert len(found.search(date__ge="2026-01-04", date__lt="2026-01-06").fetch()) == 2
    assert found.first().valueQuantity.value == 77
    assert found.count() == 7
    assert found.search(status__not="final").count() == 0


def test_a_search_brings_others_along_or_parts_alone(client: Any, person: Any) -> None:
    _weights(client, person, 2)
    found = client.resources("Observation").search(patient=person.id)
    bundle = found.include("Observation", "subject").fetch_raw()
    assert sorted(one.resource.resource_type for one in bundle.entry) == ["Observation", "Observation", "Patient"]
    (back,) = client.resources("Patient").search(_id=person.id).revinclude("Observation", "patient").fetch()
    assert back.id == person.id
    for part in found.elements("status").fetch():
        assert set(part) == {"resourceType", "id", "meta", "status", "code"}
    chained = client.resources("Observation").search(patient=person.id, patient__Patient__birthdate="1970-02-03")
    assert len(chained.fetch()) == 2
    assert client.resources("Patient").search(_id=person.id).has("Observation", "patient", code="29463-7").count() == 1


def test_a_transaction_names_what_it_makes(client: Any) -> None:
    answer = client.execute("", data=family(2))
    assert [one.response.status[:3] for one in answer.entry] == ["201"] * 3
    person = answer.entry[0].response.location.split("/_history")[0].removeprefix(f"{client.url}/")
    found = client.resources("Observation").search(patient=person).fetch()
    assert [one.subject.reference for one in found] == [person, person]
    assert found[0].subject.to_resource().name[0].family == "Kundesen"


def test_a_binary_comes_as_a_resource(client: Any) -> None:
    text = base64.b64encode("blåbær".encode()).decode()
    made = client.resource("Binary", contentType="text/plain", data=text).create()
    assert client.get("Binary", made.id)["data"] == text


def test_a_refusal_is_told_in_its_words(demo_site: Site, client: Any) -> None:
    with pytest.raises(OperationOutcome) as refused:
        client.resource("Patient", birthDate="2023-02-29", gender="x").create()
    assert {one["expression"][0] for one in refused.value.resource["issue"]} == {"Patient.birthDate", "Patient.gender"}
    with pytest.raises(OperationOutcome) as refused:
        client.resources("Patient").search(skostørrelse="43").fetch()
    assert "skostørrelse" in refused.value.resource["issue"][0]["diagnostics"]
    with pytest.raises(AuthorizationError, match="OperationOutcome"):
        SyncFHIRClient(client.url, authorization="Bearer nei").get("Patient", "1")
    gp = SyncFHIRClient(client.url, authorization=f"Bearer {demo_site.token(GP)}")
    with pytest.raises(ForbiddenError, match="OperationOutcome"):
        gp.resources("Observation").search(patient=demo_site.patient_id(TONIGHT)).fetch()


async def test_its_asynchronous_twin_does_the_same(demo_site: Site, bearer: str) -> None:
    client: Any = AsyncFHIRClient(f"{demo_site.url}/fhir", authorization=bearer)
    person = await client.resource(**_named(patient(new_number()))).create()
    for day in (1, 2, 3):
        await client.resource(**_named(weight(f"Patient/{person.id}", day))).save()
    found = client.resources("Observation").search(patient=person.id).sort("date").limit(2)
    assert [one.effectiveDateTime[-2:] async for one in found] == ["01", "02", "03"]
    await person.patch(active=True)
    assert (await client.get("Patient", person.id))["active"] is True
    await person.delete()
    with pytest.raises(ResourceNotFound):
        await person.refresh()
