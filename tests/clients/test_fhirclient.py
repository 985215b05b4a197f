"""fhirclient, as it comes from PyPI: SMART's client with a class for each resource, strict about what it reads."""

from typing import Any

import pytest
import requests
from fhirclient.client import FHIRClient
from fhirclient.models.bundle import Bundle
from fhirclient.models.capabilitystatement import CapabilityStatement
from fhirclient.models.observation import Observation
from fhirclient.models.operationoutcome import OperationOutcome
from fhirclient.models.patient import Patient
from fhirclient.server import FHIRNotFoundException, FHIRPermissionDeniedException, FHIRUnauthorizedException

from fellesjournal.demo.people import INTEGRATION
from tests.clients.people import SYSTEM, family, new_number, patient, weight
from tests.site import GP, TONIGHT, Site


def signed_in(site: Site, token: str) -> Any:
    """The server as the library sees it after a sign-in whose state was kept."""
    auth = {"app_id": "tests", "access_token": token}
    server = {"base_uri": f"{site.url}/fhir/", "auth_type": "oauth2", "auth": auth}
    kept = {"app_id": "tests", "app_secret": None, "server": server, "scope": "", "redirect": None}
    more = {"patient_id": None, "launch_token": None, "launch_context": None, "jwt_token": None}
    return FHIRClient(state=kept | more).server


@pytest.fixture(scope="module")
def server(demo_site: Site) -> Any:
    return signed_in(demo_site, demo_site.token(INTEGRATION))


@pytest.fixture
def person(server: Any) -> Any:
    return Patient(Patient(patient(new_number())).create(server))


def _issue(error: Any, status: int) -> Any:
    assert error.response.status_code == status
    return OperationOutcome(error.response.json()).issue[0]


def _read(kind: Any, id_: str, server: Any) -> Any:
    return kind.read(id_, server)


def test_it_reads_what_the_server_can_without_a_sign_in(demo_site: Site) -> None:
    client = FHIRClient(settings={"app_id": "tests", "api_base": f"{demo_site.url}/fhir"})
    # It has read where to sign in, and waits for that.
    assert not client.prepare() and client.authorize_url
    statement = client.server.capabilityStatement
    assert isinstance(statement, CapabilityStatement)
    kinds = {one.type: {i.code for i in one.interaction} for one in statement.rest[0].resource}
    assert kinds["Patient"] >= {"read", "vread", "update", "patch", "delete", "create", "search-type"}


def test_a_resource_is_created_read_changed_and_deleted(server: Any, person: Any) -> None:
    read = _read(Patient, person.id, server)
    assert (read.meta.versionId, read.name[0].given) == ("1", ["Ærlig", "Åse"])
    read.name[0].family = "Endresen"
    assert read.update()["meta"]["versionId"] == "2"
    before = Patient.read_from(f"Patient/{person.id}/_history/1", server)
    assert before.name[0].family == "Kundesen"
    history = Bundle.read_from(f"Patient/{person.id}/_history", server)
    assert [one.resource.meta.versionId for one in history.entry] == ["2", "1"]
    assert read.delete(server) is None
    with pytest.raises(requests.HTTPError) as gone:
        _read(Patient, person.id, server)
    assert _issue(gone.value, 410).code == "deleted"


def test_a_choice_and_a_decimal_come_back_as_they_went(server: Any, person: Any) -> None:
    made = Observation(Observation(weight(f"Patient/{person.id}", 3)).create(server))
    read = _read(Observation, made.id, server)
    assert (read.valueQuantity.value, read.effectiveDateTime.as_json()) == (73, "2026-01-03")
    assert read.subject.resolved(Patient).id == person.id
    read.valueQuantity.value = 72.5
    assert read.update()["valueQuantity"]["value"] == 72.5


def test_a_search_goes_through_all_pages(server: Any, person: Any) -> None:
    for day in range(1, 6):
        Observation(weight(f"Patient/{person.id}", day)).create(server)
    weights = {"patient": person.id, "code": "http://loinc.org|29463-7"}
    pages = list(Observation.where(weights | {"_sort": "-date", "_count": "2"}).perform_iter(server))
    assert [len(page.entry) for page in pages] == [2, 2, 1]
    days = [one.resource.effectiveDateTime.as_json()[-2:] for page in pages for one in page.entry]
    assert days == ["05", "04", "03", "02", "01"]
    period = Observation.where({"patient": person.id, "date": {"$and": ["ge2026-01-02", "lt2026-01-04"]}})
    assert len(list(period.perform_resources_iter(server))) == 2
    either = Patient.where({"identifier": {"$or": [f"{SYSTEM}|{person.identifier[0].value}", f"{SYSTEM}|x"]}})
    assert [one.id for one in either.perform_resources_iter(server)] == [person.id]


def test_a_search_brings_others_along_or_a_part_alone(server: Any, person: Any) -> None:
    Observation(weight(f"Patient/{person.id}", 1)).create(server)
    found = Observation.where({"patient": person.id}).include("subject")
    assert [one.resource_type for one in found.perform_resources_iter(server)] == ["Observation", "Patient"]
    back = Patient.where({"_id": person.id}).include("subject", Observation, reverse=True)
    assert [one.resource_type for one in back.perform_resources_iter(server)] == ["Patient", "Observation"]
    for look in ({"_summary": "true"}, {"_elements": "status"}, {"_summary": "text"}):
        (part,) = Observation.where({"patient": person.id} | look).perform_resources_iter(server)
        assert part.meta.tag[0].code == "SUBSETTED"
    (page,) = Observation.where({"patient": person.id, "_summary": "count"}).perform_iter(server)
    assert (page.total, page.entry) == (1, None)


def test_a_transaction_names_what_it_makes(server: Any) -> None:
    answer = Bundle(Bundle(family(2)).create(server))
    assert [one.response.status[:3] for one in answer.entry] == ["201"] * 3
    person = answer.entry[0].response.location.split("/_history")[0].removeprefix(server.base_uri)
    found = Observation.where({"patient": person}).perform_resources_iter(server)
    assert [one.subject.reference for one in found] == [person, person]


def test_a_refusal_can_be_read(demo_site: Site, server: Any) -> None:
    with pytest.raises(FHIRNotFoundException) as absent:
        _read(Patient, "000000000000001", server)
    assert _issue(absent.value, 404).code == "not-found"
    wrong = Patient(patient(new_number()) | {"gender": "ukjent"})
    with pytest.raises(requests.HTTPError) as refused:
        wrong.create(server)
    assert _issue(refused.value, 422).expression == ["Patient.gender"]
    with pytest.raises(FHIRUnauthorizedException):
        _read(Patient, "1", signed_in(demo_site, "nei"))
    gp = signed_in(demo_site, demo_site.token(GP))
    with pytest.raises(FHIRPermissionDeniedException):
        list(Observation.where({"patient": demo_site.patient_id(TONIGHT)}).perform_resources_iter(gp))
