"""Identify somebody, and carry who it was to the page that registers the contact."""

from __future__ import annotations

from datetime import date

import msgspec

from fellesjournal.access.model import PatientId
from fellesjournal.clinical.identification.model import Asked, NameAndBirth
from fellesjournal.identity.model import Reader
from fellesjournal.identity.sealed import Sealer
from fellesjournal.kit import ids
from fellesjournal.record.errors import RecordError
from fellesjournal.record.identify import Identified
from fellesjournal.record.journal import Journal
from fellesjournal.web import _

TICKET_S = 30 * 60
"""As long as `access.establish` takes an identifying for a ground."""


class TicketOver(RecordError):
    """Too long ago, or of another session: the person is to be identified again."""

    status = 409
    code = "conflict"
    text = _("Det er for lenge siden personen ble identifisert. Ingenting er registrert. Identifiser på nytt.")
    english = "The person must be identified again."


class Ticket(msgspec.Struct, frozen=True):
    """Who was identified, in which session. All that identifying may show, and nothing else."""

    slot: int
    pid: int
    name: str
    born: str
    sex: str
    number: str
    session: int

    @property
    def patient(self) -> PatientId:
        """The key of the record."""
        return PatientId(self.slot, self.pid)

    @property
    def id(self) -> str:
        """The FHIR id of the record."""
        return ids.encode(self.slot, self.pid)

    @property
    def born_on(self) -> date | None:
        """The birth date, None when it isn't known to the day."""
        return date.fromisoformat(self.born) if self.born else None


async def identify(journal: Journal, *, asked: Asked) -> list[Identified]:
    """At most ten people; each is logged. Raises MayNotIdentify, TooManyLookups, SessionOver."""
    if isinstance(asked, NameAndBirth):
        return await journal.identify_name(words=asked.words, born_on=asked.born_on)
    return await journal.identify_number(system=asked.system, value=asked.value)


def ticket_for(hit: Identified, *, reader: Reader) -> Ticket:
    """What is known of a hit."""
    born = hit.born_on.isoformat() if hit.born_on else ""
    return Ticket(hit.patient.slot, hit.patient.pid, hit.name, born, hit.sex, hit.number, reader.session)


def open_ticket(sealer: Sealer, text: str, *, reader: Reader) -> Ticket:
    """The ticket that a form carries. Raises TicketOver."""
    found = sealer.open(text, Ticket)
    if found is None or found.session != reader.session:
        raise TicketOver
    return found
