"""The GP's day: appointments with where each patient stands."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final, Literal

from fellesjournal.kit.clock import OSLO
from fellesjournal.web import _

Standing = Literal["booked", "absent", "waiting", "late", "done", "noshow"]
STANDINGS: Final[dict[Standing, tuple[str, str, str]]] = {
    "late": (_("Venter, forsinket"), "danger", "!"),
    "waiting": (_("Venter"), "warning", "●"),
    "absent": (_("Ikke meldt ankomst"), "neutral", "?"),
    "booked": (_("Avtalt"), "info", "○"),
    "done": (_("Ferdig"), "success", "✓"),
    "noshow": (_("Møtte ikke"), "neutral", "–"),
}
"""Text, colour and sign of each, so that colour never stands alone."""


@dataclass(frozen=True, slots=True)
class Appointment:
    """One appointment of the practice."""

    id: str
    patient: str
    patient_name: str
    born_on: date | None
    sex: str
    at: datetime
    minutes: int
    reason: str
    doctor: str
    doctor_id: str | None
    status: str

    def standing(self, now: datetime) -> Standing:
        """Where the patient stands at this instant."""
        if self.status in ("fulfilled", "checked-out"):
            return "done"
        if self.status == "noshow":
            return "noshow"
        if self.status in ("arrived", "checked-in"):
            return "late" if self.at < now else "waiting"
        return "absent" if self.at < now else "booked"

    def delay_min(self, now: datetime) -> int:
        """Whole minutes past the agreed time, for one who waits."""
        return max(0, int((now - self.at).total_seconds() // 60))


@dataclass(frozen=True, slots=True)
class Day:
    """A day with its appointments in order."""

    on: date
    appointments: tuple[Appointment, ...]

    def left(self, now: datetime) -> int:
        """How many are still to come in."""
        return sum(one.standing(now) not in ("done", "noshow") for one in self.appointments)


def days(appointments: Iterable[Appointment], *, first: date, count: int) -> tuple[Day, ...]:
    """A day for each date, also the empty ones."""
    by_day: dict[date, list[Appointment]] = {}
    for one in sorted(appointments, key=lambda one: one.at):
        by_day.setdefault(one.at.astimezone(OSLO).date(), []).append(one)
    dates = (first + timedelta(days=n) for n in range(count))
    return tuple(Day(on, tuple(by_day.get(on, ()))) for on in dates)


def monday_of(on: date) -> date:
    """The first day of a date's week."""
    return on - timedelta(days=on.weekday())


def of_doctor(appointments: Sequence[Appointment], doctor: str | None) -> tuple[Appointment, ...]:
    """Those of one doctor; all when none is named."""
    return tuple(one for one in appointments if doctor is None or one.doctor_id == doctor)
