"""$validate: says what a write would say, without writing; as little of what is hidden as a write or a reading."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from fellesjournal import fhir
from fellesjournal.kit import db, ids
from fellesjournal.packages import install, read_package
from fellesjournal.packages import library as library_module
from tests.packages.making import BASE, package, profile
from tests.record.samples import JSON, make, make_person, outcome, person, weight
from tests.site import GP, Site

XML = {"Content-Type": "application/fhir+xml", "Accept": "application/fhir+xml"}
AS_JSON = {"Accept": "application/fhir+json"}
FNR = "urn:oid:2.16.578.1.12.4.1.4.1"
WITH_PHONE = f"{BASE}/StructureDefinition/with-phone"
PHONE = {"system": "phone", "value": "99 99 99 99"}


@pytest.fixture(scope="module")
def installed(demo_site: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A profile of Patient that asks for a telecom."""
    element = [{"id": "Patient", "path": "Patient"}, {"id": "Patient.telecom", "path": "Patient.telecom", "min": 1}]
    made = profile("with-phone", differential={"element": element})
    place = package(tmp_path_factory.mktemp("packages"), made)

    async def put() -> None:
        async with await db.Database.connect(demo_site.settings, demo_site.keys, "fj_migrate", max_size=1) as operator:
            await install(operator, read_package(place), who="test")

    patch = pytest.MonkeyPatch()
    patch.setattr(library_module, "FRESH_S", 0.0)
    asyncio.run(put())
    yield
    patch.undo()


@pytest.fixture
def client(demo_site: Site) -> Iterator[httpx.Client]:
    with demo_site.fhir() as opened:
        yield opened


@pytest.fixture
def gp(demo_site: Site) -> Iterator[httpx.Client]:
    with demo_site.fhir(GP) as opened:
        yield opened


def call(**given: Any) -> dict[str, Any]:
    """Parameters of the operation."""
    named = [{"name": name, "resource" if name == "resource" else "valueCode": value} for name, value in given.items()]
    return {"resourceType": "Parameters", "parameter": named}


def issues(answer: httpx.Response) -> list[tuple[str, str, str]]:
    """(severity, code, expression) of each issue of an answer."""
    assert answer.status_code == 200, answer.text
    found = fhir.parse(answer.content)
    assert found["resourceType"] == "OperationOutcome" and fhir.validate(found) == []
    return [(one["severity"], one["code"], one.get("expression", [""])[0]) for one in found["issue"]]


def errors(answer: httpx.Response) -> list[tuple[str, str]]:
    return [(code, place) for severity, code, place in issues(answer) if severity == "error"]


DIV = {"status": "generated", "div": '<div xmlns="http://www.w3.org/1999/xhtml">Ola</div>'}


# ── What is said ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_good_resource_is_told_to_be_good(client: httpx.Client) -> None:
    assert issues(client.post("/Patient/$validate", json=person(text=DIV))) == [("information", "informational", "")]


def test_every_fault_is_told_with_its_place_and_warnings_after(client: httpx.Client) -> None:
    sick = person(gender="x", telecom=[{"value": "1"}], birthDate="1970-02-30")
    assert issues(client.post("/Patient/$validate", json=sick)) == [
        ("error", "invariant", "Patient.telecom[0]"),
        ("error", "code-invalid", "Patient.gender"),
        ("error", "value", "Patient.birthDate"),
        ("warning", "invariant", "Patient"),
    ]


def test_nothing_is_written(client: httpx.Client, demo_site: Site) -> None:
    before = demo_site.row("SELECT count(*) FROM vault.history")
    for mode in ("create", "update"):
        client.post("/Patient/$validate", json=call(resource=person(id="aldri"), mode=mode))
    assert demo_site.row("SELECT count(*) FROM vault.history") == before
    outcome(client.get("/Patient/aldri"), 404)


