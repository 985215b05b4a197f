"""Who may act for whom, as the pages ask of it. The database decides; here stand the types and the calls."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from fellesjournal.access.decide import Decision
from fellesjournal.access.model import AccessError, NoNeed, PatientId
from fellesjournal.access.words import Words
from fellesjournal.kit.db import Connection, Database, Row, sql_file
from fellesjournal.web import _

_SQL = sql_file("fellesjournal.access", "representation_store.sql")


@dataclass(frozen=True)
class Named:
    """A code with its name in three languages."""

    code: str
    name_nb: str
    name_nn: str
    name_en: str

    def name(self, language: str) -> str:
        """The name in a language (`nb`, `nn`, `en`)."""
        return Words(self.name_nb, self.name_nn, self.name_en).text(language)


@dataclass(frozen=True)
class Represented:
    """Somebody whom the citizen may act for. `areas` are codes of what the fullmakt holds; empty: all."""

    patient: int
    name: str
    ground: str
    relation: str
    until_at: datetime | None
    may_act: bool
    areas: tuple[str, ...]


@dataclass(frozen=True)
class Representative:
    """Somebody who may act for the citizen; `proxy` is the number of a fullmakt that they may take back."""

    name: str
    ground: str
    relation: str
    until_at: datetime | None
    may_act: bool
    areas: tuple[str, ...]
    proxy: int | None


@dataclass(frozen=True)
class ChosenKin:
    """One whom the patient chose to be told; it gives no access."""

    id: int
    name: str
    relation: str
    phone: str


@dataclass(frozen=True)
class Overseen:
    """A parent, guardian or proxy as staff see them.

    `opens`: ALL, LESS (a child of 12 to 15), AREAS, CUT (kept out by staff), NONE (no fact opens anything now).
    """

    person: int
    name: str
    ground: str
    relation: str
    has_responsibility: bool | None
    shares_address: bool | None
    opens: Literal["ALL", "LESS", "AREAS", "CUT", "NONE"]
    until_at: datetime | None
    cut_ground: Named | None
    cut_reason: str


class FullmaktRefused(AccessError):
    """A fullmakt can't be given so; `field` of the form, and the text for it."""

    status = 422
    code = "invalid"

    def __init__(self, field: str, text: str) -> None:
        super().__init__(text)
        self.field = field
        self.text = text


_UNKNOWN = _("Vi finner ingen med dette nummeret og etternavnet. Kontroller begge.")
_REFUSALS = {
    "young": ("nummer", _("Du kan gi fullmakt når du har fylt 16 år.")),
    "person": ("nummer", _UNKNOWN),
    "self": ("nummer", _("Du kan ikke gi fullmakt til deg selv.")),
    "barred": ("nummer", _("Den som har skjermet adresse, kan ikke gi fullmakt her.")),
    "scope": ("omraade", _("Velg hva fullmakten skal gjelde.")),
    "time": ("til", _("Velg en dag fram i tid, høyst fem år fra nå.")),
    "many": ("nummer", _("Du har gitt tjue fullmakter. Ta en tilbake først.")),
    "rate": ("nummer", _("Du har prøvd mange ganger i dag. Prøv igjen i morgen.")),
}


async def represented(db: Database, *, decision: Decision) -> list[Represented]:
    """Whom the citizen may act for now, by name; empty for nobody."""
    rows = await db.fetch(_SQL.represented, decision.secret)
    return [
        Represented(r["patient"], r["name"], r["ground"], r["relation"], r["until_at"], r["may_act"], tuple(r["areas"]))
        for r in rows
    ]


async def representatives(db: Database, *, decision: Decision) -> list[Representative]:
    """Who may act for the citizen now; empty in the record of another."""
    rows = await db.fetch(_SQL.representatives, decision.secret)
    return [
        Representative(
            r["name"], r["ground"], r["relation"], r["until_at"], r["may_act"], tuple(r["areas"]), r["proxy"]
        )
        for r in rows
    ]


async def areas(db: Database) -> list[Named]:
    """What a fullmakt may be bounded to."""
    return [_named(row) for row in await db.fetch(_SQL.areas)]


