"""Who may act for whom, as the pages ask of it. The database decides; here stand the types and the calls."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from fellesjournal.access.decide import Decision
from fellesjournal.access.model import AccessError, NoNeed, PatientId
from fellesjournal.access.words import Words
from fellesjournal.kit.db import Database, Row, sql_file
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
class KinWish:
    """One whom the patient chooses; `share` is the code of what they may be told."""

    name: str
    relation: str
    phone: str
    share: str


@dataclass(frozen=True)
class ChosenKin:
    """One whom the patient chose, and what they may be told; it gives no access."""

    id: int
    name: str
    relation: str
    phone: str
    share: Named
    from_at: datetime


class FormRefused(AccessError):
    """What the form says can't be done; `field` of the form, and the text for it."""

    status = 422
    code = "invalid"

    def __init__(self, field: str, text: str) -> None:
        super().__init__(text)
        self.field = field
        self.text = text


class FullmaktRefused(FormRefused):
    """A fullmakt can't be given so."""


class KinRefused(FormRefused):
    """A next of kin can't be chosen so."""


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

_KIN_REFUSALS = {
    "many": ("navn", _("Du har valgt fem pårørende. Fjern en først.")),
    "share": ("vite", _("Velg hva de kan få vite.")),
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


async def choose_kin(db: Database, *, decision: Decision, wish: KinWish) -> None:
    """Choose one more next of kin. Raises KinRefused, and NoNeed in the record of another."""
    row = (decision.secret, wish.name, wish.relation, wish.phone, wish.share, None)
    how = await db.fetchval(_SQL.choose_kin, *row)
    if how in _KIN_REFUSALS:
        raise KinRefused(*_KIN_REFUSALS[how])
    if how != "ok":
        raise NoNeed


async def let_kin_go(db: Database, *, decision: Decision, kin: int) -> None:
    """Take away a next of kin that was chosen. Raises NoNeed for one that is not theirs."""
    if await db.fetchval(_SQL.choose_kin, decision.secret, "", "", "", "", kin) != "ok":
        raise NoNeed


async def kin_of(db: Database, *, decision: Decision, patient: PatientId) -> list[ChosenKin]:
    """The next of kin that a patient chose; empty for whoever may not know."""
    rows = await db.fetch(_SQL.kin, decision.secret, patient.pid)
    return [
        ChosenKin(
            row["id"], row["name"], row["relation"], row["phone"],
            Named("", row["share_nb"], row["share_nn"], row["share_en"]), row["from_at"],
        )
        for row in rows
    ]  # fmt: skip


async def kin_shares(db: Database) -> list[Named]:
    """What a next of kin may be told, the least first."""
    return [_named(row) for row in await db.fetch(_SQL.kin_shares)]


def _named(row: Row) -> Named:
    return Named(row["code"], row["name_nb"], row["name_nn"], row["name_en"])
