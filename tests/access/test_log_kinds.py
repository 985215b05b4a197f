# ruff: noqa: E501 - statements read best a line each
"""The citizen sees who has read what is withheld from them, and not of what kind it is; a representative neither when all of it is."""

from typing import Any

from fellesjournal import fhir
from tests.access.conftest import Stage, observation
from tests.access.test_blocks import citizen
from tests.access.test_contents import FOR_CITIZEN, label
from tests.access.test_rows import BODIES, read

OWN_LOG = "SELECT * FROM access.own_log($1, NULL, NULL, NULL, NULL, NULL, NULL, false, NULL, NULL, 100)"


def report(stage: Stage) -> dict[str, Any]:
    return {"resourceType": "DiagnosticReport", "status": "final", "code": {"text": "x"}, "subject": {"reference": stage.mine.ref}, "meta": label(FOR_CITIZEN)}


async def test_a_line_does_not_name_the_kind_of_what_is_withheld_from_the_citizen(stage: Stage) -> None:
    (withheld,) = await stage.world.write([report(stage)])
    assert await read(stage, "a", withheld) == 200 and await read(stage, "a", stage.my_row) == 200
    assert len(await stage.bodies(stage.world.secrets["a"], [stage.mine.pid], BODIES)) == 3
    lines = await stage.web.fetch(OWN_LOG, await citizen(stage, stage.mine))
    of = {name: fhir.TYPE_NUMBER[name] for name in ("DiagnosticReport", "Observation", "Patient")}
    found, shown, hidden, *_loader = lines
    assert [line["reader_name"] for line in (found, shown, hidden)] == ["a", "a", "a"]
    assert (set(found["kinds"]), shown["kinds"], shown["kind"], hidden["kinds"]) == ({of["Observation"], of["Patient"]}, None, of["Observation"], [-1])
    assert of["DiagnosticReport"] not in {kind for line in lines for kind in line["kinds"] or [line["kind"]]}
    # Staff see it as it is, and what is open is named.
    told = await stage.web.fetch("SELECT kind, kinds FROM access.patient_log($1, $2, now() + interval '1 minute', 100)", stage.world.secrets["a"], stage.mine.pid)
    assert of["DiagnosticReport"] in {kind for line in told for kind in line["kinds"] or [line["kind"]]}


async def test_internal_work_is_named_as_such(stage: Stage) -> None:
    (task,) = await stage.world.write([{"resourceType": "Task", "status": "requested", "intent": "order", "for": {"reference": stage.mine.ref}}])
    (open_one,) = await stage.world.write([observation(stage.mine.ref, "apent")])
    assert await read(stage, "a", task) == 200 and await read(stage, "a", open_one) == 200
    lines = await stage.web.fetch(OWN_LOG, await citizen(stage, stage.mine))
    assert [line["kind"] for line in lines[:2]] == [fhir.TYPE_NUMBER["Observation"], fhir.TYPE_NUMBER["Task"]] and lines[1]["kinds"] is None


def test_the_types_of_internal_work_are_those_of_the_program() -> None:
    assert [fhir.TYPE_NUMBER[name] for name in ("Task", "AuditEvent", "Provenance", "DetectedIssue", "Subscription")] == [140, 7, 111, 34, 130]
