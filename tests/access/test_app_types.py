# ruff: noqa: E501 - queries read best a line each
"""The types of an app's scopes are the database's rule too: what a live token gets of it when the process asks nothing."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

from fellesjournal import fhir
from fellesjournal.access.decide import within
from fellesjournal.access.model import NoNeed
from fellesjournal.identity.apps.scopes import read_scopes, type_mask
from fellesjournal.identity.cookies import secret_of
from fellesjournal.identity.sessions import Sessions
from fellesjournal.kit import db
from fellesjournal.kit.ids import decode
from fellesjournal.record.errors import NotFound
from fellesjournal.record.history import HistoryQuery
from fellesjournal.record.journal import Journal, Vault
from tests.access.test_attacks import ALL
from tests.apps import TestApp, register
from tests.site import DIABETIC, GP, Site

pytestmark = pytest.mark.law
SCOPES = "user/Patient.rs user/Observation.crs user/Encounter.u"


@pytest.fixture(scope="module")
def app(demo_site: Site) -> TestApp:
    return register(demo_site, "type-app", scope=f"openid fhirUser {SCOPES} user/*.cruds launch/patient")


@asynccontextmanager
async def erring(site: Site, app: TestApp, scopes: str) -> AsyncGenerator[tuple[Journal, bytes, db.Database], None]:
    """A journal of a live token of these scopes, in a process that has forgotten whose it is; its secret; the role."""
    with site.client(GP) as browser:
        secret = secret_of(app.enter(browser, scopes)["access_token"])
    assert secret
    async with (
        await db.Database.connect(site.settings, site.keys, "fj_signin", max_size=1) as signin,
        await db.Database.connect(site.settings, site.keys, "fj_web", max_size=2) as web,
    ):
        reader = await Sessions(signin=signin, web=web, settings=site.settings, keys=site.keys).who(secret)
        assert reader and reader.app
        yield Vault(web, keys=site.keys).open(within(replace(reader, app=None))), secret, web


def one(site: Site, rtype: str) -> str:
    """The id of some resource of a patient."""
    with site.fhir(GP) as person:
        found = person.get(f"/{rtype}", params={"patient": site.patient_id(DIABETIC), "_count": "1"}).json()
    return str(found["entry"][0]["resource"]["id"])


async def test_a_type_outside_the_scopes_is_closed_by_the_policies(demo_site: Site, app: TestApp) -> None:
    patient, condition, weighed = demo_site.patient_id(DIABETIC), one(demo_site, "Condition"), one(demo_site, "Observation")
    about = ("patient", patient)
    async with erring(demo_site, app, SCOPES) as (journal, secret, web):
        assert not hasattr(journal, "app")
        assert (await journal.read("Observation", weighed)).own_id == weighed
        for work in (journal.read("Condition", condition), journal.read("Condition", condition, version=1), journal.history("Condition", condition)):
            with pytest.raises(NotFound):
                await work
        assert (await journal.search("Observation", [about])).matches
        assert (await journal.search("Condition", [about])).matches == []
        assert (await journal.search("Condition", [("_count", "5")])).matches == []
        # Nor is it told of by a chain, or comes along, or is in a history.
        asked = [("_id", patient), ("_has:Condition:patient:_id", condition)]
        assert (await journal.search("Patient", asked)).matches == []
        page = await journal.search("Patient", [("_id", patient), ("_revinclude", "Condition:patient"), ("_revinclude", "Observation:patient")])
        assert {row.rtype for row in (*page.matches, *page.included)} == {"Patient", "Observation"}
        past = await journal.past(HistoryQuery("", "", patient=patient, types=("Condition", "Observation")))
        assert {row.rtype for row in past.versions} == {"Observation"}
        # SQL of its own, as whoever takes over the compiled search would send it.
        key = decode(patient)
        assert key
        chart = await web.fetch(
            "SELECT rtype FROM vault.search_charts(ARRAY[$1::bytea], ARRAY[ARRAY[$2::bigint]::text], '{search}', '{1}', ARRAY[$3::text],"
            " '{0}', '{}', '{0}', '{}', '{0}', '{}', '{0}', '{}', '{0}')", secret, key[1], ALL)  # fmt: skip
        listed = await web.fetch(
            "SELECT rtype FROM vault.search_list($1, $2, 1::smallint, ARRAY[$3::text], '{}', 0, '{}', '{}', '{}', '{}')",
            secret, journal.decision.reader.unit, ALL)  # fmt: skip
        for rows in (chart, listed):
            assert {fhir.RESOURCE_TYPES[n - 1] for n in rows[0]["rtype"]} <= {"Patient", "Observation", "Encounter"}
        assert {fhir.TYPE_NUMBER["Patient"], fhir.TYPE_NUMBER["Observation"]} <= set(chart[0]["rtype"])
        told = await web.fetchrow(
            "SELECT verdict FROM access.audit_events(p_secret => $1, p_patient => $2, p_practitioner => NULL, p_unit => NULL, p_since => NULL, p_until => NULL, p_actions => NULL,"
            " p_not_actions => NULL, p_outcomes => NULL, p_disclosed => NULL, p_at => NULL, p_pos => NULL, p_limit => 10, p_is_one => false)", secret, key[1])  # fmt: skip
        assert told["verdict"] == "refused"


async def test_an_interaction_outside_the_scopes_is_closed_by_the_policies(demo_site: Site, app: TestApp) -> None:
    weighed, patient = one(demo_site, "Observation"), demo_site.patient_id(DIABETIC)
    async with erring(demo_site, app, SCOPES) as (journal, _, _):
        row = await journal.read("Observation", weighed)
        journal.create(made("Observation", patient))
        (made_,) = await journal.commit()
        assert made_.status == 201

        async def refused() -> None:
            with pytest.raises(NoNeed):
                await journal.commit()

        journal.update(weighed, row.resource())
        await refused()
        journal.delete("Observation", weighed)
        await refused()
        journal.create(made("Condition", patient))
        await refused()
        # What may be changed is looked at first; it may not be made.
        assert (await journal.search("Encounter", [("patient", patient)])).matches
        journal.create({"resourceType": "Encounter", "status": "planned", "class": {"code": "AMB"}, "subject": {"reference": f"Patient/{patient}"}})
        await refused()


async def test_who_the_user_is_opens_that_alone(demo_site: Site, app: TestApp) -> None:
    async with erring(demo_site, app, "openid fhirUser user/Observation.rs") as (journal, _, _):
        own = journal.decision.reader.practitioner
        assert own
        with demo_site.fhir(GP) as person:
            everybody = [e["resource"]["id"] for e in person.get("/Practitioner?_count=20").json()["entry"]]
        for id_ in everybody:
            key = decode(id_)
            if key and key[1] == own:
                assert (await journal.read("Practitioner", id_)).own_id == id_
            else:
                with pytest.raises(NotFound):
                    await journal.read("Practitioner", id_)


async def test_scopes_for_every_type_close_nothing(demo_site: Site, app: TestApp) -> None:
    patient = demo_site.patient_id(DIABETIC)
    async with erring(demo_site, app, "user/*.cruds") as (journal, _, _):
        assert (await journal.search("Condition", [("patient", patient)])).matches
        assert (await journal.search("Encounter", [("_count", "5")])).matches


def made(rtype: str, patient: str) -> dict[str, Any]:
    more = {"status": "final"} if rtype == "Observation" else {}
    return {"resourceType": rtype, "code": {"text": "Hoste"}, "subject": {"reference": f"Patient/{patient}"}, **more}


@pytest.mark.parametrize(
    ("scopes", "mask"),
    [
        ("user/Patient.rs", (1103,)), ("openid fhirUser", (999,)), ("user/Patient.c", (2103,)),
        ("user/Patient.u", (1103, 3103)), ("user/Observation.c?category=laboratory", (1096, 2096)),
        ("system/*.read patient/AuditEvent.d", (1000, 1007, 4007)), ("user/Nothing.rs launch offline_access", ()),
    ],
)  # fmt: skip
def test_a_mask_says_what_scopes_say(scopes: str, mask: tuple[int, ...]) -> None:
    assert type_mask(read_scopes(scopes)) == mask
