"""Acting for another over a living site: parents by age, split families, guardians and fullmakt, and when it ends."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from fellesjournal.fhir.row_class import RowClass
from fellesjournal.identity.model import MayNotRepresent
from fellesjournal.kit import ids
from tests.site import ELDERLY, GP, Site

MOTHER, FATHER_APART, DAUGHTER, GUARDIAN = "Silje Kvalnes", "Thomas Lie", "Anne Grete Ulvestad", "Per Arne Moltu"
TEENAGER, YOUNG, NEARLY, SPLIT, WARD = (
    "Oda Kvalnes Myrvang", "Jakob Kvalnes Myrvang", "Mathias Kvalnes Myrvang", "Ella Solbakken Lie", "Kjell Moltu",
)  # fmt: skip
SENSITIVE = RowClass.PSYCHIATRY | RowClass.SUBSTANCE_USE | RowClass.SEXUAL_HEALTH | RowClass.CHILD_PROTECTION
TYPES = (
    "Appointment", "Composition", "Condition", "Encounter", "MedicationStatement", "Observation",
)  # fmt: skip


def found(client: httpx.Client, rtype: str, patient: str, **more: str) -> list[dict[str, Any]]:
    answer = client.get(f"/{rtype}", params={"patient": patient, "_count": "200", **more})
    assert answer.status_code == 200, answer.text
    return [entry["resource"] for entry in answer.json().get("entry", []) if entry["search"]["mode"] == "match"]


def csrf(client: httpx.Client) -> dict[str, str]:
    token = re.search(r'name="csrf-token" content="([^"]+)"', client.get("/min-journal/representasjon").text)
    assert token is not None
    return {"X-CSRF-Token": token[1]}


def execute(site: Site, query: str, *arguments: Any) -> Any:
    return site.row(f"WITH done AS ({query} RETURNING 1) SELECT count(*) AS n FROM done", *arguments)


@pytest.fixture
def restored(demo_site: Site) -> Iterator[Site]:
    """The site, with what a test changes of facts put back."""
    yield demo_site
    demo_site.row("UPDATE access.parenthood SET until_at = 'infinity', shares_address = true WHERE until_at < now()")
    execute(demo_site, "UPDATE access.parenthood SET has_responsibility = true WHERE true")
    execute(demo_site, "UPDATE access.parent_cut SET until_at = clock_timestamp() WHERE until_at > clock_timestamp()")


def test_a_mother_acts_for_a_child_of_eight_and_every_page_says_so(demo_site: Site) -> None:
    with demo_site.client(MOTHER, behalf=YOUNG) as client:
        client.cookies.set("sprak", "nb")
        for path in ("", "/notater", "/maalinger", "/legemidler", "/vaksiner", "/timer", "/innsyn", "/representasjon"):
            page = client.get(f"/min-journal{path}")
            assert page.status_code == 200, path
            assert "Du handler på vegne av" in page.text
            assert YOUNG in page.text
    with demo_site.fhir(MOTHER, behalf=YOUNG) as client:
        assert found(client, "Composition", demo_site.patient_id(YOUNG))
        assert client.get(f"/Patient/{demo_site.patient_id(MOTHER)}").status_code == 404
        assert client.get("/Condition", params={"patient": demo_site.patient_id(MOTHER)}).status_code == 403


def test_parents_are_told_the_same_of_every_child_whether_something_is_withheld_or_not(demo_site: Site) -> None:
    with demo_site.client(MOTHER) as client:
        client.cookies.set("sprak", "nb")
        page = client.get("/min-journal/representasjon").text
    said = {
        name: re.sub(r", til <time.*?</time>", "", scope)
        for name, scope in re.findall(r'<strong>([^<]+)</strong>.*?Du er mor\. (.*?)\.</span>', page, re.DOTALL)
    }
    assert (said[YOUNG], said[TEENAGER]) == (
        "Det foreldre kan få se i journalen, lese og handle", "Det foreldre kan få se i journalen, bare lese",
    )  # fmt: skip
    assert "hele journalen" not in "".join(said.values()).lower()


def test_a_context_is_one_record_and_going_over_ends_the_other(demo_site: Site) -> None:
    with demo_site.client(MOTHER) as client:
        client.cookies.set("sprak", "nb")
        head, former = csrf(client), client.cookies["fellesjournal"]
        page = client.get("/min-journal/representasjon").text
        value = re.search(rf'value="(\d+)">Åpne journalen<span class="ds-sr-only"> til {YOUNG}', page)
        assert value is not None
        changed = client.post("/min-journal/representasjon/bytt", data={"hvem": value[1]}, headers=head)
        assert YOUNG in changed.text, re.findall("<h1.*?</main", changed.text, re.S)
        assert client.cookies["fellesjournal"] != former
        late = client.post("/min-journal/representasjon/parorende", data={"navn": "Nabo"}, headers=head)
        assert late.status_code in (403, 409)
        back = client.post("/min-journal/representasjon/bytt", data={"hvem": ""}, headers=csrf(client))
        assert "Du handler på vegne av" not in back.text
    old = httpx.get(f"{demo_site.url}/min-journal", cookies={"fellesjournal": former})
    assert old.status_code == 303


@pytest.mark.parametrize("reader", [MOTHER, "Anders Myrvang"])
def test_a_withheld_item_and_all_that_would_tell_of_it_is_gone_for_parents_and_there_for_the_teenager(
    demo_site: Site, reader: str
) -> None:
    teenager = demo_site.patient_id(TEENAGER)
    sensitive = sensitive_rows(demo_site, teenager)
    if reader != MOTHER:
        execute(demo_site, "UPDATE identity.person SET demo_name = $1 WHERE name = $1", reader)
    with demo_site.fhir(TEENAGER) as own, demo_site.fhir(reader, behalf=TEENAGER) as parent:
        for rtype in TYPES:
            all_of_it = found(own, rtype, teenager)
            withheld = {one["id"] for one in all_of_it if "NORN_FORANS" in json.dumps(one)}
            assert withheld, rtype
            withheld |= {one["id"] for one in all_of_it} & sensitive
            assert {one["id"] for one in found(parent, rtype, teenager)} == {o["id"] for o in all_of_it} - withheld
            total = parent.get(f"/{rtype}", params={"patient": teenager, "_total": "accurate", "_count": "0"}).json()
            assert total["total"] == len(all_of_it) - len(withheld)
            for id_ in withheld:
                assert parent.get(f"/{rtype}/{id_}").status_code == 404
                assert parent.get(f"/{rtype}/{id_}/_history").status_code == 404
                assert own.get(f"/{rtype}/{id_}").status_code == 200
        assert found(parent, "Composition", teenager)
        assert not found(parent, "Encounter", teenager, **{"reason-code": "W11"})
        assert not found(parent, "MedicationStatement", teenager, code="G03AC09")
        everything = parent.get(f"/Patient/{teenager}/$everything", params={"_count": "500"}).text
        assert "NORN_FORANS" not in everything
        assert "desogestrel" not in everything


def sensitive_rows(site: Site, patient: str) -> set[str]:
    """The ids of rows in a sensitive category, which parents of somebody over twelve don't see either."""
    key = ids.decode(patient)
    assert key
    bits = int(SENSITIVE)
    query = "SELECT array_agg(r.pid) AS pids FROM vault.resource r WHERE r.patient = $1 AND r.sens & $2 <> 0"
    return {ids.encode(key[0], pid) for pid in site.row(query, key[1], bits)["pids"] or ()}


