"""A strictly protected person's units are not named: the rule, and every page that shows the person."""

from __future__ import annotations

import asyncio
import json
import re
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from html import unescape
from typing import Any

import httpx
import pytest

from fellesjournal.access.decide import within
from fellesjournal.access.model import PatientId
from fellesjournal.clinical import encounters
from fellesjournal.clinical.directory import Directory, Party
from fellesjournal.clinical.notes.actions import sign_note
from fellesjournal.clinical.protection import hidden_unit, is_strict
from fellesjournal.kit import ids
from tests.site import ELDERLY, GP, LEGEVAKT_NURSE, Site
from tests.town import Town

STRICT = {"meta": {"security": [{"code": "strengtFortrolig"}]}}
UNIT = {"reference": "Organization/u1", "display": "Tindvåg legesenter"}
DOCTOR = {"reference": "Practitioner/p1", "display": "Kari Nordhaug"}
KNOWN = Directory(
    {"Organization/u1": Party("Tindvåg legesenter AS", "KA01", "55 50 10 10"), "Practitioner/p1": Party("Kari N.")}
)


@pytest.mark.parametrize("person", [{}, {"meta": {"security": [{"code": "fortrolig"}]}}])
def test_units_of_others_are_named(person: dict[str, Any]) -> None:
    assert KNOWN.about(person, "nb").party(UNIT) == Party("Tindvåg legesenter AS", "KA01", "55 50 10 10")


def test_unit_of_a_strictly_protected_person_is_its_kind_of_service_without_telephone() -> None:
    assert is_strict(STRICT)
    assert KNOWN.about(STRICT, "nb").party(UNIT) == Party("Fastlege", "KA01")
    assert KNOWN.about(STRICT, "nb").name(DOCTOR) == "Kari N."


@pytest.mark.parametrize(
    "reference",
    [{"reference": "Organization/u9", "display": "Tindvåg sykehjem"}, {"display": "Tindvåg sykehjem"},
     {"reference": "Location/l1", "display": "Tindvåg sykehjem"},
     {"reference": "PractitionerRole/r", "display": "Tindvåg sykehjem"}],
)  # fmt: skip
def test_unit_that_the_directory_does_not_know_is_hidden_too(reference: dict[str, Any]) -> None:
    assert KNOWN.about(STRICT, "nb").name(reference) == "Skjermet enhet"
    assert KNOWN.about(STRICT, "en").name(reference) == hidden_unit("en")


def test_nobody_stays_nobody() -> None:
    assert KNOWN.about(STRICT, "nb").name(None) == ""


def test_name_within_a_text_of_ours_is_hidden() -> None:
    text = "Rettet notat fra Tindvåg legesenter"
    assert KNOWN.about(STRICT, "nb").told(text, UNIT) == "Rettet notat fra Fastlege"
    assert KNOWN.about({}, "nb").told("Notat fra Kari", {"display": "Kari"}, None) == "Notat fra Kari"


@dataclass(frozen=True)
class Protected:
    """A strictly protected person of the demo, who has been at the legevakt and has a GP with a note to read."""

    chart: str
    gp: str
    practice: str
    note: str
    contact: str
    units: tuple[str, ...]


@pytest.fixture(scope="module")
def protected(demo_site: Site) -> Protected:
    with ThreadPoolExecutor(1) as pool:
        found = pool.submit(asyncio.run, _visit_legevakt(Town(demo_site.settings, demo_site.keys))).result()
    demo_site.start_worker()
    with at_practice(demo_site, found) as gp:
        for _ in range(100):
            if found.chart in gp.get("/innboks?vis=enhet&slag=read-note").text:
                break
            time.sleep(0.2)
    return found


