"""The day list, the week and the palette through the real routes."""

from __future__ import annotations

import re
from collections.abc import Iterator

import httpx
import pytest

from tests.site import DIABETIC, ELDERLY, GP, LEGEVAKT_NURSE, TONIGHT, Site


@pytest.fixture(scope="module")
def gp(demo_site: Site) -> Iterator[httpx.Client]:
    with demo_site.client(GP) as client:
        yield client


def test_day_list_has_todays_patients_with_reason_and_a_link_to_the_chart(gp: httpx.Client, demo_site: Site) -> None:
    page = gp.get("/fastlege").text
    for name, reason in ((ELDERLY, "Hjertesvikt"), (DIABETIC, "Diabetes type 2")):
        row = next(one for one in re.findall(r"<tr>.*?</tr>", page, re.DOTALL) if name in one)
        assert reason in row and f'href="/pasienter/{demo_site.patient_id(name)}"' in row


def test_day_without_appointments_says_what_to_do(gp: httpx.Client) -> None:
    page = gp.get("/fastlege?dag=2031-01-05").text
    assert "Ingen timer denne dagen" in page and "Se uken" in page


def test_nonsense_for_a_day_is_today(gp: httpx.Client) -> None:
    assert "i dag" in gp.get("/fastlege?dag=nei").text


def test_week_shows_every_working_day(gp: httpx.Client) -> None:
    page = gp.get("/fastlege/uke").text
    assert all(name in page for name in ("Mandag", "Tirsdag", "Onsdag", "Torsdag", "Fredag"))


def test_palette_finds_own_patients_by_name_and_no_others(gp: httpx.Client) -> None:
    token = re.findall(r'name="csrf-token" content="([^"]+)"', gp.get("/fastlege").text)[0]
    found = gp.post("/fastlege/sok", data={"q": "borgh", "csrf_token": token}).json()
    assert [one["label"] for one in found if one["label"] == ELDERLY] == [ELDERLY]
    other = gp.post("/fastlege/sok", data={"q": TONIGHT.split()[1], "csrf_token": token}).json()
    assert TONIGHT not in [one["label"] for one in other]
    assert gp.get("/fastlege/sok").status_code == 405


def test_day_list_of_another_unit_holds_no_appointments(demo_site: Site) -> None:
    with demo_site.client(LEGEVAKT_NURSE) as nurse:
        assert ELDERLY not in nurse.get("/fastlege?vis=enhet").text


def test_stranger_is_asked_to_sign_in(demo_site: Site) -> None:
    for path in ("/fastlege", "/fastlege/uke", "/innboks"):
        answer = httpx.get(demo_site.url + path)
        assert answer.status_code == 303 and answer.headers["location"].startswith("/logg-inn")
