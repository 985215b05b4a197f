"""Somebody calls or comes: identify, judge the urgency, measure, register; one screen."""

from __future__ import annotations

from datetime import date, datetime

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from fellesjournal.access import gate
from fellesjournal.access.decide import Decision, open_chart
from fellesjournal.access.model import AccessError, CloseFamily
from fellesjournal.care.legevakt import actions
from fellesjournal.care.legevakt.model import NoUrgency
from fellesjournal.care.legevakt.routes.board import at_legevakt, scale_here
from fellesjournal.care.legevakt.vitals import BASIS_S, SealedBasis, Vitals, read_vitals
from fellesjournal.clinical.identification import CannotIdentify, Ticket, TicketOver, open_ticket
from fellesjournal.clinical.identification.routes import look_up, sealer_of
from fellesjournal.clinical.measurements import assess, read_basis
from fellesjournal.clinical.measurements.model import ACVPU
from fellesjournal.clinical.pages import check_context, context_field, journal_of, now, status_of
from fellesjournal.identity.model import Reader
from fellesjournal.kit.clock import age_on, oslo_day
from fellesjournal.record.errors import RecordError
from fellesjournal.web import FieldErrors, Form, language_of, read_form, render
from fellesjournal.web.formats import age

_FERTILE = range(12, 56)
_MOST_WORDS = 500


@gate.unit("identify")
async def identify(request: Request, decision: Decision) -> Response:
    """One hit goes straight to the registration; several are shown to choose from, none says what to do."""
    reader, form, errors = at_legevakt(decision), await read_form(request), FieldErrors()
    hits: list[tuple[Ticket, str]] | None = None
    status = 200
    try:
        hits = await look_up(request, decision, form)
    except (CannotIdentify, AccessError) as error:
        errors.add("hvem", error.text)
        status = error.status
    if hits and len(hits) == 1:
        return _page(request, reader, hits[0][0], sealed=hits[0][1], form=form)
    return _ask_page(request, reader, asked=form.text("hvem"), hits=hits, errors=errors, status=status)


@gate.unit("write")
async def choose(request: Request, decision: Decision) -> Response:
    """The registration for the hit that was chosen."""
    reader, form = at_legevakt(decision), await read_form(request)
    try:
        ticket = open_ticket(sealer_of(request), form.text("person"), reader=reader)
    except TicketOver as error:
        return _again(request, reader, error)
    return _page(request, reader, ticket, sealed=form.text("person"), form=form)


@gate.unit("write")
async def register(request: Request, decision: Decision) -> Response:
    """The contact with its urgency and vitals in one commit, then its page. A refusal loses nothing typed."""
    reader, form = at_legevakt(decision), await read_form(request)
    try:
        ticket = open_ticket(sealer_of(request), form.text("person"), reader=reader)
    except TicketOver as error:
        return _again(request, reader, error)
    vitals = read_vitals(form, language_of(request))
    errors, at = vitals.errors, now(request)
    again = form.text("handling") == "regn"
    try:
        if again or not vitals.is_fit:
            return _page(
                request, reader, ticket, sealed=form.text("person"), form=form, vitals=vitals,
                status=200 if again else 422,
            )  # fmt: skip
        check_context(form, reader)
        encounter = await _take_in(request, decision, ticket, _intake(form, vitals, request, reader), at=at)
    except (RecordError, AccessError) as error:
        errors.add("hastegrad" if isinstance(error, NoUrgency) else "kanal", error.text)
        return _page(
            request, reader, ticket, sealed=form.text("person"), form=form, vitals=vitals, status=status_of(error),
            is_kin=isinstance(error, CloseFamily),
        )  # fmt: skip
    return RedirectResponse(f"/legevakt/kontakt/{ticket.id}/{encounter}", 303)


