"""Asking about a line of the log: the reviewers of the unit answer, within a deadline.

Which line it is comes by POST, as its place in the log; the question stands in no address.
"""

from __future__ import annotations

from typing import Final

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from fellesjournal.access import audit, gate
from fellesjournal.access.audit import LONGEST_QUESTION, NoSuchLine, OwnWish
from fellesjournal.access.decide import Decision
from fellesjournal.citizen.log.model import Visit
from fellesjournal.citizen.log.routes import place_in, shown_with
from fellesjournal.web import FieldErrors, _, read_form, render

ADDRESS: Final = "/min-journal/innsyn/spoersmaal"


@gate.citizen("open")
async def overview(request: Request, decision: Decision) -> Response:
    """What was asked, with the answers, newest first."""
    questions = await audit.own_questions(request.app.state.access_db, decision=decision)
    return render(request, "citizen/log_questions.html", questions=questions)


@gate.citizen("open")
async def write(request: Request, decision: Decision) -> Response:
    """The line, and room for a question. Raises NoSuchLine."""
    return await _form(request, decision, (await read_form(request)).text("linje"), "", FieldErrors())


@gate.citizen("open")
async def send(request: Request, decision: Decision) -> Response:
    """Send the question, or say what is wrong with it. Raises NoSuchLine, TooManyQuestions."""
    form, errors = await read_form(request), FieldErrors()
    line, question = form.text("linje"), form.text("spoersmaal")
    place = place_in(line)
    if place is None:
        raise NoSuchLine
    if not question:
        errors.add("spoersmaal", _("Skriv hva du lurer på."))
    elif len(question) > LONGEST_QUESTION:
        errors.add("spoersmaal", _("Spørsmålet er for langt. Skriv det på under 2000 tegn."))
    if errors:
        return await _form(request, decision, line, question, errors)
    await audit.ask_about(request.app.state.access_db, decision=decision, place=place, question=question)
    return RedirectResponse(ADDRESS, 303)


async def _form(
    request: Request, decision: Decision, line: str, question: str, errors: FieldErrors
) -> Response:
    place = place_in(line)
    if place is None:
        raise NoSuchLine
    at, pos = place
    lines = await audit.own_log(
        request.app.state.access_db, decision=decision, wish=OwnWish(), after=(at, pos + 1), limit=1
    )
    visit = Visit(tuple(lines[:1]))
    if not lines or lines[0].place != place or visit.asked_of is None:
        raise NoSuchLine
    return render(
        request,
        "citizen/log_question.html",
        422 if errors else 200,
        visit=visit,
        line=line,
        question=question,
        errors=errors,
        **shown_with(request),
    )


routes = [
    Route(ADDRESS, overview, methods=["GET"]),
    Route(ADDRESS, send, methods=["POST"]),
    Route(f"{ADDRESS}/nytt", write, methods=["POST"]),
]