def test_xml_is_validated_and_answered_in_xml(client: httpx.Client) -> None:
    good, sick = fhir.write_xml(person()), fhir.write_xml(person(gender="x"))
    answer = client.post("/Patient/$validate", content=good, headers=XML)
    assert answer.status_code == 200 and fhir.read_xml(answer.content)["issue"][0]["severity"] == "warning"
    answer = client.post("/Patient/$validate", content=sick, headers=XML)
    assert fhir.read_xml(answer.content)["issue"][0]["expression"] == ["Patient.gender"]
    called = fhir.write_xml(call(resource=person(gender="x"), mode="create"))
    assert errors(client.post("/Patient/$validate", content=called, headers={**XML, **AS_JSON}))


def test_what_xml_can_not_hold_is_told_as_a_fault(client: httpx.Client) -> None:
    body = b'<Patient xmlns="http://hl7.org/fhir"><colour value="red"/></Patient>'
    answer = client.post("/Patient/$validate", content=body, headers={**XML, **AS_JSON})
    assert errors(answer) == [("structure", "Patient")]


def test_what_is_no_resource_at_all_is_refused(client: httpx.Client) -> None:
    outcome(client.post("/Patient/$validate", content=b"{", headers=JSON), 400)
    outcome(client.post("/Patient/$validate", content=b"<x", headers={"Content-Type": "application/xml"}), 400)
    outcome(client.post("/Patient/$validate", content=b"x", headers={"Content-Type": "text/plain"}), 415)
    outcome(client.post("/Dragon/$validate", json={"resourceType": "Dragon"}), 404)


def test_another_type_than_the_address_names_is_a_fault(client: httpx.Client) -> None:
    assert errors(client.post("/Observation/$validate", json=person())) == [("invalid", "")]


@pytest.mark.parametrize(
    "asked",
    [
        call(mode="create"), call(resource=person(), mode="fly"), call(resource=person(), mode="delete"),
        call(resource=person(), mode="profile"), call(resource=person(), colour="red"),
        {"resourceType": "Parameters", "parameter": [{"name": "resource", "valueCode": "x"}]},
        {"resourceType": "Parameters", "parameter": [{"name": "resource"}]},
        {"resourceType": "Parameters", "parameter": [{"name": "mode", "valueCoding": {"code": "create"}}]},
        {"resourceType": "Parameters", "parameter": "x"}, {"resourceType": "Parameters", "parameter": [5]},
        {"resourceType": "Parameters"},
    ],
)  # fmt: skip
def test_what_can_not_be_asked_is_refused(client: httpx.Client, asked: dict[str, Any]) -> None:
    outcome(client.post("/Patient/$validate", json=asked), 400)


def test_parameters_in_the_address_count_and_unknown_ones_are_refused(client: httpx.Client) -> None:
    told = client.post("/Patient/$validate?profile=http://ukjent.no/x", json=person())
    assert errors(told) == [("not-found", "Patient")]
    odd = "/Patient/$validate?farge=rosa"
    outcome(client.post(odd, json=person()), 400)
    assert client.post(odd, json=person(), headers={"Prefer": "handling=lenient"}).is_success


def test_parameters_may_themselves_be_validated(client: httpx.Client) -> None:
    own = {"resourceType": "Parameters", "parameter": [{"name": "mode", "part": [{"name": "x"}]}]}
    assert errors(client.post("/Parameters/$validate", json=own)) == [("invariant", "Parameters.parameter[0].part[0]")]
    assert errors(client.post("/Parameters/$validate", json=call(resource=own))) == errors(
        client.post("/Parameters/$validate", json=own)
    )


# ── As a write would say ─────────────────────────────────────────────────────────────────────────────────────────────

