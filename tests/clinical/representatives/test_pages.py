"""Staff and those who act for a patient: withholding from parents, one parent kept out, what parents were told, kin."""

from __future__ import annotations

import re
from typing import Any

import httpx
import pytest

from fellesjournal.kit import ids
from tests.record.samples import outcome
from tests.site import ELDERLY, GP, OTHER_GP, Site

pytestmark = pytest.mark.slow
MOTHER, FATHER = "Silje Kvalnes", "Anders Myrvang"
SON, TEENAGER, YOUNG_WOMAN = "Jakob Kvalnes Myrvang", "Oda Kvalnes Myrvang", "Sara Kvalnes Myrvang"
REASON = "Barnet ba om det i samtale"
TYPES = ("Appointment", "Composition", "Condition", "Encounter", "MedicationStatement", "Observation", "Task")


def send(client: httpx.Client, url: str, **typed: Any) -> httpx.Response:
    """Fill in the form of a page and send it; the answer itself, not where it leads."""
    page = client.get(url)
    assert page.status_code == 200, (url, page.status_code)
    hidden = {name: re.search(rf'name="{name}" value="([^"]*)"', page.text) for name in ("csrf_token", "context")}
    data = {name: found[1] for name, found in hidden.items() if found} | typed
    return client.post(url, data=data, follow_redirects=False)


def rows(client: httpx.Client, rtype: str, patient: str, **more: str) -> list[dict[str, Any]]:
    answer = client.get(f"/{rtype}", params={"patient": patient, "_count": "200", **more})
    assert answer.status_code == 200, answer.text
    return [entry["resource"] for entry in answer.json().get("entry", []) if entry["search"]["mode"] == "match"]


def names(client: httpx.Client, patient: str) -> set[str]:
    return {f"{rtype}/{one['id']}" for rtype in TYPES for one in rows(client, rtype, patient)}


def chart(site: Site, name: str) -> str:
    return f"/pasienter/{site.patient_id(name)}"


def observation(patient: str, **more: Any) -> dict[str, Any]:
    subject = {"reference": f"Patient/{patient}"}
    return {"resourceType": "Observation", "status": "final", "code": {"text": "x"}, "subject": subject} | more


def contact_of(site: Site, name: str) -> tuple[str, str]:
    """A contact that the GP has with a child now, and a measurement of it."""
    patient = site.patient_id(name)
    body = {"resourceType": "Encounter", "status": "finished", "class": {"code": "AMB"},
            "subject": {"reference": f"Patient/{patient}"}}  # fmt: skip
    with site.fhir(GP) as gp:
        made = gp.post("/Encounter", json=body)
        assert made.status_code == 201, made.text
        encounter = f"Encounter/{made.json()['id']}"
        measured = gp.post("/Observation", json=observation(patient, encounter={"reference": encounter}))
        assert measured.status_code == 201, measured.text
        return encounter, f"Observation/{measured.json()['id']}"


def log_of(site: Site, name: str, behalf: str | None = None) -> str:
    with site.client(name, behalf=behalf) as client:
        client.cookies.set("sprak", "nb")
        return re.sub(r"\s+", " ", client.get("/min-journal/innsyn").text)


@pytest.mark.parametrize("child", [SON, TEENAGER])
def test_what_is_withheld_is_gone_for_parents_with_all_that_names_it_also_what_is_written_later(
    demo_site: Site, child: str
) -> None:
    patient, here = demo_site.patient_id(child), chart(demo_site, child)
    encounter, measured = contact_of(demo_site, child)
    with demo_site.client(GP) as gp, demo_site.fhir(MOTHER, behalf=child) as mother, demo_site.fhir(GP) as api:
        before = names(mother, patient)
        assert {encounter, measured} <= before
        assert "Ser og handler" in gp.get(f"{here}/representanter").text or child == TEENAGER
        page = f"{here}/foreldre/{encounter}"
        assert send(gp, page, grunn="BARNETS_BESTE").status_code == 422
        assert send(gp, page, grunn="FARE", begrunnelse=REASON).status_code == 422
        assert send(gp, page, grunn="BARNETS_BESTE", begrunnelse=REASON).status_code == 303
        after = names(mother, patient)
        assert before - after >= {encounter, measured}
        later = api.post("/Observation", json=observation(patient, encounter={"reference": encounter})).json()["id"]
        derived = observation(patient, derivedFrom=[{"reference": f"Observation/{later}"}])
        latest = api.post("/Observation", json=derived).json()["id"]
        assert names(mother, patient) == after
        for gone in (encounter, measured, f"Observation/{later}", f"Observation/{latest}"):
            outcome(mother.get(f"/{gone}"), 404)
            outcome(mother.get(f"/{gone}/_history"), 404)
        changed = observation(patient, id=later, valueString="y", encounter={"reference": encounter})
        assert api.put(f"/Observation/{later}", json=changed).status_code == 200
        outcome(mother.get(f"/Observation/{later}"), 404)
        told = gp.get(f"{here}/representanter").text
        assert REASON in told
        number = re.search(r"/foreldre/vis/(\d+)", told)
        assert number is not None
        assert "Holdt tilbake for foreldrene" in log_of(demo_site, child) or child == SON
        assert "tilbake for foreldrene" not in log_of(demo_site, MOTHER, child)
        end = f"{here}/foreldre/vis/{number[1]}"
        assert send(gp, end).status_code == 422
        assert send(gp, end, begrunnelse="Barnet vil at de skal se det").status_code == 303
        assert names(mother, patient) == before | {f"Observation/{later}", f"Observation/{latest}"}
        assert gp.get(end).status_code == 403
        assert "for foreldrene igjen" not in log_of(demo_site, MOTHER, child)


