"""A write that is done and taken back: the only way to know that the real one would be accepted.

Everything that a write goes through says its word: the checks, the access decision for every patient that is named,
versions, unique numbers. The access log keeps that it was tried; nothing was written and nothing is shown.
"""

from collections.abc import Awaitable, Callable

from fellesjournal import fhir
from fellesjournal.access.model import AccessError, SessionOver
from fellesjournal.record.errors import RecordError
from fellesjournal.record.journal import Journal


class _TakenBack(RecordError):
    """The write was accepted, and is undone."""


async def rehearse(journal: Journal, gather: Callable[[Journal], Awaitable[None]]) -> list[fhir.Issue]:
    """Gather a write, commit it and take it back: why it would be refused; nothing when it would be done.

    In a transaction that is open nothing else of it is taken back. Raises SessionOver.
    """
    told: list[fhir.Issue] = []
    try:
        async with journal.apart():
            await gather(journal)
            await journal.commit()
            raise _TakenBack
    except _TakenBack:
        pass
    except SessionOver:
        raise
    except (RecordError, AccessError) as refusal:
        told = issues_of(refusal)
    # What ids stood for while it was there.
    journal.forget()
    return told


def issues_of(error: AccessError | RecordError) -> list[fhir.Issue]:
    """What a refusal tells the client."""
    issues: list[fhir.Issue] = getattr(error, "issues", [])
    english = getattr(error, "english", None) or type(error).__doc__ or ""
    return issues or [fhir.Issue(severity="error", code=error.code, expression="", diagnostics=english)]
