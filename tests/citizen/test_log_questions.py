"""Asking about a line of the own log; and the log of a person whose units may not be named."""

from __future__ import annotations

import asyncio
import contextlib
import html
import re
from collections.abc import Iterator

import httpx
import pytest

from tests.site import ELDERLY, GP, TONIGHT, Site

FORM = "/min-journal/innsyn/spoersmaal/nytt"
SEND = "/min-journal/innsyn/spoersmaal"
LINE = re.compile(r'name="linje" value="([^"]+)"')
PROTECTION = "http://hl7.no/fhir/CodeSystem/no-basis-person-adressebeskyttelse"


@contextlib.contextmanager
def citizen(site: Site, name: str) -> Iterator[httpx.Client]:
    with site.client(name) as client:
        client.cookies.set("sprak", "nb")
        token = re.search(r'name="csrf-token" content="([^"]+)"', client.get("/min-journal/innsyn").text)
        assert token is not None
        client.headers["X-CSRF-Token"] = token[1]
        yield client


@pytest.fixture(scope="module")
def line(demo_site: Site) -> str:
    """The place of a reading by the GP in the log of ELDERLY."""
    with demo_site.fhir(GP) as doctor:
        doctor.get("/Observation", params={"patient": demo_site.patient_id(ELDERLY)}).raise_for_status()
    with citizen(demo_site, ELDERLY) as me:
        page = me.post("/min-journal/innsyn", data={"hvem": "nordhaug"}).text
    found = LINE.search(page)
    assert found is not None
    return html.unescape(found[1])


def test_a_question_goes_to_the_unit_and_its_answer_comes_back(demo_site: Site, line: str) -> None:
    with citizen(demo_site, ELDERLY) as me:
        assert GP in me.post(FORM, data={"linje": line}).text
        done = me.post(SEND, data={"linje": line, "spoersmaal": "Hvorfor <b>så</b> du?"})
        assert str(done.url).endswith(SEND)
        assert "Hvorfor &lt;b&gt;så&lt;/b&gt; du?" in done.text
        assert "venter på svar" in done.text and "Svaret skal komme innen" in done.text
        assert "du har spurt" in me.post("/min-journal/innsyn", data={"hvem": "nordhaug"}).text
        # The same line again is the same question.
        me.post(SEND, data={"linje": line, "spoersmaal": "En gang til"})
        assert me.get(SEND).text.count("Du spurte:") == 1
    task = demo_site.row(
        "SELECT r.kind, r.due_at - r.made_at AS within, p.name AS reader, u.name AS unit, r.reason FROM access.review r"
        " JOIN identity.person p ON p.id = r.reader JOIN identity.unit u ON u.id = r.unit WHERE r.kind = 'QUESTION'"
    )
    assert round(task["within"].total_seconds() / 86400) == 30
    assert (task["reader"], task["reason"]) == (GP, "Hvorfor <b>så</b> du?")
    demo_site.row(
        "UPDATE access.review SET state = 'judged', judgement = 'OK', judged_at = now(), note = 'bare for kollegaer',"
        " answer = 'Du var til kontroll.', judged_by = (SELECT max(id) FROM identity.person)"
        " WHERE kind = 'QUESTION' RETURNING 1"
    )
    with citizen(demo_site, ELDERLY) as me:
        text = me.get(SEND).text
    assert "besvart" in text and "Du var til kontroll." in text
    assert "bare for kollegaer" not in text
    with citizen(demo_site, TONIGHT) as other:
        assert "Du har ikke spurt om noe ennå" in other.get(SEND).text


def test_a_question_without_words_is_kept_and_told(demo_site: Site, line: str) -> None:
    with citizen(demo_site, ELDERLY) as me:
        for text in ("", "x" * 2001):
            answer = me.post(SEND, data={"linje": line, "spoersmaal": text})
            assert answer.status_code == 422
            assert html.escape(line) in answer.text or line in answer.text


def test_only_lines_of_the_own_log_that_a_unit_answers_for_are_asked_about(demo_site: Site, line: str) -> None:
    own = demo_site.row("SELECT at, pos FROM access.log WHERE role = 'innbygger' ORDER BY at DESC LIMIT 1")
    others = f"{own['at'].isoformat()}/{own['pos']}"
    with citizen(demo_site, TONIGHT) as other:
        for bad in (line, others, "", "x", "2026-01-01/1", "2026-01-01T00:00:00+00:00/" + "9" * 30):
            for address in (FORM, SEND):
                assert other.post(address, data={"linje": bad, "spoersmaal": "?"}).status_code == 404, bad
    with demo_site.client(GP) as doctor:
        assert doctor.get(SEND).status_code == 403


def test_at_most_twenty_questions_wait(demo_site: Site) -> None:
    with demo_site.fhir(GP) as doctor:
        for _ in range(21):
            doctor.get("/Observation", params={"patient": demo_site.patient_id(ELDERLY), "_count": "1"})
    with citizen(demo_site, ELDERLY) as me:
        me.post("/min-journal/innsyn", data={"hvem": "nordhaug"})
        places = asyncio.run(_places(demo_site))
        answers = [me.post(SEND, data={"linje": one, "spoersmaal": "?"}).status_code for one in places]
    assert answers == [200] * 20 + [429]


async def _places(site: Site) -> list[str]:
    from fellesjournal.kit import db

    connection = await db.connect(db.admin_dsn(site.settings, site.keys))
    try:
        rows = await connection.fetch(
            "SELECT l.at, l.pos FROM access.log l JOIN identity.person p ON p.id = l.person JOIN identity.person e"
            " ON e.patient = l.patient WHERE p.name = $1 AND e.name = $2 AND l.action = 'search'"
            " AND NOT EXISTS (SELECT 1 FROM access.review r WHERE r.ref = l.pos) ORDER BY l.at DESC LIMIT 21",
            GP, ELDERLY,
        )  # fmt: skip
        return [f"{row['at'].isoformat()}/{row['pos']}" for row in rows]
    finally:
        await connection.close()


def test_the_log_of_a_strictly_protected_person_names_no_unit(demo_site: Site) -> None:
    with demo_site.fhir(GP) as doctor:
        person = doctor.get(f"/Patient/{demo_site.patient_id(ELDERLY)}").json()
        person.setdefault("meta", {})["security"] = [{"system": PROTECTION, "code": "strengtFortrolig"}]
        assert doctor.put(f"/Patient/{person['id']}", json=person).status_code == 200
    units = asyncio.run(_units(demo_site))
    with citizen(demo_site, ELDERLY) as me:
        page = me.post("/min-journal/innsyn", data={"egne": "1"}).text
        table = me.post("/min-journal/innsyn/last-ned", data={"egne": "1"}).text
        found = LINE.search(page)
        assert found is not None
        question = me.post(FORM, data={"linje": html.unescape(found[1])}).text
        narrowed = me.post("/min-journal/innsyn", data={"hvor": "ingen enhet heter dette"}).text
    for text in (page, table, question):
        assert not [name for name in units if name in html.unescape(text)]
        assert any(word in text for word in ("Fastlege", "Legevakt", "Skjermet enhet"))
    assert 'name="hvor"' not in page
    assert "Ingen har sett journalen slik du spør om" not in narrowed


async def _units(site: Site) -> list[str]:
    from fellesjournal.kit import db

    connection = await db.connect(db.admin_dsn(site.settings, site.keys))
    try:
        return [row[0] for row in await connection.fetch("SELECT name FROM identity.unit WHERE kind NOT IN ('system')")]
    finally:
        await connection.close()
