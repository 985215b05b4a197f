"""The citizen's pages over a living site: what is there, what is not, and who gets no further."""

from __future__ import annotations

import asyncio
import csv
import io
import re
from datetime import UTC, datetime

import httpx
import pytest

from fellesjournal.access.decide import within
from fellesjournal.clinical import notes
from fellesjournal.clinical.pieces import patient_ref
from tests.site import DIABETIC, ELDERLY, GP, LEGEVAKT_NURSE, TONIGHT, Site
from tests.town import Town, birth_date, sign_contact

PAGES = ("", "/notater", "/maalinger", "/legemidler", "/vaksiner", "/timer", "/innsyn")
HOME_NURSE = "Maria Tveiten"


def own(site: Site, name: str, path: str, *, language: str = "nb") -> httpx.Response:
    with site.client(name) as client:
        client.cookies.set("sprak", language)
        return client.get(f"/min-journal{path}")


def ask_log(site: Site, name: str, path: str = "/min-journal/innsyn", **asked: str) -> httpx.Response:
    with site.client(name) as client:
        client.cookies.set("sprak", "nb")
        token = re.search(r'name="csrf-token" content="([^"]+)"', client.get("/min-journal/innsyn").text)
        assert token is not None
        return client.post(path, data={**asked}, headers={"X-CSRF-Token": token[1]})


@pytest.fixture(scope="module")
def town(demo_site: Site) -> Town:
    return Town(demo_site.settings, demo_site.keys)


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("language", ["nb", "nn", "en"])
def test_every_page_opens_for_the_citizen(demo_site: Site, path: str, language: str) -> None:
    answer = own(demo_site, ELDERLY, path, language=language)
    assert answer.status_code == 200
    assert f'lang="{language}"' in answer.text
    assert answer.headers["cache-control"] == "no-store"


def test_a_citizen_with_nynorsk_reads_it_at_once_and_without_cookies_too(demo_site: Site) -> None:
    row = demo_site.row(
        "WITH one AS (SELECT min(p.id) AS id FROM identity.person p JOIN vault.resource r ON r.pid = p.patient"
        " WHERE r.body LIKE '%\"communication\":%\"nn\"%'"
        " AND NOT EXISTS (SELECT 1 FROM identity.post o WHERE o.person = p.id))"
        " UPDATE identity.person p SET demo_name = 'nynorsk' FROM one WHERE p.id = one.id RETURNING p.name"
    )
    assert row, "nobody in the demo reads nynorsk"
    held = {"fellesjournal": demo_site.token("nynorsk")}
    head = {"accept-language": "nb"}
    for _again in range(2):
        first = httpx.get(f"{demo_site.url}/min-journal", cookies=held, headers=head)
        assert (first.status_code, '<html lang="nn"' in first.text) == (200, True)
    assert first.cookies["sprak"] == "nn"
    chosen = httpx.get(f"{demo_site.url}/min-journal", cookies={**held, "sprak": "en"}, headers=head)
    assert '<html lang="en"' in chosen.text
    assert "sprak" not in chosen.cookies


@pytest.mark.parametrize("path", PAGES)
def test_staff_get_no_citizens_page(demo_site: Site, path: str) -> None:
    assert own(demo_site, GP, path).status_code == 403


@pytest.mark.parametrize("path", PAGES)
def test_nobody_gets_in_without_signing_in(demo_site: Site, path: str) -> None:
    answer = httpx.get(f"{demo_site.url}/min-journal{path}")
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/logg-inn")


@pytest.mark.parametrize("name", [ELDERLY, DIABETIC, TONIGHT])
def test_the_first_page_is_in_the_citizens_own_language(demo_site: Site, name: str) -> None:
    with demo_site.fhir(name) as client:
        spoken = str(client.get(f"/Patient/{demo_site.patient_id(name)}").json()["communication"])
    language = "nn" if "'nn'" in spoken else "nb"
    with demo_site.client(name) as client:
        assert f'<html lang="{language}"' in client.get("/min-journal", headers={"accept-language": "nb"}).text
    with demo_site.client(name) as client:
        client.cookies.set("sprak", "nb")
        assert '<html lang="nb"' in client.get("/min-journal").text


def test_the_own_record_holds_what_was_written(demo_site: Site) -> None:
    assert "Antikoagulasjonsbehandling" in own(demo_site, ELDERLY, "").text
    assert "Apiksaban tabletter 5 mg" in own(demo_site, ELDERLY, "/legemidler").text
    assert "Blodtrykk" in own(demo_site, ELDERLY, "/maalinger").text
    assert "Hjemmebesøk" in own(demo_site, ELDERLY, "/timer").text


