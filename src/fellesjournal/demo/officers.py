"""The demo's reviewers, its administrator and its support: they treat nobody.

They are apart from the generated staff, whom they would otherwise push about.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from random import Random
from typing import Any, Final

from fellesjournal.access.choices.model import SUPPORT
from fellesjournal.access.review import REVIEWER
from fellesjournal.demo.keys import Keyring
from fellesjournal.demo.model import Organization, World
from fellesjournal.demo.numbers import Numbers
from fellesjournal.demo.story import Cast
from fellesjournal.identity.administration import Operator, carry_out
from fellesjournal.identity.apps import ADMINISTRATOR
from fellesjournal.identity.numbers import number_hash
from fellesjournal.kit.db import Database
from fellesjournal.kit.keys import Keys

TITLES: Final = {REVIEWER: "innsynsansvarlig", ADMINISTRATOR: "administrator", SUPPORT: "brukerstøtte"}
GROUPS: Final = {REVIEWER: "Innsynskontroll", ADMINISTRATOR: "Administrasjon", SUPPORT: "Administrasjon"}
_SOURCE: Final = "avtale mellom kommunen og virksomheten (demo)"
_ALWAYS: Final = (datetime(2000, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC))


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody with a post at a municipality itself."""

    name: str
    role: str
    municipality: str
    sex: str
    birth_on: date

    @property
    def number(self) -> str:
        """A synthetic identity number, always the same."""
        return Numbers(Random(self.name)).national_id(birth_on=self.birth_on, sex=self.sex, d_number=False)


OFFICERS: Final = (
    Member("Solveig Rinde Aamot", REVIEWER, "7101", "female", date(1971, 6, 14)),
    Member("Torleif Kvernmo", REVIEWER, "7102", "male", date(1966, 1, 30)),
    Member("Gunnhild Storevik", ADMINISTRATOR, "7101", "female", date(1974, 10, 3)),
    Member("Aslak Furuberg", SUPPORT, "7101", "male", date(1988, 3, 19)),
)

CAST: Final = (
    Cast(
        "r-7101", "staff", "Solveig Rinde Aamot", "Innsynsansvarlig i Tindvåg kommune", "o-7101", True,
        ("Se hvem som har brukt unntak, hva loggen viser om dem, og hva nattens gjennomlesing fant. Vurder det.",),
    ),
    Cast(
        "r-7102", "staff", "Torleif Kvernmo", "Innsynsansvarlig i Øvreskog kommune", "o-7102", True,
        ("Det samme for Øvreskog: en innsynsansvarlig ser bare oppgavene til sin egen kommune.",),
    ),
    Cast(
        "a-7101", "staff", "Gunnhild Storevik", "Administrator i Tindvåg kommune", "o-7101", True,
        (
            "Ta inn en ny ansatt, forleng eller avslutt en stilling, og se hver endring etterpå.",
            "Prøv å åpne en journal: en administrator ser ingen.",
        ),
    ),
    Cast(
        "b-7101", "staff", "Aslak Furuberg", "Brukerstøtte for Tindvåg kommune", "o-7101", True,
        ("Ser ingen journaler før noen åpner én for én sak: «fellesjournal support open».",),
    ),
)  # fmt: skip
"""Their lines of the start page."""


def rows(world: World) -> list[dict[str, Any]]:
    """As they stand in the list of the demo's sign-in."""
    names = {place.number: place.name for place in world.municipalities}
    return [
        {
            "name": one.name, "number": one.number, "kind": "staff", "group": GROUPS[one.role],
            "description": f"{TITLES[one.role]}, {names[one.municipality]} kommune",
        }
        for one in OFFICERS
    ]  # fmt: skip


async def put_officers(db: Database, *, world: World, keys: Keys, keyring: Keyring) -> None:
    """Their posts at the municipality; each reviewer answers for the practices of the place too."""
    for one in OFFICERS:
        owner = next(o for o in world.organizations if o.key == f"o-{one.municipality}")
        unit = keyring.pid(owner.key)
        await db.execute("SELECT identity.put_unit($1, $2, 'municipality', $1, $3)", unit, owner.name, one.municipality)
        person = await db.fetchval(
            "SELECT identity.put_person('human', $1, $2, NULL, NULL, NULL, $2)", number_hash(keys, one.number), one.name
        )
        await db.execute(
            "SELECT identity.put_post($1, $2, $3, NULL, NULL, NULL, $4, $5)", person, unit, one.role, *_ALWAYS
        )
        if one.role == REVIEWER:
            await _put_scope(db, owner=owner, world=world, keyring=keyring)


async def _put_scope(db: Database, *, owner: Organization, world: World, keyring: Keyring) -> None:
    unit, near = keyring.pid(owner.key), [o for o in world.organizations if o.municipality == owner.municipality]
    wishes = [
        {"do": "review", "unit": unit, "controller": keyring.pid(other.key), "source": _SOURCE}
        for other in near if other is not owner
    ]  # fmt: skip
    await carry_out(db, wishes, by=Operator("demo"))
