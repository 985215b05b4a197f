"""A person under construction: what later becomes a frozen `Person`."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

from fellesjournal.demo.model import (
    Address,
    Booking,
    Illness,
    Kin,
    Municipality,
    Person,
    Protection,
    Service,
    Sex,
)


@dataclass(slots=True, eq=False)
class Draft:
    """The same facts as `Person`, filled in step by step; relations are drafts, not keys."""

    sex: Sex
    birth_on: date
    municipality: Municipality
    key: str = ""
    fixed: bool = False
    """A story person: name, family and illnesses are decided beforehand."""
    given: str = ""
    middle: str | None = None
    family: str = ""
    birth_name: str = ""
    national_id: str | None = None
    deceased_on: date | None = None
    household: str = ""
    address: Address | None = None
    protected: Protection | None = None
    phone: str | None = None
    gp_unit: str | None = None
    gp_staff: str | None = None
    mother: Draft | None = None
    father: Draft | None = None
    partner: Draft | None = None
    widowed: bool = False
    children: list[Draft] = field(default_factory=list)
    marital_status: str = "ugift"
    occupation: str = ""
    nynorsk: bool = False
    smoker: bool = False
    illnesses: list[Illness] = field(default_factory=list)
    due_on: date | None = None
    services: list[Service] = field(default_factory=list)
    bookings: list[Booking] = field(default_factory=list)
    unsigned_result: bool = False
    open_tasks: list[str] = field(default_factory=list)
    activity: float = 1.0
    case: str | None = None

    def age_on(self, day: date) -> int:
        """Whole years at this day."""
        return day.year - self.birth_on.year - ((day.month, day.day) < (self.birth_on.month, self.birth_on.day))

    def parents(self) -> list[Draft]:
        """Those known, mother first."""
        return [parent for parent in (self.mother, self.father) if parent]

    def freeze(self, *, next_of_kin: tuple[Kin, ...]) -> Person:
        """The finished person; the address must be set."""
        if self.address is None:
            raise ValueError(self.key)
        return Person(
            key=self.key,
            national_id=self.national_id,
            given=self.given,
            middle=self.middle,
            family=self.family,
            sex=self.sex,
            birth_on=self.birth_on,
            deceased_on=self.deceased_on,
            household=self.household,
            address=self.address,
            protected=self.protected,
            phone=self.phone,
            gp_unit=self.gp_unit,
            gp_staff=self.gp_staff,
            parents=tuple(parent.key for parent in self.parents()),
            children=tuple(child.key for child in self.children),
            partner=self.partner.key if self.partner and not self.partner.deceased_on else None,
            marital_status=self.marital_status,
            next_of_kin=next_of_kin,
            occupation=self.occupation,
            nynorsk=self.nynorsk,
            smoker=self.smoker,
            illnesses=tuple(self.illnesses),
            births_on=tuple(child.birth_on for child in self.children if self.sex == "female"),
            due_on=self.due_on,
            services=tuple(self.services),
            bookings=tuple(self.bookings),
            unsigned_result=self.unsigned_result,
            open_tasks=tuple(self.open_tasks),
            activity=self.activity,
            case=self.case,
        )
