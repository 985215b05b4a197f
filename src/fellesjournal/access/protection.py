"""Address protection: asking for an address, and who is named to open a strictly protected record.

What is hidden, the vault hides; here are the two things that a person can do about it. Each is logged.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from fellesjournal.access import store
from fellesjournal.access.decide import Decision
from fellesjournal.access.model import AccessError, NoNeed, ToOneself
from fellesjournal.kit.db import Database
from fellesjournal.web import _


class ReasonNeeded(AccessError):
    """An address is shown for a reason in words."""

    status = 422
    code = "required"
    text = _("Skriv hvorfor du trenger adressen, med minst ti tegn.")


class StrictlyHidden(AccessError):
    """A strictly protected address is shown to nobody."""

    text = _("Adressen er strengt fortrolig og vises ikke for noen.")


class MayNotName(AccessError):
    """Who is named names others, and so does the administrator."""

    text = _("Bare den som selv er navngitt, eller administratoren, kan navngi personell.")


class NoSuchStaff(AccessError):
    """Only staff of the same controller can be named."""

    status = 422
    code = "not-found"
    text = _("Fant ingen slik ansatt i virksomheten.")


class BadEnd(AccessError):
    """What is given has an end."""

    status = 422
    code = "value"
    text = _("Velg en sluttdato som ligger fram i tid, høyst to år.")


_SHOWING: Final[dict[str, type[AccessError]]] = {
    "refused": NoNeed, "strict": StrictlyHidden, "reason": ReasonNeeded,
}  # fmt: skip
_NAMING: Final[dict[str, type[AccessError]]] = {
    "refused": MayNotName, "self": ToOneself, "unknown": NoSuchStaff, "until": BadEnd,
}  # fmt: skip


@dataclass(frozen=True)
class Named:
    """One who is or was named. `named_by` is empty when a rule did it; until None: no end."""

    id: int
    name: str
    from_at: datetime
    until_at: datetime | None
    named_by: str
    is_live: bool


@dataclass(frozen=True)
class Nameable:
    """A member of staff who can be named."""

    person: int
    name: str
    role: str
    unit: str


async def show_address(db: Database, *, decision: Decision, reason: str) -> None:
    """Ask for a protected address: it shows to this session, by id, for some minutes.

    Raises ReasonNeeded, StrictlyHidden, NoNeed.
    """
    answer = await store.show_address(db, secret=decision.secret, patient=_pid(decision), reason=reason)
    if answer in _SHOWING:
        raise _SHOWING[answer]


async def may_name(db: Database, *, decision: Decision) -> bool:
    """Whether this reader may name personnel for the patient of the decision, who is strictly protected."""
    return await store.may_name(db, secret=decision.secret, patient=_pid(decision))


async def named_for(db: Database, *, decision: Decision) -> list[Named]:
    """Who is and was named, those who are first; empty for one who may not know."""
    rows = await store.named_for(db, secret=decision.secret, patient=_pid(decision))
    return [
        Named(row["id"], row["name"], row["from_at"], row["until_at"], row["named_by"], row["is_live"]) for row in rows
    ]


async def nameable(db: Database, *, decision: Decision, words: str) -> list[Nameable]:
    """At most twenty of the controller's staff by a part of their name; empty for one who may not name."""
    rows = await store.nameable(db, secret=decision.secret, patient=_pid(decision), words=words)
    return [Nameable(row["person"], row["name"], row["role"], row["unit_name"]) for row in rows]


async def name(db: Database, *, decision: Decision, person: int, until_at: datetime) -> None:
    """Name somebody. Raises MayNotName, ToOneself, NoSuchStaff, BadEnd."""
    answer = await store.name_personnel(
        db, secret=decision.secret, patient=_pid(decision), person=person, until_at=until_at
    )
    if answer in _NAMING:
        raise _NAMING[answer]


async def end_naming(db: Database, *, decision: Decision, id: int) -> None:
    """End what was named. Raises MayNotName."""
    if not await store.end_naming(db, secret=decision.secret, patient=_pid(decision), id=id):
        raise MayNotName


def _pid(decision: Decision) -> int:
    return decision.patient.pid if decision.patient else 0
