"""What every clinical page does alike: the clock, the context of a form, the keeping of drafts."""

from __future__ import annotations

from datetime import datetime

from markupsafe import Markup
from starlette.requests import Request

from fellesjournal.access.choices.actions import kin_waiting
from fellesjournal.access.decide import Decision
from fellesjournal.access.model import AccessError
from fellesjournal.identity.current import context_tag
from fellesjournal.identity.drafts import draft_key
from fellesjournal.identity.model import Reader
from fellesjournal.kit.clock import SystemClock
from fellesjournal.record.errors import RecordError, VersionConflict
from fellesjournal.record.journal import Journal
from fellesjournal.web import Form, _

CONTEXT = "context"


class OtherContext(AccessError):
    """The form was filled in another role or unit than the one that is acted in now."""

    status = 409
    code = "conflict"
    text = _(
        "Du har byttet rolle eller enhet i en annen fane siden du åpnet dette skjemaet. Ingenting er "
        "lagret, men teksten står her fortsatt. Kontroller at du er i riktig rolle, og lagre på nytt."
    )


def now(request: Request) -> datetime:
    """The instant of this request, by the application's clock."""
    clock = getattr(request.app.state, "clock", None) or SystemClock()
    at: datetime = clock.now()
    return at


def journal_of(request: Request, decision: Decision) -> Journal:
    """The record, opened for the request's decision."""
    journal: Journal = request.app.state.vault.open(decision)
    return journal


async def kept_off(request: Request, decision: Decision) -> int:
    """How many of the reader's close family are kept off the lists until a reason is given."""
    return len(await kin_waiting(request.app.state.access_db, reader=decision.reader))


def context_field(reader: Reader) -> Markup:
    """The hidden field that binds a form to the role and unit it was opened in."""
    return Markup('<input type="hidden" name="{}" value="{}">').format(CONTEXT, context_tag(reader.secret))


def check_context(form: Form, reader: Reader) -> None:
    """Raises OtherContext when the form was opened in another role or unit."""
    if form.text(CONTEXT) != context_tag(reader.secret):
        raise OtherContext


def key_of_drafts(request: Request, reader: Reader) -> str:
    """The key that keeps this person's drafts in the browser."""
    return draft_key(request.app.state.vault.keys, reader)


def version_in(form: Form) -> int:
    """The version that a form showed; -2, which matches none, when it tells none."""
    text = form.text("version")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else -2


def status_of(error: AccessError | RecordError) -> int:
    """The status of a page that shows a form again after a refusal."""
    return 409 if isinstance(error, VersionConflict) else error.status
