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
CHEST = Diagnosis(icpc2.SYSTEM, "A11", "Brystsmerte IKA")
HEADACHE = Diagnosis(icpc2.SYSTEM, "N01", "Hodepine")
PATIENT = PatientId(7, 123456789)
NURSE = Reader(
    session=1, kind="staff", person=1, name="Test Testesen", post=1, unit=99, unit_name="Prøvestedet legevakt",
    unit_kind="legevakt", role="sykepleier", purpose="TREAT", patient=None, patient_slot=None, practitioner=5,
    practitioner_role=6, expires_at=NOW, idle_s=60, secret=b"",
)  # fmt: skip


def made(kind: str = "emergency", stage: Stage = "arrived", urgency: str | None = "yellow") -> dict[str, object]:
    return fhir.encounter(
        patient=PATIENT, reader=NURSE, kind=kind, stage=stage, reason="Brystsmerter", urgency=urgency,
        diagnoses=[CHEST], at=NOW,
    )  # fmt: skip


@pytest.mark.parametrize("kind", sorted(CONTACT_KINDS))
def test_every_kind_of_contact_is_valid_fhir(kind: str) -> None:
    assert r4.validate(made(kind) | {"id": "x"}) == []


@pytest.mark.parametrize("stage", ["phone", "arrived", "room", "done"])
def test_every_stage_comes_back_as_it_went_in(stage: Stage) -> None:
    kind = "phone" if stage == "phone" else "emergency"
    found = fhir.contact_from(made(kind, stage) | {"id": "x"}, version=3)
    assert (found.stage, found.kind, found.urgency, found.version) == (stage, kind, "yellow", 3)
    assert found.reason == "Brystsmerter"
    assert found.triaged_at == NOW


def test_contact_of_which_nothing_was_told_is_named_by_its_diagnoses() -> None:
    resource = made()
    fhir.code_reasons(resource, added=[HEADACHE], removed=[])
    resource["reasonCode"] = [one for one in resource["reasonCode"] if "coding" in one]  # type: ignore[attr-defined]
    assert fhir.contact_from(resource | {"id": "x"}, version=1).reason == "Brystsmerte IKA, Hodepine"


def test_diagnoses_come_and_go_and_the_words_stay() -> None:
    resource = made()
    assert fhir.code_reasons(resource, added=[HEADACHE, HEADACHE], removed=[CHEST])
    assert [one.get("text") or one["coding"][0]["code"] for one in resource["reasonCode"]] == ["N01", "Brystsmerter"]  # type: ignore[attr-defined]
    assert not fhir.code_reasons(resource, added=[HEADACHE], removed=[CHEST])
    assert r4.validate(resource | {"id": "x"}) == []


def test_contact_without_any_reason_left_has_no_empty_list() -> None:
    resource = made()
    resource["reasonCode"] = resource["reasonCode"][:1]  # type: ignore[index]
    assert fhir.code_reasons(resource, added=[], removed=[CHEST])
    assert "reasonCode" not in resource


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
