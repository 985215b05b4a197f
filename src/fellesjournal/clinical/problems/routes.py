"""The problem list as a page: add, end, take up again."""

from __future__ import annotations

from datetime import date

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from fellesjournal.access import gate
from fellesjournal.access.decide import Decision
from fellesjournal.access.model import AccessError
from fellesjournal.clinical.directory import Directory
from fellesjournal.clinical.notes.model import NoteRefusal, contact_diagnosis
from fellesjournal.clinical.overview.frame import chart_url, open_frame, patient_of
from fellesjournal.clinical.overview.storyboard import Wish
from fellesjournal.clinical.pages import (
    check_context,
    context_field,
    journal_of,
    now,
    status_of,
    version_in,
)
from fellesjournal.clinical.pieces import patient_id
from fellesjournal.clinical.problems import actions
from fellesjournal.clinical.problems.fhir import problems_from
from fellesjournal.clinical.problems.model import STANDINGS, AlreadyListed, Problem
from fellesjournal.kit.clock import OSLO
from fellesjournal.record.errors import RecordError
from fellesjournal.record.journal import Journal
from fellesjournal.web import FieldErrors, Form, _, add_templates, keep_typed, language_of, read_form, render
from fellesjournal.web.i18n import translated

add_templates("problems", "fellesjournal.clinical.problems")
keep_typed(kode=_("ICPC-2-kode"), siden=_("Siden"))


@gate.chart("open")
async def show(request: Request, decision: Decision) -> Response:
    """Active problems, then those that ended."""
    return await _page(request, decision)


@gate.chart("write")
async def add(request: Request, decision: Decision) -> Response:
    """Put a diagnosis on the list."""
    form = await read_form(request)
    journal, patient = journal_of(request, decision), patient_of(decision)
    try:
        check_context(form, decision.reader)
        diagnosis = contact_diagnosis(form.text("kode").partition(" ")[0])
        if any(one.is_active and one.diagnosis.code == diagnosis.code for one in await _listed(journal, decision)):
            raise AlreadyListed
        actions.raise_problem(
            journal,
            patient=patient,
            reader=decision.reader,
            diagnosis=diagnosis,
            at=now(request),
            onset_on=_onset(form.text("siden")),
        )
        await journal.commit()
    except (AccessError, RecordError, NoteRefusal, AlreadyListed, BadDate) as error:
        return await _page(request, decision, form=form, error=error)
    return _back(patient_id(patient))


@gate.chart("write")
async def end(request: Request, decision: Decision) -> Response:
    """A problem is over."""
    return await _changed(request, decision)


@gate.chart("write")
async def reopen(request: Request, decision: Decision) -> Response:
    """A problem is there again."""
    return await _changed(request, decision)


class BadDate(Exception):
    """What was typed is no date."""

    status = 422
    field = "siden"
    text = _("Skriv datoen som dag.måned.år, for eksempel 03.02.2024, eller bare årstallet.")


async def _changed(request: Request, decision: Decision) -> Response:
    form = await read_form(request)
    journal, patient = journal_of(request, decision), patient_of(decision)
    problem = request.path_params["problem"]
    try:
        check_context(form, decision.reader)
        if request.url.path.endswith("/avslutt"):
            await actions.end_problem(
                journal,
                patient=patient,
                problem=problem,
                version=version_in(form),
                on=now(request).astimezone(OSLO).date(),
            )
        else:
            await actions.reopen_problem(journal, patient=patient, problem=problem, version=version_in(form))
        await journal.commit()
    except (AccessError, RecordError) as error:
        return await _page(request, decision, error=error)
    return _back(patient_id(patient))


async def _page(
    request: Request,
    decision: Decision,
    *,
    form: Form | None = None,
    error: AccessError | RecordError | NoteRefusal | AlreadyListed | BadDate | None = None,
) -> Response:
    frame = await open_frame(request, decision, [_wish(decision)])
    errors = FieldErrors()
    if error:
        about = getattr(error, "about", "")
        field = "siden" if isinstance(error, BadDate) else "kode"
        errors.add(field, translated(language_of(request), error.text, **({"code": about} if about else {})))
    problems = problems_from(frame.found["problems"], frame.directory)
    status = 422 if error else 200
    if isinstance(error, AccessError | RecordError):
        status = status_of(error)
    return render(
        request,
        "problems/list.html",
        status,
        frame=frame,
        tab="problemer",
        active=[one for one in problems if one.is_active],
        standings=STANDINGS,
        ended=[one for one in problems if not one.is_active],
        errors=errors,
        context=context_field(decision.reader),
        code=form.text("kode") if form else "",
        since=form.text("siden") if form else "",
    )


def _wish(decision: Decision) -> Wish:
    who = ("patient", patient_id(patient_of(decision)))
    return ("problems", "Condition", [who, ("category", "problem-list-item"), ("_count", "200")])


async def _listed(journal: Journal, decision: Decision) -> tuple[Problem, ...]:

    _name, rtype, params = _wish(decision)
    page = await journal.search(rtype, params)
    return problems_from([stored.resource() for stored in page.matches], Directory({}))


def _onset(text: str) -> date | None:
    """`03.02.2024` or `2024` as a date. Raises BadDate."""
    if not text:
        return None
    parts = [part for part in text.replace("-", ".").replace("/", ".").split(".") if part]
    try:
        numbers = [int(part) for part in parts]
        return date(numbers[-1], *(numbers[-2::-1] if len(numbers) == 3 else (1, 1)))
    except (ValueError, TypeError, IndexError):
        raise BadDate from None


def _back(patient: str) -> Response:
    return RedirectResponse(f"{chart_url(patient)}/problemer", 303)


routes = [
    Route("/pasienter/{patient}/problemer", show),
    Route("/pasienter/{patient}/problemer", add, methods=["POST"]),
    Route("/pasienter/{patient}/problemer/{problem}/avslutt", end, methods=["POST"]),
    Route("/pasienter/{patient}/problemer/{problem}/gjenoppta", reopen, methods=["POST"]),
]
