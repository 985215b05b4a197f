"""What the forms about representatives share: grounds by the patient's age, reasons, the page after a refusal."""

from __future__ import annotations

from typing import Any, Final, Literal

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from fellesjournal.access import withholding
from fellesjournal.access.decide import Decision
from fellesjournal.access.model import AccessError, NoNeed
from fellesjournal.access.representation import FormRefused
from fellesjournal.clinical.overview.frame import chart_url, open_frame, patient_of
from fellesjournal.clinical.pages import status_of
from fellesjournal.clinical.pieces import patient_id
from fellesjournal.kit.ids import MAX_PID
from fellesjournal.record.errors import RecordError
from fellesjournal.web import FieldErrors, Form, _, language_of, render

LONGEST: Final = 2000


async def form_page(
    request: Request, decision: Decision, template: str, form: Form | None, error: AccessError | RecordError | None,
    **more: Any,
) -> Response:  # fmt: skip
    """A page of the chart with a form, with what was typed and what was wrong with it."""
    errors = FieldErrors()
    if error:
        errors.add(error.field if isinstance(error, FormRefused) else "skjema", error.text)
    return render(
        request,
        template,
        status_of(error) if error else 200,
        frame=await open_frame(request, decision),
        tab="representanter",
        errors=errors,
        typed=form.values() if form else {},
        **more,
    )


async def grounds_of(
    request: Request, decision: Decision, what: Literal["PARENT", "ITEM", "TELL"]
) -> list[tuple[str, str]]:
    """The grounds to choose from at this patient's age: code and name."""
    found = await withholding.grounds(
        request.app.state.access_db, decision=decision, patient=patient_of(decision), what=what
    )
    return [(one.code, one.name(language_of(request))) for one in found]


def reason_in(form: Form) -> str:
    """The reason that was typed. Raises WithholdingRefused for one that is too long."""
    reason = form.text("begrunnelse")
    if len(reason) > LONGEST:
        raise withholding.WithholdingRefused("begrunnelse", _("Skriv en begrunnelse på høyst 2000 tegn."))
    return reason


def number_in(text: str) -> int:
    """A number of ours in an address or a form. Raises NoNeed for anything else."""
    if not (text.isascii() and text.isdigit() and len(text) <= 19 and int(text) <= MAX_PID):
        raise NoNeed
    return int(text)


def back(decision: Decision, done: str) -> Response:
    """To the overview, which tells what was done."""
    return RedirectResponse(f"{chart_url(patient_id(patient_of(decision)))}/representanter?gjort={done}", 303)
