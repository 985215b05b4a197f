"""The chart through the real routes: what shows, what does not, and how fast it opens."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator

import httpx
import pytest

from tests.site import DIABETIC, ELDERLY, GP, TONIGHT, Site


@pytest.fixture(scope="module")
def gp(demo_site: Site) -> Iterator[httpx.Client]:
    with demo_site.client(GP) as client:
        yield client


@pytest.fixture(scope="module")
def chart(demo_site: Site) -> str:
    return f"/pasienter/{demo_site.patient_id(ELDERLY)}"


def test_overview_has_what_must_be_known_now(gp: httpx.Client, chart: str) -> None:
    page = gp.get(chart).text
    for part in ("Problemliste", "Legemidler i bruk", "Siste kontakter i alle tjenester", "Åpne oppgaver", "Planer"):
        assert part in page
    assert "Hjertesvikt" in page and "Antikoagulasjonsbehandling" in page
    assert "Står på fastlegens liste" in page and "Anne Grete Ulvestad" in page


def test_timeline_has_a_lane_for_each_service(gp: httpx.Client, chart: str) -> None:
    page = gp.get(f"{chart}/tidslinje?periode=alt").text
    lanes = re.findall(r'data-lane="\d+"> ([^<]+?) <', page)
    assert "Fastlege" in lanes and "Hjemmetjeneste" in lanes
    assert "× hjemmebesøk" in page


def test_measurements_show_trends_and_abnormal_by_more_than_colour(gp: httpx.Client, demo_site: Site) -> None:
    page = gp.get(f"/pasienter/{demo_site.patient_id(DIABETIC)}/malinger").text
    assert "Hb(B)-HbA1c" in page and "fj-spark" in page
    assert re.search(r'is-abnormal"><span aria-hidden="true">[↑↓]</span><span class="ds-sr-only">(høy|lav)', page)


def test_whole_number_shows_only_when_asked_for_by_post(gp: httpx.Client, chart: str) -> None:
    page = gp.get(chart).text
    assert re.search(r"\d{6} \*{5}", page) and not re.search(r"\b\d{11}\b", page)
    token = re.findall(r'name="csrf_token" value="([^"]+)"', page)[0]
    shown = gp.post(f"{chart}/fodselsnummer", data={"csrf_token": token})
    assert re.search(r'fj-number">\d{11}<', shown.text)
    assert gp.get(f"{chart}/fodselsnummer").status_code == 405
    part = gp.post(f"{chart}/fodselsnummer", data={"csrf_token": token}, headers={"hx-request": "true"})
    assert part.text.count("<") < 8


def test_log_tells_who_has_read_and_why(gp: httpx.Client, chart: str) -> None:
    page = gp.get(f"{chart}/innsynslogg").text
    assert GP in page and "Åpnet" in page and "Står på fastlegens liste" in page


def test_log_tells_staff_what_kinds_of_data_were_read(gp: httpx.Client, demo_site: Site, chart: str) -> None:
    with demo_site.fhir(GP) as fhir:
        assert fhir.get("/Immunization", params={"patient": chart.rpartition("/")[2]}).status_code == 200
    rows = re.findall(r"<tr>(.*?)</tr>", gp.get(f"{chart}/innsynslogg").text, re.DOTALL)
    assert any("Leste: vaksiner" in row and GP in row for row in rows)
    assert not any("<td>Leste</td>" in row for row in rows), "what was read is always said"


def test_chart_without_need_is_refused_on_every_page(gp: httpx.Client, demo_site: Site) -> None:
    hidden_chart = f"/pasienter/{demo_site.patient_id(TONIGHT)}"
    for path in ("", "/tidslinje", "/malinger", "/notater", "/problemer", "/innsynslogg"):
        page = gp.get(hidden_chart + path)
        assert page.status_code == 403, path
        assert TONIGHT not in page.text


def test_unknown_chart_is_refused_like_a_hidden_one(gp: httpx.Client, demo_site: Site) -> None:
    hidden_page = gp.get(f"/pasienter/{demo_site.patient_id(TONIGHT)}")
    for unknown in ("000000000000001", "zzzzzzzzzzzzzzz", "x", "10000000000zzzz"):
        page = gp.get(f"/pasienter/{unknown}")
        assert page.status_code == 403
        assert re.findall("<h1.*?</h1>", page.text) == re.findall("<h1.*?</h1>", hidden_page.text)


def test_every_page_of_a_chart_is_never_stored(gp: httpx.Client, chart: str) -> None:
    for path in ("", "/tidslinje", "/malinger", "/notater"):
        assert gp.get(chart + path).headers["cache-control"] == "no-store"


def test_nynorsk_and_english_leave_no_bokmaal_heading(gp: httpx.Client, chart: str) -> None:
    page = gp.get(chart, headers={"accept-language": "en"}).text
    assert "Medicines in use" in page and "Legemidler i bruk" not in page
    page = gp.get(chart, headers={"accept-language": "nn"}).text
    assert "Legemiddel i bruk" in page


@pytest.mark.slow
def test_chart_opens_well_within_the_bar(gp: httpx.Client, chart: str) -> None:
    gp.get(chart)
    times = []
    for _ in range(12):
        begun = time.perf_counter()
        gp.get(chart)
        times.append(time.perf_counter() - begun)
    # The bar of 60 ms is measured alone by bench/; here a shared machine must only not be far from it.
    assert sorted(times)[6] < 0.3
