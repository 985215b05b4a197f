"""Notes through the real routes: signed whole, refused with the text kept, corrected with the old version kept."""

from __future__ import annotations

import re
from collections.abc import Iterator

import httpx
import pytest

from tests.site import DIABETIC, ELDERLY, GP, OTHER_GP, TONIGHT, Site

TEXT = "Kontroll. Føler seg bra."


@pytest.fixture(scope="module")
def gp(demo_site: Site) -> Iterator[httpx.Client]:
    with demo_site.client(GP) as client:
        yield client


@pytest.fixture(scope="module")
def chart(demo_site: Site) -> str:
    return f"/pasienter/{demo_site.patient_id(DIABETIC)}"


def hidden(page: str) -> dict[str, str]:
    """The fields that a page's last form carries by itself."""
    starts = [one.start() for one in re.finditer(r'<form [^>]*class="fj-form"', page)]
    form = page[starts[-1] :] if starts else page
    found = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', form))
    return {name: value for name, value in found.items() if name not in ("diagnosis", "measurement")}


def write(client: httpx.Client, chart: str, **fields: object) -> httpx.Response:
    """Fill in a new note and sign it."""
    own = hidden(client.get(f"{chart}/notat/nytt").text)
    return client.post(f"{chart}/notat/nytt", data=own | {"tekst": TEXT} | fields)


def test_signed_note_is_read_in_full_with_its_diagnosis(gp: httpx.Client, chart: str) -> None:
    page = write(gp, chart, diagnosis="K86|Hypertensjon ukomplisert")
    assert page.status_code == 200 and page.url.params["signert"] == "1"
    assert TEXT in page.text and "Hypertensjon ukomplisert" in page.text
    assert 'name="fj-draft-done"' in page.text


def test_contact_note_measurement_and_diagnosis_are_there_together(
    gp: httpx.Client, chart: str, demo_site: Site
) -> None:
    page = write(gp, chart, diagnosis="T90|Diabetes type 2", measurement="bp|138/82")
    note = page.url.path.rsplit("/", 1)[1]
    with demo_site.fhir(GP) as fhir:
        composition = fhir.get(f"/Composition/{note}").json()
        encounter = composition["encounter"]["reference"].partition("/")[2]
        about = {"patient": chart.rsplit("/", 1)[1], "encounter": f"Encounter/{encounter}"}
        condition = fhir.get("/Condition", params=about).json()["entry"]
        observation = fhir.get("/Observation", params=about).json()["entry"]
        contact = fhir.get(f"/Encounter/{encounter}").json()
    assert composition["status"] == "final"
    assert contact["status"] == "finished" and contact["reasonCode"][0]["coding"][0]["code"] == "T90"
    assert [one["resource"]["category"][0]["coding"][0]["code"] for one in condition] == ["encounter-diagnosis"]
    assert [part["valueQuantity"]["value"] for part in observation[0]["resource"]["component"]] == [138, 82]


def test_diagnosis_is_raised_to_the_problem_list_by_choice_alone(gp: httpx.Client, chart: str) -> None:
    write(gp, chart, diagnosis="L92|Skuldersyndrom")
    assert "L92" not in gp.get(f"{chart}/problemer").text
    write(gp, chart, diagnosis="H71|Akutt mellomørebetennelse", problem="H71|Akutt mellomørebetennelse")
    assert "H71" in gp.get(f"{chart}/problemer").text


def test_note_without_a_diagnosis_is_asked_about_once_and_then_signed(gp: httpx.Client, chart: str) -> None:
    asked = write(gp, chart)
    assert asked.status_code == 422
    assert TEXT in asked.text and "Signer uten diagnose" in asked.text
    assert write(gp, chart, uten_diagnose="1").url.params["signert"] == "1"


