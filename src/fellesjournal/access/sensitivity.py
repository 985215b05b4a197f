"""Opening what is sensitive in a record: chosen with a reason, for a time; logged, and looked at afterwards."""

from typing import Final

from fellesjournal.access import store
from fellesjournal.access.decide import Decision
from fellesjournal.access.model import AccessError
from fellesjournal.kit.db import Database
from fellesjournal.web import _


class SensitiveReason(AccessError):
    """What is sensitive is opened for a reason in words."""

    status = 422
    code = "required"
    text = _("Skriv hvorfor du trenger opplysningene, med minst ti tegn.")


class MayNotOpen(AccessError):
    """The role has no such choice."""

    text = _("Rollen din kan ikke åpne sensitive opplysninger på eget valg.")


_REFUSED: Final[dict[str, type[AccessError]]] = {"refused": MayNotOpen, "reason": SensitiveReason}


async def open_sensitive(db: Database, *, decision: Decision, reason: str) -> None:
    """Choose to see what is sensitive in the record of the decision. Raises SensitiveReason, MayNotOpen."""
    patient = decision.patient.pid if decision.patient else 0
    answer = await store.open_sensitive(db, secret=decision.secret, patient=patient, reason=reason)
    if answer in _REFUSED:
        raise _REFUSED[answer]
