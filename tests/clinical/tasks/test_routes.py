"""The inbox through the real routes: right counts, results signed once, tasks handed over."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.clinical.notes.test_routes import hidden
from tests.site import DIABETIC, ELDERLY, GP, OTHER_GP, Site

TASK = re.compile(r'href="(/pasienter/\w+/oppgaver/\w+)"')


@pytest.fixture(scope="module")
def gp(demo_site: Site) -> Iterator[httpx.Client]:
    with demo_site.client(GP) as client:
        yield client


def results(client: httpx.Client) -> list[str]:
    return TASK.findall(client.get("/innboks?slag=sign-result").text)


def finish(client: httpx.Client, task: str, **fields: str) -> httpx.Response:
    page = client.get(task).text
    form = page[page.index(f'action="{task}/utfort"') :]
    own = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', form[: form.index("</form>")]))
    return client.post(f"{task}/utfort", data=own | fields)


def test_counts_of_the_inbox_are_the_lines_that_show(gp: httpx.Client) -> None:
    page = gp.get("/innboks").text
    counted = dict(re.findall(r'slag=([\w-]+)"[^>]*>[^<\d]*(\d+)</a>', page))
    assert sum(map(int, counted.values())) == len(TASK.findall(page))
    for kind, count in counted.items():
        assert len(TASK.findall(gp.get(f"/innboks?slag={kind}").text)) == int(count)


def test_inbox_of_another_practice_has_none_of_these(gp: httpx.Client, demo_site: Site) -> None:
    with demo_site.client(OTHER_GP) as other:
        assert not {*TASK.findall(gp.get("/innboks?vis=enhet").text)} & {
            *TASK.findall(other.get("/innboks?vis=enhet").text)
        }


def test_result_is_shown_with_reference_ranges_and_earlier_values(gp: httpx.Client, demo_site: Site) -> None:
    chart = f"/pasienter/{demo_site.patient_id(DIABETIC)}"
    task = next(one for one in results(gp) if one.startswith(chart))
    page = gp.get(task).text
    assert "Referanse" in page and "Tidligere svar" in page
    assert "Signer og åpne neste" in page


def test_signed_result_is_out_of_the_inbox_and_the_next_one_opens(gp: httpx.Client) -> None:
    before = results(gp)
    page = finish(gp, before[0], kommentar="Fint svar, ny kontroll om et år.")
    assert page.status_code == 200
    assert page.url.path in before[1:]
    assert before[0] not in results(gp)
    done = gp.get(before[0]).text
    assert "Fint svar, ny kontroll om et år." in done and "utført" in done


def signatures(site: Site, task: str) -> list[dict[str, Any]]:
    """What was signed of the task's patient, newest first."""
    with site.fhir(GP) as fhir:
        about = {"patient": task.split("/")[2], "_sort": "-recorded"}
        return [one["resource"] for one in fhir.get("/Provenance", params=about).json().get("entry", ())]


def test_signing_says_who_in_which_role_and_what_exactly(gp: httpx.Client, demo_site: Site) -> None:
    task = results(gp)[0]
    with demo_site.fhir(GP) as fhir:
        focus = fhir.get(f"/Task/{task.rsplit('/', 1)[1]}").json()["focus"]["reference"]
        report = fhir.get(f"/{focus}").json()
    finish(gp, task)
    made = signatures(demo_site, task)[0]
    targets = [one["reference"] for one in made["target"]]
    assert targets[0] == f"{focus}/_history/{report['meta']['versionId']}"
    assert {one.partition("/_history/")[0] for one in targets[1:-1]} == {one["reference"] for one in report["result"]}
    assert made["agent"][0]["who"]["display"] == GP
    assert made["agent"][0]["onBehalfOf"]["display"] == "Tindvåg legesenter"
    assert made["agent"][0]["role"][0]["coding"][0]["code"] == "lege"
    assert made["signature"][0]["when"] == made["recorded"]


