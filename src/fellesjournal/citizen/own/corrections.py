"""Ask for an entry in the own record to be corrected or deleted, and see the answer (helsepersonelloven §§ 42, 43)."""

from __future__ import annotations

from typing import Final

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from fellesjournal.access import gate
from fellesjournal.access.decide import Decision
from fellesjournal.access.model import AccessError
from fellesjournal.clinical.corrections.actions import read_entry
from fellesjournal.clinical.corrections.model import BASES, CorrectionRefusal
from fellesjournal.clinical.directory import directory_for
from fellesjournal.clinical.notes.actions import read_note
from fellesjournal.clinical.overview.frame import patient_of
from fellesjournal.clinical.pages import journal_of
from fellesjournal.record import erasure
from fellesjournal.record.errors import RecordError
from fellesjournal.web import FieldErrors, Form, _, language_of, read_form, render
from fellesjournal.web.i18n import translated

STATES: Final = {
    "asked": _("Venter på svar"),
    "proposed": _("Vurderes av en person til"),
    "refused": _("Avslått"),
    "done": _("Gjennomført"),
}
_CORRECT, _ERASE = "rett", "slett"
_LONGEST = 2000


@gate.citizen("open")
async def show(request: Request, decision: Decision) -> Response:
    """What can be asked for about one note. Raises NotFound for what is not there or not shown."""
    return await _ask_page(request, decision)


@gate.citizen("open")
async def ask(request: Request, decision: Decision) -> Response:
    """Ask: it goes to the unit that wrote the note."""
    form = await read_form(request)
    journal = journal_of(request, decision)
    try:
        reason = form.text("begrunnelse").strip()[:_LONGEST]
        if not reason:
            raise CorrectionRefusal
        entry = await read_entry(
            journal, patient=patient_of(decision), reader=decision.reader, note_id=request.path_params["note"]
        )
        basis = erasure.PATIENT if form.text("hva") == _ERASE else erasure.CORRECTION
        await erasure.ask_erasure(
            journal, "Composition", entry.stored.key, basis=basis, reason=reason, along=entry.along
        )
    except (AccessError, RecordError, CorrectionRefusal) as error:
        return await _ask_page(request, decision, form=form, error=error)
    return RedirectResponse("/min-journal/retting?sendt=1", 303)


@gate.citizen("open")
async def show_all(request: Request, decision: Decision) -> Response:
    """What was asked for, and the answers; what was deleted, without its content."""
    wishes = await erasure.erasures_about(journal_of(request, decision), patient_of(decision))
    return render(
        request,
        "citizen/corrections.html",
        wishes=wishes,
        bases=BASES,
        states=STATES,
        is_sent="sendt" in request.query_params,
    )


async def _ask_page(
    request: Request, decision: Decision, *, form: Form | None = None,
    error: AccessError | RecordError | CorrectionRefusal | None = None,
) -> Response:  # fmt: skip
    journal = journal_of(request, decision)
    stored, note = await read_note(journal, patient=patient_of(decision), note_id=request.path_params["note"])
    directory = await directory_for(journal, [stored.resource()])
    errors = FieldErrors()
    if error is not None:
        errors.add("begrunnelse", translated(language_of(request), error.text))
    return render(
        request,
        "citizen/correction.html",
        error.status if error else 200,
        note=note,
        unit=directory.name(stored.resource().get("custodian")),
        errors=errors,
        reason=form.text("begrunnelse") if form else "",
        what=form.text("hva") if form else _CORRECT,
        ways=[(_CORRECT, _("Rettet: noe er feil eller mangler")), (_ERASE, _("Slettet: det skulle ikke stått der"))],
    )


routes = [
    Route("/min-journal/retting", show_all),
    Route("/min-journal/notater/{note}/retting", show),
    Route("/min-journal/notater/{note}/retting", ask, methods=["POST"]),
]
