"""The legevakt's pages over HTTP, without a script: what is refused, what is kept, what is stored."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.site import DIABETIC, GP, LEGEVAKT_NURSE, OTHER_GP, TONIGHT, Site

VITALS = {
    "v_resp": "16", "v_sat": "98", "v_air": "air", "v_sys": "120", "v_dia": "70", "v_pulse": "70", "v_acvpu": "A",
    "v_temp": "37,0",
}  # fmt: skip
HIDDEN = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)"')


@pytest.fixture
def nurse(demo_site: Site) -> Iterator[httpx.Client]:
    with demo_site.client(LEGEVAKT_NURSE) as client:
        yield client


def hidden_of(page: httpx.Response, action: str) -> dict[str, str]:
    """The hidden fields of the form with this action."""
    form = re.search(rf'<form[^>]*action="{re.escape(action)}"[^>]*>(.*?)</form>', page.text, re.DOTALL)
    assert form, f"no form for {action}"
    return dict(HIDDEN.findall(form[1]))


def number_of(site: Site, name: str) -> str:
    with site.fhir(name) as own:
        return str(own.get(f"/Patient/{site.patient_id(name)}").json()["identifier"][0]["value"])


def identified(site: Site, client: httpx.Client, name: str = TONIGHT) -> httpx.Response:
    board = client.get("/legevakt")
    fields = hidden_of(board, "/legevakt/identifiser") | {"hvem": number_of(site, name)}
    return client.post("/legevakt/identifiser", data=fields)


def registered(site: Site, client: httpx.Client, *, name: str = TONIGHT, **more: str) -> httpx.Response:
    page = identified(site, client, name)
    fields = hidden_of(page, "/legevakt/kontakt") | {"kanal": "oppmote", "hastegrad": "yellow", "arsak": "Feber"}
    return client.post("/legevakt/kontakt", data=fields | more)


def send(client: httpx.Client, page: httpx.Response, what: str, **fields: str) -> httpx.Response:
    """Send one of the contact page's forms."""
    action = f"{page.url.path}/{what}"
    return client.post(action, data=hidden_of(page, action) | fields)


def contact_of(site: Site, page: httpx.Response) -> dict[str, Any]:
    """The contact of a page as it is stored."""
    with site.fhir(LEGEVAKT_NURSE) as fhir:
        found: dict[str, Any] = fhir.get(f"/Encounter/{page.url.path.rpartition('/')[2]}").json()
    return found


def test_signed_note_codes_its_contact_and_ends_it_in_one_go(demo_site: Site, nurse: httpx.Client) -> None:
    page = registered(demo_site, nurse)
    send(nurse, page, "notat", tekst="Feber og hoste.", diagnosis="R05|Hoste", handling="avslutt")
    found = contact_of(demo_site, page)
    assert found["status"] == "finished" and found["meta"]["versionId"] == "2"
    assert [one.get("text") or one["coding"][0]["code"] for one in found["reasonCode"]] == ["R05", "Feber"]


def test_diagnosis_of_two_notes_stays_when_one_of_them_is_corrected(demo_site: Site, nurse: httpx.Client) -> None:
    page = registered(demo_site, nurse)
    for text, codes in (("Første.", ["R05|Hoste", "A03|Feber"]), ("Andre.", ["R05|Hoste"])):
        page = send(nurse, page, "notat", tekst=text, diagnosis=codes)  # type: ignore[arg-type]
    notes = re.findall(r'href="([^"]*/notat/\w{15})"', page.text)
    first = next(one for one in notes if "Første." in nurse.get(one).text)
    form = nurse.get(f"{first}/rett")
    nurse.post(f"{first}/rett", data=hidden_of(form, f"{first}/rett") | {"tekst": "Første.", "diagnosis": "H71|Øre"})
    found = contact_of(demo_site, page)["reasonCode"]
    assert [one.get("text") or one["coding"][0]["code"] for one in found] == ["R05", "H71", "Feber"]


def observations(site: Site, page: httpx.Response) -> list[dict[str, Any]]:
    encounter = page.url.path.rpartition("/")[2]
    patient = page.url.path.split("/")[-2]
    with site.fhir(LEGEVAKT_NURSE) as fhir:
        found = fhir.get(
            "/Observation", params={"patient": patient, "encounter": f"Encounter/{encounter}", "_count": "50"}
        )
    return [entry["resource"] for entry in found.json().get("entry", ())]


def test_the_number_stands_in_no_address(demo_site: Site, nurse: httpx.Client) -> None:
    page = registered(demo_site, nurse)
    number = number_of(demo_site, TONIGHT)
    assert page.url.path.startswith("/legevakt/kontakt/")
    assert number not in str(page.url)


def test_seven_vitals_are_seven_observations_and_a_score(demo_site: Site, nurse: httpx.Client) -> None:
    page = registered(demo_site, nurse, **VITALS)
    found = observations(demo_site, page)
    scores = [one for one in found if "1104051000000101" in str(one["code"])]
    assert len(found) == 8
    (score,) = scores
    assert score["valueQuantity"]["value"] == 0
    assert len(score["component"]) == 7
    assert len(score["derivedFrom"]) == 7