async def give_fullmakt(
    db: Database, *, decision: Decision, number_hash: bytes, family: str, areas: Sequence[str], may_act: bool,
    until_at: datetime,
) -> None:  # fmt: skip
    """Give somebody fullmakt over the own record; no areas: all of it. Raises FullmaktRefused, NoNeed."""
    how = await db.fetchval(_SQL.give, decision.secret, number_hash, family, list(areas), may_act, until_at)
    if how in _REFUSALS:
        raise FullmaktRefused(*_REFUSALS[how])
    if how != "ok":
        raise NoNeed


async def take_back(db: Database, *, decision: Decision, proxy: int) -> None:
    """Take a fullmakt back, at once. Raises NoNeed for one that is not theirs."""
    if not await db.fetchval(_SQL.take_back, decision.secret, proxy):
        raise NoNeed


async def choose_kin(db: Database, *, decision: Decision, name: str, relation: str, phone: str) -> bool:
    """Choose one more next of kin; False when there are five already. Raises NoNeed in the record of another."""
    return await _kin(db, decision, name, relation, phone, None) != "many"


async def let_kin_go(db: Database, *, decision: Decision, kin: int) -> None:
    """Take away a next of kin that was chosen. Raises NoNeed for one that is not theirs."""
    await _kin(db, decision, "", "", "", kin)


async def kin_of(db: Database, *, decision: Decision, patient: PatientId) -> list[ChosenKin]:
    """The next of kin that a patient chose; empty for whoever may not know."""
    rows = await db.fetch(_SQL.kin, decision.secret, patient.pid)
    return [ChosenKin(row["id"], row["name"], row["relation"], row["phone"]) for row in rows]


async def overview(db: Database, *, decision: Decision, patient: PatientId) -> list[Overseen]:
    """Everyone who is parent, guardian or proxy of a patient, and what it opens now; empty when refused."""
    return [_overseen(row) for row in await db.fetch(_SQL.overview, decision.secret, patient.pid)]


async def cut_parent_off(
    db: Database, *, decision: Decision, child: PatientId, parent: int, ground: str, reason: str
) -> bool:
    """Keep one parent out of a child's record; False without a known ground or a reason. Raises NoNeed."""
    return await _cut(db, decision, child, parent, ground, reason, is_off=False)


async def let_parent_in(db: Database, *, decision: Decision, child: PatientId, parent: int) -> None:
    """Let a parent in again who was kept out. Raises NoNeed."""
    await _cut(db, decision, child, parent, "", "", is_off=True)


async def grounds(db: Database, *, what: Literal["PARENT", "ITEM"]) -> list[Named]:
    """Why one parent may be kept out, or an item withheld from parents."""
    return [_named(row) for row in await db.fetch(_SQL.grounds, what)]


async def note_withholding(
    conn: Connection, *, decision: Decision, patient: PatientId, what: Sequence[int], ground: str | None, reason: str
) -> None:
    """Note that rows are withheld from parents by a ground, or open again (no ground); with the change itself.

    Raises NoNeed: the whole transaction is to be given up.
    """
    told = await conn.fetchval(
        _SQL.note_withholding, decision.secret, patient.pid, list(what), ground is not None, ground, reason
    )
    if not told:
        raise NoNeed


async def _kin(
    db: Database, decision: Decision, name: str, relation: str, phone: str, end: int | None
) -> str:
    how = str(await db.fetchval(_SQL.choose_kin, decision.secret, name, relation, phone, end))
    if how == "none":
        raise NoNeed
    return how


async def _cut(
    db: Database, decision: Decision, child: PatientId, parent: int, ground: str, reason: str, *, is_off: bool
) -> bool:
    how = await db.fetchval(_SQL.cut, decision.secret, child.pid, parent, ground, reason, is_off)
    if how == "none":
        raise NoNeed
    return bool(how == "ok")


def _named(row: Row) -> Named:
    return Named(row["code"], row["name_nb"], row["name_nn"], row["name_en"])


def _overseen(row: Row) -> Overseen:
    cut = row["cut"] is not None
    ground = Named("", row["cut_ground_nb"], row["cut_ground_nn"], row["cut_ground_en"]) if cut else None
    return Overseen(
        row["person"], row["name"], row["ground"], row["relation"], row["has_responsibility"], row["shares_address"],
        row["opens"], row["until_at"], ground, row["cut_reason"] or "",
    )  # fmt: skip
