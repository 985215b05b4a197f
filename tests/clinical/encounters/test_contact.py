"""A contact as an Encounter, and back: no stage, judgement or reason is lost."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from fellesjournal import fhir as r4
from fellesjournal.access.model import PatientId
from fellesjournal.clinical.encounters import CONTACT_KINDS, fhir
from fellesjournal.clinical.encounters.model import Stage
from fellesjournal.identity.model import Reader
from fellesjournal.terminology import icpc2
from fellesjournal.terminology.model import Diagnosis

NOW = datetime(2026, 11, 23, 18, 0, tzinfo=UTC)
PATIENT = PatientId(7, 123456789)
NURSE = Reader(
    session=1, kind="staff", person=1, name="Test Testesen", post=1, unit=99, unit_name="Prøvestedet legevakt",
    unit_kind="legevakt", role="sykepleier", purpose="TREAT", patient=None, patient_slot=None, practitioner=5,
    practitioner_role=6, expires_at=NOW, idle_s=60, secret=b"",
)  # fmt: skip


def made(kind: str = "emergency", stage: Stage = "arrived", urgency: str | None = "yellow") -> dict[str, object]:
    return fhir.encounter(
        patient=PATIENT, reader=NURSE, kind=kind, stage=stage, reason="Brystsmerter", urgency=urgency,
        diagnoses=[Diagnosis(icpc2.SYSTEM, "A11", "Brystsmerte IKA")], at=NOW,
    )  # fmt: skip


@pytest.mark.parametrize("kind", sorted(CONTACT_KINDS))
def test_every_kind_of_contact_is_valid_fhir(kind: str) -> None:
    assert r4.validate(made(kind) | {"id": "x"}) == []


@pytest.mark.parametrize("stage", ["phone", "arrived", "room", "done"])
def test_every_stage_comes_back_as_it_went_in(stage: Stage) -> None:
    kind = "phone" if stage == "phone" else "emergency"
    found = fhir.contact_from(made(kind, stage) | {"id": "x"}, version=3)
    assert (found.stage, found.kind, found.urgency, found.version) == (stage, kind, "yellow", 3)
    assert found.reason == "Brystsmerte IKA, Brystsmerter"
    assert found.triaged_at == NOW


def test_a_call_that_becomes_an_attendance_keeps_both() -> None:
    resource = made("phone", "phone")
    fhir.move(resource, to="arrived", at=NOW + timedelta(minutes=20))
    fhir.move(resource, to="room", at=NOW + timedelta(minutes=50))
    fhir.move(resource, to="done", at=NOW + timedelta(minutes=80))
    found = fhir.contact_from(resource | {"id": "x"}, version=4)
    assert r4.validate(resource | {"id": "x"}) == []
    assert (found.stage, found.kind, found.ended_at) == ("done", "emergency", NOW + timedelta(minutes=80))
    assert [one["status"] for one in resource["statusHistory"]] == ["in-progress", "arrived", "in-progress"]  # type: ignore[attr-defined]


def test_a_call_that_ends_with_advice_stays_a_call() -> None:
    resource = made("phone", "phone")
    fhir.move(resource, to="done", at=NOW + timedelta(minutes=5))
    found = fhir.contact_from(resource | {"id": "x"}, version=2)
    assert (found.stage, found.kind) == ("done", "phone")


def test_a_new_judgement_replaces_the_old_and_its_instant() -> None:
    resource = made()
    fhir.judge(resource, urgency="red", at=NOW + timedelta(minutes=3))
    found = fhir.contact_from(resource | {"id": "x"}, version=2)
    assert (found.urgency, found.triaged_at) == ("red", NOW + timedelta(minutes=3))
    assert len(resource["extension"]) == 1  # type: ignore[arg-type]