def test_chart_shows_who_signed_a_result_and_when(gp: httpx.Client) -> None:
    task = results(gp)[0]
    finish(gp, task)
    chart = task.partition("/oppgaver")[0]
    for page in (task, f"{chart}/malinger", chart):
        assert re.search(rf"signert av {GP} <time", gp.get(page).text), page


def test_result_that_changed_meanwhile_is_not_signed(gp: httpx.Client, demo_site: Site) -> None:
    task = results(gp)[0]
    before = signatures(demo_site, task)
    page = finish(gp, task, svar="99-1", kommentar="Helt fint.")
    assert page.status_code == 409
    assert "endret siden du åpnet siden" in page.text and "Helt fint." in page.text
    assert signatures(demo_site, task) == before and task in results(gp)


def test_result_is_signed_by_doctors_alone_also_past_the_page(gp: httpx.Client, demo_site: Site) -> None:
    task = results(gp)[0]
    other = re.search(r'<option value="\w+">([^<·]+) · (?!fastlege|lege)[^<]+<', gp.get(task).text)
    assert other is not None
    with demo_site.client(other[1].strip()) as secretary:
        page = secretary.get(task).text
        assert "/utfort" not in page and "Bare en lege kan signere" in page
        refused = secretary.post(f"{task}/utfort", data=hidden(page))
    assert refused.status_code == 403 and "Bare en lege kan signere" in refused.text
    assert task in results(gp)


def test_patient_does_not_see_signatures_as_resources(gp: httpx.Client, demo_site: Site) -> None:
    task = next(one for one in results(gp) if demo_site.patient_id(DIABETIC) in one)
    finish(gp, task)
    with demo_site.fhir(DIABETIC) as own:
        assert own.get("/Provenance", params={"patient": demo_site.patient_id(DIABETIC)}).json().get("entry", []) == []


def test_result_is_signed_once(gp: httpx.Client) -> None:
    task = results(gp)[0]
    page = gp.get(task).text
    own = hidden(page[: page.index("/overlever")])
    assert gp.post(f"{task}/utfort", data=own).status_code == 200
    again = gp.post(f"{task}/utfort", data=own)
    assert again.status_code == 409 and "allerede utført" in again.text


def test_task_is_handed_over_to_a_colleague_of_the_unit_alone(gp: httpx.Client) -> None:
    task = results(gp)[0]
    page = gp.get(task).text
    own = hidden(page)
    colleagues = re.findall(r'<option value="(\w+)"', page[page.index('name="til"') :])
    refused = gp.post(f"{task}/overlever", data=own | {"til": "000000000000001", "kommentar": "Ta denne"})
    assert refused.status_code == 422 and "Velg en kollega" in refused.text
    given = gp.post(f"{task}/overlever", data=own | {"til": colleagues[0], "kommentar": "Ta denne"})
    assert "overlevert" in given.text
    assert task not in TASK.findall(gp.get("/innboks").text)
    assert task in TASK.findall(gp.get("/innboks?vis=enhet").text)


def test_task_of_another_patient_is_not_found_in_this_chart(gp: httpx.Client, demo_site: Site) -> None:
    task = results(gp)[0].rsplit("/", 1)[1]
    assert gp.get(f"/pasienter/{demo_site.patient_id(ELDERLY)}/oppgaver/{task}").status_code in (404, 200)
    wrong = f"/pasienter/{demo_site.patient_id(ELDERLY)}/oppgaver/{results(gp)[0].rsplit('/', 1)[1]}"
    if not results(gp)[0].startswith(wrong.partition("/oppgaver")[0]):
        assert gp.get(wrong).status_code == 404


def test_skipping_leads_to_the_next_and_leaves_the_task(gp: httpx.Client) -> None:
    first = results(gp)[0]
    page = gp.get(f"/innboks/neste?etter={first.rsplit('/', 1)[1]}&slag=sign-result")
    assert page.url.path != first and "Her er den neste" not in page.text
    assert first in results(gp)
