# ruff: noqa: E501 - what is asked reads best a line each
"""The administrator's pages over a living site."""

from __future__ import annotations

import re

import pytest

from tests.identity.administration.making import number
from tests.onboarding.office import SECOND, UNIT, Office
from tests.site import GP

PAGES = ("", "/personer/ny", "/enheter", "/roller", "/fil", "/systemer", "/innsynskontroll", "/kjente", "/endringer")


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("language", ["nb", "nn", "en"])
def test_every_page_opens_for_an_administrator(office: Office, path: str, language: str) -> None:
    office.browser.cookies.set("sprak", language)
    answer = office.browser.get(f"/administrasjon{path}")
    office.browser.cookies.delete("sprak")
    assert answer.status_code == 200, answer.text
    assert f'lang="{language}"' in answer.text


@pytest.mark.parametrize("path", PAGES)
def test_no_page_opens_for_anybody_else(office: Office, path: str) -> None:
    with office.site.client("Jon Lillebakk") as client:
        assert client.get(f"/administrasjon{path}").status_code == 403


def test_somebody_new_is_brought_in_prolonged_and_ended(office: Office) -> None:
    unit = str(office.unit)
    typed = {"nummer": number(40), "navn": "Tiril Testvik", "enhet": unit, "rolle": "sykepleier", "til": "2030-01-31"}
    refused = office.post("/personer/ny", **typed)
    assert refused.status_code == 422 and "HPR-nummeret" in refused.text and number(40) not in refused.text
    made = office.post("/personer/ny", **typed, hpr="1234567")
    assert made.status_code == 200 and "31.01.2030" in made.text and "Tiril Testvik" in made.text
    person = made.url.path.rpartition("/")[2]
    found = office.post("", navn="tiri test")
    assert f"/administrasjon/personer/{person}" in found.text
    stilling = re.search(r'name="stilling" value="(\d+)"', made.text)
    assert stilling
    longer = office.post(f"/personer/{person}/endre", stilling=stilling[1], gjor="endre", **{f"til-{stilling[1]}": "2031-02-28"})
    assert "28.02.2031" in longer.text
    ended = office.post(f"/personer/{person}/endre", stilling=stilling[1], gjor="avslutt")
    assert "avsluttet" in ended.text and "Avslutt nå" not in ended.text
    assert "Stilling avsluttet" in office.get("/endringer")
    assert office.post("/personer/ny", **{**typed, "nummer": "12345678901"}).status_code == 422


def test_nobody_is_offered_or_given_anything_of_their_own(office: Office) -> None:
    me = office.site.row("SELECT id FROM identity.person WHERE name = $1", GP)["id"]
    page = office.get(f"/personer/{me}")
    assert "Dette er deg" in page and "Gi stillingen" not in page
    unit = str(office.unit)
    answer = office.post(f"/personer/{me}/gi", enhet=unit, rolle="assistent")
    assert answer.status_code == 422 and "Ingen kan gi noe til seg selv" in answer.text


def test_a_file_is_shown_before_it_is_carried_out(office: Office) -> None:
    named = {"navn": office.unit_name, "slag": "legevakt"}
    assert office.post("/enheter", kode="lv-1", **named).status_code == 422  # a new one needs a parent
    assert UNIT in office.post("/enheter", enhet=str(office.unit), kode=UNIT, **named).text
    csv = f"national_id;name;unit;role\n{number(41)};Ola Fil;{UNIT};assistent\n"

    for faulty in (csv.replace("assistent", "overlege"), csv.replace(f";{UNIT};", ";lv-2;"), "nei", csv.replace(number(41), "11111111111")):
        answer = office.upload(faulty, "gjennomfor")
        assert answer.status_code == 422 and "Ingenting er endret" in answer.text
        assert number(41) not in answer.text and "11111111111" not in answer.text
    shown = office.upload(csv, "vis")
    assert "Ingenting er endret ennå" in shown.text and "Ola Fil" in shown.text
    assert "Ingen heter det her" in office.post("", navn="ola fil").text
    assert "Dette er endret" in office.upload(csv, "gjennomfor").text
    assert "Ola Fil" in office.post("", navn="ola fil").text
    assert "0 endringer" in office.upload(csv, "gjennomfor").text


