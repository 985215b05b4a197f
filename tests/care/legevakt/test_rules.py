"""The legevakt's pure rules: clocks, scales, the board's order, what a form's vitals are."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.datastructures import FormData

from fellesjournal.care.legevakt import scales
from fellesjournal.care.legevakt.model import Person, board, card
from fellesjournal.care.legevakt.vitals import SealedBasis, read_vitals
from fellesjournal.clinical.encounters import DEFAULT_SCALE, Contact, Scale, Stage, wait_of
from fellesjournal.clinical.encounters.urgency import BadScale, scale_from
from fellesjournal.clinical.measurements import news2
from fellesjournal.web import Form

NOW = datetime(2026, 11, 23, 20, 0, tzinfo=UTC)
CALM = {
    "v_resp": "16", "v_sat": "98", "v_air": "air", "v_sys": "120", "v_dia": "70", "v_pulse": "70", "v_acvpu": "A",
    "v_temp": "37,0",
}  # fmt: skip


def contact(minutes: int, urgency: str | None, stage: Stage = "arrived", number: int = 1) -> Contact:
    began = NOW - timedelta(minutes=minutes)
    ended = NOW if stage == "done" else None
    return Contact(
        f"e{number}", 1, "p", "emergency", stage, began, ended, "", urgency, began, "", "", None,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("urgency", "minutes", "due", "over"),
    [("red", 4, False, True), ("red", 5, True, True), ("orange", 9, False, False), ("orange", 10, True, False),
     ("orange", 11, True, True), ("yellow", 59, False, False), ("yellow", 60, True, False), ("blue", 239, False, False),
     ("blue", 241, True, True)],
)  # fmt: skip
def test_retriage_falls_due_by_level(urgency: str, minutes: int, due: bool, over: bool) -> None:
    one = contact(minutes, urgency)
    wait = wait_of(began_at=one.began_at, triaged_at=one.triaged_at, urgency=urgency, now=NOW, scale=DEFAULT_SCALE)
    assert (wait.minutes, wait.is_retriage_due, wait.is_over_wait) == (minutes, due, over)


def test_a_new_judgement_starts_the_retriage_clock_alone() -> None:
    wait = wait_of(
        began_at=NOW - timedelta(minutes=50), triaged_at=NOW - timedelta(minutes=2), urgency="orange", now=NOW,
        scale=DEFAULT_SCALE,
    )  # fmt: skip
    assert (wait.minutes, wait.retriage_in) == (50, 8)


def test_one_whose_urgency_was_never_judged_is_due_at_once() -> None:
    wait = wait_of(began_at=NOW, triaged_at=None, urgency=None, now=NOW, scale=DEFAULT_SCALE)
    assert wait.is_retriage_due


def test_a_clock_that_was_set_back_gives_no_negative_wait() -> None:
    wait = wait_of(began_at=NOW + timedelta(hours=1), triaged_at=None, urgency="green", now=NOW, scale=DEFAULT_SCALE)
    assert wait.minutes == 0


def test_a_unit_may_have_a_scale_of_its_own() -> None:
    own = scale_from({"yellow": {"retriage_minutes": 30}, "red": {}, "green": {"name": "Vanlig"}})
    assert [level.code for level in own.levels] == ["red", "yellow", "green"]
    assert own.level("yellow").retriage_minutes == 30  # type: ignore[union-attr]
    assert own.level("blue") is None


@pytest.mark.parametrize(
    "table",
    [{}, {"purple": {}}, {"red": {"colour": "pink"}},
     {"red": {"retriage_minutes": 0}}, {"red": {"max_wait_minutes": -1}},
     {"red": {"max_wait_minutes": 90}, "yellow": {}}],
)  # fmt: skip
def test_a_scale_that_makes_no_sense_is_refused(table: dict[str, dict[str, object]]) -> None:
    with pytest.raises(BadScale):
        scale_from(table)


def test_a_file_that_cannot_be_read_leaves_the_default(tmp_path: Path) -> None:
    path = tmp_path / scales.FILE
    path.write_text("not toml [")
    assert scales._read(path, 1) == {}
    path.write_text('["Vår legevakt".red]\nretriage_minutes = 3\n')
    assert scales._read(path, 2)["Vår legevakt"].levels[0].retriage_minutes == 3


def test_the_board_has_the_most_urgent_first_then_who_waited_longest() -> None:
    made = [
        contact(5, "green", number=1),
        contact(90, "green", number=2),
        contact(1, "red", number=3),
        contact(9, None, number=4),
    ]
    cards = [card(one, Person("", "", ""), scale=DEFAULT_SCALE, now=NOW) for one in made]
    (_phone, arrived, _room, _done) = board(cards, DEFAULT_SCALE)
    assert [one.contact.id for one in arrived.cards] == ["e3", "e2", "e1", "e4"]


def test_what_is_over_waits_no_more() -> None:
    one = card(contact(30, "red", "done"), Person("", "", ""), scale=DEFAULT_SCALE, now=NOW + timedelta(hours=9))
    assert one.wait.minutes == 30


@given(st.lists(st.sampled_from([*(level.code for level in DEFAULT_SCALE.levels), None])))
def test_no_contact_is_lost_from_the_board(codes: list[str | None]) -> None:
    cards = [
        card(contact(n, code, number=n), Person("", "", ""), scale=DEFAULT_SCALE, now=NOW)
        for n, code in enumerate(codes)
    ]
    assert sum(len(column.cards) for column in board(cards, DEFAULT_SCALE)) == len(codes)
    assert isinstance(DEFAULT_SCALE, Scale)


def form(**changed: str) -> Form:
    return Form(FormData(list((CALM | changed).items())))


def test_all_seven_in_a_form_are_a_score() -> None:
    vitals = read_vitals(form(), "nb")
    score = vitals.score(SealedBasis(40, pregnant=False, scale=1))
    assert vitals.is_fit
    assert isinstance(score, news2.Score)
    assert score.total == 0


def test_half_a_blood_pressure_is_a_fault_at_the_other_half() -> None:
    vitals = read_vitals(form(v_dia=""), "nb")
    assert vitals.errors.get("v_dia")
    assert not vitals.is_fit


def test_an_unbelievable_value_is_refused_and_a_rare_one_asked_about_until_confirmed() -> None:
    assert read_vitals(form(v_temp="372"), "nb").errors.get("v_temp")
    rare = read_vitals(form(v_pulse="200"), "nb")
    assert rare.asked and not rare.is_fit
    assert read_vitals(form(v_pulse="200", stemmer="1"), "nb").is_fit


def test_what_the_patient_says_of_pregnancy_counts_over_the_record() -> None:
    basis = SealedBasis(30, pregnant=True, scale=1)
    assert read_vitals(form(), "nb").score(basis) is news2.PREGNANT
    assert isinstance(read_vitals(form(gravid="nei"), "nb").score(basis), news2.Score)
