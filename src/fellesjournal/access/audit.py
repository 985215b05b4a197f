"""The log of access: what is told to the citizen, to staff and to reviewers, questions about it, and refusals that
stand alone.

Every other row is written by the database functions that decide, in the transaction that shows or writes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from fellesjournal.access import store
from fellesjournal.access.decide import Decision
from fellesjournal.access.model import AccessError, NoNeed, SessionOver
from fellesjournal.kit.db import Connection, Database, Row
from fellesjournal.web import _

Place = tuple[datetime, int]
"""Where in the log a line stands: its time and its number."""

LONGEST_QUESTION: Final = 2000


@dataclass(frozen=True)
class LogLine:
    """One access to one record: who, where, when, what and why. `kinds` are all the kinds of
    data that a page showed. outcome: 0 shown, 1 refused, 2 nothing found. `app` is the app that it was done by, if any.
    Numbers of people and units are 0 when there is none; `what` are the rows that were shown.
    hides_unit: the unit may not be named, for the patient is strictly protected. disclosed: the names of the
    controllers whose information was shown to another one's reader (utlevering), with their numbers.
    """

    at: datetime
    reader: str
    role: str
    unit: str
    action: str
    kind: int
    purpose: str
    ground: str
    ground_names: tuple[str, str, str]
    outcome: int
    by_system: bool = False
    kinds: tuple[int, ...] = ()
    app: str = ""
    pos: int = 0
    event: int = 0
    person: int = 0
    practitioner: int = 0
    profession: str = ""
    licence: str = ""
    unit_number: int = 0
    unit_kind: str = ""
    controller: int = 0
    controller_name: str = ""
    patient: int = 0
    what: tuple[int, ...] = ()
    ground_ref: int = 0
    is_chosen: bool = False
    device: str = ""
    hides_unit: bool = False
    disclosed: tuple[str, ...] = ()
    disclosed_by: tuple[int, ...] = ()

    @property
    def place(self) -> Place:
        """Where it stands."""
        return self.at, self.pos

    def why(self, language: str) -> str:
        """The ground in a language (`nb`, `nn`, `en`); its code when it has no name."""
        names = dict(zip(("nb", "nn", "en"), self.ground_names, strict=True))
        return names.get(language) or self.ground_names[0] or self.ground


@dataclass(frozen=True)
class OwnWish:
    """What the citizen asks the own log for. Instants; texts are parts of a name, whatever the case; '' is anything.

    manner: read, write, list, identify, refused or disclosed.
    """

    since: datetime | None = None
    until: datetime | None = None
    person: str = ""
    unit: str = ""
    manner: str = ""
    only_people: bool = False
    with_own: bool = True


@dataclass(frozen=True)
class AuditWish:
    """What FHIR asks the log for; None is anything. Numbers are those of the Patient, Practitioner and Organization.

    `is_one`: one line by its place, which a reviewer may ask for without naming the reader or the unit.
    """

    patient: int | None = None
    practitioner: int | None = None
    unit: int | None = None
    since: datetime | None = None
    until: datetime | None = None
    actions: tuple[str, ...] | None = None
    not_actions: tuple[str, ...] = ()
    outcomes: tuple[int, ...] | None = None
    disclosed: bool | None = None
    is_one: bool = False


@dataclass(frozen=True)
class Question:
    """What a citizen asked about the event of a line, and what the unit answered ('' while it waits)."""

    event: int
    text: str
    asked_at: datetime
    due_at: datetime
    answer: str
    answered_at: datetime | None


class NoSuchLine(AccessError):
    """Not a line of the own log that a unit can be asked about; hidden and absent alike."""

    status = 404
    code = "not-found"
    text = _("Dette oppslaget finnes ikke i loggen din, eller ingen enhet kan svare for det.")


class TooManyQuestions(AccessError):
    """Twenty questions wait for an answer already."""

    status = 429
    code = "throttled"
    text = _("Du har 20 spørsmål som venter på svar. Vent til noen av dem er besvart.")


async def own_log(
    db: Database, *, decision: Decision, wish: OwnWish, after: Place | None = None, limit: int = 50
) -> list[LogLine]:
    """Who has seen the citizen's own record, newest first. The reading of the log is logged too."""
    rows = await store.own_log(
        db, secret=decision.secret, since=wish.since, until=wish.until, manner=wish.manner or None,
        person=wish.person or None, unit=wish.unit or None, only_people=wish.only_people, with_own=wish.with_own,
        after=after, limit=limit,
    )  # fmt: skip
    return [_line(row) for row in rows]