@pytest.mark.parametrize(
    ("code", "why"), [("K31", "er en prosesskode"), ("Q99", "finnes ikke i ICPC-2"), ("-45", "finnes ikke i ICPC-2")]
)
def test_process_code_and_unknown_code_are_refused_in_plain_words(
    gp: httpx.Client, chart: str, code: str, why: str
) -> None:
    page = write(gp, chart, diagnosis_plain=code)
    assert page.status_code == 422
    assert why in page.text and TEXT in page.text


def test_measurement_that_cannot_be_is_refused_with_the_text_kept(gp: httpx.Client, chart: str) -> None:
    page = write(gp, chart, diagnosis="K86|Hypertensjon", measurement="bp|1400/80")
    assert page.status_code == 422 and TEXT in page.text


ODD = "Systolisk 260 mmHg er uvanlig. Stemmer det?"


def test_unusual_measurement_is_asked_about_once_and_then_signed(gp: httpx.Client, chart: str) -> None:
    fields = {"diagnosis": "K86|Hypertensjon", "measurement": "bp|260/110"}
    asked = write(gp, chart, **fields)
    assert asked.status_code == 422
    assert ODD in asked.text and TEXT in asked.text and "bp|260/110" in asked.text
    answer = re.search(r'name="stemmer" value="([^"]+)"', asked.text)
    assert answer is not None
    signed = write(gp, chart, **fields, stemmer=answer[1])
    assert signed.url.params["signert"] == "1"


def test_value_that_changes_after_the_answer_is_asked_about_anew(gp: httpx.Client, chart: str) -> None:
    asked = write(gp, chart, diagnosis="K86|x", measurement="bp|261/110", stemmer="Systolisk 260")
    assert asked.status_code == 422 and "Systolisk 261" in asked.text


def test_unusual_value_without_diagnosis_asks_one_thing_after_the_other(gp: httpx.Client, chart: str) -> None:
    first = write(gp, chart, measurement="bp|260/110")
    assert ODD in first.text and "Signer uten diagnose" not in first.text
    second = write(gp, chart, measurement="bp|260/110", stemmer="Systolisk 260")
    assert "Signer uten diagnose" in second.text and ODD not in second.text
    assert hidden(second.text)["stemmer"] == "Systolisk 260"
    third = write(gp, chart, measurement="bp|260/110", stemmer="Systolisk 260", uten_diagnose="1")
    assert third.url.params["signert"] == "1"


def test_usual_measurement_is_not_asked_about(gp: httpx.Client, chart: str) -> None:
    assert write(gp, chart, diagnosis="K86|x", measurement="bp|120/80").url.params["signert"] == "1"


def test_question_about_a_value_is_in_the_readers_language(demo_site: Site, chart: str) -> None:
    with demo_site.client(GP) as gp:
        gp.headers["accept-language"] = "en"
        page = write(gp, chart, diagnosis="K86|x", measurement="bp|260/110").text
    assert "Systolic 260 mmHg" in page and "uvanlig" not in page.partition("<body")[2].partition("fj-texts")[0]


def test_empty_note_is_refused(gp: httpx.Client, chart: str) -> None:
    page = write(gp, chart, tekst="   ", diagnosis="K86|x")
    assert page.status_code == 422 and "Skriv noe i notatet" in page.text


def test_form_of_another_context_is_refused_with_the_text_kept(gp: httpx.Client, chart: str) -> None:
    page = write(gp, chart, context="0123456789abcdef", diagnosis="K86|x")
    assert page.status_code == 409
    assert TEXT in page.text and "byttet rolle eller enhet" in page.text


def test_form_from_before_a_switch_of_role_is_a_conflict_and_nothing_is_written(demo_site: Site) -> None:
    with demo_site.client(OTHER_GP, unit="Øvreskog legesenter") as jon:
        chart = f"/pasienter/{demo_site.patient_id(TONIGHT)}"
        before = hidden(jon.get(f"{chart}/notat/nytt").text)
        choice = jon.get("/kontekst").text
        legevakt = re.search(r'value="(\d+)"[^>]*>Lege · Tindvåg og Øvreskog legevakt<', choice)
        assert legevakt is not None
        switched = jon.post("/kontekst", data=hidden(choice) | {"rolle": legevakt[1]})
        assert "legevakt" in switched.text
        page = jon.post(
            f"{chart}/notat/nytt",
            data=before | {"tekst": "Skrevet som fastlege.", "diagnosis": "K86|x"},
            headers={"sec-fetch-site": "same-origin"},
        )
    assert page.status_code == 409
    assert 'value="Skrevet som fastlege."' in page.text and "byttet rolle eller enhet" in page.text
    with demo_site.client(OTHER_GP, unit="Øvreskog legesenter") as jon:
        assert "Skrevet som fastlege." not in jon.get(f"{chart}/notater").text


