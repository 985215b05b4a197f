"""The problem list through the real routes."""

from __future__ import annotations

import re
from collections.abc import Iterator

import httpx
import pytest

from tests.clinical.notes.test_routes import hidden
from tests.site import GP, Site


@pytest.fixture(scope="module")
def gp(demo_site: Site) -> Iterator[httpx.Client]:
    with demo_site.client(GP) as client:
        yield client


@pytest.fixture(scope="module")
def problems(demo_site: Site) -> str:
    return f"/pasienter/{demo_site.patient_id('Silje Kvalnes')}/problemer"


def add(client: httpx.Client, problems: str, **fields: str) -> httpx.Response:
    return client.post(problems, data=hidden(client.get(problems).text) | fields)


def test_problem_is_added_ended_and_taken_up_again(gp: httpx.Client, problems: str) -> None:
    assert "R96" in add(gp, problems, kode="R96", siden="2019").text
    for way, heading in (("avslutt", "Avsluttede problemer"), ("gjenoppta", "Aktive problemer")):
        page = gp.get(problems).text
        row = next(one for one in re.findall(r"<tr>.*?</tr>", page, re.DOTALL) if "R96" in one)
        own = dict(re.findall(r'name="(\w+)" value="([^"]*)"', row))
        action = re.findall(r'action="([^"]+)"', row)[0]
        assert action.endswith(way)
        after = gp.post(action, data=own).text
        assert "R96" in after[after.index(heading) :]


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"kode": "K31"}, "prosesskode"), ({"kode": "Q00"}, "finnes ikke"), ({"kode": ""}, "finnes ikke"),
        ({"kode": "A75", "siden": "i fjor"}, "Skriv datoen"), ({"kode": "A75", "siden": "31.02.2020"}, "Skriv datoen"),
    ],
)  # fmt: skip
def test_what_cannot_be_a_problem_is_refused_with_what_was_typed_kept(
    gp: httpx.Client, problems: str, fields: dict[str, str], why: str
) -> None:
    page = add(gp, problems, **fields)
    assert page.status_code == 422 and why in page.text
    assert f'value="{fields["kode"]}"' in page.text


def test_problem_is_listed_once(gp: httpx.Client, problems: str) -> None:
    add(gp, problems, kode="D84")
    page = add(gp, problems, kode="d84")
    assert page.status_code == 422 and "står allerede" in page.text