def test_six_vitals_are_stored_without_a_score(demo_site: Site, nurse: httpx.Client) -> None:
    six = {name: value for name, value in VITALS.items() if name != "v_temp"}
    page = registered(demo_site, nurse, **six)
    found = observations(demo_site, page)
    assert len(found) == 6
    assert "Mangler:" in page.text


def test_a_contact_without_urgency_is_refused_and_keeps_what_was_typed(demo_site: Site, nurse: httpx.Client) -> None:
    page = registered(demo_site, nurse, hastegrad="", arsak="Vondt i foten")
    assert page.status_code == 422
    assert "Velg hastegrad." in page.text
    assert "Vondt i foten" in page.text


def test_a_rare_value_is_asked_about_and_taken_when_confirmed(demo_site: Site, nurse: httpx.Client) -> None:
    page = registered(demo_site, nurse, **VITALS | {"v_pulse": "200"})
    assert page.status_code == 422
    assert "Stemmer det?" in page.text
    page = registered(demo_site, nurse, **VITALS | {"v_pulse": "200", "stemmer": "1"})
    assert page.status_code == 200
    assert len(observations(demo_site, page)) == 8


def test_news2_can_be_worked_out_without_a_script(demo_site: Site, nurse: httpx.Client) -> None:
    page = registered(demo_site, nurse, **VITALS | {"v_pulse": "140", "handling": "regn"})
    assert page.status_code == 200
    assert "NEWS2 3" in page.text
    assert "Én måling gir 3 poeng" in page.text
    assert "/legevakt/kontakt" in page.text


def test_the_live_score_needs_what_the_page_was_given(demo_site: Site, nurse: httpx.Client) -> None:
    page = identified(demo_site, nurse)
    fields = hidden_of(page, "/legevakt/kontakt")
    part = nurse.post("/legevakt/news2", data=fields | VITALS)
    assert "NEWS2 0" in part.text
    forged = nurse.post("/legevakt/news2", data=fields | VITALS | {"grunnlag": "AAAA"})
    assert "kan ikke regnes ut" in forged.text


def test_a_note_goes_to_the_gp_unless_the_patient_objects(demo_site: Site, nurse: httpx.Client) -> None:
    page = registered(demo_site, nurse)
    with_copy = send(nurse, page, "notat", tekst="Med kopi.")
    assert "kopi til fastlegen" in with_copy.text
    without = send(nurse, with_copy, "notat", tekst="Uten kopi.", motsetter="1")
    patient, encounter = page.url.path.split("/")[-2:]
    with demo_site.fhir(LEGEVAKT_NURSE) as fhir:
        notes = fhir.get("/Composition", params={"patient": patient, "encounter": f"Encounter/{encounter}"}).json()
        flags = fhir.get("/Flag", params={"patient": patient, "_count": "50"}).json()
    tags = {"copy-to-gp" in str(e["resource"]["meta"].get("tag")) for e in notes["entry"]}
    mine = [e["resource"] for e in flags["entry"] if encounter in str(e["resource"].get("encounter"))]
    assert tags == {True, False}
    assert mine[0]["author"]["display"] == LEGEVAKT_NURSE
    assert mine[0]["period"]["start"]
    assert "Ingen kopi til fastlegen" in without.text


def test_an_empty_note_is_refused_and_a_process_code_too_with_the_text_kept(
    demo_site: Site, nurse: httpx.Client
) -> None:
    page = registered(demo_site, nurse)
    assert send(nurse, page, "notat", tekst=" ").status_code == 422
    refused = send(nurse, page, "notat", tekst="Skiftet bandasje.", diagnosis_plain="A56")
    assert refused.status_code == 422
    assert "prosesskode" in refused.text
    assert "Skiftet bandasje." in refused.text


def test_script_in_every_field_comes_out_as_text(demo_site: Site, nurse: httpx.Client) -> None:
    evil = "<script>alert(1)</script>"
    page = registered(demo_site, nurse, arsak=evil)
    page = send(nurse, page, "notat", tekst=evil)
    assert "<script>alert" not in page.text
    assert "&lt;script&gt;alert" in page.text


def test_a_contact_moves_on_and_ends(demo_site: Site, nurse: httpx.Client) -> None:
    page = registered(demo_site, nurse, kanal="telefon")
    page = send(nurse, page, "flytt", til="arrived")
    assert "Ankommet" in page.text
    page = send(nurse, page, "hastegrad", hastegrad="red")
    assert "1</span> Rød" in page.text
    page = send(nurse, page, "flytt", til="room")
    page = send(nurse, page, "flytt", til="done")
    assert "Kontakten er avsluttet." in page.text
    assert "Vurdert nå" not in page.text
    with demo_site.fhir(LEGEVAKT_NURSE) as fhir:
        encounter = fhir.get(f"/Encounter/{page.url.path.rpartition('/')[2]}").json()
    assert encounter["status"] == "finished"
    assert encounter["class"]["code"] == "EMER"
    assert [one["status"] for one in encounter["statusHistory"]] == ["in-progress", "arrived", "in-progress"]


