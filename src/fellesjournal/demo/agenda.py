"""What is on today and this week at the practices: appointments, results to sign, open tasks."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, datetime, time, timedelta
from random import Random
from zoneinfo import ZoneInfo

from fellesjournal.demo.draft import Draft
from fellesjournal.demo.model import Booking, Staff

OSLO = ZoneInfo("Europe/Oslo")
_TASKS = ("follow-up", "call-patient", "renew-prescription", "read-note")
_ACUTE = ("R74", "U71", "L84", "H71", "S87", "L08", "A04", "D01", "N01", "R05", "S18", "P02", "L15", "K04")
_CHRONIC = frozenset(("K86", "K87", "T90", "T89", "K78", "K77", "R95", "T86", "P76", "P74", "K76", "R96", "B80", "L88"))
_LAB = frozenset(("K86", "K87", "T90", "T89", "K78", "K77", "T86", "T93", "B80", "K76", "T92", "U99"))
_SLOTS = tuple(time(hour, minute) for hour in (8, 9, 10, 12, 13, 14) for minute in (0, 20, 40))


def plan(rng: Random, people: list[Draft], staff: list[Staff], *, today: date) -> None:
    """Fill every GP's days from today and a week on, and the inbox."""
    lists: dict[str, list[Draft]] = defaultdict(list)
    for one in people:
        if one.gp_staff and not one.deceased_on:
            lists[one.gp_staff].append(one)
    for doctor in staff:
        if doctor.posts[0].role == "fastlege":
            _plan_doctor(rng, doctor, lists[doctor.key], today=today)


def _plan_doctor(rng: Random, doctor: Staff, patients: list[Draft], *, today: date) -> None:
    own = [one for one in patients if not one.fixed]
    seekers = [one for one in own if rng.random() < 0.25 * one.activity]
    rng.shuffle(seekers)
    taken = {booking.at for one in patients for booking in one.bookings}
    for ahead in range(8):
        day = today + timedelta(days=ahead)
        if ahead and day.weekday() > 4:
            continue
        fill = 0.85 if ahead == 0 else max(0.25, 0.75 - ahead * 0.08)
        for slot in _SLOTS:
            at = datetime.combine(day, slot, OSLO)
            if seekers and at not in taken and rng.random() < fill:
                one = seekers.pop()
                one.bookings.append(_booking(rng, one, doctor, at))
    _inbox(rng, own)


def _booking(rng: Random, one: Draft, doctor: Staff, at: datetime) -> Booking:
    chronic = [illness.code for illness in one.illnesses if illness.code in _CHRONIC]
    reason = rng.choice(chronic) if chronic and rng.random() < 0.6 else rng.choice(_ACUTE)
    late = rng.random() < 0.2
    return Booking(doctor.key, doctor.posts[0].unit_key, at, 20, reason, late)


def _inbox(rng: Random, patients: list[Draft]) -> None:
    with_lab = [one for one in patients if any(illness.code in _LAB for illness in one.illnesses)]
    for one in rng.sample(with_lab, min(len(with_lab), rng.randrange(7, 14))):
        one.unsigned_result = True
    for one in rng.sample(patients, min(len(patients), rng.randrange(5, 10))):
        one.open_tasks.append(rng.choice(_TASKS))
