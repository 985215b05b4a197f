# ruff: noqa: E501 - tables of what is tried read best a line each
"""What a patient blocks is closed at once, with all that would reveal it, to those whom it is blocked for, and open again when it is lifted."""

import asyncio
import os
from hashlib import sha256
from typing import Any

from fellesjournal import fhir
from fellesjournal.kit import ids
from tests.access.conftest import Stage, observation
from tests.access.test_rows import BODIES, history, read, version_of, write
from tests.record.search.world import UNIT_A, UNIT_B, Known

MAKE = "SELECT verdict, id FROM vault.make_block($1, $2, $3, $4, $5, $6, $7, $8, $9)"


async def citizen(stage: Stage, patient: Known) -> bytes:
    """The patient, signed in."""
    someone = await stage.world.admin.fetchval(
        "SELECT identity.put_person('human', $1, 'Innbygger', NULL, $2, $3, NULL)", os.urandom(16), patient.pid, patient.slot
    )
    secret = os.urandom(32)
    await stage.world.admin.fetchval("SELECT identity.start_citizen($1, $2, 4::smallint, 3600, 7200, '')", sha256(secret).digest(), someone)
    return secret


async def block(stage: Stage, secret: bytes, scope: str, *, what: Known | None = None, target: int | None = None, code: str | None = None,
                unit: int | None = None, human: int | None = None, service: str | None = None) -> int:  # fmt: skip
    """Make a block on mine; its id."""
    slot, pid = (what.slot, what.pid) if what else (None, target)
    row = await stage.web.fetchrow(MAKE, secret, stage.mine.pid, scope, slot, pid, code, unit, human, service)
    assert row["verdict"] == "ok"
    return int(row["id"])


async def hidden(stage: Stage, who: str = "a") -> int:
    row = await stage.web.fetchrow("SELECT blocked FROM access.decide($1, $2, 'open', 0::smallint)", stage.world.secrets[who], stage.mine.pid)
    return int(row["blocked"])


async def told(stage: Stage, row: Known, who: str = "a") -> bool:
    """Whether a subscription of the reader would be told of the row."""
    return bool(await stage.world.admin.fetchval(
        "SELECT access.may_be_told(s.id, r.rtype, r.pid, r.patient, r.org, r.sens, NULL) FROM identity.session s, vault.resource r"
        " WHERE s.secret_hash = sha256($1) AND r.pid = $2", stage.world.secrets[who], row.pid,
    ))  # fmt: skip


async def charted(stage: Stage, who: str = "a") -> set[str]:
    return {body["id"] for body in await stage.bodies(stage.world.secrets[who], [stage.mine.pid], BODIES)}


def composition(stage: Stage, **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Composition", "status": "final", "type": {"text": "Notat"}, "subject": {"reference": stage.mine.ref}, "title": "Notat",
        "date": "2026-01-02", "author": [{"display": "Lege"}], **more,
    }  # fmt: skip


async def test_a_blocked_document_is_closed_with_all_that_would_reveal_it(stage: Stage) -> None:
    (note,) = await stage.world.write([composition(stage)])
    (report,) = await stage.world.write([composition(stage, section=[{"entry": [{"reference": note.ref}]}])])
    (about,) = await stage.world.write([{"resourceType": "Binary", "contentType": "text/plain", "securityContext": {"reference": stage.mine.ref}}])
    (letter,) = await stage.world.write([{
        "resourceType": "DocumentReference", "status": "current", "subject": {"reference": stage.mine.ref},
        "content": [{"attachment": {"url": about.ref}}], "context": {"related": [{"reference": report.ref}]},
    }])  # fmt: skip
    assert await write(stage, "a", version_of(note, composition(stage, title="Rettet"))) == [200]
    me = await citizen(stage, stage.mine)
    made = await block(stage, me, "document", what=note)
    for row in (note, report, letter, about):
        assert (await read(stage, "a", row), await history(stage, "a", row)) == (404, []), row.rtype
    assert await read(stage, "a", note, version=1) == 404
    assert await charted(stage) == {stage.mine.id, stage.my_row.id}
    assert await hidden(stage) == 4
    # What comes later and names it is as closed; what else is written isn't.
    later, other = composition(stage, relatesTo=[{"code": "appends", "targetReference": {"reference": report.ref}}]), composition(stage)
    await stage.world.write([later, other])
    assert await hidden(stage) == 5 and len(await charted(stage)) == 3
    stage.world.secrets["me"] = me
    assert await read(stage, "me", note) == 200
    assert await stage.web.fetchval("SELECT vault.lift_block($1, true, $2)", me, made) == "ok"
    assert await hidden(stage) == 0 and len(await charted(stage)) == 8
    assert await read(stage, "a", note, version=1) == 200


