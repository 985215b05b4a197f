"""The synthetic municipality as frozen types: places, units, staff, people and how they belong together.

Nothing here is clinical text or FHIR: `charts` turns one person into a whole record.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

Sex = Literal["female", "male"]
UnitKind = Literal["gp", "legevakt", "home_care", "nursing_home", "child_health"]
Protection = Literal["fortrolig", "strengt fortrolig"]


@dataclass(frozen=True, slots=True)
class Municipality:
    """An invented municipality with a number and postal places that are not in use."""

    number: str
    name: str
    places: tuple[tuple[str, str], ...]
    """Postal code and postal place."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where somebody lives or a unit is found."""

    line: str
    postal_code: str
    city: str
    municipality: str


@dataclass(frozen=True, slots=True)
class Organization:
    """A legal owner: the municipality itself or the company behind a practice."""

    key: str
    name: str
    org_number: str
    municipality: str


@dataclass(frozen=True, slots=True)
class Unit:
    """A place of work with its own organisation number; the controller of what is written there."""

    key: str
    name: str
    kind: UnitKind
    municipality: str
    parent: str
    """Key of an `Organization`, or of the unit that this zone or ward is a part of."""
    org_number: str
    phone: str
    address: Address


@dataclass(frozen=True, slots=True)
class Post:
    """One role that a member of staff holds at one unit; `service` is a code of Volven 8663."""

    unit_key: str
    role: str
    service: str


@dataclass(frozen=True, slots=True)
class Staff:
    """A member of staff; `hpr` only where the profession (Volven 9060) has a licence."""

    key: str
    given: str
    middle: str | None
    family: str
    sex: Sex
    birth_on: date
    national_id: str
    profession_code: str
    hpr: str | None
    email: str | None
    phone: str
    posts: tuple[Post, ...]
    person_key: str | None
    """Set when the same human being also lives in one of the municipalities."""
    nynorsk: bool

    @property
    def name(self) -> str:
        """Given, middle and family name."""
        return " ".join(part for part in (self.given, self.middle, self.family) if part)


@dataclass(frozen=True, slots=True)
class Illness:
    """A lasting illness by its ICPC-2 code; `severity` runs from 0 (mild) to 1 (grave)."""

    code: str
    onset_on: date
    severity: float


@dataclass(frozen=True, slots=True)
class Kin:
    """Somebody close: `relation` is a code of no-basis-family-relation."""

    person_key: str
    relation: str


@dataclass(frozen=True, slots=True)
class Service:
    """A granted municipal service; `code` is a code of Volven 9151."""

    code: str
    unit_key: str
    primary_staff: str
    start_on: date
    visits_per_day: float


@dataclass(frozen=True, slots=True)
class Booking:
    """An appointment that is agreed; `late` when the patient still waits though the hour is past."""

    staff_key: str
    unit_key: str
    at: datetime
    minutes: int
    reason: str
    """ICPC-2 code of what it is about."""
    late: bool


@dataclass(frozen=True, slots=True)
class Person:
    """An inhabitant, living or dead; `national_id` is None for a newborn who has none yet."""

    key: str
    national_id: str | None
    given: str
    middle: str | None
    family: str
    sex: Sex
    birth_on: date
    deceased_on: date | None
    household: str
    address: Address
    protected: Protection | None
    phone: str | None
    gp_unit: str | None
    gp_staff: str | None
    parents: tuple[str, ...]
    children: tuple[str, ...]
    partner: str | None
    marital_status: str
    """A code of no-basis-marital-status."""
    next_of_kin: tuple[Kin, ...]
    occupation: str
    nynorsk: bool
    smoker: bool
    illnesses: tuple[Illness, ...]
    births_on: tuple[date, ...]
    due_on: date | None
    services: tuple[Service, ...]
    bookings: tuple[Booking, ...]
    unsigned_result: bool
    open_tasks: tuple[str, ...]
    activity: float
    """How often this person seeks help, 1 being ordinary."""
    case: str | None = None
    """Key of the `emergencies.Case` that has this person at the legevakt now."""

    @property
    def name(self) -> str:
        """Given, middle and family name."""
        return " ".join(part for part in (self.given, self.middle, self.family) if part)

    def age_on(self, day: date) -> int:
        """Whole years at this day."""
        return day.year - self.birth_on.year - ((day.month, day.day) < (self.birth_on.month, self.birth_on.day))

    def has(self, *codes: str) -> bool:
        """Whether any of these ICPC-2 codes is among the lasting illnesses."""
        return any(illness.code in codes for illness in self.illnesses)


@dataclass(frozen=True, slots=True)
class Household:
    """The people who share an address."""

    key: str
    address: Address
    members: tuple[str, ...]


@dataclass(frozen=True)
class World:
    """Two neighbouring municipalities with everybody in them, in a fixed order."""

    municipalities: tuple[Municipality, ...]
    organizations: tuple[Organization, ...]
    units: tuple[Unit, ...]
    staff: tuple[Staff, ...]
    people: tuple[Person, ...]
    households: tuple[Household, ...]

    def unit(self, key: str) -> Unit:
        """The unit with this key; KeyError when there is none."""
        return self._index("units")[key]  # type: ignore[return-value]

    def member(self, key: str) -> Staff:
        """The member of staff with this key; KeyError when there is none."""
        return self._index("staff")[key]  # type: ignore[return-value]

    def person(self, key: str) -> Person:
        """The person with this key; KeyError when there is none."""
        return self._index("people")[key]  # type: ignore[return-value]

    def at_unit(self, unit_key: str) -> tuple[Staff, ...]:
        """Those who hold a post at the unit, in order."""
        found = self.__dict__.setdefault("_posts", {})
        if not found:
            for member in self.staff:
                for post in member.posts:
                    found.setdefault(post.unit_key, []).append(member)
        return tuple(found.get(unit_key, ()))

    def name_of(self, reference: str) -> str | None:
        """The name of the member of staff, unit or owner that a reference by key leads to; None for anything else."""
        kind, _, key = reference.partition("/")
        if kind == "Practitioner":
            return self.member(key).name
        found = self._index("units").get(key) or self._index("organizations").get(key)
        return found.name if kind == "Organization" and found else None  # type: ignore[attr-defined]

    def _index(self, name: str) -> dict[str, object]:
        found: dict[str, object] | None = self.__dict__.get(f"_{name}")
        if found is None:
            found = self.__dict__[f"_{name}"] = {one.key: one for one in getattr(self, name)}
        return found
