"""A signed laboratory answer as a Provenance, and back."""

from __future__ import annotations

from datetime import timedelta

from fellesjournal import fhir as r4
from fellesjournal.clinical.directory import Directory, Party
from fellesjournal.clinical.pieces import Json, patient_id
from fellesjournal.clinical.signatures import Answer, sign_answer, signatures_from
from fellesjournal.record.lookup import Stored
from fellesjournal.record.ownership import probe_owner
from tests.clinical.people import AT, PATIENT, READER

REPORT = Stored("DiagnosticReport", "0000000000000ab", 3, AT, "{}")
RESULT = Stored("Observation", "0000000000000ac", 1, AT, "{}")


def made() -> Json:
    return sign_answer(Answer((REPORT, RESULT)), patient=PATIENT, reader=READER, at=AT) | {"id": "0000000000000ad"}


def test_signature_is_valid_fhir_and_names_the_versions_that_were_seen() -> None:
    assert r4.validate(made()) == []
    assert [one["reference"] for one in made()["target"]] == [
        "DiagnosticReport/0000000000000ab/_history/3", "Observation/0000000000000ac/_history/1",
        f"Patient/{patient_id(PATIENT)}",
    ]  # fmt: skip


def test_signature_tells_who_in_which_role_for_which_unit_and_when() -> None:
    agent, signature = made()["agent"][0], made()["signature"][0]
    assert agent["who"]["display"] == signature["who"]["display"] == READER.name
    assert agent["onBehalfOf"]["display"] == READER.unit_name
    assert agent["role"][0]["coding"][0]["code"] == READER.role
    assert signature["type"][0]["code"] == "1.2.840.10065.1.12.1.6"
    assert made()["recorded"] == signature["when"]


def test_signature_lies_with_its_patient() -> None:
    assert probe_owner(made()) == f"Patient/{patient_id(PATIENT)}"


def test_signature_comes_back_for_each_of_its_targets() -> None:
    found = signatures_from([made()], Directory({}))
    assert {*found} == {"DiagnosticReport/0000000000000ab", "Observation/0000000000000ac"}
    one = found["Observation/0000000000000ac"]
    assert (one.version, one.name, one.role, one.at) == (1, READER.name, "Lege", AT)


def test_newest_signature_is_the_one_that_counts() -> None:
    later = sign_answer(Answer((REPORT,)), patient=PATIENT, reader=READER, at=AT + timedelta(days=1))
    for rows in ([made(), later], [later, made()]):
        assert signatures_from(rows, Directory({}))["DiagnosticReport/0000000000000ab"].at == AT + timedelta(days=1)


def test_other_provenance_is_no_signature() -> None:
    other = made()
    other["signature"][0]["type"][0]["code"] = "1.2.840.10065.1.12.1.1"
    assert signatures_from([other, made() | {"signature": []}], Directory({})) == {}


def test_name_is_the_directorys_when_it_knows_the_signer() -> None:
    who = made()["signature"][0]["who"]["reference"]
    found = signatures_from([made()], Directory({who: Party("Kari N. Nyttnavn")}))
    assert found["DiagnosticReport/0000000000000ab"].name == "Kari N. Nyttnavn"
