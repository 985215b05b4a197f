"""What may be a contact diagnosis, what a correction changed, and a note through FHIR and back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fellesjournal import fhir as r4
from fellesjournal.clinical.notes import fhir
from fellesjournal.clinical.notes.model import (
    JOURNAL_NOTE,
    ProcessCode,
    UnknownCode,
    changes,
    contact_diagnoses,
    contact_diagnosis,
)
from fellesjournal.clinical.pieces import moment, narrative, plain_text
from fellesjournal.terminology import icpc2
from tests.clinical.people import AT, PATIENT, READER

LINES = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cs", "Cc", "Co", "Cn", "Zl", "Zp", "Zs"), include_characters=" ")
)


def test_diagnosis_is_found_in_any_case() -> None:
    assert contact_diagnosis(" k86 ").display == "Hypertensjon ukomplisert"


@pytest.mark.parametrize("code", ["K30", "A69", "-31", "x45"])
def test_process_code_is_no_contact_diagnosis(code: str) -> None:
    with pytest.raises((ProcessCode, UnknownCode)):
        contact_diagnosis(code)


def test_refusal_of_a_process_code_names_the_code() -> None:
    with pytest.raises(ProcessCode) as refused:
        contact_diagnosis("k31")
    assert refused.value.about == "K31"
    assert "30–69" in refused.value.text


def test_same_code_twice_is_one_diagnosis() -> None:
    assert [one.code for one in contact_diagnoses(("K86", "k86", "T90"))] == ["K86", "T90"]


def test_changes_tell_what_was_taken_away_and_what_came() -> None:
    assert changes("Tar metformin daglig", "Tar metformin to ganger daglig") == (
        ("same", "Tar metformin "),
        ("added", "to ganger "),
        ("same", "daglig"),
    )


@given(LINES, LINES)
def test_changes_hold_both_texts_whole(old: str, new: str) -> None:
    found = changes(old, new)
    assert "".join(text for kind, text in found if kind != "added") == old
    assert "".join(text for kind, text in found if kind != "removed") == new


@given(st.lists(LINES, min_size=1).map("\n".join).map(str.strip))
def test_text_is_the_same_after_the_narrative(text: str) -> None:
    assert plain_text(narrative(text)) == text


def test_script_in_a_note_is_only_text() -> None:
    found = narrative("<script>alert(1)</script> & <b>")
    assert "<script" not in found["div"]
    assert plain_text(found) == "<script>alert(1)</script> & <b>"


def test_signed_note_is_valid_fhir_and_reads_back() -> None:
    made = fhir.composition(
        patient=PATIENT, reader=READER, encounter="0000000000000ab", text="Kontroll.\n\nBT fint.",
        title="Konsultasjon", kind=JOURNAL_NOTE, conditions=["0000000000000ac"], copy_to_gp=True, at=AT,
    )  # fmt: skip
    made["id"] = "0000000000000ad"
    assert r4.validate(made) == []
    note = fhir.note_from(made, version=1)
    assert (note.text, note.author, note.unit, note.copy_to_gp) == (
        "Kontroll.\n\nBT fint.",
        "Kari Nordmann",
        "Havneby legesenter",
        True,
    )
    assert note.signed_at == AT and not note.is_corrected


def test_contact_diagnosis_is_valid_fhir_and_not_on_the_problem_list() -> None:
    made = fhir.contact_condition(
        contact_diagnosis("K86"), patient=PATIENT, reader=READER, encounter="0000000000000ab", at=AT
    )
    assert r4.validate(made) == []
    assert made["category"][0]["coding"][0]["code"] == "encounter-diagnosis"
    assert made["code"]["coding"][0]["system"] == icpc2.SYSTEM


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("2024", "2024-01-01"),
        ("2024-05", "2024-05-01"),
        ("2024-05-03", "2024-05-03"),
        ("2024-05-03T23:30:00Z", "2024-05-04"),
    ],
)
def test_moment_is_read_from_any_precision_in_norwegian_time(text: str, shown: str) -> None:
    from zoneinfo import ZoneInfo

    at = moment(text)
    assert at is not None and at.astimezone(ZoneInfo("Europe/Oslo")).date().isoformat() == shown