def test_parents_do_not_act_for_one_of_twelve_and_staff_never_meet_these_pages(demo_site: Site) -> None:
    query = "SELECT access.may_act(s.id) AS may FROM identity.session s WHERE s.on_behalf ORDER BY s.id DESC LIMIT 1"
    demo_site.token(MOTHER, behalf=TEENAGER)
    assert demo_site.row(query)["may"] is False
    demo_site.token(MOTHER, behalf=YOUNG)
    assert demo_site.row(query)["may"] is True
    with demo_site.client(GP) as client:
        assert client.get("/min-journal/representasjon").status_code == 403


def test_at_sixteen_the_token_page_and_choice_are_gone_at_once(demo_site: Site) -> None:
    with (
        demo_site.fhir(MOTHER, behalf=NEARLY) as token,
        demo_site.client(MOTHER, behalf=NEARLY) as pages,
        demo_site.fhir(GP) as gp,
    ):
        son = demo_site.patient_id(NEARLY)
        assert token.get(f"/Patient/{son}").status_code == 200
        assert NEARLY in pages.get("/min-journal").text
        resource = gp.get(f"/Patient/{son}").json()
        older = resource | {"birthDate": str(int(resource["birthDate"][:4]) - 1) + resource["birthDate"][4:]}
        if older["birthDate"].endswith("02-29"):
            older["birthDate"] = older["birthDate"][:-2] + "28"
        assert gp.put(f"/Patient/{son}", json=older).status_code == 200
        assert token.get(f"/Patient/{son}").status_code == 401
        assert pages.get("/min-journal", follow_redirects=False).status_code == 303
        with demo_site.client(MOTHER) as client:
            page = client.get("/min-journal/representasjon").text
            assert NEARLY not in page
            assert YOUNG in page
        with pytest.raises(MayNotRepresent):
            demo_site.token(MOTHER, behalf=NEARLY)
        assert gp.put(f"/Patient/{son}", json=resource).status_code == 200
        assert token.get(f"/Patient/{son}").status_code == 200


