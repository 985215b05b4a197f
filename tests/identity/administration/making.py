"""Two legal entities with administrators, for tests of administration."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, field
from typing import Any

from fellesjournal.identity import named_by_number, number_hash
from fellesjournal.identity.administration import Administrator, Operator, Report, carry_out, ledger, read_file
from fellesjournal.identity.administration.model import Staff
from fellesjournal.kit import db
from fellesjournal.kit.keys import Keys
from fellesjournal.national.identifiers import check_digits_of
from tests.conftest import TestDatabase

TREE = """
[[unit]]
code = "4203"
name = "Storvik kommune"
kind = "municipality"
municipality = "4203"
[[unit]]
code = "4203-hj"
name = "Hjemmetjenesten"
kind = "service"
parent = "4203"
[[unit]]
code = "4203-hj-nord"
name = "Hjemmetjenesten, sone nord"
kind = "home_care"
parent = "4203-hj"
[[unit]]
code = "9050"
name = "Annen kommune"
kind = "municipality"
municipality = "4204"
[[unit]]
code = "9050-lv"
name = "Annen legevakt"
kind = "legevakt"
parent = "9050"
"""


def number(serial: int) -> str:
    """A synthetic national number that nobody else in the tests has."""
    for tail in range(serial * 7, 999):
        stem = f"018{1 + serial % 9}70{tail:03d}"
        digits = check_digits_of(stem)
        if digits:
            return stem + digits
    raise LookupError(serial)


@dataclass
class Office:
    """A database with units of two entities, and an administrator at the top of each."""

    web: db.Database
    migrate: db.Database
    signin: db.Database
    admin: db.Database
    keys: Keys
    secrets: dict[str, bytes] = field(default_factory=dict)
    people: dict[str, int] = field(default_factory=dict)

    async def apply(self, text: str, *, by: str = "", is_dry: bool = False, ending: str = "toml") -> Report:
        """A file, by an administrator or (by "") an operator."""
        wishes = read_file(text.encode(), name=f"x.{ending}", keys=self.keys, is_demo=True).wishes
        if by:
            return await carry_out(self.web, wishes, by=Administrator(self.secrets[by]), is_dry=is_dry)
        return await carry_out(self.migrate, wishes, by=Operator("Olga"), is_dry=is_dry)

    async def wish(self, by: str, **wish: Any) -> int:
        """One wish by an administrator; its subject. Raises Refused."""
        named = {("do" if name == "do_" else name.rstrip("_")): value for name, value in wish.items()}
        report = await carry_out(self.web, [named], by=Administrator(self.secrets[by]))
        return report.subjects[0]

    async def person(self, by: str, name: str, serial: int, **more: Any) -> int:
        """Somebody new; their number."""
        whom = named_by_number(self.keys, number(serial))
        return await self.wish(by, do="person", **whom, name=name, **more)

    async def staff(self, by: str, person: int) -> Staff | None:
        """A person as an administrator sees them."""
        found = await ledger.staff(self.web, secret=self.secrets[by], id=person)
        return found[0] if found else None

    async def session(self, person: int, post: int) -> bytes:
        """A session of a post."""
        secret = os.urandom(32)
        made = await self.signin.fetchval(
            "SELECT identity.start_staff($1, $2, $3, 4::smallint, 3600, 3600, '')",
            hashlib.sha256(secret).digest(), person, post,
        )  # fmt: skip
        assert made
        return secret

    async def is_live(self, secret: bytes) -> bool:
        """Whether a secret opens anything."""
        return bool(await self.web.fetchrow("SELECT * FROM identity.who($1)", secret))

    async def unit(self, code: str) -> int:
        """The number of a unit."""
        return int(await self.admin.fetchval("SELECT id FROM identity.unit WHERE code = $1", code))

    async def appoint(self, name: str, serial: int, unit: str) -> None:
        """A first administrator, by two operators."""
        code = f"CODE-{serial}"
        done = await ledger.propose(
            self.migrate, by="Olga", code=code, number_hash=number_hash(self.keys, number(serial)), name=name, unit=unit
        )
        assert done == "done"
        assert await ledger.confirm(self.migrate, by="Per", code=code) == "done"
        await self.enter(name)

    async def enter(self, name: str) -> None:
        """Sign in an administrator."""
        row = await self.admin.fetchrow(
            "SELECT p.person, p.id FROM identity.post p JOIN identity.person x ON x.id = p.person"
            " WHERE x.name = $1 AND p.role = 'administrator'", name,
        )  # fmt: skip
        self.people[name], self.secrets[name] = row["person"], await self.session(row["person"], row["id"])


async def opened(database: TestDatabase) -> Office:
    """The office, with its units and Anne and Arne (Storvik) and Berit (the other) as administrators."""
    office = Office(
        await database.connect("fj_web"), await database.connect("fj_migrate"), await database.connect("fj_signin"),
        await database.connect_admin(), database.keys,
    )  # fmt: skip
    await office.apply(TREE)
    await office.appoint("Anne", 1, "4203")
    await office.appoint("Berit", 2, "9050")
    arne = await office.person("Anne", "Arne", 3)
    await office.wish("Anne", do="post", person=arne, unit_code="4203", role="administrator")
    await office.enter("Arne")
    return office