def test_script_in_a_note_is_shown_as_text(gp: httpx.Client, chart: str) -> None:
    page = write(gp, chart, tekst="<script>alert(1)</script>", diagnosis="K86|<img src=x>")
    assert "&lt;script&gt;alert(1)" in page.text
    assert "<script>alert" not in page.text and "<img src=x" not in page.text


def test_correction_is_a_new_version_and_the_old_one_is_kept(gp: httpx.Client, chart: str) -> None:
    note = write(gp, chart, diagnosis="K86|x").url.path
    own = hidden(gp.get(f"{note}/rett").text)
    page = gp.post(f"{note}/rett", data=own | {"tekst": "Kontroll. Føler seg dårlig.", "diagnosis": "K86|x"})
    assert page.url.params["rettet"] == "1"
    assert "dårlig" in page.text and "Versjon 2" in page.text and "<del>" in page.text
    old = gp.get(f"{note}?versjon=1")
    assert TEXT in old.text and "eldre versjon" in old.text


def test_corrected_diagnosis_takes_the_place_of_the_old_one(gp: httpx.Client, chart: str) -> None:
    note = write(gp, chart, diagnosis="L04|Brystkasse symptomer/plager").url.path
    own = hidden(gp.get(f"{note}/rett").text)
    page = gp.post(f"{note}/rett", data=own | {"tekst": TEXT, "diagnosis": "R05|Hoste"})
    assert "<strong>R05</strong>" in page.text and "<strong>L04</strong>" not in page.text


def reasons(demo_site: Site, note: str) -> list[str]:
    """What the note's contact says that it was about."""
    with demo_site.fhir(GP) as fhir:
        contact = fhir.get(f"/Composition/{note.rsplit('/', 1)[1]}").json()["encounter"]["reference"]
        found = fhir.get(f"/{contact}").json()
    return [one.get("text") or one["coding"][0]["code"] for one in found.get("reasonCode", ())]


def test_contact_says_what_its_corrected_note_says(gp: httpx.Client, chart: str, demo_site: Site) -> None:
    note = write(gp, chart, diagnosis=["L04|x", "K86|x"]).url.path
    assert reasons(demo_site, note) == ["L04", "K86"]
    own = hidden(gp.get(f"{note}/rett").text)
    gp.post(f"{note}/rett", data=own | {"tekst": TEXT, "diagnosis": ["K86|x", "R05|Hoste"]})
    assert reasons(demo_site, note) == ["K86", "R05"]


def test_refused_correction_leaves_the_contact_as_it_was(gp: httpx.Client, chart: str, demo_site: Site) -> None:
    note = write(gp, chart, diagnosis="L04|x").url.path
    own = hidden(gp.get(f"{note}/rett").text)
    page = gp.post(f"{note}/rett", data=own | {"tekst": " ", "diagnosis": "R05|Hoste"})
    assert page.status_code == 422
    assert reasons(demo_site, note) == ["L04"]


def test_correction_of_an_older_version_is_a_conflict_that_keeps_the_text(gp: httpx.Client, chart: str) -> None:
    note = write(gp, chart, diagnosis="K86|x").url.path
    own = hidden(gp.get(f"{note}/rett").text)
    gp.post(f"{note}/rett", data=own | {"tekst": "Den første rettelsen.", "diagnosis": "K86|x"})
    page = gp.post(f"{note}/rett", data=own | {"tekst": "Min rettelse.", "diagnosis": "K86|x"})
    assert page.status_code == 409
    assert "Min rettelse." in page.text and "Noen andre har endret" in page.text
    assert "Min rettelse." not in gp.get(note).text