def test_parents_apart_both_see_when_one_lives_with_the_child_and_none_when_none_does(restored: Site) -> None:
    child = restored.patient_id(SPLIT)
    with restored.fhir(FATHER_APART, behalf=SPLIT) as father:
        assert father.get(f"/Patient/{child}").status_code == 200
        pid = restored.row("SELECT patient FROM identity.person WHERE name = $1", SPLIT)["patient"]
        execute(restored, "UPDATE access.parenthood SET shares_address = false WHERE child = $1", pid)
        assert father.get(f"/Patient/{child}").status_code == 401
        execute(
            restored,
            "UPDATE access.parenthood SET shares_address = (relation = 'mor'), has_responsibility = (relation = 'mor')"
            " WHERE child = $1", pid,
        )  # fmt: skip
        assert father.get(f"/Patient/{child}").status_code == 401


def test_a_fullmakt_opens_its_areas_and_ends_when_it_is_taken_back(demo_site: Site) -> None:
    mother = demo_site.patient_id(ELDERLY)
    with demo_site.fhir(DAUGHTER, behalf=ELDERLY) as token, demo_site.client(DAUGHTER, behalf=ELDERLY) as pages:
        assert found(token, "MedicationStatement", mother)
        assert found(token, "Encounter", mother)
        assert token.get("/Composition", params={"patient": mother}).status_code == 403
        assert token.get("/Encounter", params={"patient": mother, "_revinclude": "Composition:encounter"}).text.count(
            '"Composition"'
        ) == 0  # fmt: skip
        assert pages.get("/min-journal").status_code == 200
        assert pages.get("/min-journal/notater").status_code == 403
        with demo_site.client(ELDERLY) as giver:
            page = giver.get("/min-journal/representasjon").text
            number = re.search(r'name="fullmakt" value="(\d+)"', page)
            assert number is not None
            address = "/min-journal/representasjon/fullmakt/tilbake"
            done = giver.post(address, data={"fullmakt": number[1]}, headers=csrf(giver))
            assert 'name="fullmakt"' not in done.text
        assert token.get(f"/Patient/{mother}").status_code == 401
        assert pages.get("/min-journal", follow_redirects=False).status_code == 303


def test_a_guardian_for_personal_affairs_sees_the_record_and_one_for_money_does_not(demo_site: Site) -> None:
    ward = demo_site.patient_id(WARD)
    with demo_site.fhir(GUARDIAN, behalf=WARD) as guardian:
        assert found(guardian, "Condition", ward)
        execute(demo_site, "UPDATE access.guardianship SET mandate = 'OKONOMI' WHERE true")
        assert guardian.get(f"/Patient/{ward}").status_code == 401
        execute(demo_site, "UPDATE access.guardianship SET mandate = 'PERSONLIG' WHERE true")


def test_nobody_goes_over_to_a_record_that_is_not_theirs_to_act_for(demo_site: Site) -> None:
    for wanted in (demo_site.row("SELECT patient FROM identity.person WHERE name = $1", ELDERLY)["patient"], 0, 10**17):
        with demo_site.client(MOTHER) as client:
            answer = client.post("/min-journal/representasjon/bytt", data={"hvem": str(wanted)}, headers=csrf(client))
            assert answer.status_code == 403
            assert client.get("/min-journal").status_code == 200


def test_fullmakt_is_given_by_number_and_name_and_tells_nothing_of_who_exists(demo_site: Site) -> None:
    with demo_site.client(ELDERLY) as client:
        client.cookies.set("sprak", "nb")
        asked = {"nummer": "01010112345", "etternavn": "Ingen", "omraade": "ALT", "til": "2000-01-01"}
        late = client.post("/min-journal/representasjon/fullmakt", data=asked, headers=csrf(client))
        assert late.status_code == 422
        asked["til"] = str(demo_site.row("SELECT (now() + interval '30 days')::date AS d")["d"])
        unknown = client.post("/min-journal/representasjon/fullmakt", data=asked, headers=csrf(client))
        assert "Vi finner ingen med dette nummeret og etternavnet" in unknown.text