def test_two_withholdings_of_a_row_and_a_label_of_its_own_each_keep_it(demo_site: Site) -> None:
    patient, here = demo_site.patient_id(SON), chart(demo_site, SON)
    label = {"security": [{"system": "urn:oid:2.16.578.1.12.4.1.1.9603", "code": "NORN_FORANS"}]}
    encounter, measured = contact_of(demo_site, SON)
    with demo_site.client(GP) as gp, demo_site.fhir(MOTHER, behalf=SON) as mother, demo_site.fhir(GP) as api:
        reference = {"encounter": {"reference": encounter}}
        own = api.post("/Observation", json=observation(patient, meta=label, **reference)).json()["id"]
        for item in (encounter, measured):
            done = send(gp, f"{here}/foreldre/{item}", hva="bare", grunn="BARNETS_BESTE", begrunnelse=REASON)
            assert done.status_code == 303, done.text
        newest_first = re.findall(r"/foreldre/vis/(\d+)", gp.get(f"{here}/representanter").text)
        assert send(gp, f"{here}/foreldre/vis/{newest_first[1]}", begrunnelse=REASON).status_code == 303
        assert mother.get(f"/{encounter}").status_code == 200
        outcome(mother.get(f"/{measured}"), 404)
        assert send(gp, f"{here}/foreldre/vis/{newest_first[0]}", begrunnelse=REASON).status_code == 303
        assert mother.get(f"/{measured}").status_code == 200
        outcome(mother.get(f"/Observation/{own}"), 404)


def test_nobody_without_need_withholds_and_no_ground_holds_at_another_age(demo_site: Site) -> None:
    encounter, _measured = contact_of(demo_site, SON)
    here, sister = chart(demo_site, SON), chart(demo_site, YOUNG_WOMAN)
    with demo_site.client(OTHER_GP) as other, demo_site.client(GP) as gp, demo_site.client(MOTHER) as mother:
        for path in ("/representanter", "/foreldre", f"/foreldre/{encounter}", "/representanter/fortelle"):
            assert other.get(f"{here}{path}").status_code == 403
            assert mother.get(f"{here}{path}").status_code == 403
        refused = send(gp, f"{here}/foreldre/{encounter}", grunn="BARNETS_ONSKE", begrunnelse=REASON)
        assert refused.status_code == 422
        assert "pasientens alder" in refused.text
        for path in ("Patient/" + demo_site.patient_id(SON), "Encounter/1p0000000000000", "Feil/x"):
            assert gp.get(f"{here}/foreldre/{path}").status_code == 404, path
        assert gp.get(f"{sister}/foreldre/{encounter}").status_code == 404
        assert "ser ikke journalen til en pasient i denne alderen" in gp.get(f"{sister}/foreldre").text
        # Another's withholding is ended from nobody else's chart.
        assert gp.get(f"{sister}/foreldre/vis/1").status_code == 403


def test_one_parent_is_kept_out_at_once_told_so_and_goes_on_as_himself(demo_site: Site) -> None:
    demo_site.row("UPDATE identity.person SET demo_name = name WHERE name = $1", FATHER)
    here = chart(demo_site, SON)
    father_id = demo_site.row("SELECT id FROM identity.person WHERE name = $1", FATHER)["id"]
    with (
        demo_site.client(GP) as gp, demo_site.client(FATHER, behalf=SON) as father,
        demo_site.fhir(FATHER, behalf=SON) as token, demo_site.client(MOTHER, behalf=SON) as mother,
    ):  # fmt: skip
        father.cookies.set("sprak", "nb")
        assert SON in father.get("/min-journal").text
        form = f"{here}/representanter/forelder/{father_id}"
        assert send(gp, form, gjor="steng", grunn="FARE").status_code == 422
        assert send(gp, form, gjor="steng", grunn="BARNETS_BESTE", begrunnelse=REASON).status_code == 422
        assert send(gp, form, gjor="steng", grunn="FARE", begrunnelse=REASON).status_code == 303
        assert token.get(f"/Patient/{demo_site.patient_id(SON)}").status_code == 401
        page = father.get("/min-journal/notater")
        assert page.status_code == 200
        assert "Du handler ikke lenger for en annen" in page.text
        assert SON not in page.text
        assert REASON not in page.text
        assert "Du handler på vegne av" not in father.get("/min-journal").text
        assert SON not in father.get("/min-journal/representasjon").text
        assert SON in mother.get("/min-journal").text
        told = gp.get(f"{here}/representanter").text
        assert "Stengt ute" in told
        assert send(gp, form, gjor="slipp").status_code == 422
        assert send(gp, form, gjor="slipp", begrunnelse="Faren er avklart").status_code == 303
        assert SON in father.get("/min-journal/representasjon").text
        assert gp.get(f"{here}/representanter/forelder/{10**17}").status_code == 403
        assert gp.get(f"{here}/representanter/forelder/x").status_code == 403
    assert "Stengte innsynet for en forelder" not in log_of(demo_site, MOTHER, SON)


