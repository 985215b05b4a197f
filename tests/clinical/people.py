"""A patient and a GP who exist in tests alone."""

from __future__ import annotations

from datetime import UTC, datetime

from fellesjournal.access.model import PatientId
from fellesjournal.identity.model import Reader

AT = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
PATIENT = PatientId(7, 4242)
READER = Reader(
    session=1, kind="staff", person=2, name="Kari Nordmann", post=3, unit=11, unit_name="Havneby legesenter",
    unit_kind="gp", role="lege", purpose="TREAT", patient=None, patient_slot=None, practitioner=12,
    practitioner_role=13, expires_at=AT, idle_s=900, secret=b"x",
)  # fmt: skip
