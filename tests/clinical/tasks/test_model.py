"""The order of the inbox, whose a task is, and that the counts are right."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from fellesjournal import fhir as r4
from fellesjournal.clinical.directory import Directory
from fellesjournal.clinical.tasks import fhir
from fellesjournal.clinical.tasks.model import Inbox, Item, in_order
from tests.clinical.people import PATIENT, READER

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


def item(key: str, *, due_h: int | None = 24, urgent: bool = False, **more: Any) -> Item:
    due = None if due_h is None else NOW + timedelta(hours=due_h)
    made = Item(
        id=key, version=1, kind="sign-result", text="Prøvesvar", patient="p", patient_name="Ola", born_on=None,
        owner="Enheten", owner_id=None, requester="", focus=None, is_urgent=urgent, authored_at=None, due_at=due,
        is_overdue=due is not None and due < NOW,
    )  # fmt: skip
    return replace(made, **more)


def test_late_comes_before_urgent_before_due() -> None:
    rows = [item("a", due_h=48), item("b", due_h=None), item("c", urgent=True), item("d", due_h=-1), item("e", due_h=1)]
    assert [one.id for one in in_order(rows)] == ["d", "c", "e", "a", "b"]


def test_unit_task_is_the_gps_whose_list_the_patient_is_on() -> None:
    inbox = Inbox((item("a", gp_id="me"), item("b", gp_id="other")), "me")
    assert [one.id for one in inbox.mine] == ["a"]


def test_task_handed_over_is_the_receivers_alone() -> None:
    rows = (item("a", gp_id="me", owner_id="other"), item("b", gp_id="other", owner_id="me"))
    assert [one.id for one in Inbox(rows, "me").mine] == ["b"]
    assert [one.id for one in Inbox(rows, "other").mine] == ["a"]


def test_counts_are_the_lengths_of_what_is_shown() -> None:
    rows = (item("a", gp_id="me"), item("b", gp_id="me", kind="read-note"), item("c", gp_id="other"))
    inbox = Inbox(rows, "me")
    for whose in ("mine", "enhet"):
        counts = inbox.counts(whose)
        assert sum(counts.values()) == len(inbox.shown(whose=whose))
        for kind, count in counts.items():
            assert len(inbox.shown(whose=whose, kind=kind)) == count


def test_next_is_of_the_same_kind_first() -> None:
    rows = (item("a", gp_id="me", kind="read-note"), item("b", gp_id="me"), item("c", gp_id="me"))
    found = Inbox(rows, "me").after("b", kind="sign-result")
    assert found is not None and found.id == "c"
    last = Inbox(rows[:2], "me").after("b", kind="sign-result")
    assert last is not None and last.id == "a"


def test_task_is_valid_fhir_through_its_life() -> None:
    made = fhir.task("follow-up", "Kontroll", patient=PATIENT, reader=READER, focus=None, due_at=None, at=NOW)
    made["id"] = "0000000000000ab"
    assert r4.validate(made) == []
    fhir.give_to(
        made, owner={"reference": "Practitioner/x", "display": "Jon"}, reader=READER, comment="Ta denne", at=NOW
    )
    assert r4.validate(made) == []
    fhir.complete(made, reader=READER, comment="", at=NOW)
    assert r4.validate(made) == []
    found = fhir.item_from(made, Directory({}), NOW + timedelta(days=30))
    assert not found.is_open and not found.is_overdue
    assert found.notes == ("Ta denne",)
