"""A contact as the rooms see it: where it stands, how much it hastens, and what it is about."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from fellesjournal.record.errors import RecordError
from fellesjournal.web import _

Stage = Literal["phone", "arrived", "room", "done"]
"""Where a contact stands on a board, whatever the service."""

STAGES: tuple[tuple[Stage, str], ...] = (
    ("phone", _("Telefon")),
    ("arrived", _("Ankommet")),
    ("room", _("Hos behandler")),
    ("done", _("Ferdig")),
)
CONTACT_KINDS = {
    "consultation": _("Konsultasjon"),
    "phone": _("Telefonkontakt"),
    "e-consultation": _("E-konsultasjon"),
    "emergency": _("Legevaktkontakt"),
    "home-visit": _("Hjemmebesøk"),
}
ACCESS_AFTER = timedelta(hours=72)
"""How long a contact gives access: as its grounds say (`access.ground`: POLBESOK, LVANROP, BEHANDLER)."""


@dataclass(frozen=True, slots=True)
class Contact:
    """One contact with a service. `triaged_at` is when its urgency was last judged, None when it never was."""

    id: str
    version: int
    patient: str
    kind: str
    stage: Stage
    began_at: datetime
    ended_at: datetime | None
    reason: str
    urgency: str | None
    triaged_at: datetime | None
    author: str
    unit: str
    unit_id: str | None

    @property
    def is_open(self) -> bool:
        """Whether the contact still goes on."""
        return self.stage != "done"

    @property
    def is_waiting(self) -> bool:
        """Whether nobody has begun to treat the patient yet: by telephone, or arrived."""
        return self.stage in ("phone", "arrived")


class NotThisContact(RecordError):
    """The contact is another patient's, or is not there: one answer for both."""

    status = 404
    code = "not-found"
    text = _("Kontakten finnes ikke i denne journalen.")
    english = "There is no such encounter in this record."


class ContactClosed(RecordError):
    """A contact that has ended does not move on."""

    status = 409
    code = "conflict"
    text = _("Kontakten er avsluttet. Registrer en ny kontakt hvis pasienten tar kontakt igjen.")
    english = "The encounter has ended."