def test_next_of_kin_are_chosen_by_the_patient_and_give_no_access(demo_site: Site) -> None:
    with demo_site.client(ELDERLY) as client:
        address, data = "/min-journal/representasjon/parorende", {"navn": "Nabo Nabosen", "relasjon": "nabo"}
        assert client.post(address, data=data | {"vite": "ALT"}, headers=csrf(client)).status_code == 422
        data |= {"vite": "ALVORLIG"}
        page = client.post(address, data=data, headers=csrf(client)).text
        assert "Nabo Nabosen" in page
        newest = re.findall(r'name="fjern" value="(\d+)"', page)[-1]
        page = client.post(address, data={"fjern": newest}, headers=csrf(client)).text
        assert "Nabo Nabosen" not in page
    with demo_site.client(MOTHER, behalf=YOUNG) as client:
        assert client.post(address, data=data, headers=csrf(client)).status_code == 403


@pytest.mark.parametrize("who", [MOTHER, YOUNG])
def test_whoever_has_a_protected_address_neither_acts_nor_is_acted_for(demo_site: Site, who: str) -> None:
    mark = "UPDATE vault.resource SET body = $2 WHERE rtype = 103 AND pid = $1"
    pid = demo_site.row("SELECT patient FROM identity.person WHERE name = $1", who)["patient"]
    body = demo_site.row("SELECT body FROM vault.resource WHERE rtype = 103 AND pid = $1", pid)["body"]
    code = {"system": "http://ehelse.no/fhir/CodeSystem/gd-address-confidentiality", "code": "strengtFortrolig"}
    with demo_site.fhir(MOTHER, behalf=YOUNG) as client:
        child = demo_site.patient_id(YOUNG)
        execute(demo_site, mark, pid, json.dumps(json.loads(body) | {"meta": {"security": [code]}}))
        assert client.get(f"/Patient/{child}").status_code == 401
        execute(demo_site, mark, pid, body)
        assert client.get(f"/Patient/{child}").status_code == 200


def test_the_log_tells_the_teenager_of_the_mother_and_the_mother_nothing_of_what_is_withheld(demo_site: Site) -> None:
    unit = demo_site.row("SELECT name FROM identity.unit WHERE name LIKE 'Tindvåg helsestasjon%'")
    nurse = demo_site.row(
        "SELECT p.id, o.id AS post, u.id AS unit, p.name FROM identity.person p JOIN identity.post o ON o.person = p.id"
        " JOIN identity.unit u ON u.id = o.unit WHERE u.name = $1 AND o.role = 'helsesykepleier' LIMIT 1", unit["name"],
    )  # fmt: skip
    demo_site.row("UPDATE identity.person SET demo_name = name WHERE id = $1", nurse["id"])
    teenager = demo_site.patient_id(TEENAGER)
    pid = demo_site.row("SELECT patient FROM identity.person WHERE name = $1", TEENAGER)["patient"]
    demo_site.row(
        "SELECT access.put_relation(ARRAY[$1::bigint], $2, NULL, 'POLBESOK', NULL, now(), now() + interval '1 day', 1)",
        pid, nurse["unit"],
    )  # fmt: skip
    withheld = {"security": [{"system": "urn:oid:2.16.578.1.12.4.1.1.9603", "code": "NORN_FORANS"}]}
    note = {"resourceType": "Observation", "status": "final", "code": {"text": "x"}, "meta": withheld}
    with demo_site.fhir(nurse["name"], unit=unit["name"]) as client:
        assert found(client, "AllergyIntolerance", teenager) is not None
        made = client.post("/Observation", json=note | {"subject": {"reference": f"Patient/{teenager}"}})
        assert made.status_code == 201, made.text
    with demo_site.fhir(GP) as client:
        assert found(client, "MedicationStatement", teenager)
    with demo_site.client(MOTHER, behalf=TEENAGER) as client:
        client.cookies.set("sprak", "nb")
        told = client.get("/min-journal/innsyn").text
        assert GP in told
        assert nurse["name"] not in told
        assert unit["name"] not in told
        assert "på vegne av" in told
    with demo_site.client(TEENAGER) as client:
        client.cookies.set("sprak", "nb")
        told = re.sub(r"\s+", " ", client.get("/min-journal/innsyn").text)
        assert nurse["name"] in told
        assert f"<strong>{MOTHER}</strong>, mor, på vegne av deg" in told