@gate.unit("write")
async def live_score(request: Request, decision: Decision) -> Response:
    """NEWS2 of what stands in the form now: nothing is read from a chart, nothing is stored."""
    at_legevakt(decision)
    form = await read_form(request)
    vitals = read_vitals(form, language_of(request))
    basis = sealer_of(request).open(form.text("grunnlag"), SealedBasis)
    score = vitals.score(basis) if basis else None
    return render(request, "legevakt/news2.html", score=score)


def _intake(form: Form, vitals: Vitals, request: Request, reader: Reader) -> actions.Intake:
    urgency = form.text("hastegrad")
    if scale_here(request, reader).level(urgency) is None:
        raise NoUrgency
    return actions.Intake(
        channel="telefon" if form.text("kanal") == "telefon" else "oppmote",
        urgency=urgency,
        reason=form.text("arsak")[:_MOST_WORDS],
        vitals=vitals.in_order,
        says_pregnant=vitals.says_pregnant,
    )


async def _take_in(
    request: Request, decision: Decision, ticket: Ticket, intake: actions.Intake, *, at: datetime
) -> str:
    """The contact first: it is what gives the right to look at what NEWS2 hangs on."""
    reader, patient = decision.reader, ticket.patient
    journal = journal_of(request, decision)
    encounter, made = actions.take_in(journal, patient=patient, reader=reader, intake=intake, at=at)
    await journal.commit()
    if made:
        opened = await open_chart(request.app.state.access_db, reader=reader, patient=patient, action="open")
        chart = journal_of(request, opened)
        basis = await read_basis(chart, patient=patient, born_on=ticket.born_on, at=at)
        score = assess({one.kind: one for one in intake.vitals}, basis)
        actions.keep_score(
            chart, patient=patient, reader=reader, encounter=encounter, score=score, derived_from=made, at=at
        )
        await chart.commit()
    return encounter


def _page(
    request: Request, reader: Reader, ticket: Ticket, *, sealed: str, form: Form, vitals: Vitals | None = None,
    status: int = 200, is_kin: bool = False,
) -> Response:  # fmt: skip
    today = oslo_day(now(request))
    years = age_on(ticket.born_on, day=today) if ticket.born_on else None
    basis = SealedBasis(years, pregnant=False, scale=1)
    return render(
        request,
        "legevakt/register.html",
        status,
        person=ticket,
        is_kin=is_kin,
        age=_age(ticket.born_on, today, request),
        sealed=sealed,
        basis=sealer_of(request).seal(basis, ttl_s=BASIS_S),
        form=form,
        errors=vitals.errors if vitals else FieldErrors(),
        doubts=vitals.asked if vitals else (),
        score=(vitals or read_vitals(form, language_of(request))).score(basis),
        levels=scale_here(request, reader).levels,
        acvpu=ACVPU,
        asks_pregnancy=ticket.sex == "female" and (years is None or years in _FERTILE),
        context=context_field(reader),
    )


def _again(request: Request, reader: Reader, error: TicketOver) -> Response:
    errors = FieldErrors()
    errors.add("hvem", error.text)
    return _ask_page(request, reader, asked="", hits=None, errors=errors, status=error.status)


def _ask_page(
    request: Request, reader: Reader, *, asked: str, hits: list[tuple[Ticket, str]] | None, errors: FieldErrors,
    status: int,
) -> Response:  # fmt: skip
    return render(
        request,
        "identification/identify.html",
        status,
        asked=asked,
        errors=errors,
        hits=hits,
        ask_at="/legevakt/identifiser",
        register_at="/legevakt/registrer",
        is_here=False,
        kinds=(),
        context=context_field(reader),
    )


def _age(born_on: date | None, today: date, request: Request) -> str:
    return age(born_on, today, language_of(request)) if born_on else ""


routes = [
    Route("/legevakt/identifiser", identify, methods=["POST"]),
    Route("/legevakt/registrer", choose, methods=["POST"]),
    Route("/legevakt/kontakt", register, methods=["POST"]),
    Route("/legevakt/news2", live_score, methods=["POST"]),
]
