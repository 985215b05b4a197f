"""The reviewer's pages: whom they are for, what they show and do not show, and what a judgement needs."""

import asyncio
import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from fellesjournal.kit import db
from tests.site import ELDERLY, GP, LEGEVAKT_NURSE, Site

REVIEWER, OTHER_REVIEWER = "Solveig Rinde Aamot", "Torleif Kvernmo"


def run(site: Site, query: str, *arguments: Any) -> Any:
    return site.row(query, *arguments)[0]


@pytest.fixture(scope="module")
def task(demo_site: Site) -> int:
    """The nurse of the legevakt used emergency access on Borghild."""
    return open_task(demo_site, "EMERGENCY", LEGEVAKT_NURSE, ELDERLY, reason="Funnet bevisstløs hjemme.")


def open_task(site: Site, kind: str, reader: str, patient: str, *, reason: str = "", evidence: str = "{}") -> int:
    return int(
        run(
            site,
            "SELECT access.review_open($1, (SELECT min(o.unit) FROM identity.post o WHERE o.person = p.id), p.id,"
            " (SELECT min(x.patient) FROM identity.person x WHERE x.name = $3), NULL, NULL, nextval('access.event'),"
            " $4, $5::jsonb)"
            " FROM identity.person p WHERE p.name = $2 AND p.practitioner IS NOT NULL",
            kind, reader, patient, reason, evidence,
        )
    )  # fmt: skip


@pytest.fixture
def reviewer(demo_site: Site) -> Iterator[httpx.Client]:
    with demo_site.client(REVIEWER) as client:
        yield client


def post(client: httpx.Client, path: str, **fields: str) -> httpx.Response:
    page = client.get(path).text
    hidden = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', page))
    return client.post(path, data={**hidden, **fields})


def test_the_list_says_who_read_and_never_whom(demo_site: Site, task: int, reviewer: httpx.Client) -> None:
    page = reviewer.get("/kontroll")
    assert page.status_code == 200
    assert f"/kontroll/{task}" in page.text
    assert LEGEVAKT_NURSE in page.text
    assert ELDERLY not in page.text


def test_a_task_names_the_patient_shows_the_reason_and_is_logged(
    demo_site: Site, task: int, reviewer: httpx.Client
) -> None:
    page = reviewer.get(f"/kontroll/{task}").text
    for shown in ("Blålystilgang", ELDERLY, "Funnet bevisstløs hjemme.", "legevakt"):
        assert shown in page
    patient = run(demo_site, "SELECT min(patient) FROM identity.person WHERE name = $1", ELDERLY)
    logged = run(
        demo_site, "SELECT count(*) FROM access.log WHERE action = 'review' AND patient = $1 AND outcome = 0", patient
    )
    assert logged >= 2


def test_nobody_else_gets_in_and_the_other_municipality_finds_nothing(demo_site: Site, task: int) -> None:
    with demo_site.client(OTHER_REVIEWER) as other:
        assert f"/kontroll/{task}" not in other.get("/kontroll").text
        assert other.get(f"/kontroll/{task}").status_code == 404
        assert other.get("/kontroll/fire").status_code == 404
    for name in (GP, LEGEVAKT_NURSE):
        with demo_site.client(name) as client:
            for path in ("/kontroll", f"/kontroll/{task}", "/kontroll/tall", "/kontroll/tegn"):
                assert client.get(path).status_code == 403
    assert httpx.get(f"{demo_site.url}/kontroll", follow_redirects=False).status_code in (302, 303, 401)


def test_the_reviewer_opens_no_record(demo_site: Site, reviewer: httpx.Client) -> None:
    patient = demo_site.patient_id(ELDERLY)
    assert reviewer.get(f"/pasienter/{patient}").status_code == 403
    with demo_site.fhir(REVIEWER) as fhir:
        assert fhir.get(f"/Patient/{patient}").status_code in (403, 404)
        assert fhir.get(f"/Observation?patient={patient}").status_code == 403