async def test_what_is_blocked_stays_so_when_it_gets_a_new_version_and_cannot_be_changed_by_who_does_not_see_it(stage: Stage) -> None:
    me = await citizen(stage, stage.mine)
    await block(stage, me, "document", what=stage.my_row)
    assert await write(stage, "a", version_of(stage.my_row, observation(stage.mine.ref, "annet"))) == [404]
    assert await write(stage, "loader", version_of(stage.my_row, observation(stage.mine.ref, "annet"))) == [200]
    assert await read(stage, "a", stage.my_row) == 404 and await hidden(stage) == 1


async def test_units_services_categories_and_people_are_blocked_as_they_are_named(stage: Stage) -> None:
    me = await citizen(stage, stage.mine)
    (theirs,) = await stage.world.write([composition(stage)], org=UNIT_B)
    (mine,) = await stage.world.write([composition(stage)])
    doctor = await stage.world.admin.fetchval("SELECT person FROM identity.session WHERE secret_hash = sha256($1)", stage.world.secrets["a"])
    for scope, rest, closed in (
        ("origin", {"target": UNIT_B}, {theirs.id}),
        ("category", {"code": "notes"}, {theirs.id, mine.id}),
        ("category", {"code": "results", "unit": UNIT_A}, {stage.my_row.id}),
        ("category", {"code": "results", "human": doctor}, {stage.my_row.id}),
        ("category", {"code": "results", "unit": UNIT_B}, set()),
        ("service", {"code": "gp", "service": "gp"}, {mine.id, theirs.id, stage.my_row.id}),
    ):
        assert await hidden(stage) == 0
        made = await block(stage, me, scope, **rest)
        everything = {mine.id, theirs.id, stage.my_row.id}
        assert (scope, everything - await charted(stage)) == (scope, closed)
        assert await hidden(stage) == len(closed)
        assert {row.id for row in (mine, theirs, stage.my_row) if await read(stage, "a", row) == 404} == closed
        assert {row.id for row in (mine, theirs, stage.my_row) if not await told(stage, row)} == closed
        assert await stage.web.fetchval("SELECT vault.lift_block($1, true, $2)", me, made) == "ok"


async def test_the_whole_record_is_blocked_for_a_unit_a_service_or_a_person_in_an_open_session(stage: Stage) -> None:
    me = await citizen(stage, stage.mine)
    doctor = await stage.world.admin.fetchval("SELECT person FROM identity.session WHERE secret_hash = sha256($1)", stage.world.secrets["a"])
    assert await read(stage, "a", stage.my_row) == 200
    for rest, status in (({"unit": UNIT_A}, 404), ({"human": doctor}, 404), ({"service": "gp"}, 404), ({"unit": UNIT_B}, 200), ({}, 404)):
        made = await block(stage, me, "all", **rest)
        assert (rest, await read(stage, "a", stage.my_row)) == (rest, status)
        listed = await stage.bodies(stage.world.secrets["a"], [], BODIES, unit=UNIT_A)
        assert bool([one for one in listed if one["id"] == stage.my_row.id]) is (status == 200)
        assert await stage.web.fetchval("SELECT vault.lift_block($1, false, $2)", me, made) == "ok"
        assert await read(stage, "a", stage.my_row) == 200


async def test_a_unit_that_comes_to_a_blocked_service_is_blocked_too(stage: Stage) -> None:
    me = await citizen(stage, stage.mine)
    made = await block(stage, me, "all", service="gp")
    await stage.world.admin.execute("SELECT identity.put_unit(30, 'C', 'gp', 30, 'Testvik')")
    units = "SELECT unit FROM access.block WHERE of = $1 AND until_at > clock_timestamp() ORDER BY unit"
    assert [row["unit"] for row in await stage.world.admin.fetch(units, made)] == [UNIT_A, UNIT_B, 30, 99]
    assert len(await stage.web.fetch("SELECT * FROM access.own_blocks($1)", me)) == 1
    assert await stage.web.fetchval("SELECT vault.lift_block($1, false, $2)", me, made) == "ok"
    assert await stage.world.admin.fetch(units, made) == []