SENT: list[dict[str, Any]] = [
    person(),
    person(gender="x"),
    person(telecom=[{"value": "1"}]),
    person(contained=[person(id="p")]),
    person(managingOrganization={"reference": "Patient/1"}),
    person(identifier=[{"system": FNR, "value": "01010112345"}]),
    person(link=[{"type": "seealso", "other": {"reference": "Patient/000000000000000"}}]),
    person(meta={"profile": [WITH_PHONE]}),
    person(meta={"profile": [WITH_PHONE]}, telecom=[PHONE]),
    person(meta={"profile": ["http://ukjent.no/x"]}),
    person(extension=[{"url": "http://ukjent.no/x", "valueCode": "x"}]),
    person(modifierExtension=[{"url": "http://ukjent.no/x", "valueCode": "x"}]),
]


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize("sent", SENT)
def test_validate_and_create_never_disagree(client: httpx.Client, sent: dict[str, Any]) -> None:
    told = client.post("/Patient/$validate", json=call(resource=sent, mode="create"))
    made = client.post("/Patient", json=sent)
    if made.status_code == 201:
        assert errors(told) == []
        return
    assert made.status_code == 422
    refused = [(one["code"], one.get("expression", [""])[0]) for one in made.json()["issue"]]
    assert errors(told) == refused


def test_a_number_that_is_taken_is_told_as_a_create_would(client: httpx.Client, demo_site: Site) -> None:
    twin = person(identifier=[{"system": FNR, "value": "13916900281"}])
    assert client.post("/Patient", json=twin).status_code == 201
    before = demo_site.row("SELECT count(*) FROM access.log WHERE action = 'identify'")[0]
    told = client.post("/Patient/$validate", json=call(resource=twin, mode="create"))
    assert errors(told) == [("duplicate", "")]
    assert outcome(client.post("/Patient", json=twin), 409)["code"] == "duplicate"
    # Both tell that somebody has the number, and both are logged as a look-up.
    assert demo_site.row("SELECT count(*) FROM access.log WHERE action = 'identify'")[0] == before + 2
    assert errors(client.post("/Patient/$validate", json=twin)) == []


def test_update_checks_id_and_version_and_changes_nothing(client: httpx.Client) -> None:
    patient = make_person(client)
    at, sent = f"/Patient/{patient}/$validate", person("Ny", id=patient)
    assert errors(client.post(at, json=call(resource=sent, mode="update"))) == []
    assert errors(client.post(at, json=call(resource=sent, mode="update"), headers={"If-Match": 'W/"7"'})) == [
        ("conflict", "")
    ]
    assert errors(client.post(at, json=call(resource=person(id="annen"), mode="update"))) == [("structure", "")]
    assert errors(client.post("/Patient/$validate", json=call(resource=sent, mode="update"))) == []
    part = {**sent, "meta": {"tag": [fhir.subset(sent, summary="true")["meta"]["tag"][0]]}}
    assert errors(client.post(at, json=call(resource=part, mode="update"))) == [("business-rule", "Patient.meta.tag")]
    read = client.get(f"/Patient/{patient}")
    assert (read.headers["etag"], read.json()["name"][0]["family"]) == ('W/"1"', "Testesen")


def test_update_of_what_is_not_there_is_told_as_the_update_would_be(client: httpx.Client) -> None:
    chosen = person(id="valgt-av-klienten")
    assert errors(client.post("/Patient/valgt-av-klienten/$validate", json=call(resource=chosen, mode="update"))) == []
    ours = ids.encode(1, 77)
    told = client.post(f"/Patient/{ours}/$validate", json=call(resource=person(id=ours), mode="update"))
    real = client.put(f"/Patient/{ours}", json=person(id=ours))
    assert errors(told) == [(real.json()["issue"][0]["code"], "")]


def test_delete_checks_what_a_deletion_would_and_deletes_nothing(client: httpx.Client) -> None:
    patient = make_person(client)
    noted = make(client, "Observation", weight(patient))
    asked = call(mode="delete")
    assert issues(client.post(f"/Observation/{noted}/$validate", json=asked)) == [("information", "informational", "")]
    assert client.get(f"/Observation/{noted}").status_code == 200
    assert errors(client.post(f"/Observation/{noted}/$validate", json=asked, headers={"If-Match": '"4"'})) == [
        ("conflict", "")
    ]
    assert client.delete(f"/Observation/{noted}").status_code == 204
    assert errors(client.post(f"/Observation/{noted}/$validate", json=asked)) == [("deleted", "")]
    assert errors(client.post("/Observation/000000000000000/$validate", json=asked)) == [("not-found", "")]