def test_a_judgement_needs_a_choice_and_a_deviation_a_note(demo_site: Site, reviewer: httpx.Client) -> None:
    used = '{"ground": "BLAALYS", "until": "2026-11-01T10:00:00+00:00", "extends": 3}'
    task = open_task(demo_site, "OVERRIDE", LEGEVAKT_NURSE, ELDERLY, reason="Fare for liv.", evidence=used)
    page = reviewer.get(f"/kontroll/{task}").text
    for shown in ("Åpnet til", "01.11.2026 kl. 11.00", "BLAALYS", "Forlengelse av en tidligere bruk"):
        assert shown in page
    assert post(reviewer, f"/kontroll/{task}", merknad="tekst som blir stående").status_code == 422
    refused = post(reviewer, f"/kontroll/{task}", vurdering="SUSPECTED")
    assert refused.status_code == 422
    assert "Skriv hva du bygger vurderingen på." in refused.text
    done = post(
        reviewer, f"/kontroll/{task}", vurdering="SUSPECTED", merknad="Ingen kontakt den dagen.", LEADER_TOLD="1"
    )
    assert done.status_code == 200
    assert "Vurderingen er lagret." in done.text
    assert f"/kontroll/{task}" not in done.text
    assert f"/kontroll/{task}" in reviewer.get("/kontroll?vis=vurdert").text
    assert "Legevakt" in reviewer.get("/kontroll/tall").text or LEGEVAKT_NURSE in reviewer.get("/kontroll/tall").text


def test_a_question_is_answered_to_the_citizen(demo_site: Site, reviewer: httpx.Client) -> None:
    task = open_task(demo_site, "QUESTION", GP, ELDERLY, reason="Hvorfor leste dere dette?")
    scope = run(demo_site, "SELECT count(*) FROM access.review_scope")
    assert scope > 0
    assert post(reviewer, f"/kontroll/{task}", vurdering="OK").status_code == 422
    assert post(reviewer, f"/kontroll/{task}", vurdering="OK", svar="Du hadde time den dagen.").status_code == 200
    answer = run(demo_site, "SELECT answer FROM access.review WHERE id = $1", task)
    assert answer == "Du hadde time den dagen."


def test_a_finding_shows_its_signs_and_points(demo_site: Site, reviewer: httpx.Client) -> None:
    evidence = (
        '{"score": 90, "threshold": 80, "shown": 4, "first_at": "2026-11-01T10:00:00+00:00", "last_at":'
        ' "2026-11-01T10:04:00+00:00", "signs": [{"code": "COLLEAGUE", "points": 60},'
        ' {"code": "NO_NEED", "points": 30}]}'
    )
    task = open_task(demo_site, "FINDING", LEGEVAKT_NURSE, ELDERLY, evidence=evidence)
    page = reviewer.get(f"/kontroll/{task}").text
    for shown in ("Kollega", "60", "Ingen føring", "Et funn er ikke en dom"):
        assert shown in page
    assert "Kollega" in reviewer.get("/kontroll?slag=FINDING").text
    assert "Samme gate" in reviewer.get("/kontroll/tegn").text
    same = re.search(r"/kontroll\?leser=\d+", page)
    assert same
    assert f"/kontroll/{task}" in reviewer.get(same[0]).text
    assert f"/kontroll/{task}" not in reviewer.get("/kontroll?leser=0").text


async def analysed(site: Site) -> None:
    from fellesjournal.clinical.correspondence.actors import CONTROL, SystemSession
    from fellesjournal.clinical.review.jobs import Analyst
    from fellesjournal.identity.sessions import Sessions

    async with await db.Database.connect(site.settings, site.keys, "fj_worker", max_size=2) as worker:
        sessions = Sessions(signin=worker, web=worker, settings=site.settings, keys=site.keys)
        session = SystemSession(sessions, actor=CONTROL)
        await Analyst(worker, hash64=site.keys.hash64, secret=session.secret, stop=asyncio.Event()).work()


def test_the_night_learns_who_lives_where_and_nothing_of_where_the_protected_live(demo_site: Site) -> None:
    asyncio.run(analysed(demo_site))
    people = run(demo_site, "SELECT count(DISTINCT patient) FROM access.trait WHERE kind = 'I'")
    assert people >= 80
    assert run(demo_site, "SELECT count(*) FROM access.trait WHERE kind = 'K'") > 10
    hidden = run(
        demo_site,
        "SELECT count(*) FROM access.trait t JOIN vault.resource r ON r.pid = t.patient"
        " WHERE t.kind IN ('A', 'S') AND r.body LIKE '%gd-address-confidentiality%'",
    )
    assert hidden == 0
    kin = run(
        demo_site,
        "SELECT count(*) FROM access.trait k JOIN access.trait i ON i.h = k.h AND i.kind = 'I' WHERE k.kind = 'K'",
    )
    assert kin > 10
    asyncio.run(analysed(demo_site))
    assert run(demo_site, "SELECT count(DISTINCT patient) FROM access.trait WHERE kind = 'I'") == people
