"""A plain value with an id and extensions of its own beside it: kept, found, changed and shown, in JSON and in XML."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from fellesjournal import fhir
from tests.record.samples import JSON, person
from tests.site import Site

AS_XML = {"Content-Type": "application/fhir+xml", "Accept": "application/fhir+xml"}
BORN_AT = "1970-02-03T14:35:45+01:00"
HOUR = {"url": "http://hl7.org/fhir/StructureDefinition/patient-birthTime", "valueDateTime": BORN_AT}
NOTE = {"url": "http://ukjent.no/note", "valueString": "x"}

PARTS: list[dict[str, Any]] = [
    {"_birthDate": {"id": "b"}},
    {"_birthDate": {"extension": [HOUR]}},
    {"_birthDate": {"id": "b", "extension": [HOUR]}, "active": True, "_active": {"id": "a"}},
    {"gender": "female", "_gender": {"id": "g", "extension": [NOTE]}, "multipleBirthInteger": 2,
     "_multipleBirthInteger": {"id": "m"}, "language": "nb", "_language": {"id": "l"}},
    {"name": [{"family": "Delesen", "_family": {"id": "f"}, "given": ["A", "B", "C"],
               "_given": [{"id": "1"}, None, {"id": "3", "extension": [NOTE]}]}]},
    {"name": [{"given": [None, "B"], "_given": [{"extension": [NOTE]}, {"id": "2"}]}]},
    {"telecom": [{"system": "phone", "_system": {"id": "s"}, "value": "1", "_value": {"id": "v"}}]},
]  # fmt: skip


@pytest.fixture(scope="module")
def client(demo_site: Site) -> Iterator[httpx.Client]:
    with demo_site.fhir() as opened:
        yield opened


def bare(resource: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in resource.items() if name not in ("id", "meta")}


@pytest.mark.parametrize("parts", PARTS)
def test_parts_of_plain_values_come_back_as_they_were_sent(client: httpx.Client, parts: dict[str, Any]) -> None:
    sent = person(**parts)
    made = client.post("/Patient", json=sent)
    assert made.status_code == 201, made.text
    at = f"/Patient/{made.json()['id']}"
    assert bare(client.get(at).json()) == sent
    xml = client.get(at, headers=AS_XML)
    assert bare(fhir.read_xml(xml.content)) == sent
    assert client.put(at, content=xml.content, headers=AS_XML).status_code == 200
    assert bare(client.get(at).json()) == sent
    told = client.post("/Patient/$validate", content=xml.content, headers={**AS_XML, "Accept": "application/fhir+json"})
    assert [one for one in told.json()["issue"] if one["severity"] == "error"] == []


def test_what_has_parts_is_found_by_its_value_shown_in_part_and_patched(client: httpx.Client) -> None:
    born, given = {"id": "b", "extension": [HOUR]}, [{"id": "1"}, None]
    sent = person("Delefunn", _birthDate=born, gender="other", _gender={"id": "g"})
    sent["name"] = [{"family": "Delefunn", "_family": {"id": "f"}, "given": ["Funnet", "Ola"], "_given": given}]
    at = client.post("/Patient", json=sent).headers["location"]
    id_ = at.rpartition("/_history")[0].rpartition("/")[2]
    for name, value in (("birthdate", "1970-02-03"), ("gender", "other"), ("given", "funnet"), ("family", "delefunn")):
        found = client.get("/Patient", params={name: value, "_id": id_, "_elements": "birthDate"})
        assert [entry["resource"]["id"] for entry in found.json().get("entry", [])] == [id_], name
        assert found.json()["entry"][0]["resource"]["_birthDate"] == born
    change = [{"op": "replace", "path": "/birthDate", "value": "1970-02-04"}]
    patched = client.patch(f"/Patient/{id_}", json=change, headers={"Content-Type": "application/json-patch+json"})
    assert (patched.json()["birthDate"], patched.json()["_birthDate"]) == ("1970-02-04", born)


@pytest.mark.parametrize(
    ("parts", "place"),
    [
        ({"_birthDate": {}}, "Patient.birthDate"),
        ({"_birthDate": {"id": "b", "colour": "red"}}, "Patient.birthDate.colour"),
        ({"_birthDate": {"id": ""}}, "Patient.birthDate.id"),
        ({"_birthDate": "b"}, "Patient.birthDate"),
        ({"_gender": {"id": "g"}}, "Patient.gender"),
        ({"name": [{"given": ["A"], "_given": [{"id": "1"}, {"id": "2"}]}]}, "Patient.name[0].given"),
    ],
)
def test_parts_that_r4_does_not_allow_are_refused(client: httpx.Client, parts: dict[str, Any], place: str) -> None:
    answer = client.post("/Patient", json=person(**parts), headers=JSON)
    assert answer.status_code == 422
    assert answer.json()["issue"][0]["expression"] == [place]