async def _visit_legevakt(town: Town) -> Protected:
    person = await town.fetchrow(
        "SELECT w.slot, w.pid, w.body::jsonb AS body FROM vault.shielded w WHERE w.pid = w.patient "
        "AND w.body LIKE '%strengtFortrolig%' AND w.body LIKE '%generalPractitioner%' "
        "ORDER BY w.pid, w.version DESC LIMIT 1"
    )
    body = json.loads(person["body"])
    doctor = next(one for one in body["generalPractitioner"] if one["reference"].startswith("Practitioner/"))
    number = next(one for one in body["identifier"] if one.get("use") == "official")
    patient = PatientId(person["slot"], person["pid"])
    await town.fetch(
        "INSERT INTO access.named_personnel (patient, person) SELECT $1, p.id FROM identity.person p WHERE p.name = $2",
        patient.pid, LEGEVAKT_NURSE,
    )  # fmt: skip
    async with town.acting(LEGEVAKT_NURSE) as (vault, reader):
        journal = vault.open(within(reader))
        assert await journal.identify_number(system=number["system"], value=number["value"])
        at = datetime.now(UTC)
        contact = encounters.register_contact(
            journal, patient=patient, reader=reader, kind="emergency", reason="Feber", urgency="yellow", at=at
        )
        await journal.commit()
        note = await sign_note(
            journal, patient=patient, reader=reader, encounter=contact, text="Feber.", title="Legevaktnotat",
            copy_to_gp=True, at=at,
        )  # fmt: skip
        await journal.commit()
    units = await town.fetch(
        "SELECT body::jsonb ->> 'name' AS name FROM vault.resource WHERE slot = 0 AND body LIKE '%\"Organization\"%'"
    )
    names = tuple(sorted({one["name"] for one in units if one["name"]}))
    practice = next(one for one in body["generalPractitioner"] if one["reference"].startswith("Organization/"))
    chart = f"/pasienter/{ids.encode(patient.slot, patient.pid)}"
    return Protected(chart, doctor["display"], practice["display"], note, contact, names)


def at_practice(site: Site, found: Protected) -> httpx.Client:
    """The GP at work."""
    return site.client(found.gp, unit=found.practice)


def main_of(page: httpx.Response) -> str:
    """A page without its header, which names the reader's own unit."""
    assert page.status_code == 200, page.url
    return unescape(re.sub(r"<header.*?</header>", "", page.text, flags=re.DOTALL))


def named_in(text: str, found: Protected) -> list[str]:
    return [name for name in found.units if name in text]


PAGES = ("", "/tidslinje?periode=alt", "/notater", "/malinger", "/problemer", "/notat/nytt", "/innsynslogg")


@pytest.mark.parametrize("path", [*PAGES, "/notat/{note}", "/notat/{note}?versjon=1"])
def test_no_page_of_the_chart_names_a_unit(demo_site: Site, protected: Protected, path: str) -> None:
    assert len(protected.units) > 5
    with at_practice(demo_site, protected) as gp:
        text = main_of(gp.get(protected.chart + path.format(note=protected.note)))
    assert named_in(text, protected) == []
    if path.startswith("/notat/{"):
        assert "Legevakt<br>" in text


def test_inbox_and_task_tell_the_kind_of_service_alone(demo_site: Site, protected: Protected) -> None:
    with at_practice(demo_site, protected) as gp:
        inbox = main_of(gp.get("/innboks?vis=enhet"))
        rows = [row for row in re.findall(r"<tr>.*?</tr>", inbox, flags=re.DOTALL) if protected.chart in row]
        assert any("Notat fra annen tjeneste" in row for row in rows)
        tasks = re.findall(rf'href="({protected.chart}/oppgaver/\w+)"', inbox)
        pages = [main_of(gp.get(task)) for task in tasks]
    assert tasks
    assert [named_in(text, protected) for text in (*rows, *pages)] == [[]] * (len(rows) + len(pages))


def test_legevakt_sees_no_unit_of_the_person_beside_its_own_header(demo_site: Site, protected: Protected) -> None:
    contact = f"/legevakt/kontakt/{protected.chart.rsplit('/', 1)[1]}/{protected.contact}"
    with demo_site.client(LEGEVAKT_NURSE) as nurse:
        assert named_in(main_of(nurse.get(contact)), protected) == []
        cards = re.findall(r'<li class="fj-card".*?</li>', main_of(nurse.get("/legevakt")), flags=re.DOTALL)
    (card,) = [one for one in cards if contact in one]
    assert named_in(card, protected) == []


def test_other_peoples_units_are_named_as_before(demo_site: Site, protected: Protected) -> None:
    with demo_site.client(GP) as gp:
        text = main_of(gp.get(f"/pasienter/{demo_site.patient_id(ELDERLY)}/tidslinje?periode=alt"))
    assert named_in(text, protected)
