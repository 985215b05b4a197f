"""Patient/$everything and Encounter/$everything, as each kind of reader meets them."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from fellesjournal import fhir
from tests.record.api.test_history import WITHHELD, log_since, position
from tests.record.samples import make, make_person, outcome, weight
from tests.site import DIABETIC, ELDERLY, GP, LEGEVAKT_NURSE, TONIGHT, Site

PARAMETERS: dict[str, Any] = {"resourceType": "Parameters"}


@pytest.fixture(scope="module")
def client(demo_site: Site) -> Iterator[httpx.Client]:
    with demo_site.fhir() as opened:
        yield opened


@pytest.fixture(scope="module")
def gp(demo_site: Site) -> Iterator[httpx.Client]:
    with demo_site.fhir(GP) as opened:
        yield opened


@pytest.fixture(scope="module")
def chart(client: httpx.Client) -> dict[str, str]:
    """A patient with two weights, one of them of a contact with a doctor of a clinic."""
    made = {"Organization": make(client, "Organization", b'{"resourceType":"Organization","name":"Klinikken"}')}
    made["Practitioner"] = make(client, "Practitioner", b'{"resourceType":"Practitioner","active":true}')
    role = {
        "resourceType": "PractitionerRole", "practitioner": {"reference": f"Practitioner/{made['Practitioner']}"},
        "organization": {"reference": f"Organization/{made['Organization']}"},
    }  # fmt: skip
    made["PractitionerRole"] = make(client, "PractitionerRole", json.dumps(role).encode())
    made["Patient"] = make_person(client, "Altsen")
    contact = {
        "resourceType": "Encounter", "status": "finished", "subject": {"reference": f"Patient/{made['Patient']}"},
        "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"},
        "participant": [{"individual": {"reference": f"PractitionerRole/{made['PractitionerRole']}"}}],
        "period": {"start": "2026-01-02", "end": "2026-01-02"},
    }  # fmt: skip
    made["Encounter"] = make(client, "Encounter", json.dumps(contact).encode())
    of_contact = json.loads(weight(made["Patient"], "70")) | {
        "encounter": {"reference": f"Encounter/{made['Encounter']}"}
    }
    made["Observation"] = make(client, "Observation", json.dumps(of_contact).encode())
    made["later"] = make(client, "Observation", weight(made["Patient"], "71", day="2026-05-05"))
    return made


def entries(answer: httpx.Response) -> list[dict[str, Any]]:
    assert answer.status_code == 200, answer.text
    assert fhir.validate(fhir.parse(answer.content)) == []
    assert answer.json()["type"] == "searchset"
    return list(answer.json().get("entry", []))


def shown(answer: httpx.Response, mode: str = "match") -> list[str]:
    return [
        f"{entry['resource']['resourceType']}/{entry['resource']['id']}"
        for entry in entries(answer) if entry["search"]["mode"] == mode
    ]  # fmt: skip


def named(chart: dict[str, str], *types: str) -> list[str]:
    return [f"{'Observation' if t == 'later' else t}/{chart[t]}" for t in types]


def test_the_patient_comes_first_then_the_chart_then_who_and_where(
    client: httpx.Client, chart: dict[str, str]
) -> None:
    answer = client.get(f"/Patient/{chart['Patient']}/$everything")
    assert shown(answer) == named(chart, "Patient", "Encounter", "later", "Observation")
    assert set(shown(answer, "include")) == set(named(chart, "Organization", "Practitioner", "PractitionerRole"))
    assert answer.json()["link"][0]["url"].endswith("/$everything")
    assert entries(answer)[0]["fullUrl"].endswith(f"/fhir/Patient/{chart['Patient']}")


def test_it_is_the_same_by_post_and_in_xml(client: httpx.Client, chart: dict[str, str]) -> None:
    where = f"/Patient/{chart['Patient']}/$everything"
    wished = PARAMETERS | {"parameter": [{"name": "_type", "valueCode": "Observation"}]}
    assert shown(client.post(where, json=wished)) == named(chart, "later", "Observation")
    assert len(shown(client.post(where))) == 4
    as_xml = client.get(where, headers={"Accept": "application/fhir+xml"})
    assert as_xml.headers["content-type"].startswith("application/fhir+xml") and b"<searchset" not in as_xml.content
    posted = '<Parameters xmlns="http://hl7.org/fhir"><parameter><name value="_count"/><valueInteger value="1"/>'
    answer = client.post(
        where, content=posted + "</parameter></Parameters>", headers={"Content-Type": "application/fhir+xml"}
    )
    assert shown(answer)[:1] == named(chart, "Patient")


def test_pages_go_on_until_everything_is_shown_once(client: httpx.Client, chart: dict[str, str]) -> None:
    found, url = list[str](), f"/Patient/{chart['Patient']}/$everything?_count=1"
    for _ in range(9):
        answer = client.get(url)
        found += shown(answer)
        following = [link["url"] for link in answer.json()["link"] if link["relation"] == "next"]
        if not following:
            break
        url = following[0]
    assert found == named(chart, "Patient", "Encounter", "later", "Observation")


def test_a_cursor_is_good_for_its_own_question_and_reader(
    client: httpx.Client, chart: dict[str, str], demo_site: Site
) -> None:
    where = f"/Patient/{chart['Patient']}/$everything?_count=1"
    following = client.get(where).json()["link"][1]["url"]
    assert outcome(client.get(following.replace("_count=1", "_count=2")), 400)["code"] == "invalid"
    assert outcome(client.get(where + "&_cursor=abc"), 400)["code"] == "invalid"
    with demo_site.fhir(GP) as other:
        assert other.get(following).status_code in (400, 404)


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("start=2026-05-01", ("Patient", "later")),
        ("end=2026-02", ("Patient", "Encounter", "Observation")),
        ("start=2026-01-02&end=2026-01-02", ("Patient", "Encounter", "Observation")),
        ("_since=2099-01-01T00:00:00Z", ("Patient",)),
        ("_since=2020-01-01T00:00:00%2B01:00", ("Patient", "Encounter", "later", "Observation")),
        ("_type=Encounter,Patient", ("Patient", "Encounter")),
        ("_type=Encounter&_type=Observation&end=2026-02", ("Encounter", "Observation")),
    ],
)
def test_time_of_care_time_of_change_and_type_choose(
    client: httpx.Client, chart: dict[str, str], asked: str, expected: tuple[str, ...]
) -> None:
    answer = client.get(f"/Patient/{chart['Patient']}/$everything?{asked}")
    assert shown(answer) == named(chart, *expected)


def test_types_that_are_asked_for_bring_those_types_alone(client: httpx.Client, chart: dict[str, str]) -> None:
    answer = client.get(f"/Patient/{chart['Patient']}/$everything?_type=Encounter,Organization")
    assert (shown(answer), shown(answer, "include")) == (named(chart, "Encounter"), named(chart, "Organization"))


@pytest.mark.parametrize(
    "asked", ["start=mandag", "_count=0", "_count=-1", "_type=Nothing", "colour=red", "start=2026&start=2027"]
)
def test_what_can_not_be_understood_is_refused(client: httpx.Client, chart: dict[str, str], asked: str) -> None:
    outcome(client.get(f"/Patient/{chart['Patient']}/$everything?{asked}"), 400)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"resourceType": "Patient"}, 400),
        (PARAMETERS | {"parameter": [{"name": "start", "valuePeriod": {"start": "2026"}}]}, 400),
        (PARAMETERS | {"parameter": [{"name": "start", "part": [{"name": "x", "valueString": "y"}]}]}, 400),
        (PARAMETERS | {"parameter": [{"valueString": "x"}]}, 422),
    ],
)
def test_what_is_posted_is_checked(
    client: httpx.Client, chart: dict[str, str], body: dict[str, Any], status: int
) -> None:
    outcome(client.post(f"/Patient/{chart['Patient']}/$everything", json=body), status)


def test_another_method_is_told_which_are_taken(client: httpx.Client, chart: dict[str, str]) -> None:
    answer = client.put(f"/Patient/{chart['Patient']}/$everything", json={})
    assert answer.status_code == 405 and "POST" in answer.headers["allow"]


def test_a_contact_brings_what_belongs_to_it_and_what_that_refers_to(
    client: httpx.Client, chart: dict[str, str]
) -> None:
    answer = client.get(f"/Encounter/{chart['Encounter']}/$everything")
    assert shown(answer) == named(chart, "Encounter", "Observation")
    expected = named(chart, "Organization", "Patient", "Practitioner", "PractitionerRole")
    assert sorted(shown(answer, "include")) == sorted(expected)
    outcome(client.get(f"/Encounter/{chart['Encounter']}/$everything?start=2026"), 400)


def test_hidden_and_absent_are_the_same(demo_site: Site, chart: dict[str, str]) -> None:
    stranger = demo_site.patient_id(TONIGHT)
    with demo_site.fhir(GP) as gp:
        hidden = gp.get(f"/Patient/{stranger}/$everything")
        absent = gp.get("/Patient/000000000000000/$everything")
        named_so = gp.get("/Patient/nobody-here/$everything")
        contact = gp.get(f"/Encounter/{chart['Encounter']}/$everything")
    assert hidden.status_code == 404
    assert hidden.content == absent.content == named_so.content == contact.content


def test_who_may_not_see_another_patient_that_a_resource_names_does_not_get_it(
    gp: httpx.Client, demo_site: Site
) -> None:
    own, other = demo_site.patient_id(ELDERLY), demo_site.patient_id(DIABETIC)
    both = json.loads(weight(own)) | {"focus": [{"reference": f"Patient/{other}"}]}
    made = make(gp, "Observation", json.dumps(both).encode())
    where = f"/Patient/{own}/$everything?_type=Observation&start=2026-01-02&end=2026-01-02"
    assert f"Observation/{made}" in shown(gp.get(where))
    with demo_site.fhir(ELDERLY) as citizen:
        assert f"Observation/{made}" not in shown(citizen.get(where))


def test_a_citizen_gets_the_own_record_without_what_is_withheld(gp: httpx.Client, demo_site: Site) -> None:
    own = demo_site.patient_id(ELDERLY)
    body = weight(own)[:-1] + WITHHELD + b"}"
    made = make(gp, "Observation", body)
    with demo_site.fhir(ELDERLY) as citizen:
        answer = citizen.get("/Patient/$everything")
        assert shown(answer)[0] == f"Patient/{own}" and f"Observation/{made}" not in shown(answer)
        of_that_day = "_type=Observation&start=2026-01-02&end=2026-01-02"
        assert f"Observation/{made}" not in shown(citizen.get(f"/Patient/{own}/$everything?{of_that_day}"))
        assert shown(answer) == shown(citizen.get(f"/Patient/{own}/$everything"))
        other = demo_site.patient_id(DIABETIC)
        assert outcome(citizen.get(f"/Patient/{other}/$everything"), 404)["code"] == "not-found"
    assert f"Observation/{made}" in shown(gp.get(f"/Patient/{own}/$everything?{of_that_day}"))


def test_everything_of_everybody_is_refused_with_advice(client: httpx.Client) -> None:
    assert "Patient/[id]" in outcome(client.get("/Patient/$everything"), 400)["diagnostics"]


def test_the_log_says_what_was_shown_and_what_was_refused(
    client: httpx.Client, chart: dict[str, str], demo_site: Site
) -> None:
    before = position(demo_site)
    client.get(f"/Patient/{chart['Patient']}/$everything")
    (row,) = log_since(demo_site, before)
    assert (row["outcome"], len(row["what"])) == (0, 4)
    with demo_site.fhir(LEGEVAKT_NURSE) as nurse:
        before = position(demo_site)
        nurse.get(f"/Patient/{chart['Patient']}/$everything")
        assert [row["outcome"] for row in log_since(demo_site, before)] == [1]


def test_it_may_be_asked_in_a_batch(client: httpx.Client, chart: dict[str, str]) -> None:
    entry = {"request": {"method": "GET", "url": f"Patient/{chart['Patient']}/$everything"}}
    answer = client.post("", json={"resourceType": "Bundle", "type": "batch", "entry": [entry]})
    (given,) = answer.json()["entry"]
    assert given["response"]["status"] == "200" and len(given["resource"]["entry"]) == 7
