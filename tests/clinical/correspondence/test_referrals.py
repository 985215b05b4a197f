"""A referral that is addressed to a unit opens the record for that unit, until it is assessed and some time after."""

from __future__ import annotations

from typing import Any

import pytest

from fellesjournal.access.decide import open_chart
from fellesjournal.access.model import NoNeed
from fellesjournal.clinical.correspondence.referrals import referral_of
from fellesjournal.kit import ids
from tests.clinical.correspondence.test_carry import caught_up, eventually, working
from tests.site import ELDERLY, GP, LEGEVAKT_NURSE
from tests.town import Town

Json = dict[str, Any]
FACTS = (
    "SELECT ground, until_at = 'infinity' AS is_open, until_at > clock_timestamp() AS is_live,"
    " extract(epoch FROM until_at) / 3600 - extract(epoch FROM clock_timestamp()) / 3600 AS hours FROM access.relation"
    " WHERE source = $1 AND ground <> 'SYSTEM' ORDER BY id"
)


async def may_open(town: Town) -> bool:
    async with town.acting(LEGEVAKT_NURSE) as (vault, nurse):
        try:
            await open_chart(vault.db, reader=nurse, patient=await town.patient(ELDERLY))
        except NoNeed:
            return False
    return True


async def refer(town: Town, body: Json, id_: str = "") -> str:
    """The GP writes it; the id."""
    patient = await town.patient(ELDERLY)
    async with town.acting(GP) as (vault, doctor):
        journal = vault.open(await open_chart(vault.db, reader=doctor, patient=patient, action="write"))
        if id_:
            journal.update(id_, {**body, "id": id_})
        else:
            id_ = journal.create(body)
        await journal.commit()
    return id_


async def request(town: Town, status: str) -> Json:
    patient = await town.patient(ELDERLY)
    async with town.acting(LEGEVAKT_NURSE) as (_vault, nurse):
        unit = ids.encode(0, nurse.unit or 0)
    return {
        "resourceType": "ServiceRequest", "status": status, "intent": "order", "code": {"text": "Vurdering"},
        "subject": {"reference": f"Patient/{ids.encode(patient.slot, patient.pid)}"},
        "performer": [{"reference": f"Organization/{unit}"}],
    }  # fmt: skip


async def facts(town: Town, id_: str) -> list[tuple[str, bool, bool]]:
    key = ids.decode(id_)
    assert key
    return [(row["ground"], row["is_open"], row["is_live"]) for row in await town.fetch(FACTS, key[1])]


async def test_a_referral_opens_the_record_until_it_is_assessed_and_taken_back_closes_it(town: Town) -> None:
    async with working(town):
        await eventually(lambda: caught_up(town), within_s=20)
        assert not await may_open(town)
        id_ = await refer(town, await request(town, "draft"))
        await refer(town, await request(town, "active"), id_)
        assert await eventually(lambda: may_open(town), within_s=20)
        await refer(town, await request(town, "on-hold"), id_)
        await eventually(lambda: caught_up(town))
        assert await facts(town, id_) == [("HENVISNING", True, True)], "the same referral is one fact"
        await refer(town, await request(town, "completed"), id_)

        async def assessed() -> bool:
            return len(await facts(town, id_)) == 2

        assert await eventually(assessed, within_s=20)
        assert await facts(town, id_) == [("HENVISNING", False, False), ("VURDHENV", False, True)]
        key = ids.decode(id_)
        (row,) = [one for one in await town.fetch(FACTS, key and key[1]) if one["is_live"]]
        assert 719 < row["hours"] <= 720
        await refer(town, await request(town, "entered-in-error"), id_)

        async def closed() -> bool:
            return not await may_open(town)

        assert await eventually(closed, within_s=20)


def asked(rtype: str, **more: Any) -> Json:
    to = {"reference": f"Organization/{ids.encode(0, 77)}"}
    task = {"owner": to, "focus": {"reference": f"ServiceRequest/{ids.encode(1, 5)}"}}
    where = {"performer": [to]} if rtype == "ServiceRequest" else task
    return {"resourceType": rtype, "intent": "order", "status": "active", **where, **more}


@pytest.mark.parametrize(
    ("resource", "units", "ground"),
    [
        (asked("ServiceRequest"), (77,), "HENVISNING"),
        (asked("ServiceRequest", status="completed"), (77,), "VURDHENV"),
        (asked("ServiceRequest", status="revoked"), (), ""),
        (asked("Task", status="requested"), (77,), "HENVISNING"),
        (asked("Task", status="accepted"), (77,), "VURDHENV"),
        (asked("Task", status="cancelled"), (), ""),
        (None, (), ""),
    ],
)
def test_what_a_referral_says(resource: Json | None, units: tuple[int, ...], ground: str) -> None:
    found = referral_of(resource, source=5, patient=6, by=78)
    assert found is not None
    assert (found.units, found.ground) == (units, ground)


@pytest.mark.parametrize(
    "resource",
    [
        asked("ServiceRequest", status="draft"),
        asked("ServiceRequest", intent="proposal"),
        asked("Task", status="draft"),
        asked("Task", status="requested", focus={"reference": f"Observation/{ids.encode(1, 5)}"}),
        asked("Task", status="requested", focus=None),
    ],
)
def test_what_is_no_referral(resource: Json) -> None:
    assert referral_of(resource, source=5, patient=6, by=78) is None


def test_a_unit_refers_nothing_to_itself() -> None:
    found = referral_of(asked("ServiceRequest"), source=5, patient=6, by=77)
    assert found is not None and found.units == ()
