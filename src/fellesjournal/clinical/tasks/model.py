"""A task as a line of the inbox, and the inbox itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final, Literal

from fellesjournal.record.errors import RecordError
from fellesjournal.web import _

SIGN_RESULT: Final = "sign-result"
READ_NOTE: Final = "read-note"
SIGNERS: Final = ("lege",)
"""The roles that sign results; the rest of the tasks is done by whoever does it."""
KINDS: Final = {
    SIGN_RESULT: _("Prøvesvar"),
    READ_NOTE: _("Notat til gjennomlesing"),
    "follow-up": _("Følge opp"),
    "call-patient": _("Ringe pasienten"),
    "renew-prescription": _("Fornye resept"),
}
"""Codes of our own task system, as they are called in the inbox."""
DUE_AFTER: Final = timedelta(days=3)
"""How long a task without a due date of its own may wait."""

Whose = Literal["mine", "enhet"]


class NotThisTask(RecordError):
    """Absent, hidden, or another patient's: one answer for all."""

    status = 404
    code = "not-found"
    text = _("Oppgaven finnes ikke, eller du har ikke tilgang til den.")
    english = "There is no such task."


class AlreadyDone(RecordError):
    """Somebody has finished it in the meantime."""

    status = 409
    code = "conflict"
    text = _("Oppgaven er allerede utført av en annen. Ingenting er endret.")
    english = "The task has been completed already."


class NotAColleague(RecordError):
    """A task is handed over within the unit."""

    status = 422
    code = "business-rule"
    text = _("Velg en kollega som arbeider ved enheten.")
    english = "The task can be handed over to staff of the same unit alone."


class DoctorsAlone(RecordError):
    """Results are signed by doctors."""

    status = 403
    code = "forbidden"
    text = _("Bare en lege kan signere prøvesvar. Overlever det til en lege ved enheten.")
    english = "Results are signed by doctors."


class AnswerChanged(RecordError):
    """The answer is another than the one that was on the screen."""

    status = 409
    code = "conflict"
    text = _("Prøvesvaret er endret siden du åpnet siden. Ingenting er signert. Se på det nye svaret, og signer.")
    english = "The result has changed since it was shown."


@dataclass(frozen=True, slots=True)
class Item:
    """One open task. `owner_id` is the member of staff who has it, None while it is the unit's."""

    id: str
    version: int
    kind: str
    text: str
    patient: str
    patient_name: str
    born_on: date | None
    owner: str
    owner_id: str | None
    requester: str
    focus: tuple[str, str] | None
    is_urgent: bool
    authored_at: datetime | None
    due_at: datetime | None
    is_overdue: bool
    gp_id: str | None = None
    gp: str = ""
    is_open: bool = True
    notes: tuple[str, ...] = ()

    @property
    def responsible(self) -> str:
        """Who takes it: who was given it, else the GP whose list the patient is on, else the unit."""
        return self.owner if self.owner_id else self.gp or self.owner

    @property
    def sort_key(self) -> tuple[bool, bool, float]:
        """What is late first, then what hastens, then by due date; without one last."""
        due = self.due_at.timestamp() if self.due_at else float("inf")
        return (not self.is_overdue, not self.is_urgent, due)

    def is_for(self, practitioner: str | None) -> bool:
        """Whether it is this person's: given to them, or the unit's about a patient on their list."""
        if practitioner is None:
            return False
        return practitioner == (self.owner_id or self.gp_id)


@dataclass(frozen=True, slots=True)
class Inbox:
    """Every open task of the unit, in the order to take them."""

    items: tuple[Item, ...]
    practitioner: str | None

    def shown(self, *, whose: Whose, kind: str = "") -> tuple[Item, ...]:
        """One's own or all, of one kind if it is named."""
        own = self.items if whose == "enhet" else self.mine
        return tuple(one for one in own if not kind or one.kind == kind)

    @property
    def mine(self) -> tuple[Item, ...]:
        """Those of the reader. Someone without a list of patients has what the unit has given to nobody."""
        mine = tuple(one for one in self.items if one.is_for(self.practitioner))
        has_list = any(one.gp_id == self.practitioner for one in self.items)
        if mine or has_list:
            return mine
        return tuple(one for one in self.items if one.owner_id is None and one.gp_id is None)

    def counts(self, whose: Whose) -> dict[str, int]:
        """How many of each kind; a kind that is not ours counts too."""
        found: dict[str, int] = {}
        for one in self.shown(whose=whose):
            found[one.kind] = found.get(one.kind, 0) + 1
        return found

    def after(self, done: str, *, kind: str) -> Item | None:
        """The next of one's own to take when one is done: of the same kind first."""
        left = [one for one in self.mine if one.id != done]
        return next((one for one in left if one.kind == kind), left[0] if left else None)


def in_order(items: Sequence[Item]) -> tuple[Item, ...]:
    """The order to take them in."""
    return tuple(sorted(items, key=lambda one: one.sort_key))