def test_note_of_another_unit_is_not_corrected(gp: httpx.Client, demo_site: Site) -> None:
    chart = f"/pasienter/{demo_site.patient_id(ELDERLY)}"
    with demo_site.fhir(GP) as fhir:
        about = {"patient": chart.rsplit("/", 1)[1], "_count": "200"}
        found = [one["resource"] for one in fhir.get("/Composition", params=about).json()["entry"]]
    visit = next(one["id"] for one in found if one["title"] == "Hjemmebesøk")
    assert "Rett notatet" not in gp.get(f"{chart}/notat/{visit}").text
    assert gp.get(f"{chart}/notat/{visit}/rett").status_code == 403


def test_note_of_another_patient_is_not_found_in_this_chart(gp: httpx.Client, chart: str, demo_site: Site) -> None:
    note = write(gp, chart, diagnosis="K86|x").url.path.rsplit("/", 1)[1]
    other = f"/pasienter/{demo_site.patient_id('Silje Kvalnes')}"
    assert gp.get(f"{other}/notat/{note}").status_code == 404
    assert gp.get(f"{other}/notat/{note}/rett").status_code == 404


def test_note_in_a_chart_without_need_is_refused_with_what_can_be_done(gp: httpx.Client, demo_site: Site) -> None:
    page = gp.get(f"/pasienter/{demo_site.patient_id(TONIGHT)}/notat/nytt")
    assert page.status_code == 403
    assert "tjenstlig behov" in page.text and "Registrer en kontakt" in page.text
    assert TONIGHT not in page.text


def test_citizen_is_no_writer(demo_site: Site, chart: str) -> None:
    with demo_site.client(DIABETIC) as citizen:
        assert citizen.get(f"{chart}/notat/nytt").status_code == 403


def test_diagnoses_are_searched_by_post_and_process_codes_never_found(gp: httpx.Client, chart: str) -> None:
    token = hidden(gp.get(f"{chart}/notat/nytt").text)["csrf_token"]
    found = gp.post("/diagnoser", data={"q": "hypert", "csrf_token": token}).json()
    assert "K86" in [one["code"] for one in found]
    assert gp.post("/diagnoser", data={"q": "K31", "csrf_token": token}).json() == []
    assert gp.get("/diagnoser?q=hypert").status_code == 405


def test_draft_of_each_patient_and_note_has_a_name_of_its_own(gp: httpx.Client, chart: str, demo_site: Site) -> None:
    other = f"/pasienter/{demo_site.patient_id(ELDERLY)}"
    note = write(gp, chart, diagnosis="K86|x")
    names = [
        re.findall(r'<fj-draft [^>]*data-name="([^"]*)"', gp.get(url).text)[0]
        for url in (f"{chart}/notat/nytt", f"{other}/notat/nytt", f"{note.url.path}/rett")
    ]
    assert len({*names}) == 3
    assert f'name="fj-draft-done" content="{names[0]}"' in note.text


def test_appointment_is_done_when_its_note_is_signed(demo_site: Site) -> None:
    with demo_site.client(GP) as gp:
        link = re.search(r'href="(/pasienter/\w+/notat/nytt\?time=\w+)"', gp.get("/fastlege").text)
        assert link is not None
        page = gp.get(link[1])
        assert page.status_code == 200
        chart = link[1].partition("/notat")[0]
        gp.post(f"{chart}/notat/nytt", data=hidden(page.text) | {"tekst": TEXT, "diagnosis": "A97|x"})
        assert link[1] not in gp.get("/fastlege").text


def test_gp_of_another_practice_cannot_write_in_the_chart(demo_site: Site, chart: str) -> None:
    with demo_site.client(OTHER_GP) as other:
        assert other.get(f"{chart}/notat/nytt").status_code == 403