# ── What is there, and who may see it ────────────────────────────────────────────────────────────────────────────────


@pytest.mark.usefixtures("installed")
def test_a_stored_resource_is_validated_by_reading_it(client: httpx.Client) -> None:
    patient = make_person(client)
    at = f"/Patient/{patient}/$validate"
    assert issues(client.get(at)) == [("warning", "invariant", "Patient")]
    for answer in (
        client.get(at, params={"mode": "profile", "profile": WITH_PHONE}),
        client.post(at, json=call(mode="profile", profile=WITH_PHONE)),
    ):
        assert errors(answer) == [("required", "Patient.telecom")]
    outcome(client.get(f"{at}?mode=create"), 400)


def test_what_is_hidden_is_as_absent_here_as_everywhere(
    client: httpx.Client, gp: httpx.Client, demo_site: Site
) -> None:
    hidden, absent = make_person(client), ids.encode(1, 77)
    make(client, "Observation", weight(hidden))
    before = demo_site.row("SELECT count(*) FROM access.log")[0]
    told = [gp.get(f"/Patient/{one}/$validate") for one in (hidden, absent)]
    assert [outcome(one, 404) for one in told] == [outcome(told[0], 404)] * 2
    for mode in ("update", "delete"):
        said = [
            errors(gp.post(f"/Patient/{one}/$validate", json=call(mode=mode, resource=person(id=one))))
            for one in (hidden, absent)
        ]
        at = f"/Patient/{hidden}"
        real = gp.put(at, json=person(id=hidden)) if mode == "update" else gp.delete(at)
        assert said[0] == said[1] == [(real.json()["issue"][0]["code"], "")]
    assert demo_site.row("SELECT count(*) FROM access.log")[0] > before


def test_a_create_about_somebody_one_has_no_need_for_is_told_as_it_would_be_refused(
    client: httpx.Client, gp: httpx.Client
) -> None:
    stranger = make_person(client)
    noted = json.loads(weight(stranger))
    told = errors(gp.post("/Observation/$validate", json=call(resource=noted, mode="create")))
    real = gp.post("/Observation", json=noted)
    assert real.status_code in (403, 404)
    assert told == [(real.json()["issue"][0]["code"], "")]
    assert errors(gp.post("/Observation/$validate", json=noted)) == []


def test_nobody_validates_without_a_token(demo_site: Site) -> None:
    with httpx.Client(base_url=f"{demo_site.url}/fhir") as stranger:
        outcome(stranger.post("/Patient/$validate", json=person()), 401)
        outcome(stranger.post("/Patient/1/$validate", json=person()), 401)
        outcome(stranger.get("/Patient/1/$validate"), 401)


def test_it_is_declared(client: httpx.Client) -> None:
    listed = client.get("/metadata").json()["rest"][0]["resource"]
    operation = {"name": "validate", "definition": "http://hl7.org/fhir/OperationDefinition/Resource-validate"}
    assert all(operation in one["operation"] for one in listed)


def test_warnings_are_told_after_a_write_to_who_prefers_an_outcome(client: httpx.Client) -> None:
    made = client.post("/Patient", json=person(), headers={"Prefer": "return=OperationOutcome"})
    assert made.status_code == 201
    assert [(one["severity"], one["code"]) for one in made.json()["issue"]] == [("warning", "invariant")]
    made = client.post("/Patient", json=person(text=DIV), headers={"Prefer": "return=OperationOutcome"})
    assert [one["severity"] for one in made.json()["issue"]] == ["information"]