async def test_nobody_blocks_or_lifts_in_a_record_that_is_not_theirs_and_every_try_is_logged(stage: Stage) -> None:
    me, them = await citizen(stage, stage.mine), await citizen(stage, stage.theirs)
    row = await stage.web.fetchrow(MAKE, them, stage.mine.pid, "all", None, None, None, None, None, None)
    assert row["verdict"] == "refused"
    row = await stage.web.fetchrow(MAKE, stage.world.secrets["b"], stage.mine.pid, "all", None, None, None, None, None, None)
    assert row["verdict"] == "refused"
    row = await stage.web.fetchrow(MAKE, me, stage.mine.pid, "document", stage.their_row.slot, stage.their_row.pid, None, None, None, None)
    assert row["verdict"] == "unknown"
    made = await block(stage, stage.world.secrets["a"], "all", unit=UNIT_B)
    assert await stage.web.fetchval("SELECT vault.lift_block($1, false, $2)", them, made) == "unknown"
    assert await stage.web.fetchval("SELECT vault.lift_block($1, false, $2)", stage.world.secrets["a"], made) == "none"
    (mine,) = await stage.web.fetch("SELECT * FROM access.own_blocks($1)", me)
    assert (mine["id"], mine["unit"], mine["made_by"]) == (made, UNIT_B, "a")
    assert await stage.web.fetch("SELECT * FROM access.own_blocks($1)", stage.world.secrets["a"]) == []
    tried = await stage.log(action="block", patient=stage.mine.pid)
    assert [line["outcome"] for line in tried] == [1, 1, 2, 0]


async def test_what_is_written_while_a_block_is_made_is_under_it(stage: Stage) -> None:
    me = await citizen(stage, stage.mine)
    async with stage.web.transaction() as conn:
        await conn.fetchrow(MAKE, me, stage.mine.pid, "category", None, None, "results", None, None, None)
        writing = asyncio.create_task(stage.world.write([observation(stage.mine.ref, "samtidig")]))
        await asyncio.sleep(0.3)
        assert not writing.done()
    await writing
    assert await hidden(stage) == 2 and await charted(stage) == {stage.mine.id}


async def test_a_delayed_row_is_the_citizens_when_its_time_has_come(stage: Stage) -> None:
    def delayed(at: str = "") -> dict[str, Any]:
        label: dict[str, Any] = {"system": "urn:oid:2.16.578.1.12.4.1.1.9603", "code": "NORU"}
        if at:
            label["extension"] = [{"url": "https://fellesjournal.no/fhir/StructureDefinition/release-at", "valueInstant": at}]
        return observation(stage.mine.ref, "utsatt", meta={"security": [label]})

    stage.world.secrets["me"] = await citizen(stage, stage.mine)
    due, waiting, unsaid = await stage.world.write([delayed("2026-01-01T00:00:00Z"), delayed("2999-01-01T00:00:00Z"), delayed()])
    assert [await read(stage, "me", row) for row in (due, waiting, unsaid)] == [404, 404, 404]
    assert [await read(stage, "a", row) for row in (due, waiting, unsaid)] == [200, 200, 200]
    assert await stage.world.admin.fetchval("SELECT vault.release_due()") == 1
    assert [await read(stage, "me", row) for row in (due, waiting, unsaid)] == [200, 404, 404]
    assert await stage.world.admin.fetchval("SELECT vault.release_due()") == 0


async def test_the_database_spells_ids_as_the_program_does(stage: Stage) -> None:
    for slot, pid in ((0, 1), (1, 2**62 + 12345), (4095, 2**63 - 1), (257, 0x1234567890ABCDE)):
        assert await stage.world.admin.fetchval("SELECT vault.id_text($1, $2)", slot, pid) == ids.encode(slot, pid)


def test_the_numbers_of_types_in_the_database_are_those_of_the_program() -> None:
    holding = ("Patient", "Encounter", "EpisodeOfCare", "CarePlan", "CareTeam", "List", "Account")
    assert [fhir.TYPE_NUMBER[name] for name in holding] == [103, 44, 48, 14, 15, 70, 1]
    assert (fhir.TYPE_NUMBER["Binary"], fhir.TYPE_NUMBER["Consent"]) == (9, 29)
    kinds = ("Composition", "ClinicalImpression", "Observation", "DiagnosticReport", "Specimen", "ImagingStudy", "Media", "DocumentReference", "DocumentManifest",
             "MedicationStatement", "MedicationRequest", "MedicationDispense", "MedicationAdministration", "Condition", "Communication", "CommunicationRequest")  # fmt: skip
    assert [fhir.TYPE_NUMBER[name] for name in kinds] == [26, 21, 96, 40, 126, 61, 74, 42, 41, 80, 79, 77, 76, 28, 23, 24]
