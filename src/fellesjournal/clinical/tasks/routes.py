"""The inbox, and a task in the patient's chart: look, sign, hand over, go on to the next."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from fellesjournal.access import gate
from fellesjournal.access.decide import Decision
from fellesjournal.access.model import AccessError
from fellesjournal.clinical.notes.fhir import note_from
from fellesjournal.clinical.overview.fhir import values_from
from fellesjournal.clinical.overview.frame import Frame, directory_of, open_frame, patient_of
from fellesjournal.clinical.overview.model import Series, Value, reference_range, series
from fellesjournal.clinical.pages import (
    check_context,
    context_field,
    journal_of,
    kept_off,
    now,
    status_of,
    version_in,
)
from fellesjournal.clinical.pieces import Json, moment, patient_id, words
from fellesjournal.clinical.signatures import Signature, read_answer, signature_wish, signatures_from
from fellesjournal.clinical.tasks import actions
from fellesjournal.clinical.tasks.fhir import item_from
from fellesjournal.clinical.tasks.model import KINDS, READ_NOTE, SIGN_RESULT, SIGNERS, Inbox, Item, Whose
from fellesjournal.record.errors import NotFound, RecordError
from fellesjournal.record.journal import Journal
from fellesjournal.web import Form, _, add_templates, keep_typed, language_of, read_form, render

add_templates("tasks", "fellesjournal.clinical.tasks")
keep_typed(kommentar=_("Kommentar"))

@dataclass(frozen=True, slots=True)
class Shown:
    """A laboratory answer with each analyte's earlier values. `seen` are the versions that stand on the page."""

    title: str
    drawn_at: object
    issued_at: object
    laboratory: str
    rows: tuple[Series, ...]
    conclusion: str
    seen: str
    signed: Signature | None


@gate.unit("list")
async def show_inbox(request: Request, decision: Decision) -> Response:
    """The reader's inbox, or the whole unit's."""
    inbox = await _inbox(request, decision)
    asked = request.query_params.get("vis", "mine")
    whose: Whose = "enhet" if asked == "enhet" else "mine"
    kind = request.query_params.get("slag", "")
    return render(
        request,
        "tasks/inbox.html",
        inbox=inbox,
        whose=whose,
        kind=kind if kind in KINDS else "",
        kinds=KINDS,
        items=inbox.shown(whose=whose, kind=kind if kind in KINDS else ""),
        done=request.query_params.get("utfort"),
        relatives=await kept_off(request, decision),
    )


@gate.unit("list")
async def go_on(request: Request, decision: Decision) -> Response:
    """Lead to the next of one's own tasks, of the same kind first; to the inbox when none is left."""
    inbox = await _inbox(request, decision)
    after, kind = request.query_params.get("etter", ""), request.query_params.get("slag", "")
    found = inbox.after(after, kind=kind)
    done = "?utfort=1" if "utfort" in request.query_params else ""
    url = f"/pasienter/{found.patient}/oppgaver/{found.id}{done}" if found else f"/innboks{done}"
    return RedirectResponse(url, 303)


@gate.chart("open")
async def show_task(request: Request, decision: Decision) -> Response:
    """One task with what it is about."""
    return await _page(request, decision)


@gate.chart("write")
async def finish(request: Request, decision: Decision) -> Response:
    """Sign the result, or say that the task is done; then on to the next."""
    form = await read_form(request)
    journal, task = journal_of(request, decision), request.path_params["task"]
    try:
        check_context(form, decision.reader)
        item = await actions.finish_task(
            journal,
            patient=patient_of(decision),
            reader=decision.reader,
            task=task,
            version=version_in(form),
            comment=form.text("kommentar"),
            seen=form.text("svar"),
            at=now(request),
        )
        await journal.commit()
    except (AccessError, RecordError) as error:
        return await _page(request, decision, form=form, error=error)
    if form.text("videre") == "innboks":
        return RedirectResponse("/innboks?utfort=1", 303)
    return RedirectResponse(f"/innboks/neste?etter={task}&slag={item.kind}&utfort=1", 303)


