"""Make the block that a form asks for: the same for the citizen and for staff."""

from fellesjournal.access.decide import Decision
from fellesjournal.clinical.blocks.words import wish_of
from fellesjournal.clinical.pages import check_context
from fellesjournal.kit.db import Database
from fellesjournal.record import blocks
from fellesjournal.web import Form


async def make_asked(db: Database, *, decision: Decision, form: Form) -> None:
    """Make it: in force at once, everywhere. Raises OtherContext, UnknownBlock and what `record.blocks.make` raises."""
    check_context(form, decision.reader)
    await blocks.make(db, decision=decision, wish=wish_of(form.text("hva"), form.text("for")))
