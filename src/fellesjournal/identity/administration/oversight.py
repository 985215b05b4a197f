"""What administrators see of oversight: the well-known people, and who judges how access was used at which controller.

They are changed by wishes (`known`, `review`) as everything else; see `identity/administration_oversight.sql`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from fellesjournal.kit import db

_SQL = db.sql_file("fellesjournal.identity.administration", "oversight.sql")


@dataclass(frozen=True, kw_only=True)
class KnownPerson:
    """Somebody on the list of well-known people; whether they have a record is not known here.

    `until_at` None: no end. `may_end` False: an operator put them there.
    """

    id: int
    name: str
    reason: str
    from_at: datetime | None
    until_at: datetime | None
    may_end: bool


@dataclass(frozen=True, kw_only=True)
class Reviewing:
    """A unit whose reviewers judge for a controller; `unit` None: nobody does.

    `source` is the agreement, "" where they are the controller's own. `is_ours` False: the controller is another's.
    """

    controller: int
    controller_name: str
    is_ours: bool
    unit: int | None
    unit_name: str
    source: str
    from_at: datetime | None
    until_at: datetime | None
    reviewers: tuple[str, ...]


async def known_people(database: db.Database, *, secret: bytes) -> list[KnownPerson]:
    """Those on the list now that the administrator may see, by name."""
    return [KnownPerson(**dict(row.items())) for row in await database.fetch(_SQL.known_people, secret)]


async def known_people_as_operator(operator: db.Database) -> list[KnownPerson]:
    """All who are on the list now, by name."""
    return [KnownPerson(**dict(row.items())) for row in await operator.fetch(_SQL.known_people_as_operator)]


async def reviewing(database: db.Database, *, secret: bytes) -> list[Reviewing]:
    """Who judges for each controller within reach, and for whom else the units within reach judge; by controller."""
    return [
        Reviewing(**{
            **dict(row.items()), "unit_name": row["unit_name"] or "", "source": row["source"] or "",
            "reviewers": tuple(row["reviewers"]),
        })
        for row in await database.fetch(_SQL.review_map, secret)
    ]  # fmt: skip


async def reviewing_units(database: db.Database, *, secret: bytes) -> list[tuple[int, str]]:
    """The units that have reviewers, by name, without those where the administrator is one."""
    return [(row["id"], row["name"]) for row in await database.fetch(_SQL.review_units, secret)]
