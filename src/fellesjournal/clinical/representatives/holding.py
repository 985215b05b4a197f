"""The pages where items are withheld from parents: what to withhold, what goes with it and why, and its end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from fellesjournal.access import gate, withholding
from fellesjournal.access.decide import Decision
from fellesjournal.access.model import AccessError, NoNeed
from fellesjournal.clinical.overview.frame import open_frame, patient_of
from fellesjournal.clinical.overview.storyboard import Wish
from fellesjournal.clinical.pages import check_context, journal_of
from fellesjournal.clinical.pieces import patient_id
from fellesjournal.clinical.representatives.actions import Item, Telling, item_from, telling_of
from fellesjournal.clinical.representatives.forms import back, form_page, grounds_of, number_in, reason_in
from fellesjournal.clinical.representatives.words import Line, kinds_named, line_of
from fellesjournal.record import withholding as withheld
from fellesjournal.record.errors import RecordError
from fellesjournal.web import Form, language_of, read_form, render

_SHOWN: Final = 40
_CHOOSABLE: Final = (
    ("Encounter", "-date"), ("Appointment", "-date"), ("Composition", "-date"), ("DiagnosticReport", "-date"),
    ("Condition", "-recorded-date"), ("MedicationStatement", "-_lastUpdated"), ("DocumentReference", "-date"),
    ("Immunization", "-date"),
)  # fmt: skip
_ONLY: Final = "bare"


@gate.chart("open")
async def choose(request: Request, decision: Decision) -> Response:
    """The newest of what can be withheld, by day."""
    frame = await open_frame(request, decision, _recent(patient_id(patient_of(decision))))
    rows = [one for rtype, _sort in _CHOOSABLE for one in frame.found[f"recent {rtype}"]]
    items = sorted(map(item_from, rows), key=lambda one: str(one.on or ""), reverse=True)[:_SHOWN]
    return render(
        request,
        "representatives/choose.html",
        frame=frame,
        tab="representanter",
        lines=await _lines(request, decision, items),
        may_withhold=bool(await grounds_of(request, decision, "ITEM")),
    )


@gate.chart("open")
async def ask(request: Request, decision: Decision) -> Response:
    """What is withheld with an item, and why."""
    return await _asked(request, decision)


@gate.chart("write")
async def withhold(request: Request, decision: Decision) -> Response:
    """Withhold the item, its contact if wished, and what was ticked."""
    form, patient = await read_form(request), patient_of(decision)
    try:
        check_context(form, decision.reader)
        rows = [one.key for one in _chosen(await _telling(request, decision), form)]
        await withheld.withhold(
            request.app.state.vault.db, decision=decision, patient=patient, rows=rows, ground=form.text("grunn"),
            reason=reason_in(form),
        )  # fmt: skip
    except (AccessError, RecordError) as error:
        return await _asked(request, decision, form, error)
    return back(decision, "holdt")


@gate.chart("open")
async def show_end(request: Request, decision: Decision) -> Response:
    """The form that lets parents see again what was withheld. Raises NoNeed for one that has ended."""
    return await _end_page(request, decision)


@gate.chart("write")
async def end(request: Request, decision: Decision) -> Response:
    """Let parents see again what was withheld. Raises NoNeed."""
    form, number = await read_form(request), number_in(request.path_params["number"])
    asked: Any = {"decision": decision, "patient": patient_of(decision), "withholding": number}
    try:
        check_context(form, decision.reader)
        await withheld.end(request.app.state.vault.db, **asked, reason=reason_in(form))
    except NoNeed:
        raise
    except AccessError as error:
        return await _end_page(request, decision, form, error)
    return back(decision, "vist")


async def _asked(
    request: Request, decision: Decision, form: Form | None = None, error: AccessError | RecordError | None = None
) -> Response:
    found = await _telling(request, decision)
    lines, split = await _lines(request, decision, found.everything), 1 + len(found.contact)
    return await form_page(
        request, decision, "representatives/withhold.html", form, error, item=lines[0], contact=lines[1:split],
        same_day=lines[split:], grounds=await grounds_of(request, decision, "ITEM"),
        ticked=form.texts("valgt") if form else (), is_whole=form is None or form.text("hva") != _ONLY,
    )  # fmt: skip


async def _end_page(
    request: Request, decision: Decision, form: Form | None = None, error: AccessError | None = None
) -> Response:
    number, patient = number_in(request.path_params["number"]), patient_of(decision)
    found = await withholding.withholdings(request.app.state.access_db, decision=decision, patient=patient)
    one = next((one for one in found if one.id == number and one.until_at is None), None)
    if one is None:
        raise NoNeed
    return await form_page(
        request, decision, "representatives/end.html", form, error, one=one, kinds_named=kinds_named,
        language=language_of(request),
    )  # fmt: skip


def _recent(patient: str) -> list[Wish]:
    return [
        (f"recent {rtype}", rtype, [("patient", patient), ("_sort", sort), ("_count", str(_SHOWN))])
        for rtype, sort in _CHOOSABLE
    ]


async def _lines(request: Request, decision: Decision, items: Sequence[Item]) -> list[Line]:
    now_withheld = await withheld.withheld_among(
        request.app.state.vault.db, decision=decision, patient=patient_of(decision), rows=[one.key for one in items]
    )
    return [line_of(one, now_withheld) for one in items]


async def _telling(request: Request, decision: Decision) -> Telling:
    return await telling_of(
        journal_of(request, decision), patient=patient_of(decision), rtype=request.path_params["rtype"],
        id=request.path_params["id"],
    )  # fmt: skip


def _chosen(found: Telling, form: Form) -> list[Item]:
    contact = () if form.text("hva") == _ONLY else found.contact
    ticked = {*form.texts("valgt")}
    return [found.item, *contact, *(one for one in found.same_day if one.name in ticked)]


routes = [
    Route("/pasienter/{patient}/foreldre", choose),
    Route("/pasienter/{patient}/foreldre/vis/{number}", show_end),
    Route("/pasienter/{patient}/foreldre/vis/{number}", end, methods=["POST"]),
    Route("/pasienter/{patient}/foreldre/{rtype}/{id}", ask),
    Route("/pasienter/{patient}/foreldre/{rtype}/{id}", withhold, methods=["POST"]),
]
