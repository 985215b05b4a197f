# ruff: noqa: E501 - what is asked reads best a line each
"""The administrator's pages over a living site."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator

import httpx
import pytest

from fellesjournal.cli.apps import _appoint_one
from tests.identity.administration.making import number
from tests.site import GP, LEGEVAKT_NURSE, Site

PAGES = ("", "/personer/ny", "/enheter", "/roller", "/fil", "/systemer", "/endringer")


@pytest.fixture(scope="module")
def legevakt(demo_site: Site) -> str:
    """The name of the legevakt, where the administrator of these tests is one."""
    name = str(demo_site.row("SELECT name FROM identity.unit WHERE kind = 'legevakt'")["name"])
    for person in (LEGEVAKT_NURSE, "Kari Elise Nordhaug"):
        asyncio.run(_appoint_one(demo_site.settings, person, name))
    demo_site.row("DELETE FROM identity.post WHERE role <> 'administrator' AND unit = (SELECT id FROM identity.unit WHERE kind = 'legevakt') RETURNING 1")
    return name


@pytest.fixture
def office(demo_site: Site, legevakt: str) -> Iterator[httpx.Client]:
    with demo_site.client(GP, unit=legevakt) as client:
        yield client


def post(client: httpx.Client, path: str, **data: str) -> httpx.Response:
    found = re.search(r'name="csrf-token" content="([^"]+)"', client.get("/administrasjon").text)
    assert found
    return client.post(f"/administrasjon{path}", data=data, headers={"X-CSRF-Token": found[1]})


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("language", ["nb", "nn", "en"])
def test_every_page_opens_for_an_administrator(office: httpx.Client, path: str, language: str) -> None:
    office.cookies.set("sprak", language)
    answer = office.get(f"/administrasjon{path}")
    assert answer.status_code == 200, answer.text
    assert f'lang="{language}"' in answer.text


@pytest.mark.parametrize("path", PAGES)
def test_no_page_opens_for_anybody_else(demo_site: Site, path: str) -> None:
    with demo_site.client("Jon Lillebakk") as client:
        assert client.get(f"/administrasjon{path}").status_code == 403


def test_somebody_new_is_brought_in_prolonged_and_ended(demo_site: Site, office: httpx.Client) -> None:
    unit = str(demo_site.row("SELECT id FROM identity.unit WHERE kind = 'legevakt'")["id"])
    typed = {"nummer": number(40), "navn": "Tiril Testvik", "enhet": unit, "rolle": "sykepleier", "til": "2030-01-31"}
    refused = post(office, "/personer/ny", **typed)
    assert refused.status_code == 422 and "HPR-nummeret" in refused.text and number(40) not in refused.text
    made = post(office, "/personer/ny", **typed, hpr="1234567")
    assert made.status_code == 200 and "31.01.2030" in made.text and "Tiril Testvik" in made.text
    person = made.url.path.rpartition("/")[2]
    found = post(office, "", navn="tiri test")
    assert f"/administrasjon/personer/{person}" in found.text
    stilling = re.search(r'name="stilling" value="(\d+)"', made.text)
    assert stilling
    longer = post(office, f"/personer/{person}/endre", stilling=stilling[1], gjor="endre", **{f"til-{stilling[1]}": "2031-02-28"})
    assert "28.02.2031" in longer.text
    ended = post(office, f"/personer/{person}/endre", stilling=stilling[1], gjor="avslutt")
    assert "avsluttet" in ended.text and "Avslutt nå" not in ended.text
    assert "Stilling avsluttet" in office.get("/administrasjon/endringer").text
    assert post(office, "/personer/ny", **{**typed, "nummer": "12345678901"}).status_code == 422


def test_nobody_is_offered_or_given_anything_of_their_own(demo_site: Site, office: httpx.Client) -> None:
    me = demo_site.row("SELECT id FROM identity.person WHERE name = $1", GP)["id"]
    page = office.get(f"/administrasjon/personer/{me}")
    assert "Dette er deg" in page.text and "Gi stillingen" not in page.text
    unit = str(demo_site.row("SELECT id FROM identity.unit WHERE kind = 'legevakt'")["id"])
    answer = post(office, f"/personer/{me}/gi", enhet=unit, rolle="assistent")
    assert answer.status_code == 422 and "Ingen kan gi noe til seg selv" in answer.text


def test_a_file_is_shown_before_it_is_carried_out(demo_site: Site, office: httpx.Client, legevakt: str) -> None:
    assert post(office, "/enheter", kode="lv-1", navn=legevakt, slag="legevakt").status_code == 422  # a new one needs a parent
    here = str(demo_site.row("SELECT id FROM identity.unit WHERE kind = 'legevakt'")["id"])
    assert "lv-1" in post(office, "/enheter", enhet=here, kode="lv-1", navn=legevakt, slag="legevakt").text
    csv = f"national_id;name;unit;role\n{number(41)};Ola Fil;lv-1;assistent\n"
    found = re.search(r'name="csrf-token" content="([^"]+)"', office.get("/administrasjon/fil").text)
    assert found

    def upload(text: str, gjor: str) -> httpx.Response:
        return office.post("/administrasjon/fil", data={"gjor": gjor}, files={"fil": ("a.csv", text)}, headers={"X-CSRF-Token": found[1]})

    for faulty in (csv.replace("assistent", "overlege"), csv.replace("lv-1", "lv-2"), "nei", csv.replace(number(41), "11111111111")):
        answer = upload(faulty, "gjennomfor")
        assert answer.status_code == 422 and "Ingenting er endret" in answer.text
        assert number(41) not in answer.text and "11111111111" not in answer.text
    shown = upload(csv, "vis")
    assert "Ingenting er endret ennå" in shown.text and "Ola Fil" in shown.text
    assert "Ingen heter det her" in post(office, "", navn="ola fil").text
    assert "Dette er endret" in upload(csv, "gjennomfor").text
    assert "Ola Fil" in post(office, "", navn="ola fil").text
    assert "0 endringer" in upload(csv, "gjennomfor").text


def test_a_right_waits_for_a_second_administrator(demo_site: Site, office: httpx.Client, legevakt: str) -> None:
    wished = post(office, "/roller", rett="assistent|write", opplysninger="KONTAKT", til="2030-01-31")
    assert "Venter på godkjenning" in wished.text and "Trekk ønsket" in wished.text and ">Godkjenn<" not in wished.text
    number_of = re.search(r'name="onske" value="(\d+)"', wished.text)
    assert number_of
    with demo_site.client(LEGEVAKT_NURSE, unit=legevakt) as other:
        done = post(other, "/roller/avgjor", onske=number_of[1], gjor="godkjenn")
    assert done.status_code == 200 and "Venter på godkjenning" not in done.text and "31.01.2030" in done.text


def test_a_system_gets_a_token_that_is_shown_once(demo_site: Site, office: httpx.Client) -> None:
    from datetime import UTC, datetime, timedelta

    until = (datetime.now(UTC) + timedelta(days=30)).date().isoformat()
    assert post(office, "/systemer", navn="Lønn og personal", til=until).status_code == 200
    number_of = re.search(r'name="system" value="(\d+)"', office.get("/administrasjon/systemer").text)
    assert number_of
    made = post(office, "/systemer/endre", system=number_of[1], gjor="nokkel")
    assert "Nøkkelen vises bare nå" in made.text
    assert "Nøkkelen vises bare nå" not in office.get("/administrasjon/systemer").text
    assert "Ingen systemer" in post(office, "/systemer/endre", system=number_of[1], gjor="avslutt").text
