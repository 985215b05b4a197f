"""The page of the own blocks over a living site, and the FHIR API and the staff's pages behind it, at once."""

from __future__ import annotations

import re
from collections.abc import Iterator

import httpx
import pytest

from tests.site import ELDERLY, GP, LEGEVAKT_NURSE, Site

PAGE = "/min-journal/sperringer"


@pytest.fixture
def me(demo_site: Site) -> Iterator[httpx.Client]:
    """The citizen, signed in; her blocks are lifted afterwards."""
    with demo_site.client(ELDERLY) as client:
        client.cookies.set("sprak", "nb")
        yield client
        for block in re.findall(r'name="sperring" value="([^"]+)"', client.get(PAGE).text):
            assert send(client, f"{PAGE}/opphev", sperring=block).url.query == b"opphevet=1"


def send(client: httpx.Client, path: str, page: str = PAGE, **fields: str) -> httpx.Response:
    """Fill in the page's form and send it."""
    text = client.get(page).text
    token = re.search(r'name="csrf-token" content="([^"]+)"', text)
    context = re.search(r'name="context" value="([^"]+)"', text)
    assert token and context
    return client.post(path, data={**fields, "context": context[1]}, headers={"X-CSRF-Token": token[1]})


def option(client: httpx.Client, text: str, page: str = PAGE, field: str = "for") -> str:
    """The value of a choice in one of the page's lists."""
    (chosen,) = re.findall(rf'<select[^>]*name="{field}".*?</select>', client.get(page).text, re.DOTALL)
    (value,) = re.findall(rf'<option value="([^"]+)"[^>]*>{re.escape(text)}</option>', chosen)
    return str(value)


@pytest.mark.parametrize("language", ["nb", "nn", "en"])
def test_the_page_opens_in_every_language(demo_site: Site, language: str) -> None:
    with demo_site.client(ELDERLY) as client:
        client.cookies.set("sprak", language)
        answer = client.get(PAGE)
    assert answer.status_code == 200 and f'lang="{language}"' in answer.text


def test_a_blocked_note_is_gone_from_the_gp_at_once_and_she_sees_a_count(demo_site: Site, me: httpx.Client) -> None:
    note = re.search(r"/min-journal/notater/([0-9a-z]+)", me.get("/min-journal/notater").text)
    assert note
    patient = demo_site.patient_id(ELDERLY)
    with demo_site.fhir(GP) as gp, demo_site.client(GP) as pages:
        pages.cookies.set("sprak", "nb")
        assert gp.get(f"/Composition/{note[1]}").status_code == 200
        total = gp.get("/Composition", params={"patient": patient, "_total": "accurate"}).json()["total"]
        page = f"{PAGE}?hva=document:{note[1]}"
        assert "Sperr dette notatet" in me.get(f"/min-journal/notater/{note[1]}").text
        assert "Sperringen gjelder nå" in send(me, PAGE, page, hva=f"document:{note[1]}", **{"for": "alle"}).text
        assert gp.get(f"/Composition/{note[1]}").status_code == 404
        assert gp.get("/Composition", params={"patient": patient, "_total": "accurate"}).json()["total"] == total - 1
        story = pages.get(f"/pasienter/{patient}").text
        assert re.search(r"\d+ opplysning(er)? er sperret for deg", story)
        assert me.get(f"/min-journal/notater/{note[1]}").status_code == 200
        assert "Én opplysning" in me.get(PAGE).text
    with demo_site.fhir(ELDERLY) as citizen:
        (entry,) = citizen.get("/Consent/$blocks").json()["entry"]
        consent = entry["resource"]
        assert (consent["status"], consent["provision"]["type"]) == ("active", "deny")
        assert consent["provision"]["data"][0]["reference"]["identifier"]["value"] == note[1]
        assert citizen.post("/Consent/$validate", json=consent).json()["issue"][0]["severity"] != "error"


def test_what_is_chosen_must_be_on_the_list(me: httpx.Client) -> None:
    wrong = [("tull", "alle"), ("alt", "tull"), ("document:0", "alle")]
    wrong += [("category:tull", "alle"), ("alt", "person:999999")]
    for what, whom in wrong:
        answer = send(me, PAGE, hva=what, **{"for": whom})
        assert (what, answer.status_code) == (what, 422)
        assert "Velg på nytt" in answer.text
    assert send(me, f"{PAGE}/opphev", sperring="del:999999").status_code == 422


def test_staff_register_a_block_that_the_patient_sees_and_they_do_not(demo_site: Site, me: httpx.Client) -> None:
    patient = demo_site.patient_id(ELDERLY)
    page = f"/pasienter/{patient}/sperring"
    with demo_site.client(GP) as gp:
        gp.cookies.set("sprak", "nb")
        whom = option(gp, "Legevakten", page)
        answer = send(gp, page, page, hva="alt", **{"for": whom})
        assert "Sperringen er registrert" in answer.text
        assert "Laget en sperring" not in gp.get(f"/pasienter/{patient}/innsynslogg").text
    shown = me.get(PAGE).text
    assert "Registrert for deg av" in shown and GP in shown
    with demo_site.client(LEGEVAKT_NURSE) as nurse:
        assert nurse.get(page).status_code == 403
