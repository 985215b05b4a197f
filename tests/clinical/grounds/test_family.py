"""Close family: a warning, a reason in words and a reviewer's task, never a refusal; at every door alike."""

import asyncio
import re
from dataclasses import dataclass

import httpx
import pytest

from fellesjournal.clinical.correspondence.actors import CONTROL, SystemSession
from fellesjournal.clinical.grounds.words import RELATIONS as OWN_RELATIVES
from fellesjournal.clinical.review.evidence import RELATIONS as RELATIVES
from fellesjournal.clinical.review.jobs import Analyst
from fellesjournal.identity.sessions import Sessions
from fellesjournal.kit import db, ids
from tests.clinical.grounds.test_ways_in import choose, field_of, task_of
from tests.record.samples import outcome
from tests.site import Site

pytestmark = pytest.mark.slow
REASON = "Ingen andre er på jobb i dag, og hun har time nå"


@dataclass(frozen=True)
class Family:
    """Somebody at work, a relative, and what that one is to them."""

    reader: str
    relative: str
    relation: str


@pytest.fixture(scope="module")
def town(demo_site: Site) -> Site:
    """The demo municipality, with its families told as the worker tells them."""
    asyncio.run(tell_family(demo_site))
    return demo_site


@pytest.fixture(scope="module")
def near(town: Site) -> Family:
    """A relative whom the reader's unit has a need for."""
    return _family(town, "EXISTS")


@pytest.fixture(scope="module")
def far(town: Site) -> Family:
    """A relative whom it has none for."""
    return _family(town, "NOT EXISTS")


def _family(site: Site, need: str) -> Family:
    row = site.row(
        "SELECT p.name, x.name, k.relation FROM access.kin k JOIN identity.person p ON p.id = k.person"
        " JOIN identity.post o ON o.person = p.id JOIN identity.person x ON x.patient = k.patient"
        " JOIN access.ground g ON g.code = 'FAMILIE' AND o.role = ANY (g.roles)"
        f" WHERE k.until_at = 'infinity' AND {need} (SELECT 1 FROM access.relation r WHERE r.patient = k.patient"
        " AND r.unit = o.unit AND r.until_at > now()) ORDER BY p.name, x.name LIMIT 1"
    )
    assert row, "the demo has no such family"
    return Family(*row)


async def tell_family(site: Site) -> None:
    async with await db.Database.connect(site.settings, site.keys, "fj_worker", max_size=2) as worker:
        sessions = Sessions(signin=worker, web=worker, settings=site.settings, keys=site.keys)
        session = SystemSession(sessions, actor=CONTROL)
        analyst = Analyst(worker, hash64=site.keys.hash64, secret=session.secret, stop=asyncio.Event())
        try:
            await analyst.tell_family()
        finally:
            await session.end()


def seen(fhir: httpx.Client, patient: str) -> dict[str, int]:
    """What each door of FHIR answers about one patient: its status, or how many rows."""
    lists = fhir.get("/Patient", params={"_count": "200"}).json()
    return {
        "read": fhir.get(f"/Patient/{patient}").status_code,
        "history": fhir.get(f"/Patient/{patient}/_history").status_code,
        "chart": fhir.get("/Encounter", params={"patient": patient}).status_code,
        "list": sum(one["resource"]["id"] == patient for one in lists.get("entry", [])),
    }


def test_the_facts_come_from_the_record_and_told_twice_is_one_fact(town: Site) -> None:
    told = town.row("SELECT array_agg(DISTINCT k.relation) FROM access.kin k WHERE k.until_at = 'infinity'")[0]
    assert "parent" in told, "the nurse of home care has a mother"
    asyncio.run(tell_family(town))
    assert town.row("SELECT count(*) FROM access.kin WHERE until_at < 'infinity'")[0] == 0, "told twice is one fact"


def test_a_relatives_record_opens_for_a_reason_at_every_door_and_closes_again(town: Site, near: Family) -> None:
    mother = town.patient_id(near.relative)
    chart, form = f"/pasienter/{mother}", f"/pasienter/{mother}/tilgang/familie"
    with town.client(near.reader) as client, town.fhir(near.reader) as fhir:
        assert seen(fhir, mother) == {"read": 403, "history": 403, "chart": 403, "list": 0}
        told = outcome(fhir.get(f"/Patient/{mother}"), 403)
        assert "/tilgang/familie" in told["diagnostics"]
        warned = client.get(chart, follow_redirects=False)
        assert (warned.status_code, warned.headers["location"]) == (303, form)
        page = client.get(form)
        assert page.status_code == 200
        assert near.relative not in page.text
        assert "i din nære familie er holdt utenfor" in client.get("/innboks").text
        mine = client.get("/familie")
        assert form in mine.text
        assert OWN_RELATIVES[near.relation] in mine.text
        assert near.relative not in mine.text
        assert choose(client, form, begrunnelse="kort").status_code == 422

        chosen = choose(client, form, begrunnelse=REASON)
        assert (chosen.status_code, chosen.headers["location"]) == (303, chart)
        opened = client.get(chart)
        assert opened.status_code == 200
        assert "Nær familie" in opened.text
        assert REASON not in opened.text
        assert seen(fhir, mother) == {"read": 200, "history": 200, "chart": 200, "list": 1}
        task = task_of(town, mother)
        assert (task["kind"], task["reason"]) == ("RELATIVE", REASON)
        assert (task["ground"], task["logged"]) == ("FAMILIE", "FAMILIE")
        assert task["lasts"].total_seconds() == pytest.approx(8 * 3600, abs=1)

        why = client.get(f"{chart}/tilgang")
        assert "Nær familie, med skriftlig grunn" in why.text
        ended = client.post(
            f"{chart}/tilgang/avslutt", headers={"x-csrf-token": field_of(why.text, "csrf_token")},
            data={"grunn": "FAMILIE", "context": field_of(why.text, "context")},
        )  # fmt: skip
        assert "Pasienten er i din nære familie" in ended.text
        assert seen(fhir, mother)["read"] == 403


def test_the_reason_gives_no_need_and_a_relative_without_one_is_as_absent_as_anybody(
    town: Site, far: Family
) -> None:
    husband = town.patient_id(far.relative)
    with town.client(far.reader) as client, town.fhir(far.reader) as fhir:
        assert outcome(fhir.get(f"/Patient/{husband}"), 404) == outcome(fhir.get(f"/Patient/{ids.encode(5, 77)}"), 404)
        refused = client.get(f"/pasienter/{husband}")
        assert refused.status_code == 403
        assert "nære familie" not in refused.text
        form = client.get(f"/pasienter/{husband}/tilgang/familie")
        assert "Ikke noe valg for deg her" in form.text


def test_the_reviewer_reads_what_the_patient_is_to_the_reader(town: Site, near: Family) -> None:
    with town.client(near.reader) as client:
        form = f"/pasienter/{town.patient_id(near.relative)}/tilgang/familie"
        assert choose(client, form, begrunnelse=REASON).status_code == 303
    with town.client("Solveig Rinde Aamot") as reviewer:
        listed = reviewer.get("/kontroll?slag=RELATIVE")
        found = re.search(r'href="(/kontroll/\d+)"', listed.text)
        assert found
        assert near.relative not in listed.text
        task = reviewer.get(found[1])
        assert RELATIVES[near.relation] in task.text
        assert REASON in task.text