def test_tasks_of_the_staff_are_nowhere(demo_site: Site) -> None:
    with demo_site.fhir(GP) as client:
        me = demo_site.patient_id(ELDERLY)
        tasks = client.get("/Task", params={"patient": me}).json()["entry"]
    words = {one["resource"]["description"] for one in tasks} | {one["resource"]["id"] for one in tasks}
    assert words
    for path in PAGES:
        text = own(demo_site, ELDERLY, path).text
        assert not [word for word in words if word in text]


def test_an_unsigned_note_is_not_shown(demo_site: Site, town: Town) -> None:
    note = asyncio.run(_write_unsigned(town))
    assert "Ikke ferdig tanke" not in own(demo_site, ELDERLY, "/notater").text
    assert own(demo_site, ELDERLY, f"/notater/{note}").status_code == 404


def test_a_corrected_note_shows_both_versions(demo_site: Site, town: Town) -> None:
    note = asyncio.run(_write_and_correct(town))
    text = own(demo_site, ELDERLY, f"/notater/{note}").text
    assert "Venstre kne" in text and "Høyre kne" in text
    assert "Eldre utgaver" in text
    assert "Tindvåg legesenter" in text
    assert "rettet" in own(demo_site, ELDERLY, "/notater").text


def test_the_note_of_another_person_is_absent(demo_site: Site, town: Town) -> None:
    note = asyncio.run(_write_and_correct(town))
    assert own(demo_site, TONIGHT, f"/notater/{note}").status_code == 404
    assert own(demo_site, ELDERLY, "/notater/0000000000000a1").status_code == 404
    assert own(demo_site, ELDERLY, "/notater/x").status_code == 404


def test_script_in_a_note_is_text(demo_site: Site, town: Town) -> None:
    note = asyncio.run(_write(town, "<script>alert(1)</script> & sånn"))
    text = own(demo_site, ELDERLY, f"/notater/{note}").text
    assert "<script>alert" not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; sånn" in text


def test_notes_have_pages(demo_site: Site) -> None:
    first = own(demo_site, ELDERLY, "/notater").text
    following = re.search(r'href="(/min-journal/notater\?side=[^"]+)"', first)
    assert following is not None
    second = own(demo_site, ELDERLY, following[1].removeprefix("/min-journal")).text
    ids = re.compile(r"/min-journal/notater/([a-z0-9]{15})")
    assert set(ids.findall(second)).isdisjoint(ids.findall(first))


def test_a_forged_page_of_notes_is_refused(demo_site: Site) -> None:
    assert own(demo_site, ELDERLY, "/notater?side=forged").status_code == 400


def test_the_legevakt_nurse_is_in_the_log_at_once_with_why(demo_site: Site, town: Town) -> None:
    asyncio.run(_visit_legevakt(town))
    text = own(demo_site, TONIGHT, "/innsyn").text
    assert LEGEVAKT_NURSE in text
    assert "Tindvåg og Øvreskog legevakt" in text
    assert "Pågående eller nylig kontakt" in text
    assert "Slo deg opp" in text
    assert "Skrev i journalen" in text
    assert "Ongoing or recent contact" in own(demo_site, TONIGHT, "/innsyn", language="en").text
    assert "Legevaktnotat" in own(demo_site, TONIGHT, "").text


def test_a_reader_without_a_need_stands_as_refused(demo_site: Site) -> None:
    with demo_site.fhir(LEGEVAKT_NURSE) as client:
        client.get("/Composition", params={"patient": demo_site.patient_id(ELDERLY)})
    text = ask_log(demo_site, ELDERLY, hva="refused").text
    assert LEGEVAKT_NURSE in text
    assert "fikk ikke tilgang" in text
    assert "Ingen grunn er registrert" in text


def test_the_log_can_be_narrowed(demo_site: Site) -> None:
    with demo_site.fhir(GP) as client:
        client.get("/Observation", params={"patient": demo_site.patient_id(ELDERLY)})
    assert GP in ask_log(demo_site, ELDERLY, hvem="nordhaug").text
    assert "Innlasting av demodata" not in ask_log(demo_site, ELDERLY, bare_mennesker="1").text
    assert "Innlasting av demodata" in ask_log(demo_site, ELDERLY, hvem="innlasting").text
    assert "Ingen treff" in ask_log(demo_site, ELDERLY, hvem="ingen heter dette").text
    assert "deg selv" in ask_log(demo_site, ELDERLY, egne="1").text


