"""The pages of the reviewer: the tasks, one task with its judgement, the figures, and what the analysis weighs."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from fellesjournal.access import gate, review
from fellesjournal.access.decide import Decision
from fellesjournal.access.model import AccessError
from fellesjournal.access.review import JUDGEMENTS, QUESTION, Task, Wish
from fellesjournal.access.words import done
from fellesjournal.clinical.pages import check_context, context_field, now
from fellesjournal.clinical.review import words
from fellesjournal.clinical.review.evidence import circumstances, notes
from fellesjournal.identity.model import ROLE_NAMES
from fellesjournal.record.errors import NotFound
from fellesjournal.record.review import Subject, subject_of
from fellesjournal.web import Entry, FieldErrors, Form, _, add_templates, keep_typed, language_of, read_form, render

HOME = "/kontroll"
LINKS = (
    Entry(_("Oppgaver"), HOME),
    Entry(_("Sletting"), f"{HOME}/sletting"),
    Entry(_("Tall"), f"{HOME}/tall"),
    Entry(_("Hva som teller"), f"{HOME}/tegn"),
)
_WHY = "judging how access was used; opens no record, and the database logs each list and task that is shown"

add_templates("review", "fellesjournal.clinical.review")
keep_typed(merknad=_("Merknad"), svar=_("Svar til innbyggeren"))


@gate.reviewer(_WHY)
async def show(request: Request, decision: Decision) -> Response:
    """The tasks that wait, the most urgent first, or those that were judged."""
    db, wish = request.app.state.access_db, _wish(request)
    tasks = await review.list_tasks(db, decision=decision, wish=wish)
    counts = {one.kind: one for one in await review.counts(db, decision=decision)}
    return render(
        request, "review/list.html", tasks=tasks, wish=wish, counts=counts, kinds=await review.kinds(db),
        signs=await review.signs(db, decision=decision), language=language_of(request), words=words,
        total=sum(one.waiting for one in counts.values()), overdue=sum(one.overdue for one in counts.values()),
        other=sum(one.other for one in counts.values()), query=_query(wish),
        next=_next(wish, tasks) if len(tasks) == review.PAGE else "",
    )  # fmt: skip


@gate.reviewer(_WHY)
async def show_task(request: Request, decision: Decision) -> Response:
    """One task with its evidence. Raises NotFound."""
    return await _page(request, decision)


@gate.reviewer(_WHY)
async def judge(request: Request, decision: Decision) -> Response:
    """Say what it was; then back to the tasks that wait. Raises NotFound."""
    form, errors = await read_form(request), FieldErrors()
    task = await _found(request, decision)
    try:
        check_context(form, decision.reader)
    except AccessError as error:
        return await _page(request, decision, form=form, task=task, error=error)
    _check(form, task, errors)
    if errors:
        return await _page(request, decision, form=form, task=task, errors=errors)
    done = await review.judge(
        request.app.state.access_db, decision=decision, task=task.summary.id, judgement=form.text("vurdering"),
        follow_up=[code for code in review.FOLLOW_UPS if form.is_on(code)], note=form.text("merknad")[:4000],
        answer=form.text("svar")[:4000],
    )  # fmt: skip
    if not done:
        raise NotFound
    return RedirectResponse(f"{HOME}?vurdert=1", 303)


@gate.reviewer(_WHY)
async def show_figures(request: Request, decision: Decision) -> Response:
    """Uses of emergency access, overrides and chosen grounds by unit and person."""
    asked = request.query_params.get("dager", "90")
    days, db, at = asked if asked in words.PERIODS else "90", request.app.state.access_db, now(request)
    rows = await review.figures(db, decision=decision, since=at - timedelta(days=int(days)), until=at)
    return render(
        request, "review/figures.html", rows=rows, days=days, kinds=await review.kinds(db), words=words,
        language=language_of(request),
    )  # fmt: skip


@gate.reviewer(_WHY)
async def show_signs(request: Request, decision: Decision) -> Response:
    """What the nightly analysis of the log weighs."""
    found = await review.signs(request.app.state.access_db, decision=decision)
    groups = {group: [one for one in found.values() if one.group == group] for group in words.GROUPS}
    threshold = next((one.threshold for one in found.values()), 0)
    return render(
        request, "review/signs.html", groups=groups, words=words, threshold=threshold, language=language_of(request)
    )


async def _page(
    request: Request, decision: Decision, *, form: Form | None = None, task: Task | None = None,
    errors: FieldErrors | None = None, error: AccessError | None = None,
) -> Response:  # fmt: skip
    task = task or await _found(request, decision)
    db = request.app.state.access_db
    subject = await subject_of(db, secret=decision.secret, task=task.summary.id) if task.patient else None
    typed: dict[str, Any] = form.values() if form else _as_typed(task)
    return render(
        request, "review/task.html", error.status if error else 422 if errors else 200, task=task,
        subject=subject or Subject(), typed=typed, errors=errors or FieldErrors(), error=error,
        kinds=await review.kinds(db), words=words, done=done,
        signs=await review.signs(db, decision=decision), roles=ROLE_NAMES, language=language_of(request),
        is_question=task.summary.kind == QUESTION, context=context_field(decision.reader),
        instant=datetime.fromisoformat, circumstances=circumstances(task, language_of(request)), notes=notes(task),
    )  # fmt: skip


async def _found(request: Request, decision: Decision) -> Task:
    text = request.path_params["task"]
    number = int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else 0
    task = await review.get_task(request.app.state.access_db, decision=decision, task=number)
    if task is None:
        raise NotFound
    return task


def _as_typed(task: Task) -> dict[str, Any]:
    return {
        "vurdering": task.summary.judgement,
        "merknad": task.note,
        "svar": task.answer,
        **dict.fromkeys(task.follow_up, "1"),
    }


def _check(form: Form, task: Task, errors: FieldErrors) -> None:
    judgement = form.text("vurdering")
    if judgement not in JUDGEMENTS:
        errors.add("vurdering", _("Velg hva det var."))
    if judgement in ("DEVIATION", "SUSPECTED") and not form.text("merknad"):
        errors.add("merknad", _("Skriv hva du bygger vurderingen på."))
    if task.summary.kind == QUESTION and not form.text("svar"):
        errors.add("svar", _("Skriv svaret som innbyggeren skal få."))


def _wish(request: Request) -> Wish:
    query = request.query_params
    at, _dot, number = query.get("etter", "").partition("_")
    return Wish(
        state="judged" if query.get("vis") == "vurdert" else "open", kind=query.get("slag", "")[:20] or None,
        unit=_number(query.get("enhet", "")), reader=_number(query.get("leser", "")),
        only_overdue=query.get("frist") == "over", after=_place(at, number),
    )  # fmt: skip


def _place(at: str, number: str) -> tuple[datetime, int] | None:
    try:
        found, last = datetime.fromisoformat(at), _number(number)
    except ValueError:
        return None
    return (found, last) if found.tzinfo and last is not None else None


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else None


def _query(wish: Wish) -> dict[str, str]:
    """What is asked for, as the parts of an address; numbers and codes alone, nobody's name."""
    asked = {
        "vis": "vurdert" if wish.state == "judged" else "", "slag": wish.kind or "", "enhet": str(wish.unit or ""),
        "leser": str(wish.reader or ""), "frist": "over" if wish.only_overdue else "",
    }  # fmt: skip
    return {name: value for name, value in asked.items() if value}


def _next(wish: Wish, tasks: list[review.Summary]) -> str:
    at, number = tasks[-1].place
    parts = {**_query(wish), "etter": f"{at.isoformat().replace('+00:00', 'Z')}_{number}"}
    return f"{HOME}?" + "&".join(f"{name}={value}" for name, value in parts.items())


routes = [
    Route(HOME, show),
    Route(f"{HOME}/tall", show_figures),
    Route(f"{HOME}/tegn", show_signs),
    Route(HOME + "/{task}", show_task, methods=["GET"]),
    Route(HOME + "/{task}", judge, methods=["POST"]),
]
