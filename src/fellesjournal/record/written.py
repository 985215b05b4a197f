"""What a write answered: versions that were made, or the first fault with its place in what was sent."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from msgspec.structs import replace

from fellesjournal.access.model import CloseFamily, NoNeed, SessionOver, WrongUnit
from fellesjournal.kit.db import Row, UniqueViolation
from fellesjournal.record.errors import (
    BY_STATUS,
    AlreadyThere,
    Duplicate,
    Gone,
    NameTaken,
    NotFound,
    RecordError,
    placed,
)
from fellesjournal.record.rows import Body, Wanted


@dataclass(frozen=True)
class Written:
    """A version that was made. status: 201 created, 200 updated, 204 deleted."""

    rtype: str
    id: str
    version: int
    updated: datetime
    status: int
    stored: Body | None = None

    def body(self) -> str:
        """The stored body, without reading it back; "" for a deletion."""
        return self.stored.text(version=self.version, updated=self.updated) if self.stored else ""


def written(wanted: Wanted, body: Body | None, row: Row) -> Written:
    """The version that a row of `vault.write` tells of, under the id that its client knows."""
    id = row["chosen"] or wanted.id  # noqa: A001 - FHIR's word
    if body is not None and id != wanted.id:
        head = body.head.replace(f'"id":"{wanted.id}"', f'"id":"{id}"', 1)
        body = Body(head, body.tail)
    return Written(wanted.rtype, id, row["version"], row["updated"], row["status"], body)


def check(rows: Sequence[Row], wanted: Sequence[Wanted]) -> None:
    """Raise the first fault, with its place in what was sent; of deletions that came too late, the places of all."""
    bad = [row for row in rows if row["status"] >= 400]
    if not bad:
        return
    error = placed(fault(bad[0]["status"]), wanted[bad[0]["n"] - 1].place)
    if isinstance(error, Gone) and error.issues:
        late = [wanted[row["n"] - 1].place for row in bad if row["status"] == 410]
        error.issues = [replace(error.issues[0], expression=place) for place in late]
    raise error


def fault(status: int) -> Exception:
    """The refusal that `vault.write` and `vault.read_many` number so."""
    if status == 401:
        return SessionOver()
    if status == 403:
        return NoNeed()
    if status == 433:
        return CloseFamily()
    if status == 430:
        return WrongUnit()
    error: type[RecordError] = BY_STATUS.get(status, NotFound)
    return error()


def taken(error: UniqueViolation) -> RecordError:
    """What was there already: an id that was to be new, one that a client chose, or a business key."""
    constraint = getattr(error, "constraint_name", "")
    if constraint == "chosen_id_pkey":
        return NameTaken()
    return AlreadyThere() if constraint in ("history_pkey", "resource_pkey") else Duplicate()
