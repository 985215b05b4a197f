"""Where each patient of the day stands, and the days of a week."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from fellesjournal.care.gp.model import Appointment, days, monday_of, of_doctor

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


def appointment(status: str, minutes: int, doctor: str = "d") -> Appointment:
    at = NOW + timedelta(minutes=minutes)
    return Appointment("a", "p", "Ola", None, "male", at, 20, "Hoste", "Kari", doctor, status)


@pytest.mark.parametrize(
    ("status", "minutes", "standing"),
    [
        ("booked", 10, "booked"), ("booked", -1, "absent"), ("arrived", 10, "waiting"), ("arrived", -30, "late"),
        ("fulfilled", -60, "done"), ("noshow", -60, "noshow"),
    ],
)  # fmt: skip
def test_standing_follows_status_and_clock(status: str, minutes: int, standing: str) -> None:
    assert appointment(status, minutes).standing(NOW) == standing


def test_delay_is_told_in_whole_minutes() -> None:
    assert appointment("arrived", -31).delay_min(NOW) == 31
    assert appointment("booked", 5).delay_min(NOW) == 0


def test_week_has_a_day_for_each_date_also_empty_ones() -> None:
    week = days(
        [appointment("booked", 0), appointment("booked", 60 * 24)], first=monday_of(date(2026, 11, 25)), count=7
    )
    assert [len(one.appointments) for one in week] == [1, 1, 0, 0, 0, 0, 0]


def test_appointment_late_in_the_evening_belongs_to_the_norwegian_day() -> None:
    late = appointment("booked", 60 * 14 + 30)
    assert [len(one.appointments) for one in days([late], first=date(2026, 11, 23), count=2)] == [0, 1]


def test_day_left_counts_those_still_to_come_in() -> None:
    rows = [
        appointment("booked", 10),
        appointment("fulfilled", -30),
        appointment("noshow", -60),
        appointment("arrived", -5),
    ]
    assert days(rows, first=date(2026, 11, 23), count=1)[0].left(NOW) == 2


def test_list_of_one_doctor_leaves_out_the_others() -> None:
    rows = [appointment("booked", 10, "d"), appointment("booked", 10, "e")]
    assert len(of_doctor(rows, "d")) == 1
    assert len(of_doctor(rows, None)) == 2