def test_two_who_move_the_same_contact_do_not_overwrite_each_other(demo_site: Site, nurse: httpx.Client) -> None:
    page = registered(demo_site, nurse)
    send(nurse, page, "hastegrad", hastegrad="green")
    late = send(nurse, page, "hastegrad", hastegrad="red")
    assert late.status_code == 409
    assert "Noen andre har endret dette" in late.text


def test_a_form_of_another_context_is_refused_and_keeps_the_text(demo_site: Site, nurse: httpx.Client) -> None:
    page = registered(demo_site, nurse)
    action = f"{page.url.path}/notat"
    fields = hidden_of(page, action) | {"context": "0" * 16, "tekst": "Dette skal ikke forsvinne."}
    refused = nurse.post(action, data=fields)
    assert refused.status_code == 409
    assert "Dette skal ikke forsvinne." in refused.text


def test_only_a_doctor_decides_scale_2_and_the_score_follows(demo_site: Site, nurse: httpx.Client) -> None:
    page = registered(demo_site, nurse, **VITALS)
    as_nurse = nurse.post(
        f"{page.url.path}/skala2", data=hidden_of(page, f"{page.url.path}/malinger") | {"begrunnelse": "KOLS"}
    )
    assert as_nurse.status_code == 403
    with demo_site.client(OTHER_GP, unit="legevakt") as doctor:
        seen = doctor.get(page.url.path)
        assert send(doctor, seen, "skala2", begrunnelse="").status_code == 422
        seen = send(doctor, seen, "skala2", begrunnelse="Kjent hyperkapni ved KOLS")
        assert "skala 2, bestemt av lege" in seen.text
    page = send(nurse, nurse.get(page.url.path), "malinger", **VITALS | {"v_air": "oxygen", "v_sat": "98"})
    newest = max(
        (one for one in observations(demo_site, page) if "1104051000000101" in str(one["code"])),
        key=lambda one: str(one["meta"]["lastUpdated"]),
    )
    assert newest["valueQuantity"]["value"] == 5
    assert "1104321000000108" in str(newest["component"])
    with demo_site.client(OTHER_GP, unit="legevakt") as doctor:
        seen = send(doctor, doctor.get(page.url.path), "skala2")
        assert "skala 2, bestemt av lege" not in seen.text


def test_the_page_is_for_the_legevakt_and_its_own_contacts_alone(demo_site: Site, nurse: httpx.Client) -> None:
    page = registered(demo_site, nurse, name=DIABETIC)
    with demo_site.client(GP) as gp:
        assert gp.get("/legevakt").status_code == 403
        assert gp.get(page.url.path).status_code == 403


def test_without_a_contact_the_chart_is_closed_to_the_legevakt(demo_site: Site, nurse: httpx.Client) -> None:
    stranger = demo_site.patient_id("Silje Kvalnes")
    assert nurse.get(f"/legevakt/kontakt/{stranger}/{'0' * 15}").status_code == 403


def test_somebody_elses_ticket_registers_nothing(demo_site: Site, nurse: httpx.Client) -> None:
    page = identified(demo_site, nurse)
    fields = hidden_of(page, "/legevakt/kontakt") | {"hastegrad": "red"}
    with demo_site.client(OTHER_GP, unit="legevakt") as other:
        own = hidden_of(other.get("/legevakt"), "/legevakt/identifiser")
        refused = other.post("/legevakt/kontakt", data=fields | own)
    assert refused.status_code == 409
    assert "Identifiser på nytt" in refused.text


def test_a_name_alone_and_a_date_alone_are_refused_and_nobody_found_says_what_to_do(nurse: httpx.Client) -> None:
    fields = hidden_of(nurse.get("/identifiser"), "/identifiser")
    for text, told in (("Henrik", "Navnet alene"), ("01.01.1990", "Fødselsdatoen alene")):
        refused = nurse.post("/identifiser", data=fields | {"hvem": text})
        assert refused.status_code == 422
        assert told in refused.text
    nobody = nurse.post("/identifiser", data=fields | {"hvem": "Nils Ingensteds 01.01.1990"})
    assert nobody.status_code == 200
    assert "Ingen treff" in nobody.text


def test_more_than_sixty_lookups_in_ten_minutes_are_stopped(demo_site: Site) -> None:
    with demo_site.client(OTHER_GP, unit="legevakt") as client:
        fields = hidden_of(client.get("/identifiser"), "/identifiser") | {"hvem": "Nils Ingensteds 01.01.1990"}
        answers = [client.post("/identifiser", data=fields) for _ in range(62)]
    assert answers[0].status_code == 200
    assert answers[-1].status_code == 429
    assert "uvanlig mange" in answers[-1].text
