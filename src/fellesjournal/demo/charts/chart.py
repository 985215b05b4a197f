"""One person's record while it is written: what is known about the person, and the items so far."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from functools import cached_property
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from fellesjournal.demo.charts.parts import Json, ref
from fellesjournal.demo.model import Person, Staff, World

OSLO = ZoneInfo("Europe/Oslo")
YEARS = 5
_OVER = timedelta(minutes=50)
"""A contact that began this long ago is over and its note signed."""
_SHORT = {
    "Encounter": "enc", "Composition": "note", "Condition": "cond", "Observation": "obs",
    "DiagnosticReport": "lab",
    "MedicationStatement": "med", "AllergyIntolerance": "allergy", "Flag": "flag", "Immunization": "vacc",
    "ServiceRequest": "order", "EpisodeOfCare": "episode", "CarePlan": "plan", "Appointment": "appt",
    "Task": "task",
    "RelatedPerson": "kin",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Item:
    """One resource to load: who is its controller, who wrote it, and when it was lived."""

    resource: Json
    unit: str
    author: str | None
    at: datetime


@dataclass
class Chart:
    """Collects the items of one person; the same seed always writes the same record."""

    world: World
    person: Person
    seed: int
    today: date
    now: datetime
    items: list[Item] = field(default_factory=list)
    problems: dict[str, str] = field(default_factory=dict)
    """ICPC-2 code to the key of its problem-list Condition."""
    medicines: list[Any] = field(default_factory=list)
    last_contact: tuple[datetime, str] | None = None
    _counts: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.rng = Random(f"{self.seed}:{self.person.key}:chart")
        self.now = self.now.astimezone(OSLO)

    @cached_property
    def start_on(self) -> date:
        """The first day that the record covers."""
        return max(self.today - timedelta(days=YEARS * 365), self.person.birth_on)

    @cached_property
    def end(self) -> datetime:
        """Now, or the day of death."""
        dead = self.person.deceased_on
        return min(self.now, datetime.combine(dead, time(7, 0), OSLO)) if dead else self.now

    @cached_property
    def home_unit(self) -> str:
        """The unit that answers for what no contact produced: the GP's, else the first practice at home."""
        return self.person.gp_unit or f"u-gp-{self.person.address.municipality}-1"

    @cached_property
    def gp(self) -> Staff:
        """The person's GP; for those without, a doctor of the nearest practice."""
        if self.person.gp_staff:
            return self.world.member(self.person.gp_staff)
        return next(one for one in self.world.at_unit(self.home_unit) if one.posts[0].role == "fastlege")

    def staff(self, unit: str, *roles: str) -> Staff:
        """Somebody with one of these roles at the unit, never the patient."""
        found = [
            one for one in self.world.at_unit(unit)
            if one.person_key != self.person.key
            and any(post.unit_key == unit and (not roles or post.role in roles) for post in one.posts)
        ]  # fmt: skip
        return found[int(self.rng.random() * len(found))] if found else self.gp

    def patient(self) -> Json:
        """A reference to the person."""
        return ref("Patient", self.person.key)

    def add(self, kind: str, fields: Json, *, unit: str, author: str | None, at: datetime) -> str:
        """Put a resource in the record; returns its key."""
        key = self.next_key(kind)
        self._counts[kind] += 1
        self.items.append(Item(self.named({"resourceType": kind, "id": key, **fields}), unit, author, at))
        return key

    def next_key(self, kind: str) -> str:
        """The key that the next resource of this type will get."""
        return f"{self.person.key}-{_SHORT[kind]}-{self._counts[kind] + 1}"

    def age_years(self, at: datetime) -> float:
        """Age as a decimal number."""
        return (at.date() - self.person.birth_on).days / 365.25

    def workday(self, on: date) -> datetime:
        """A time within opening hours at this day or the next working day; when that is not over yet, at the last."""
        while on.weekday() > 4:
            on += timedelta(days=1)
        minute = int(self.rng.random() * 44) * 10
        hour = time(8 + minute // 60, minute % 60)
        at = datetime.combine(on, hour, OSLO)
        if at > self.end - _OVER:
            at = datetime.combine(working_day(self.end.date() - timedelta(days=1)), hour, OSLO)
        born = datetime.combine(self.person.birth_on, time(), OSLO)
        return at if at >= born else max(born, self.end - _OVER)

    def named(self, value: Any) -> Any:
        """The same with the names of staff and units beside the references to them."""
        if isinstance(value, list):
            return [self.named(one) for one in value]
        if not isinstance(value, dict):
            return value
        reference = value.get("reference")
        if isinstance(reference, str) and "display" not in value:
            name = self.world.name_of(reference)
            return {**value, "display": name} if name else value
        return {key: self.named(one) if isinstance(one, (dict, list)) else one for key, one in value.items()}


def working_day(on: date) -> date:
    """This day, or the Friday before when it is in a weekend."""
    return on - timedelta(days=max(0, on.weekday() - 4))
