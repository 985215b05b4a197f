"""Identify a person, and register the contact where the service has no page of its own for it."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from fellesjournal.access import gate
from fellesjournal.access.decide import Decision
from fellesjournal.access.model import AccessError
from fellesjournal.clinical import encounters
from fellesjournal.clinical.identification.actions import (
    TICKET_S,
    Ticket,
    identify,
    open_ticket,
    ticket_for,
)
from fellesjournal.clinical.identification.model import CannotIdentify, parse_asked
from fellesjournal.clinical.pages import check_context, context_field, journal_of, now, status_of
from fellesjournal.identity.model import Reader
from fellesjournal.identity.sealed import Sealer
from fellesjournal.kit.clock import SystemClock, oslo_day
from fellesjournal.record.errors import RecordError
from fellesjournal.web import FieldErrors, Form, _, add_templates, keep_typed, read_form, render

add_templates("identification", "fellesjournal.clinical.identification")
keep_typed(arsak=_("Årsak"))

REGISTER_AT = {"legevakt": "/legevakt/registrer"}
"""Where a service registers its contacts; others do it on this page."""
_HERE = "/identifiser/kontakt"


def sealer_of(request: Request) -> Sealer:
    """Seals tickets with the installation's session key."""
    return Sealer(keys=request.app.state.keys, clock=getattr(request.app.state, "clock", None) or SystemClock())


@gate.unit("identify")
async def show(request: Request, decision: Decision) -> Response:
    """The empty question."""
    return _page(request, decision.reader)


@gate.unit("identify")
async def answer(request: Request, decision: Decision) -> Response:
    """The hits, or what to do when there is none."""
    form = await read_form(request)
    errors = FieldErrors()
    try:
        found = await look_up(request, decision, form)
    except (CannotIdentify, AccessError) as error:
        errors.add("hvem", error.text)
        return _page(request, decision.reader, form=form, errors=errors, status=error.status)
    return _page(request, decision.reader, form=form, hits=found)


@gate.unit("write")
async def register(request: Request, decision: Decision) -> Response:
    """Register a contact with somebody just identified, and open the chart."""
    form = await read_form(request)
    reader, journal = decision.reader, journal_of(request, decision)
    kind = form.text("slag")
    try:
        check_context(form, reader)
        ticket = open_ticket(sealer_of(request), form.text("person"), reader=reader)
        encounters.register_contact(
            journal,
            patient=ticket.patient,
            reader=reader,
            kind=kind if kind in encounters.CONTACT_KINDS else "consultation",
            reason=form.text("arsak")[:500],
            urgency=None,
            at=now(request),
        )
        await journal.commit()
    except (RecordError, AccessError) as error:
        errors = FieldErrors()
        errors.add("hvem", error.text)
        return _page(request, reader, form=form, errors=errors, status=status_of(error))
    return RedirectResponse(f"/pasienter/{ticket.id}", 303)


async def look_up(request: Request, decision: Decision, form: Form) -> list[tuple[Ticket, str]]:
    """Each hit with its sealed ticket. Raises CannotIdentify, MayNotIdentify, TooManyLookups, SessionOver."""
    asked = parse_asked(form.text("hvem"), is_demo=request.app.state.installed.demo, today=oslo_day(now(request)))
    hits = await identify(journal_of(request, decision), asked=asked)
    tickets = [ticket_for(hit, reader=decision.reader) for hit in hits]
    sealer = sealer_of(request)
    return [(ticket, sealer.seal(ticket, ttl_s=TICKET_S)) for ticket in tickets]


def _page(
    request: Request,
    reader: Reader,
    *,
    form: Form | None = None,
    errors: FieldErrors | None = None,
    hits: list[tuple[Ticket, str]] | None = None,
    status: int = 200,
) -> Response:
    return render(
        request,
        "identification/identify.html",
        status,
        asked=form.text("hvem") if form else "",
        errors=errors or FieldErrors(),
        hits=hits,
        ask_at="/identifiser",
        register_at=REGISTER_AT.get(reader.unit_kind, _HERE),
        is_here=reader.unit_kind not in REGISTER_AT,
        kinds=[(code, _(name)) for code, name in encounters.CONTACT_KINDS.items() if code != "emergency"],
        context=context_field(reader),
    )


routes = [
    Route("/identifiser", show),
    Route("/identifiser", answer, methods=["POST"]),
    Route("/identifiser/kontakt", register, methods=["POST"]),
]
