"""Oversight: who judges how access was used at which controller, and the well-known people of the nightly analysis."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from itertools import groupby
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from fellesjournal.access import gate
from fellesjournal.access.decide import Decision
from fellesjournal.identity import named_by_number
from fellesjournal.identity.administration import last_day, midnight_after, oversight
from fellesjournal.onboarding.administration.people import HOME, WHY, attempt, day_of, national_id, number_of
from fellesjournal.web import FieldErrors, Form, _, read_form, render

REVIEW: Final = HOME + "/innsynskontroll"
KNOWN: Final = HOME + "/kjente"
_LONGEST: Final = 200


@gate.administrator(WHY)
async def show_review(request: Request, decision: Decision) -> Response:
    """Who judges for whom."""
    return await _review(request, decision, {}, FieldErrors())


@gate.administrator(WHY)
async def let_review(request: Request, decision: Decision) -> Response:
    """Let the reviewers of a unit judge for a controller too."""
    form, errors = await read_form(request), FieldErrors()
    controller, unit = number_of(form.text("virksomhet")), number_of(form.text("enhet"))
    if controller is None:
        errors.add("virksomhet", _("Velg hvem det skal vurderes for."))
    if unit is None:
        errors.add("enhet", _("Velg hvem som skal vurdere."))
    source = _text(form, "avtale", errors, fault=_("Skriv hvilken avtale det bygger på."))
    until = _until(form, errors)
    wish = {"do": "review", "controller": controller, "unit": unit, "source": source, **until}
    if not errors and await attempt(request, decision, [wish], errors, field="enhet"):
        return RedirectResponse(REVIEW, 303)
    return await _review(request, decision, form.values(), errors, status=422)


@gate.administrator(WHY)
async def end_review(request: Request, decision: Decision) -> Response:
    """They judge for that controller no more, from now on."""
    form, errors = await read_form(request), FieldErrors()
    asked = {"controller": number_of(form.text("virksomhet")) or 0, "unit": number_of(form.text("enhet")) or 0}
    if await attempt(request, decision, [{"do": "review", **asked, "is_over": True}], errors):
        return RedirectResponse(REVIEW, 303)
    return await _review(request, decision, {}, errors, status=422)


@gate.administrator(WHY)
async def show_known(request: Request, decision: Decision) -> Response:
    """The list."""
    return await _known(request, decision, {}, FieldErrors())


@gate.administrator(WHY)
async def add_known(request: Request, decision: Decision) -> Response:
    """Put somebody on the list by the national number, or change what stands there; says nothing of a record."""
    form, errors = await read_form(request), FieldErrors()
    number = national_id(request, form, errors)
    name = _text(form, "navn", errors, fault=_("Skriv hele navnet."), least=2)
    reason = _text(form, "grunn", errors, fault=_("Skriv hvorfor mange kjenner til personen."))
    until = _until(form, errors)
    if not errors:
        whom = named_by_number(request.app.state.keys, number)
        if await attempt(request, decision, [{"do": "known", **whom, "name": name, "reason": reason, **until}], errors):
            return RedirectResponse(KNOWN, 303)
    typed = {key: value for key, value in form.values().items() if key != "nummer"}
    return await _known(request, decision, typed, errors, status=422)


@gate.administrator(WHY)
async def end_known(request: Request, decision: Decision) -> Response:
    """Take somebody off the list."""
    form, errors = await read_form(request), FieldErrors()
    if await attempt(request, decision, [{"do": "known", "known": number_of(form.text("person")) or 0}], errors):
        return RedirectResponse(KNOWN, 303)
    return await _known(request, decision, {}, errors, status=422)


def _text(form: Form, name: str, errors: FieldErrors, *, fault: str, least: int = 1) -> str:
    text = form.text(name)
    if not least <= len(text) <= _LONGEST or not text.isprintable():
        errors.add(name, fault)
    return text


def _until(form: Form, errors: FieldErrors) -> dict[str, datetime]:
    last = day_of(form, "til", errors, is_needed=False)
    return {"until": midnight_after(last)} if last else {}


async def _review(
    request: Request, decision: Decision, values: Mapping[str, str], errors: FieldErrors, *, status: int = 200
) -> Response:
    database = request.app.state.access_db
    rows = await oversight.reviewing(database, secret=decision.secret)
    grouped: list[Any] = [list(group) for _key, group in groupby(rows, key=lambda row: row.controller)]
    return render(
        request, "administration/review.html", status, ours=[rows for rows in grouped if rows[0].is_ours],
        others=[rows for rows in grouped if not rows[0].is_ours], values=values, errors=errors, last_day=last_day,
        units=await oversight.reviewing_units(database, secret=decision.secret),
    )  # fmt: skip


async def _known(
    request: Request, decision: Decision, values: Mapping[str, str], errors: FieldErrors, *, status: int = 200
) -> Response:
    people = await oversight.known_people(request.app.state.access_db, secret=decision.secret)
    return render(
        request, "administration/known.html", status, people=people, values=values, errors=errors, last_day=last_day
    )


routes = [
    Route(REVIEW, show_review),
    Route(REVIEW, let_review, methods=["POST"]),
    Route(REVIEW + "/avslutt", end_review, methods=["POST"]),
    Route(KNOWN, show_known),
    Route(KNOWN, add_known, methods=["POST"]),
    Route(KNOWN + "/avslutt", end_known, methods=["POST"]),
]