async def patient_log(
    db: Database, *, decision: Decision, before: datetime, limit: int = 50
) -> list[LogLine]:
    """Who has seen this patient's record, for staff with a need, newest first; logged; empty when refused."""
    patient = decision.patient.pid if decision.patient else 0
    rows = await store.patient_log(
        db, secret=decision.secret, patient=patient, before=before, limit=limit
    )
    return [_line(row) for row in rows]


async def audit_events(
    db: Database, *, decision: Decision, wish: AuditWish, after: Place | None = None, limit: int
) -> list[LogLine]:
    """The log as FHIR asks for it, newest first: the own log, that of a patient with a need, or for reviewers.

    Raises SessionOver, NoNeed. Logged, refused or not.
    """
    rows = await store.audit_events(
        db, secret=decision.secret, patient=wish.patient, practitioner=wish.practitioner, unit=wish.unit,
        since=wish.since, until=wish.until, actions=wish.actions, not_actions=wish.not_actions, outcomes=wish.outcomes,
        disclosed=wish.disclosed, after=after, limit=limit, is_one=wish.is_one,
    )  # fmt: skip
    verdict = rows[0]["verdict"] if rows else "none"
    if verdict != "ok":
        raise SessionOver if verdict == "none" else NoNeed
    return [_line(row) for row in rows if row["at"] is not None]


async def ask_about(db: Database, *, decision: Decision, place: Place, question: str) -> datetime:
    """Ask the unit's reviewers about a line of the own log; when an answer is due. Asked twice is asked once.

    Raises NoSuchLine, TooManyQuestions.
    """
    at, pos = place
    row = await store.ask_about(
        db, secret=decision.secret, at=at, pos=pos, question=question[:LONGEST_QUESTION]
    )
    if row is None:
        raise NoSuchLine
    if row["verdict"] == "many":
        raise TooManyQuestions
    due_at: datetime = row["due_at"]
    return due_at


async def own_questions(db: Database, *, decision: Decision) -> list[Question]:
    """What the citizen asked about the own log, newest first."""
    return [
        Question(
            row["event"] or 0, row["question"], row["made_at"], row["due_at"], row["answer"], row["answered_at"]
        )
        for row in await store.questions(db, secret=decision.secret)
    ]


async def log_refusal(
    db: Database | Connection, *, decision: Decision, patients: Sequence[int], action: str, kind: int = 0
) -> None:
    """Log a refused wish whose transaction was rolled back."""
    await store.log_refusal(db, secret=decision.secret, patients=patients, action=action, kind=kind)


async def keep_partitions(db: Database) -> None:
    """Make the log's partitions for this month and the two next; the worker does it each night."""
    await store.keep_partitions(db)


def _line(row: Row) -> LogLine:
    return LogLine(
        at=row["at"], reader=row["reader_name"] or "", role=row["role"] or "", unit=row["unit_name"] or "",
        action=row["action"], kind=row["kind"], purpose=row["purpose"] or "", ground=row["ground"] or "",
        ground_names=(row["ground_name_nb"] or "", row["ground_name_nn"] or "", row["ground_name_en"] or ""),
        outcome=row["outcome"], by_system=row["reader_kind"] == "system", kinds=tuple(row["kinds"] or ()),
        app=row["app_name"] or "", pos=row["pos"], event=row["event"], person=row["person"] or 0,
        practitioner=row["practitioner"] or 0, profession=row["profession"] or "", licence=row["licence"] or "",
        unit_number=row["unit"] or 0, unit_kind=row["unit_kind"] or "", controller=row["controller"] or 0,
        controller_name=row["controller_name"] or "", patient=row["patient"], what=tuple(row["what"] or ()),
        ground_ref=row["ground_ref"] or 0, is_chosen=row["chosen"], device=row["device"],
        hides_unit=row["hides_unit"], disclosed=tuple(row["disclosed_names"] or ()),
        disclosed_by=tuple(row["disclosed"] or ()),
    )  # fmt: skip
