"""What is wished, what was changed, and why a wish was refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any, Final

from fellesjournal.kit.clock import OSLO, SMALLEST_STEP
from fellesjournal.web import _

Wish = Mapping[str, Any]
"""One wish as `identity.carry_out` reads it: `do` and its fields."""

REFUSALS: Final = {
    "nobody": _("Du er ikke administrator lenger."),
    "self": _("Ingen kan gi noe til seg selv. Be en annen administrator."),
    "scope": _("Enheten eller personen hører ikke til det du administrerer."),
    "unknown": _("Finnes ikke."),
    "unit": _("Enheten finnes ikke."),
    "parent": _("Enheten over finnes ikke, eller er selv under denne."),
    "entity": _("Virksomheten finnes ikke."),
    "role": _("Rollen kan ikke gis på denne måten."),
    "licence": _("Rollen krever autorisasjon: skriv HPR-nummeret."),
    "period": _("Tiden er ikke mulig, eller ligger utenfor tiden enheten finnes."),
    "version": _("Noen andre har endret personen i mellomtiden."),
    "taken": _("Brukernavnet eller personen er registrert fra før."),
    "offer": _("Rollen kan ikke få denne rettigheten."),
    "kind": _("Utvalget av opplysninger finnes ikke."),
    "name": _("Skriv hele navnet."),
    "reason": _("Skriv hvorfor, med høyst 200 tegn."),
    "source": _("Skriv hvilken avtale det bygger på, med høyst 200 tegn."),
    "own": _("De innsynsansvarlige der vurderer allerede for denne virksomheten."),
    "last": _("Da ville ingen vurdert bruken her. La noen andre vurdere først."),
}
"""Why the database refuses a wish, by its word for it."""


class Refused(Exception):
    """Nothing was changed: the wishes that were refused, by their place, with the database's word for why."""

    def __init__(self, faults: Mapping[int, str]) -> None:
        super().__init__(", ".join(f"{place}: {why}" for place, why in list(faults.items())[:20]))
        self.faults = dict(faults)

    @property
    def why(self) -> str:
        """The word for the first."""
        return next(iter(self.faults.values()))


@dataclass(frozen=True, kw_only=True)
class Change:
    """Something that was changed. `by` and `operator` are "" for none; `about` is the person whom it is about."""

    subject: str
    did: str
    about_name: str
    before: dict[str, Any]
    after: dict[str, Any]
    id: int = 0
    about: int | None = None
    unit_name: str = ""
    by: str = ""
    operator: str = ""
    at: datetime | None = None


@dataclass(frozen=True)
class Report:
    """What was changed, and the subjects of the wishes in their order. `is_dry`: it was rolled back."""

    changes: tuple[Change, ...]
    subjects: tuple[int, ...]
    is_dry: bool


@dataclass(frozen=True, kw_only=True)
class StaffPost:
    """A post within the reach of whoever asks. `from_at`, `until_at` None: no bound."""

    id: int
    unit: int
    unit_code: str
    unit_name: str
    role: str
    licence: str
    from_at: datetime | None
    until_at: datetime | None
    is_live: bool
    is_over: bool


@dataclass(frozen=True, kw_only=True)
class Staff:
    """Somebody who works here, without the national number. `is_managed`: the asker may change the person too."""

    id: int
    name: str
    user_name: str
    external: str
    licence: str
    active: bool
    version: int
    made_at: datetime
    changed_at: datetime
    is_managed: bool
    is_self: bool
    posts: tuple[StaffPost, ...] = field(default=())


@dataclass(frozen=True, kw_only=True)
class UnitRow:
    """A unit within reach. `model`: 1 joint, 2 central, 3 mixed responsibility, None for the entity's own."""

    id: int
    code: str
    name: str
    kind: str
    parent: int | None
    municipality: str
    controller_name: str
    model: int | None
    from_at: datetime | None
    until_at: datetime | None
    people: int


@dataclass(frozen=True, kw_only=True)
class RightWish:
    """A changed right that waits for another administrator. `kinds` "" takes the right away."""

    id: int
    role: str
    action: str
    kinds: str
    from_at: datetime
    until_at: datetime | None
    wished_by: str
    is_own: bool


@dataclass(frozen=True, kw_only=True)
class ScimClient:
    """A system that brings staff in, and who has had a token of it."""

    id: int
    name: str
    unit_name: str
    until_at: datetime
    seen_at: datetime | None
    keepers: tuple[str, ...]


def midnight(on: date) -> datetime:
    """The instant that a day begins in Norway."""
    return datetime.combine(on, time(), OSLO)


def midnight_after(on: date) -> datetime:
    """The instant that a day is over in Norway: the end of what holds to the end of that day."""
    return midnight(on + timedelta(days=1))


def last_day(until_at: datetime) -> date:
    """The last day on which something holds that ends at an instant."""
    return (until_at - SMALLEST_STEP).astimezone(OSLO).date()
