"""The page where what is sensitive is opened. It says nothing of whether there is anything."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from fellesjournal.access import gate, sensitivity
from fellesjournal.access.decide import Decision
from fellesjournal.access.model import AccessError
from fellesjournal.clinical.overview.frame import chart_url, open_frame, patient_of
from fellesjournal.clinical.pages import check_context, context_field, status_of
from fellesjournal.clinical.pieces import patient_id
from fellesjournal.web import FieldErrors, Form, add_templates, language_of, read_form, render
from fellesjournal.web.i18n import translated

add_templates("sensitivity", "fellesjournal.clinical.sensitivity")


@gate.chart("open")
async def show(request: Request, decision: Decision) -> Response:
    """What it means, and the form."""
    return await _page(request, decision)


@gate.chart("open")
async def choose(request: Request, decision: Decision) -> Response:
    """Open it, and go on in the chart."""
    form = await read_form(request)
    try:
        check_context(form, decision.reader)
        await sensitivity.open_sensitive(
            request.app.state.access_db, decision=decision, reason=form.text("begrunnelse")
        )
    except AccessError as error:
        return await _page(request, decision, form=form, error=error)
    return RedirectResponse(chart_url(patient_id(patient_of(decision))), 303)


async def _page(
    request: Request, decision: Decision, *, form: Form | None = None, error: AccessError | None = None
) -> Response:
    frame = await open_frame(request, decision)
    errors = FieldErrors()
    if error:
        errors.add("begrunnelse", translated(language_of(request), error.text))
    return render(
        request,
        "sensitivity/open.html",
        status_of(error) if error else 200,
        frame=frame,
        tab="sensitivt",
        errors=errors,
        reason=form.text("begrunnelse") if form else "",
        context=context_field(decision.reader),
    )


routes = [
    Route("/pasienter/{patient}/sensitivt", show),
    Route("/pasienter/{patient}/sensitivt", choose, methods=["POST"]),
]
