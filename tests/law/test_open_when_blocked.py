# ruff: noqa: E501 - queries read best a line each
"""A part that is blocked while a reader has a stream, a page, a document or an export open is closed there too, at once."""

import os
import time
from collections.abc import Iterator
from hashlib import sha256

import httpx
import pytest

from fellesjournal.kit import ids
from tests.record.api.test_export import done, export, lines, post
from tests.record.samples import make, make_person, outcome, weight
from tests.record.subscriptions.receiver import events_of
from tests.record.subscriptions.test_websocket import bound, subscribed, told
from tests.site import DIABETIC, GP, Site

pytestmark = [pytest.mark.law, pytest.mark.slow]
FIVE_SECONDS = 5


@pytest.fixture(scope="module")
def site(demo_site: Site) -> Site:
    demo_site.start_worker()
    return demo_site


@pytest.fixture
def gp(site: Site) -> Iterator[httpx.Client]:
    with site.fhir(GP) as opened:
        yield opened
    while site.row("SELECT id FROM access.part_block WHERE until_at > clock_timestamp()"):
        site.row("SELECT vault.lift_block($1, true, b.id) FROM access.part_block b WHERE until_at > clock_timestamp() LIMIT 1", _citizen(site, site.patient_id(DIABETIC)))


def _citizen(site: Site, patient: str) -> bytes:
    """The secret of a session in which a person sees their own record."""
    slot, pid = ids.decode(patient) or (0, 0)
    someone = site.row("SELECT identity.put_person('human', $1, 'Innbygger', NULL, $2, $3, NULL) AS id", os.urandom(16), pid, slot)["id"]
    secret = os.urandom(32)
    site.row("SELECT identity.start_citizen($1, $2, 4::smallint, 3600, 7200, '')", sha256(secret).digest(), someone)
    return secret


def block_results(site: Site, patient: str, secret: bytes = b"") -> float:
    """Block all measurements and test results for everybody; when that was done."""
    pid = (ids.decode(patient) or (0, 0))[1]
    made = site.row("SELECT verdict FROM vault.make_block($1, $2, 'category', NULL, NULL, 'results', NULL, NULL, NULL)", secret or _citizen(site, patient), pid)
    assert made["verdict"] == "ok"
    return time.monotonic()


def test_an_open_stream_tells_nothing_of_a_part_that_is_blocked_meanwhile(site: Site, gp: httpx.Client) -> None:
    patient, listed = site.patient_id(DIABETIC), gp.get("/Patient", params={"_count": "20"}).json()["entry"]
    other = next(one["resource"]["id"] for one in listed if one["resource"]["id"] != patient)
    with bound(gp, subscribed(gp, content="full-resource")) as socket:
        told(socket, "handshake")
        before = make(gp, "Observation", weight(patient))
        assert [focus for _, focus in events_of(told(socket))] == [f"Observation/{before}"]
        at = block_results(site, patient)
        hidden = make(gp, "Observation", weight(patient))
        shown = make(gp, "Observation", weight(other))
        seen: list[str] = []
        while f"Observation/{shown}" not in seen:
            bundle = told(socket)
            seen += [focus for _, focus in events_of(bundle)]
            assert hidden not in str(bundle) and patient not in str(bundle)
        assert time.monotonic() - at < FIVE_SECONDS


def test_pages_and_documents_that_are_open_lose_what_is_blocked(site: Site, gp: httpx.Client) -> None:
    patient = site.patient_id(DIABETIC)
    about = make(gp, "Observation", weight(patient))
    note = {
        "resourceType": "Composition", "status": "final", "type": {"text": "Notat"}, "subject": {"reference": f"Patient/{patient}"}, "title": "Notat",
        "date": "2026-01-02", "author": [{"display": "Lege"}], "section": [{"title": "Funn", "entry": [{"reference": f"Observation/{about}"}]}],
    }  # fmt: skip
    written = gp.post("/Composition", json=note).json()["id"]
    assert about in gp.get(f"/Composition/{written}/$document").text
    page = gp.get(f"/Patient/{patient}/$everything", params={"_count": "5"}).json()
    at = block_results(site, patient)
    assert gp.get(f"/Composition/{written}/$document").status_code == 404
    types: set[str] = set()
    while following := [link["url"] for link in page["link"] if link["relation"] == "next"]:
        answer = gp.get(following[0])
        assert answer.status_code == 200, answer.text
        page = answer.json()
        types |= {entry["resource"]["resourceType"] for entry in page.get("entry", [])}
    assert types and not types & {"Observation", "DiagnosticReport"}
    assert "Observation" not in {entry["resource"]["resourceType"] for entry in gp.get(f"/Patient/{patient}/$everything").json()["entry"]}
    assert time.monotonic() - at < FIVE_SECONDS


def test_an_export_holds_nothing_of_a_blocked_part_and_one_made_before_is_given_up(site: Site) -> None:
    with site.fhir() as system:
        patient = make_person(system)
        make(system, "Observation", weight(patient))
        asked = post(system, [patient]).headers["content-location"]
        before = done(system, asked)
        assert len(lines(system, before, "Observation")) == 1
        secret = _citizen(site, patient)
        block_results(site, patient, secret)
        for file in before["output"]:
            outcome(system.get(file["url"]), 410)
        assert {file["type"] for file in export(system, [patient])["output"]} == {"Patient"}
        site.row("SELECT vault.lift_block($1, true, (SELECT max(id) FROM access.part_block))", secret)
        assert len(lines(system, export(system, [patient]), "Observation")) == 1
