"""The page of the own blocks. A note's page and the log lead here with what is to be blocked, or for whom."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from fellesjournal.access import gate
from fellesjournal.access.decide import Decision
from fellesjournal.access.model import AccessError
from fellesjournal.clinical.blocks.actions import make_asked
from fellesjournal.clinical.blocks.words import EVERYBODY, menu, what_of, whom_of
from fellesjournal.clinical.pages import check_context, context_field, journal_of, status_of
from fellesjournal.record import blocks
from fellesjournal.record.blocks import UnknownBlock
from fellesjournal.record.errors import RecordError
from fellesjournal.web import FieldErrors, Form, add_templates, language_of, read_form, render, translate

add_templates("citizen", "fellesjournal.citizen")


@gate.citizen("open")
async def show(request: Request, decision: Decision) -> Response:
    """Blocks in force, a form to make one, and those lifted within a year."""
    return await _page(request, decision)


@gate.citizen("open")
async def make(request: Request, decision: Decision) -> Response:
    """Make a block: in force at once, everywhere."""
    form = await read_form(request)
    try:
        await make_asked(request.app.state.vault.db, decision=decision, form=form)
    except (AccessError, RecordError) as error:
        return await _page(request, decision, form=form, error=error)
    return RedirectResponse("/min-journal/sperringer?laget=1", 303)


@gate.citizen("open")
async def lift(request: Request, decision: Decision) -> Response:
    """Lift a block: what it closed is open again at once, to those who have a need."""
    form = await read_form(request)
    kind, _colon, number = form.text("sperring").partition(":")
    try:
        check_context(form, decision.reader)
        if kind not in ("del", "hel") or not (number.isascii() and number.isdigit() and len(number) < 19):
            raise UnknownBlock
        db = request.app.state.vault.db
        await blocks.lift(db, decision=decision, number=int(number), is_part=kind == "del")
    except (AccessError, RecordError) as error:
        return await _page(request, decision, error=error)
    return RedirectResponse("/min-journal/sperringer?opphevet=1", 303)


async def _page(
    request: Request, decision: Decision, *, form: Form | None = None, error: AccessError | RecordError | None = None
) -> Response:
    db, language, asked = request.app.state.vault.db, language_of(request), request.query_params
    what = form.text("hva") if form else asked.get("hva", "")
    whom = form.text("for") if form else asked.get("for", EVERYBODY)
    found = menu(await blocks.choices(db, decision=decision), language, whom_first=whom)
    title = await _document(request, decision, what)
    if title:
        found.what.insert(0, (what, title))
    mine = await blocks.own(db, decision=decision)
    errors = FieldErrors()
    if error:
        errors.add("hva", translate(request, error.text))
    return render(
        request,
        "citizen/blocks.html",
        status_of(error) if error else 200,
        standing=[one for one in mine if one.until_at is None],
        lifted=[one for one in mine if one.until_at is not None],
        what_of=lambda one: what_of(one, language),
        whom_of=lambda one: whom_of(one, language),
        menu=found,
        what=what,
        whom=whom,
        is_made="laget" in asked and not error,
        is_lifted="opphevet" in asked and not error,
        errors=errors,
        context=context_field(decision.reader),
    )


async def _document(request: Request, decision: Decision, what: str) -> str:
    """What to call the note that is to be blocked; empty when none is, or it isn't there for the citizen."""
    kind, _colon, id_ = what.partition(":")
    if kind != "document" or not id_:
        return ""
    try:
        note = (await journal_of(request, decision).read("Composition", id_)).resource()
    except RecordError:
        return ""
    return " ".join((note.get("title", ""), str(note.get("date", ""))[:10]))


routes = [
    Route("/min-journal/sperringer", show, methods=["GET"]),
    Route("/min-journal/sperringer", make, methods=["POST"]),
    Route("/min-journal/sperringer/opphev", lift, methods=["POST"]),
]