def test_a_right_waits_for_a_second_administrator(office: Office) -> None:
    wished = office.post("/roller", rett="assistent|write", opplysninger="KONTAKT", til="2030-01-31")
    assert "Venter på godkjenning" in wished.text and "Trekk ønsket" in wished.text and ">Godkjenn<" not in wished.text
    number_of = re.search(r'name="onske" value="(\d+)"', wished.text)
    assert number_of
    done = office.post("/roller/avgjor", SECOND, onske=number_of[1], gjor="godkjenn")
    assert done.status_code == 200 and "Venter på godkjenning" not in done.text and "31.01.2030" in done.text


def test_a_system_gets_a_token_that_is_shown_once(office: Office) -> None:
    system = office.system("Lønn og personal")
    made = office.post("/systemer/endre", system=system, gjor="nokkel")
    assert "Nøkkelen vises bare nå" in made.text
    assert "Nøkkelen vises bare nå" not in office.get("/systemer")
    assert f'value="{system}"' not in office.post("/systemer/endre", system=system, gjor="avslutt").text


def test_a_well_known_person_is_put_on_the_list_changed_and_taken_off(office: Office) -> None:
    typed = {"nummer": number(42), "navn": "Olaf Ordfører", "grunn": "ordfører", "til": "2030-01-31"}
    faulty = office.post("/kjente", **{**typed, "nummer": "12345678901", "navn": "", "grunn": "", "til": "i fjor"})
    assert faulty.status_code == 422 and "12345678901" not in faulty.text
    for fault in ("Nummeret kan ikke være", "Skriv hele navnet", "Skriv hvorfor", "Skriv en dato"):
        assert fault in faulty.text
    assert "Siste" not in faulty.text
    assert office.post("/kjente", **{**typed, "til": "2020-01-31"}).status_code == 422
    made = office.post("/kjente", **typed)
    assert "Olaf Ordfører" in made.text and "31.01.2030" in made.text and number(42) not in made.text
    changed = office.post("/kjente", SECOND, **{**typed, "grunn": "stortingsrepresentant"})
    assert changed.text.count("Ta av listen:") == 1 and "stortingsrepresentant" in changed.text
    person = re.search(r'name="person" value="(\d+)"', changed.text)
    assert person
    assert "Olaf Ordfører" not in office.post("/kjente/avslutt", person=person[1]).text
    assert office.post("/kjente/avslutt", person=person[1]).status_code == 422
    told = office.get("/endringer")
    for line in ("Kjent person lagt til", "Kjent person endret", "Kjent person avsluttet", "<del>ordfører</del> → stortingsrepresentant"):
        assert line in told


def test_who_judges_is_shown_given_and_ended(office: Office) -> None:
    page = office.get("/innsynskontroll")
    ours = office.site.row("SELECT c.id, c.name FROM identity.unit u JOIN identity.unit c ON c.id = u.controller WHERE u.id = $1", office.unit)
    options = dict(re.findall(r'<option value="(\d+)">([^<]+ kommune)</option>', page))
    assert f"</strong>, {ours['name']}</p>" in page and ours["name"] in options.values()
    theirs = next(number for number, name in options.items() if name != ours["name"])
    typed = {"virksomhet": str(ours["id"]), "enhet": theirs, "avtale": "sak 26/77", "til": "2030-01-31"}
    faulty = office.post("/innsynskontroll", **{**typed, "enhet": "", "avtale": ""})
    assert faulty.status_code == 422 and "Velg hvem som skal vurdere" in faulty.text and "Skriv hvilken avtale" in faulty.text
    assert "vurderer allerede" in office.post("/innsynskontroll", **{**typed, "enhet": str(ours["id"])}).text
    made = office.post("/innsynskontroll", **typed)
    assert made.status_code == 200 and "sak 26/77" in made.text and "31.01.2030" in made.text
    assert "sak 26/77" not in office.post("/innsynskontroll/avslutt", virksomhet=typed["virksomhet"], enhet=theirs).text
    told = office.get("/endringer")
    assert "Innsynskontroll lagt til" in told and "Innsynskontroll avsluttet" in told and "avtale: sak 26/77" in told
    # The demo's own agreement: the practice would have nobody.
    practice = re.search(r'name="virksomhet" value="(\d+)"', page)
    assert practice
    refused = office.post("/innsynskontroll/avslutt", virksomhet=practice[1], enhet=str(ours["id"]))
    assert refused.status_code == 422 and "Da ville ingen vurdert bruken her" in refused.text
