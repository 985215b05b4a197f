# ruff: noqa: E501 - queries read best a line each
"""A right that is limited to some kinds holds for searches, chains, lists and writes as it does for reading."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any

import pytest

from fellesjournal.access.decide import within
from fellesjournal.access.model import AccessError, PatientId
from fellesjournal.clinical.pieces import patient_id, patient_ref
from fellesjournal.identity.model import Reader
from fellesjournal.kit.ids import encode
from fellesjournal.record.journal import Vault
from tests.site import GP, Site
from tests.town import Town

pytestmark = pytest.mark.law
CONTACT = "(SELECT kinds FROM access.kind_set WHERE code = 'KONTAKT')"


@pytest.fixture
async def limited(demo_site: Site) -> AsyncGenerator[tuple[Town, Vault, Reader], None]:
    """A GP while doctors may read, list and write contacts alone."""
    town = Town(demo_site.settings, demo_site.keys)
    await town.fetch(f"UPDATE access.role_rule SET kinds = {CONTACT} WHERE role = 'lege' AND action IN ('read', 'write', 'list')")
    async with town.acting(GP) as (vault, reader):
        yield town, vault, reader
    await town.fetch("UPDATE access.role_rule SET kinds = NULL WHERE role = 'lege'")


async def ids(vault: Vault, reader: Reader, rtype: str, *asked: tuple[str, str]) -> list[str]:
    return [one.own_id for one in (await vault.open(within(reader)).search(rtype, list(asked))).matches]


async def test_searches_show_and_tell_the_open_kinds_alone(limited: tuple[Town, Vault, Reader]) -> None:
    town, vault, reader = limited
    row = await town.fetchrow(
        "SELECT r.patient, r.slot FROM vault.resource r JOIN access.relation l ON l.patient = r.patient AND l.unit = $1 AND l.ground = 'FASTLEGE'"
        " AND l.until_at > now() WHERE r.rtype = 28 AND r.body IS NOT NULL AND EXISTS (SELECT 1 FROM vault.resource e WHERE e.patient = r.patient AND e.rtype = 44)"
        " AND NOT EXISTS (SELECT 1 FROM access.block b WHERE b.patient = r.patient) LIMIT 1", reader.unit,
    )  # fmt: skip
    patient = PatientId(row["slot"], row["patient"])
    chart = ("patient", patient_id(patient))
    assert await ids(vault, reader, "Encounter", chart)
    assert await ids(vault, reader, "Condition", chart) == []
    assert await ids(vault, reader, "Observation", chart) == []
    # Nor does another kind's search tell of it: includes, reverse chains, totals.
    page = await vault.open(within(reader)).search("Patient", [("_id", patient_id(patient)), ("_revinclude", "Condition:patient")])
    assert [one.rtype for one in (*page.matches, *page.included)] == ["Patient"]
    condition = await town.fetchrow("SELECT slot, pid FROM vault.resource WHERE patient = $1 AND rtype = 28 AND body IS NOT NULL LIMIT 1", patient.pid)
    known = encode(condition["slot"], condition["pid"])
    asked = (("_id", patient_id(patient)), ("_has:Condition:patient:_id", known))
    assert await ids(vault, reader, "Patient", *asked) == []
    assert await ids(vault, reader, "Encounter", ("_count", "5"))
    assert await ids(vault, reader, "Condition", ("_count", "5")) == []
    # A write of a closed kind is refused, one of an open kind is not.
    journal = vault.open(within(reader))
    journal.create(_condition(patient))
    with pytest.raises(AccessError):
        await journal.commit()
    await town.fetch("UPDATE access.role_rule SET kinds = NULL WHERE role = 'lege'")
    assert await ids(vault, reader, "Condition", chart)
    assert await ids(vault, reader, "Patient", *asked) == [patient_id(patient)]


def _condition(patient: Any) -> dict[str, Any]:
    return {"resourceType": "Condition", "subject": patient_ref(patient), "code": {"text": "Hoste"}}


async def test_every_row_has_a_controller(demo_site: Site) -> None:
    """Also the directory's, those written by systems, by the worker and by apps."""
    town = Town(demo_site.settings, demo_site.keys)
    for table in ("resource", "history"):
        row = await town.fetchrow(
            f"SELECT count(*) AS n FROM vault.{table} r WHERE NOT EXISTS (SELECT 1 FROM identity.unit u JOIN identity.unit c ON c.id = u.controller WHERE u.id = r.org)"
        )
        assert row["n"] == 0, table
