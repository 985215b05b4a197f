"""The patient's blocks (sperring): of the whole record or a part of it, against everybody or somebody.

A block is in force when the transaction that makes it ends: every decision after that asks for it, and rows of a
blocked part carry a bit that closes them (`access/blocks.sql`, `record/blocks.sql`). Pasient- og brukerrettighetsloven
§ 5-3; pasientjournalloven § 17.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

from fellesjournal.access.decide import Decision
from fellesjournal.access.model import NoNeed, SessionOver
from fellesjournal.kit.db import Database, Row
from fellesjournal.record import store
from fellesjournal.record.errors import RecordError
from fellesjournal.web import _

MADE_ON_PAGES: Final = (
    "would look like a block and close nothing. Blocks are made by the citizen at /min-journal/sperringer, or"
    " registered for them in their chart; Consent/$blocks reads them"
)

Scope = Literal["all", "document", "category", "service", "origin"]


class UnknownBlock(RecordError):
    """What is to be blocked, or for whom, is not there; or the block is not one of the citizen's own in force."""

    status = 422
    code = "not-found"
    text = _("Det du valgte, finnes ikke lenger. Velg på nytt.")
    english = "What was to be blocked, or for whom, is not there."


class TooManyBlocks(RecordError):
    """Two hundred stand already."""

    status = 422
    code = "too-costly"
    text = _("Du har så mange sperringer at det ikke går an å lage flere. Opphev noen, eller sperr hele journalen.")
    english = "There are too many blocks already."


@dataclass(frozen=True)
class Wish:
    """A block to be made. `row` is the document's (slot, number); `origin` the unit whose entries are meant, `code` the
    category or service. Against everybody, unless one of `unit`, `person` and `service` is given.
    """

    scope: Scope
    row: tuple[int, int] | None = None
    origin: int | None = None
    code: str | None = None
    unit: int | None = None
    person: int | None = None
    service: str | None = None


@dataclass(frozen=True)
class Block:
    """A block as its patient sees it. `number` and `is_part` together name it. `covers` counts what a part holds now.

    `by` and `by_unit` are the staff member who registered it for the patient; empty when the patient made it, or a
    label that came with the document. `until_at` is set when it is lifted.
    """

    number: int
    is_part: bool
    scope: Scope
    target: int | None
    code: str
    code_names: tuple[str, str, str]
    origin: str
    unit_number: int | None
    unit: str
    person: str
    service: str
    from_at: datetime
    until_at: datetime | None
    covers: int
    by: str
    by_unit: str


@dataclass(frozen=True)
class Choice:
    """Something that a block can be made of or against. kind: unit, service, category, person. names: nb, nn, en."""

    kind: str
    number: int | None
    code: str
    names: tuple[str, str, str]
    unit: str


def looks_like_one(resource: Mapping[str, Any]) -> bool:
    """Whether this is a Consent in force that says that somebody may not see something: kept, it would close nothing.

    FHIR R4 Consent: scope `patient-privacy`, a policy or a provision that denies. Of sound resources alone. One with
    exceptions within exceptions is another system's policy, which nobody takes for a block.
    """
    if resource["resourceType"] != "Consent" or resource.get("status") != "active":
        return False
    is_privacy = any(code.get("code") == "patient-privacy" for code in resource.get("scope", {}).get("coding", ()))
    policies = resource.get("policyRule", {}).get("coding", ())
    is_opted_out = any(str(code.get("code", "")).startswith("OPTOUT") for code in policies)
    provision = resource.get("provision", {})
    is_plain = "provision" not in provision
    return is_privacy and is_plain and (is_opted_out or provision.get("type") == "deny")


async def make(db: Database, *, decision: Decision, wish: Wish) -> int:
    """Make a block, the patient's own or registered for them; in force when this returns. The number that it got.

    A block that stands already is answered with itself. Raises SessionOver, NoNeed, UnknownBlock, TooManyBlocks.
    """
    patient = decision.patient.pid if decision.patient else 0
    slot, pid = wish.row or (None, wish.origin)
    row = await store.make_block(
        db, decision.secret, patient, wish.scope, slot, pid, wish.code, wish.unit, wish.person, wish.service
    )
    _check(row["verdict"])
    return int(row["id"])


async def lift(db: Database, *, decision: Decision, number: int, is_part: bool) -> None:
    """Lift one of the citizen's own blocks. Raises SessionOver (for anybody but a citizen, too), UnknownBlock."""
    _check(await store.lift_block(db, secret=decision.secret, is_part=is_part, number=number))


async def own(db: Database, *, decision: Decision) -> list[Block]:
    """The citizen's own blocks: those in force, then those lifted within a year, each newest first. Logged."""
    return [_block(row) for row in await store.own_blocks(db, secret=decision.secret)]


async def choices(db: Database, *, decision: Decision) -> Sequence[Choice]:
    """What can be blocked and for whom, by the citizen or by staff who may register it; people who have opened the
    record, the latest first.
    """
    patient = decision.patient.pid if decision.patient else 0
    rows = await store.block_choices(db, secret=decision.secret, patient=patient)
    return [
        Choice(row["kind"], row["id"], row["code"], (row["name_nb"], row["name_nn"], row["name_en"]), row["at_unit"])
        for row in rows
    ]


async def release_due(db: Database) -> None:
    """Open for citizens what was delayed for them and is due; the worker does it each minute."""
    await store.release_due(db)


EVERY_MINUTE = "* * * * *"


def _check(verdict: str) -> None:
    match verdict:
        case "none":
            raise SessionOver
        case "refused":
            raise NoNeed
        case "unknown":
            raise UnknownBlock
        case "many":
            raise TooManyBlocks


def _block(row: Row) -> Block:
    return Block(
        number=row["id"], is_part=row["is_part"], scope=row["scope"], target=row["target"], code=row["code"] or "",
        code_names=(row["code_nb"] or "", row["code_nn"] or "", row["code_en"] or ""), origin=row["origin_name"] or "",
        unit_number=row["unit"] if row["unit_name"] else None, unit=row["unit_name"] or "",
        person=row["person_name"] or "", service=row["service"] or "",
        from_at=row["from_at"], until_at=row["until_at"], covers=row["covers"],
        by=row["made_by"] or "", by_unit=row["made_at_unit"] or "",
    )  # fmt: skip
