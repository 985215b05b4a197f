"""The address page of a chart: the address, or what hides it and how to ask; who is named to open a strictly
protected record.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from fellesjournal import fhir as r4
from fellesjournal.access import gate, protection
from fellesjournal.access.decide import Decision
from fellesjournal.access.model import AccessError
from fellesjournal.clinical.addresses.model import addresses_in, end_of
from fellesjournal.clinical.overview.frame import Frame, chart_url, open_frame, patient_of
from fellesjournal.clinical.pages import check_context, context_field, journal_of, now, status_of
from fellesjournal.clinical.pieces import patient_id
from fellesjournal.clinical.protection import STRICT, protection_of
from fellesjournal.identity.model import ROLE_NAMES
from fellesjournal.kit.clock import OSLO
from fellesjournal.record.errors import NotFound
from fellesjournal.web import FieldErrors, Form, _, add_templates, keep_typed, language_of, read_form, render
from fellesjournal.web.i18n import translated

add_templates("addresses", "fellesjournal.clinical.addresses")
keep_typed(begrunnelse=_("Begrunnelse"))

_PATIENT_KIND: Final = r4.TYPE_NUMBER["Patient"]
_NAMED_FOR: Final = timedelta(days=365)


@gate.chart("read", kind=_PATIENT_KIND)
async def show(request: Request, decision: Decision) -> Response:
    """The address as far as the vault gives it to this reader."""
    return await _page(request, decision)


@gate.chart("read", kind=_PATIENT_KIND)
async def ask(request: Request, decision: Decision) -> Response:
    """Ask for a protected address with a reason; it shows for some minutes."""
    form = await read_form(request)
    try:
        check_context(form, decision.reader)
        await protection.show_address(
            request.app.state.access_db, decision=decision, reason=form.text("begrunnelse")
        )
    except AccessError as error:
        return await _page(request, decision, form=form, error=error, field="begrunnelse")
    return await _page(request, decision)


@gate.chart("write")
async def name(request: Request, decision: Decision) -> Response:
    """Name a member of staff for a strictly protected person, until a day."""
    form = await read_form(request)
    number, until_at = form.text("ansatt"), end_of(form.text("til"))
    try:
        check_context(form, decision.reader)
        if until_at is None:
            raise protection.BadEnd
        if not _is_number(number):
            raise protection.NoSuchStaff
        await protection.name(
            request.app.state.access_db, decision=decision, person=int(number), until_at=until_at
        )
    except AccessError as error:
        field = "til" if isinstance(error, protection.BadEnd) else "navn"
        return await _page(request, decision, form=form, error=error, field=field)
    return _back(decision)


@gate.chart("write")
async def end(request: Request, decision: Decision) -> Response:
    """End what was named."""
    form, number = await read_form(request), request.path_params["id"]
    check_context(form, decision.reader)
    if not _is_number(number):
        raise NotFound
    await protection.end_naming(request.app.state.access_db, decision=decision, id=int(number))
    return _back(decision)


async def _page(
    request: Request, decision: Decision, *, form: Form | None = None, error: AccessError | None = None, field: str = ""
) -> Response:  # fmt: skip
    frame = await open_frame(request, decision)
    person = (await journal_of(request, decision).read("Patient", patient_id(patient_of(decision)))).resource()
    errors = FieldErrors()
    if error:
        errors.add(field, translated(language_of(request), error.text))
    level = protection_of(person)
    return render(
        request,
        "addresses/address.html",
        status_of(error) if error else 200,
        frame=frame,
        tab="",
        level=level,
        addresses=addresses_in(person),
        errors=errors,
        reason=form.text("begrunnelse") if form else "",
        context=context_field(decision.reader),
        roles=ROLE_NAMES,
        **(await _naming(request, decision, frame) if level == STRICT else {"may_name": False}),
    )


async def _naming(request: Request, decision: Decision, frame: Frame) -> dict[str, Any]:
    db, words = request.app.state.access_db, request.query_params.get("navn", "").strip()[:100]
    if not await protection.may_name(db, decision=decision):
        return {"may_name": False}
    today: date = now(request).astimezone(OSLO).date()
    return {
        "may_name": True,
        "named": await protection.named_for(db, decision=decision),
        "words": words,
        "found": await protection.nameable(db, decision=decision, words=words) if words else None,
        "until": (today + _NAMED_FOR).isoformat(),
        "today": today.isoformat(),
        "address_url": f"{frame.url}/adresse",
    }


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 19


def _back(decision: Decision) -> Response:
    return RedirectResponse(f"{chart_url(patient_id(patient_of(decision)))}/adresse", 303)


routes = [
    Route("/pasienter/{patient}/adresse", show),
    Route("/pasienter/{patient}/adresse", ask, methods=["POST"]),
    Route("/pasienter/{patient}/adresse/navngitte", name, methods=["POST"]),
    Route("/pasienter/{patient}/adresse/navngitte/{id}/avslutt", end, methods=["POST"]),
]
