"""Pregnancy as the record tells it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from fellesjournal.clinical.measurements.assessment import NOT_PREGNANT, PREGNANT, is_pregnant
from fellesjournal.clinical.pieces import LOINC, concept, instant
from fellesjournal.terminology import icpc2

NOW = datetime(2026, 11, 23, 18, 0, tzinfo=UTC)


def condition(code: str, weeks_ago: int, **more: Any) -> dict[str, Any]:
    return {
        "code": concept(icpc2.SYSTEM, code),
        "recordedDate": instant(NOW - timedelta(weeks=weeks_ago)),
        **more,
    }


def status(code: str, weeks_ago: int) -> dict[str, Any]:
    at = instant(NOW - timedelta(weeks=weeks_ago))
    return {"valueCodeableConcept": concept(LOINC, code), "effectiveDateTime": at, "status": "final"}


@pytest.mark.parametrize("code", ["W78", "W79", "W84"])
def test_a_pregnancy_of_this_year_counts(code: str) -> None:
    assert is_pregnant([condition(code, 10)], [], at=NOW)


def test_a_pregnancy_that_must_be_over_does_not_count() -> None:
    assert not is_pregnant([condition("W78", 43)], [], at=NOW)


def test_a_birth_ends_it() -> None:
    assert not is_pregnant([condition("W78", 10), condition("W90", 2)], [], at=NOW)


def test_what_was_entered_in_error_does_not_count() -> None:
    wrong = condition("W78", 10, verificationStatus=concept("x", "entered-in-error"))
    assert not is_pregnant([wrong], [], at=NOW)


def test_what_the_patient_says_later_counts_more() -> None:
    assert not is_pregnant([condition("W78", 10)], [status(NOT_PREGNANT, 1)], at=NOW)
    assert is_pregnant([condition("W90", 60)], [status(PREGNANT, 0)], at=NOW)


def test_nothing_said_is_not_pregnant() -> None:
    assert not is_pregnant([], [], at=NOW)
