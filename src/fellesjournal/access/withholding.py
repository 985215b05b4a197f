"""What staff see and do about those who act for a patient: who they are, one parent kept out, what parents were told.

The database decides; here stand the types and the calls. Withholding a row is the vault's: `record/withholding.py`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from fellesjournal.access.decide import Decision
from fellesjournal.access.model import NoNeed, PatientId
from fellesjournal.access.representation import FormRefused, Named
from fellesjournal.kit.db import Connection, Database, Row, sql_file
from fellesjournal.web import _

_SQL = sql_file("fellesjournal.access", "withholding_store.sql")
Opens = Literal["ALL", "LESS", "AREAS", "CUT", "NONE"]


@dataclass(frozen=True)
class Cut:
    """A parent kept out of the record: by what ground and whose reason, since when, by whom and where."""

    ground: Named
    reason: str
    at: datetime
    by: str
    unit: str


@dataclass(frozen=True)
class Overseen:
    """A parent, guardian or proxy as staff see them.

    `opens`: ALL, LESS (a child of 12 to 15), AREAS, CUT (kept out by staff), NONE (no fact opens anything now).
    `areas`: what a fullmakt holds, None for all of it. `until_at`: when what it opens ends; None: no end.
    """

    person: int
    name: str
    ground: str
    relation: str
    has_responsibility: bool | None
    shares_address: bool | None
    opens: Opens
    may_act: bool
    from_at: datetime
    until_at: datetime | None
    source: str
    areas: Named | None
    cut: Cut | None


@dataclass(frozen=True)
class Withholding:
    """Rows withheld from parents. `kinds`: type numbers of what staff named; `covers` counts all that goes with it.

    `until_at`, `ended_by` and `end_reason` are set when it was ended.
    """

    id: int
    kinds: tuple[int, ...]
    covers: int
    ground: Named
    reason: str
    at: datetime
    by: str
    unit: str
    until_at: datetime | None
    ended_by: str
    end_reason: str


@dataclass(frozen=True)
class Parent:
    """A parent who may be told something now."""

    person: int
    name: str
    relation: str


@dataclass(frozen=True)
class ParentsTold:
    """That parents were told something: the row with the words, when, by whom and where, who was told, and why."""

    what: int
    at: datetime
    by: str
    unit: str
    told: tuple[str, ...]
    ground: Named


class WithholdingRefused(FormRefused):
    """It can't be done so: a ground or a reason is missing, or a parent who may not be told."""


_REFUSALS = {
    "ground": ("grunn", _("Velg en grunn som gjelder for pasientens alder.")),
    "reason": ("begrunnelse", _("Skriv en begrunnelse.")),
    "person": ("hvem", _("Velg hvem som fikk vite det. De må ha foreldreansvar og ikke være stengt ute.")),
    "unknown": ("hva", _("Det du valgte, finnes ikke lenger. Velg på nytt.")),
    "many": ("hva", _("Så mye er holdt tilbake i denne journalen at det ikke går an å ta med mer.")),
}


def check(how: str) -> None:
    """Raise what a word from the database means: WithholdingRefused, NoNeed; nothing for 'ok'."""
    if how in _REFUSALS:
        raise WithholdingRefused(*_REFUSALS[how])
    if how != "ok":
        raise NoNeed


async def overview(db: Database, *, decision: Decision, patient: PatientId) -> list[Overseen]:
    """Everyone who is parent, guardian or proxy of a patient, and what it opens now; empty when refused."""
    return [_overseen(row) for row in await db.fetch(_SQL.overview, decision.secret, patient.pid)]


async def grounds(
    db: Database, *, decision: Decision, patient: PatientId, what: Literal["PARENT", "ITEM", "TELL"]
) -> list[Named]:
    """Why one parent may be kept out, an item withheld or something told, at this patient's age; empty when refused."""
    rows = await db.fetch(_SQL.grounds, decision.secret, patient.pid, what)
    return [Named(row["code"], row["name_nb"], row["name_nn"], row["name_en"]) for row in rows]


async def cut_parent_off(
    db: Database, *, decision: Decision, child: PatientId, parent: int, ground: str, reason: str
) -> None:
    """Keep one parent out of a child's record, at once. Raises WithholdingRefused, NoNeed."""
    check(await db.fetchval(_SQL.cut, decision.secret, child.pid, parent, ground, reason, False))


async def let_parent_in(db: Database, *, decision: Decision, child: PatientId, parent: int, reason: str) -> None:
    """Let a parent in again who was kept out. Raises WithholdingRefused, NoNeed."""
    check(await db.fetchval(_SQL.cut, decision.secret, child.pid, parent, "", reason, True))


async def withholdings(db: Database, *, decision: Decision, patient: PatientId) -> list[Withholding]:
    """What is withheld from parents: in force, then what was ended within a year; empty when refused."""
    return [_withholding(row) for row in await db.fetch(_SQL.withholdings, decision.secret, patient.pid)]


async def to_tell(db: Database, *, decision: Decision, patient: PatientId) -> list[Parent]:
    """The parents who may be told something now; empty when there is no ground for it at the patient's age."""
    rows = await db.fetch(_SQL.to_tell, decision.secret, patient.pid)
    return [Parent(row["person"], row["name"], row["relation"]) for row in rows]


async def note_telling(
    conn: Connection, *, decision: Decision, patient: PatientId, what: int, kind: int, parents: Sequence[int],
    ground: str,
) -> None:  # fmt: skip
    """Note and log that parents were told what stands in a row just written, in its transaction.

    Raises WithholdingRefused, NoNeed: the whole transaction is to be given up.
    """
    check(
        await conn.fetchval(_SQL.note_telling, decision.secret, patient.pid, what, kind, list(parents), ground)
    )


async def parents_told(db: Database, *, decision: Decision, patient: PatientId) -> list[ParentsTold]:
    """What parents were told, newest first; for staff and the patient, empty for everybody else."""
    rows = await db.fetch(_SQL.parents_told, decision.secret, patient.pid)
    return [
        ParentsTold(
            row["what"], row["at"], row["by_name"] or "", row["by_unit"] or "", tuple(row["told"]),
            Named("", row["name_nb"], row["name_nn"], row["name_en"]),
        )
        for row in rows
    ]  # fmt: skip


def _overseen(row: Row) -> Overseen:
    areas = Named("", row["areas_nb"], row["areas_nn"], row["areas_en"]) if row["areas_nb"] else None
    return Overseen(
        row["person"], row["name"], row["ground"], row["relation"], row["has_responsibility"], row["shares_address"],
        row["opens"], row["may_act"], row["from_at"], row["until_at"], row["source"], areas, _cut_of(row),
    )  # fmt: skip


def _cut_of(row: Row) -> Cut | None:
    if row["cut"] is None:
        return None
    ground = Named("", row["cut_ground_nb"], row["cut_ground_nn"], row["cut_ground_en"])
    return Cut(ground, row["cut_reason"], row["cut_at"], row["cut_by"] or "", row["cut_unit"] or "")


def _withholding(row: Row) -> Withholding:
    return Withholding(
        row["id"], tuple(row["kinds"]), row["covers"], Named("", row["name_nb"], row["name_nn"], row["name_en"]),
        row["reason"], row["at"], row["by_name"] or "", row["by_unit"] or "", row["until_at"], row["end_name"] or "",
        row["end_reason"],
    )  # fmt: skip
