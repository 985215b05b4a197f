"""Staff register a block for a patient who asks for it. What stands already they don't see: it is the patient's own."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from fellesjournal.access import gate
from fellesjournal.access.decide import Decision
from fellesjournal.access.model import AccessError
from fellesjournal.clinical.blocks.actions import make_asked
from fellesjournal.clinical.blocks.words import EVERYBODY, menu
from fellesjournal.clinical.overview.frame import open_frame
from fellesjournal.clinical.pages import context_field, status_of
from fellesjournal.record import blocks
from fellesjournal.record.errors import RecordError
from fellesjournal.web import FieldErrors, Form, add_templates, language_of, read_form, render, translate

add_templates("blocks", "fellesjournal.clinical.blocks")


@gate.chart("open")
async def show(request: Request, decision: Decision) -> Response:
    """What the patient can have blocked, and for whom."""
    return await _page(request, decision)


@gate.chart("write")
async def register(request: Request, decision: Decision) -> Response:
    """Register the block; the record may be closed to the one who does it from then on."""
    form = await read_form(request)
    try:
        await make_asked(request.app.state.vault.db, decision=decision, form=form)
    except (AccessError, RecordError) as error:
        return await _page(request, decision, form=form, error=error)
    return RedirectResponse(f"/pasienter/{request.path_params['patient']}/sperring?registrert=1", 303)


async def _page(
    request: Request, decision: Decision, *, form: Form | None = None, error: AccessError | RecordError | None = None
) -> Response:
    frame = await open_frame(request, decision)
    found = await blocks.choices(request.app.state.vault.db, decision=decision)
    errors = FieldErrors()
    if error:
        errors.add("hva", translate(request, error.text))
    return render(
        request,
        "blocks/register.html",
        status_of(error) if error else 200,
        frame=frame,
        tab="sperring",
        menu=menu(found, language_of(request)),
        what=form.text("hva") if form else "",
        whom=form.text("for") if form else EVERYBODY,
        is_done="registrert" in request.query_params and not error,
        errors=errors,
        context=context_field(decision.reader),
    )


routes = [
    Route("/pasienter/{patient}/sperring", show, methods=["GET"]),
    Route("/pasienter/{patient}/sperring", register, methods=["POST"]),
]
