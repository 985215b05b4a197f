"""The day list, the week and the palette through the real routes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta

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


TWICE = (
    ("2026-10-24T23:30:00+02:00", "Kvelden før"),
    ("2026-10-25T02:10:00+01:00", "Vintertid ti over to"),
    ("2026-10-25T02:40:00+02:00", "Sommertid tjue på tre"),
    ("2026-10-25T02:10:00+02:00", "Sommertid ti over to"),
    ("2026-10-25T23:30:00+01:00", "Samme kveld"),
    ("2026-10-26T00:10:00+01:00", "Neste dag"),
)
"""Appointments over the night when the clocks go back, in no order."""


def book(site: Site, appointments: tuple[tuple[str, str], ...]) -> None:
    """Appointments of the GP with one of her patients, a quarter of an hour each."""
    with site.fhir(GP) as fhir:
        patient = f"Patient/{site.patient_id(DIABETIC)}"
        parties = fhir.get(f"/{patient}").json()["generalPractitioner"]
        doctor = next(one for one in parties if one["reference"].startswith("Practitioner/"))
        for start, reason in appointments:
            who = [{"reference": patient}, doctor]
            end = (datetime.fromisoformat(start) + timedelta(minutes=15)).isoformat()
            made = fhir.post(
                "/Appointment",
                json={
                    "resourceType": "Appointment", "status": "booked", "start": start, "end": end,
                    "description": reason, "participant": [{"actor": one, "status": "accepted"} for one in who],
                },
            )  # fmt: skip
            assert made.status_code == 201, made.text


def shown_on(client: httpx.Client, day: str) -> list[tuple[str, str]]:
    """(time, reason) of each line of a day's list."""
    rows = re.findall(r"<tr>(.*?)</tr>", client.get(f"/fastlege?dag={day}").text, re.DOTALL)
    cells = [re.findall(r"<td[^>]*>(.*?)</td>", row, re.DOTALL) for row in rows]
    return [(one[0], one[1]) for one in cells if len(one) > 1]


def test_hour_that_comes_twice_is_listed_in_the_order_it_is_lived(gp: httpx.Client, demo_site: Site) -> None:
    book(demo_site, TWICE)
    assert shown_on(gp, "2026-10-25") == [
        ("02.10 sommertid", "Sommertid ti over to"),
        ("02.40 sommertid", "Sommertid tjue på tre"),
        ("02.10 normaltid", "Vintertid ti over to"),
        ("23.30", "Samme kveld"),
    ]
    assert [reason for _at, reason in shown_on(gp, "2026-10-24")] == ["Kvelden før"]
    assert "Neste dag" in [reason for _at, reason in shown_on(gp, "2026-10-26")]


def test_day_of_the_march_night_holds_its_23_hours_and_no_others(gp: httpx.Client, demo_site: Site) -> None:
    book(demo_site, (("2027-03-28T00:00:00+01:00", "Midnatt"), ("2027-03-28T03:00:00+02:00", "Klokken tre"),
                     ("2027-03-28T01:45:00+01:00", "Kvart på to"), ("2027-03-28T23:45:00+02:00", "Sist"),
                     ("2027-03-29T00:00:00+02:00", "Neste dag")))  # fmt: skip
    assert shown_on(gp, "2027-03-28") == [
        ("00.00", "Midnatt"), ("01.45", "Kvart på to"), ("03.00", "Klokken tre"), ("23.45", "Sist"),
    ]  # fmt: skip


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