@gate.chart("write")
async def hand_over(request: Request, decision: Decision) -> Response:
    """Give the task to a colleague."""
    form = await read_form(request)
    journal, task = journal_of(request, decision), request.path_params["task"]
    try:
        check_context(form, decision.reader)
        await actions.hand_over(
            journal,
            patient=patient_of(decision),
            reader=decision.reader,
            task=task,
            version=version_in(form),
            to=form.text("til"),
            comment=form.text("kommentar"),
            at=now(request),
        )
        await journal.commit()
    except (AccessError, RecordError) as error:
        return await _page(request, decision, form=form, error=error)
    return RedirectResponse("/innboks?overlevert=1", 303)


async def _inbox(request: Request, decision: Decision) -> Inbox:
    return await actions.read_inbox(
        journal_of(request, decision), reader=decision.reader, at=now(request), language=language_of(request)
    )


async def _page(
    request: Request,
    decision: Decision,
    *,
    form: Form | None = None,
    error: AccessError | RecordError | None = None,
) -> Response:
    journal = journal_of(request, decision)
    patient = patient_id(patient_of(decision))
    resource, item = await actions.read_task(
        journal, patient=patient_of(decision), task=request.path_params["task"], at=now(request)
    )
    labs = [("patient", patient), ("category", "laboratory"), ("_sort", "-date"), ("_count", "300")]
    more = [("labs", "Observation", labs), signature_wish(patient)] if item.kind == SIGN_RESULT else []
    frame = await open_frame(request, decision, more, journal=journal)
    item = item_from(resource, await directory_of(frame, [resource]), frame.at)
    return render(
        request,
        "tasks/task.html",
        status_of(error) if error else 200,
        frame=frame,
        tab="oppgaver",
        item=item,
        kinds=KINDS,
        answer=await _answer(frame, item),
        note=await _note(frame, item),
        error=error,
        colleagues=await actions.read_colleagues(journal, reader=decision.reader),
        comment=form.text("kommentar") if form else "",
        chosen=form.text("til") if form else "",
        context=context_field(decision.reader),
        reference_range=reference_range,
        may_sign=_may_finish(decision, item),
        was_done="utfort" in request.query_params,
    )


def _may_finish(decision: Decision, item: Item) -> bool:
    """Results are signed by doctors; the rest is done by whoever does it."""
    return item.is_open and (item.kind != SIGN_RESULT or decision.reader.role in SIGNERS)


async def _answer(frame: Frame, item: Item) -> Shown | None:
    if item.kind != SIGN_RESULT or item.focus is None or item.focus[0] != "DiagnosticReport":
        return None
    try:
        answer = await read_answer(frame.journal, patient=frame.patient, report=item.focus[1])
    except NotFound:
        return None
    report, *results = (part.resource() for part in answer.parts)
    values = values_from(frame.found["labs"])
    rows = [_with_earlier(one, values) for one in values_from(results)]
    directory = await directory_of(frame, [report])
    signatures = signatures_from(frame.found["signatures"], frame.directory)
    return Shown(
        title=words(report.get("code")),
        drawn_at=moment(report.get("effectiveDateTime")),
        issued_at=moment(report.get("issued")),
        laboratory=next(filter(None, map(directory.name, report.get("performer", ()))), ""),
        rows=tuple(rows),
        conclusion=report.get("conclusion", ""),
        seen=answer.seen,
        signed=signatures.get(f"DiagnosticReport/{item.focus[1]}"),
    )


def _with_earlier(one: Value, values: list[Value]) -> Series:
    """The answer's own value first, then those taken before it."""
    earlier = [v for v in values if v.key == one.key and v.at < one.at]
    return series([one, *earlier])[0]


async def _note(frame: Frame, item: Item) -> Any:
    row = await _focus(frame.journal, item, "Composition") if item.kind == READ_NOTE else None
    if row is None:
        return None
    directory = await directory_of(frame, [row])
    note = note_from(row, version=1)
    return {
        "note": note,
        "author": directory.name(row["author"][0]),
        "unit": directory.name(row.get("custodian")),
    }


async def _focus(journal: Journal, item: Item, rtype: str) -> Json | None:
    if item.focus is None or item.focus[0] != rtype:
        return None
    try:
        return (await journal.read(*item.focus)).resource()
    except NotFound:
        return None


routes = [
    Route("/innboks", show_inbox),
    Route("/innboks/neste", go_on),
    Route("/pasienter/{patient}/oppgaver/{task}", show_task),
    Route("/pasienter/{patient}/oppgaver/{task}/utfort", finish, methods=["POST"]),
    Route("/pasienter/{patient}/oppgaver/{task}/overlever", hand_over, methods=["POST"]),
]