def test_a_wrong_day_is_told_and_kept(demo_site: Site) -> None:
    answer = ask_log(demo_site, ELDERLY, fra="i går", hvem="Kari")
    assert answer.status_code == 422
    assert "Skriv dagen som" in answer.text
    assert 'value="Kari"' in answer.text
    assert ask_log(demo_site, ELDERLY, fra="2026-02-02", til="2026-01-01").status_code == 422


def test_the_log_can_be_kept_as_a_table(demo_site: Site) -> None:
    answer = ask_log(demo_site, ELDERLY, "/min-journal/innsyn/last-ned", hvem="innlasting")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/csv")
    assert "attachment" in answer.headers["content-disposition"]
    rows = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig")), delimiter=";"))
    assert rows[0][1] == "Hvem"
    assert {row[1] for row in rows[1:]} == {"Innlasting av demodata"}


def test_keeping_the_log_is_in_the_log(demo_site: Site) -> None:
    ask_log(demo_site, TONIGHT, "/min-journal/innsyn/last-ned")
    assert "Skrev ut eller lastet ned" in ask_log(demo_site, TONIGHT, egne="1").text


def test_a_form_from_elsewhere_is_refused(demo_site: Site) -> None:
    with demo_site.client(ELDERLY) as client:
        assert client.post("/min-journal/innsyn", data={"hvem": "x"}).status_code == 403


def test_the_front_page_tells_who_can_be_signed_in_as(demo_site: Site) -> None:
    text = httpx.get(demo_site.url, headers={"accept-language": "nb"}).text
    for words in ("Logg inn som innbygger", "Logg inn som helsepersonell", GP, ELDERLY, "token --as"):
        assert words in text


@pytest.mark.parametrize("path", ["/personvern", "/tilgjengelighet", "/demo-fremdrift"])
def test_pages_for_all_need_no_sign_in(demo_site: Site, path: str) -> None:
    assert httpx.get(demo_site.url + path).status_code == 200


@pytest.mark.parametrize(
    ("name", "home"),
    [(ELDERLY, "/min-journal"), (GP, "/fastlege"), (LEGEVAKT_NURSE, "/legevakt"), (HOME_NURSE, "/enhet")],
)
def test_those_who_are_signed_in_are_led_home(demo_site: Site, name: str, home: str) -> None:
    with demo_site.client(name) as client:
        answer = client.get("/", follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, home)


def test_a_unit_without_a_workplace_sees_its_own_people(demo_site: Site) -> None:
    with demo_site.client(HOME_NURSE) as client:
        text = client.get("/enhet").text
    assert "Arbeidsflaten for hjemmetjenesten kommer senere" in text
    assert ELDERLY in text
    assert TONIGHT not in text


def test_a_citizen_sees_no_units_list(demo_site: Site) -> None:
    with demo_site.client(ELDERLY) as client:
        assert client.get("/enhet").status_code == 403


async def _visit_legevakt(town: Town) -> None:
    patient = await town.patient(TONIGHT)
    born = await birth_date(town, patient)
    async with town.acting(LEGEVAKT_NURSE) as (vault, reader):
        await sign_contact(vault, reader, patient, born=born, name=TONIGHT, text="Feber og flankesmerter.")


async def _write(town: Town, text: str) -> str:
    patient = await town.patient(ELDERLY)
    async with town.acting(GP) as (vault, reader):
        journal = vault.open(within(reader))
        made = await notes.actions.sign_note(
            journal, patient=patient, reader=reader, encounter=None, text=text, title="Kontroll", at=datetime.now(UTC)
        )
        await journal.commit()
        return made


async def _write_and_correct(town: Town) -> str:
    note = await _write(town, "Venstre kne er hovent.")
    patient = await town.patient(ELDERLY)
    async with town.acting(GP) as (vault, reader):
        journal = vault.open(within(reader))
        await notes.actions.correct_note(
            journal, patient=patient, reader=reader, note_id=note, version=1, text="Høyre kne er hovent.",
            at=datetime.now(UTC),
        )  # fmt: skip
        await journal.commit()
    return note


async def _write_unsigned(town: Town) -> str:
    patient = await town.patient(ELDERLY)
    async with town.acting(GP) as (vault, reader):
        journal = vault.open(within(reader))
        made = journal.create(
            {
                "resourceType": "Composition", "status": "preliminary", "title": "Ikke ferdig tanke",
                "type": {"text": "Journalnotat"}, "subject": patient_ref(patient), "author": [{"display": GP}],
                "date": datetime.now(UTC).isoformat(timespec="seconds"),
            }
        )  # fmt: skip
        await journal.commit()
        return made
