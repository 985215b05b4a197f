# ruff: noqa: E501 - what is asked reads best a line each
"""The leader of a unit keeps its duty list: puts others on and takes them off, never themselves; each change is on record."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta

import httpx
import pytest

from fellesjournal.kit.clock import OSLO
from tests.onboarding.office import Office
from tests.site import ELDERLY

POSTS = (
    "SELECT p.id, p.name FROM identity.post o JOIN identity.person p ON p.id = o.person"
    " WHERE o.unit = $1 AND o.role = $2 AND p.demo_name IS NOT NULL AND o.until_at > now() ORDER BY p.id LIMIT 1"
)


@pytest.fixture(scope="module")
def leader(office: Office) -> Iterator[httpx.Client]:
    name = office.site.row(POSTS, office.unit, "leder")["name"]
    with office.site.client(name, unit=office.unit_name) as client:
        yield client


def post(leader: httpx.Client, path: str = "", **fields: str) -> httpx.Response:
    hidden = dict(re.findall(r'<input type="hidden" name="(?!vakt)([^"]+)" value="([^"]*)">', leader.get("/vaktliste").text))
    return leader.post(f"/vaktliste{path}", data={**hidden, **fields})


def clock(hours: float) -> str:
    return f"{datetime.now(OSLO) + timedelta(hours=hours):%Y-%m-%dT%H:%M}"


def test_a_leader_puts_somebody_on_duty_who_has_access_then_until_taken_off(office: Office, leader: httpx.Client) -> None:
    nurse = office.site.row(POSTS, office.unit, "sykepleier")
    off = "SELECT access.is_off_duty($1, $2, 'sykepleier')"
    assert leader.get("/", follow_redirects=True).url.path == "/vaktliste"
    assert "til orientering" in leader.get("/vaktliste").text
    office.site.row("SELECT access.set_duty_rule($1, true, '{}', 'test')", office.unit)
    assert "Bare de som står på vakt" in leader.get("/vaktliste").text
    assert office.site.row(off, office.unit, nurse["id"])[0]
    for faulty in ({"hvem": ""}, {"fra": "i går"}, {"til": clock(-1)}, {"til": clock(24 * 8)}, {"fra": "9999-12-31T23:59"}, {"hvem": "1"}, {"hvem": "9" * 30}):
        assert post(leader, **{"hvem": str(nurse["id"]), "fra": clock(-1), "til": clock(8), **faulty}).status_code == 422, faulty
    made = post(leader, hvem=str(nurse["id"]), fra=clock(-1), til=clock(8))
    assert made.status_code == 200 and f"Avslutt vakten nå: {nurse['name']}" in made.text
    assert not office.site.row(off, office.unit, nurse["id"])[0]
    assert "står allerede på vakt" in post(leader, hvem=str(nurse["id"]), fra=clock(1), til=clock(2)).text
    shift = re.search(r'name="vakt" value="(\d+)"', made.text)
    assert shift
    assert nurse["name"] not in post(leader, "/av", vakt=shift[1]).text.split("Sett på vakt")[0]
    assert office.site.row(off, office.unit, nurse["id"])[0]
    assert post(leader, "/av", vakt=shift[1]).status_code == 404
    office.site.row("SELECT access.set_duty_rule($1, false, '{}', 'test')", office.unit)
    told = office.get("/endringer")
    assert "Vakt lagt til" in told and "Vakt avsluttet" in told and nurse["name"] in told
    planned = post(leader, hvem=str(nurse["id"]), fra=clock(20), til=clock(28))
    shift = re.search(r'name="vakt" value="(\d+)"', planned.text)
    assert shift and "Senere" in planned.text
    assert "Senere" not in post(leader, "/av", vakt=shift[1]).text


def test_nobody_puts_themselves_on_duty_or_keeps_anothers_list(office: Office, leader: httpx.Client) -> None:
    me = office.site.row(POSTS, office.unit, "leder")["id"]
    assert f'value="{me}"' not in leader.get("/vaktliste").text
    refused = post(leader, hvem=str(me), fra=clock(0), til=clock(8))
    assert refused.status_code == 422 and "Ingen setter seg selv på vakt" in refused.text
    other = office.site.row("INSERT INTO access.duty (person, unit, from_at, until_at) SELECT $1, id, now(), now() + interval '1 hour' FROM identity.unit WHERE kind = 'gp' LIMIT 1 RETURNING id", me)
    assert post(leader, "/av", vakt=str(other["id"])).status_code == 404
    # No leader: a nurse there, and an inhabitant.
    with office.site.client(office.site.row(POSTS, office.unit, "sykepleier")["name"], unit=office.unit_name) as nurse, office.site.client(ELDERLY) as citizen:
        assert nurse.get("/vaktliste").status_code == 403
        assert citizen.get("/vaktliste").status_code == 403