def test_a_form_sent_after_acting_has_ended_says_so_and_saves_nothing(demo_site: Site) -> None:
    with demo_site.client(MOTHER, behalf=SON) as mother:
        mother.cookies.set("sprak", "nb")
        token = re.search(r'name="csrf-token" content="([^"]+)"', mother.get("/min-journal/sperringer").text)
        assert token is not None
        child = demo_site.row("SELECT patient FROM identity.person WHERE name = $1", SON)["patient"]
        change = "WITH done AS (UPDATE access.parenthood SET has_responsibility = $2 WHERE child = $1 RETURNING 1)"
        demo_site.row(f"{change} SELECT count(*) FROM done", child, False)
        answer = mother.post("/min-journal/sperringer", data={"hva": "all"}, headers={"X-CSRF-Token": token[1]})
        assert "Du handler ikke lenger for en annen" in answer.text
        demo_site.row(f"{change} SELECT count(*) FROM done", child, True)
        assert demo_site.row("SELECT count(*) AS n FROM access.block WHERE patient = $1", child)["n"] == 0
        assert mother.get("/representasjon-avsluttet").status_code == 200
    with httpx.Client(base_url=demo_site.url) as nobody:
        assert nobody.get("/representasjon-avsluttet").headers["location"] == "/logg-inn"


def test_what_parents_of_one_of_seventeen_were_told_stands_in_the_record_and_in_her_log(demo_site: Site) -> None:
    here, text = chart(demo_site, YOUNG_WOMAN), "Foreldrene vet at hun ikke kan kjøre bil denne måneden."
    mother = str(demo_site.row("SELECT id FROM identity.person WHERE name = $1", MOTHER)["id"])
    with demo_site.client(GP) as gp:
        form, typed = f"{here}/representanter/fortelle", {"grunn": "FORELDREANSVAR", "fortalt": text}
        for missing in ({"hvem": mother, "grunn": "FORELDREANSVAR"}, typed, typed | {"hvem": "1"},
                        typed | {"hvem": mother, "grunn": "FARE"}):  # fmt: skip
            assert send(gp, form, **missing).status_code == 422, missing
        with demo_site.fhir(GP) as api:
            assert rows(api, "Communication", demo_site.patient_id(YOUNG_WOMAN)) == []
        assert send(gp, form, **typed, hvem=mother).status_code == 303
        assert text in gp.get(f"{here}/representanter").text
        younger = send(gp, f"{chart(demo_site, TEENAGER)}/representanter/fortelle", **typed, hvem=mother)
        assert younger.status_code in (409, 422)
    with demo_site.client(YOUNG_WOMAN) as own:
        own.cookies.set("sprak", "nb")
        page = own.get("/min-journal/representasjon").text
        assert text in page
        assert MOTHER in page
    assert "Foreldrene fikk vite det foreldreansvaret krever" in log_of(demo_site, YOUNG_WOMAN)
    with demo_site.client(MOTHER) as client:
        assert YOUNG_WOMAN not in client.get("/min-journal/representasjon").text


def test_staff_see_whom_the_patient_chose_and_what_they_may_be_told(demo_site: Site) -> None:
    here = chart(demo_site, ELDERLY)
    with demo_site.client(GP) as gp:
        gp.cookies.set("sprak", "nb")
        for path in ("", "/representanter", "/notater"):
            page = gp.get(f"{here}{path}").text
            assert "Valgt av pasienten." in page
            assert "Kan få vite om helsetilstanden og hjelpen som gis" in page


def test_a_session_that_has_ended_for_another_reason_goes_on_as_nobody(demo_site: Site) -> None:
    with demo_site.client(MOTHER, behalf=SON) as mother:
        ended = "UPDATE identity.session SET expires_at = now() WHERE id = (SELECT max(id) FROM identity.session)"
        demo_site.row(f"WITH done AS ({ended} AND on_behalf RETURNING 1) SELECT count(*) FROM done")
        answer = mother.get("/min-journal", follow_redirects=False)
        assert answer.headers["location"].startswith(("/tidsavbrudd", "/logg-inn"))
        assert ids.decode(demo_site.patient_id(SON))
