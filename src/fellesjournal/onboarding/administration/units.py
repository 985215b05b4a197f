"""The tree of units: municipality, service, unit; a new one below another, another name, a last day."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from fellesjournal.access import gate
from fellesjournal.access.decide import Decision
from fellesjournal.identity.administration import UnitRow, last_day, ledger, midnight_after
from fellesjournal.kit import ids
from fellesjournal.onboarding.administration.people import HOME, WHY, attempt, day_of, number_of
from fellesjournal.onboarding.administration.words import MODELS, UNIT_KINDS
from fellesjournal.web import FieldErrors, Form, _, read_form, render, translate


@dataclass(frozen=True)
class Branch:
    """A unit with those below it."""

    unit: UnitRow
    below: tuple[Branch, ...]


@gate.administrator(WHY)
async def show(request: Request, decision: Decision) -> Response:
    """The tree."""
    return await _page(request, decision, {}, FieldErrors())


@gate.administrator(WHY)
async def put(request: Request, decision: Decision) -> Response:
    """Make a unit below another, or change one by its code."""
    form, errors = await read_form(request), FieldErrors()
    wish = _wish(form, errors)
    if not errors and await attempt(request, decision, [wish], errors, field="kode"):
        return RedirectResponse(f"{HOME}/enheter", 303)
    return await _page(request, decision, form.values(), errors, status=422)


def tree(units: list[UnitRow]) -> tuple[Branch, ...]:
    """The units as a tree, each level in their order; one whose parent is out of reach stands on top."""
    below: dict[int | None, list[UnitRow]] = defaultdict(list)
    for unit in units:
        below[unit.parent].append(unit)

    def branches(parent: int | None) -> tuple[Branch, ...]:
        return tuple(Branch(unit, branches(unit.id)) for unit in below[parent])

    return branches(None)


def _wish(form: Form, errors: FieldErrors) -> dict[str, Any]:
    code, name = form.text("kode"), form.text("navn")
    if not 1 <= len(code) <= 100 or len(code.split()) != 1 or not code.isprintable():
        errors.add("kode", _("Skriv en kode uten mellomrom."))
    if not 2 <= len(name) <= 200 or not name.isprintable():
        errors.add("navn", _("Skriv navnet på enheten."))
    if form.text("slag") not in UNIT_KINDS:
        errors.add("slag", _("Velg hva slags enhet det er."))
    last = day_of(form, "til", errors, is_needed=False)
    own = number_of(form.text("enhet")) or ids.new_pid()
    return {
        "do": "unit", "id": own, "code": code, "name": name, "kind": form.text("slag"),
        **({"parent": form.text("over")} if form.text("over") else {}),
        **({"until": midnight_after(last)} if last else {}),
    }  # fmt: skip


async def _page(
    request: Request, decision: Decision, values: dict[str, str], errors: FieldErrors, *, status: int = 200
) -> Response:
    units = await ledger.units(request.app.state.access_db, secret=decision.secret)
    return render(
        request, "administration/units.html", status, branches=tree(units), values=values, errors=errors,
        kinds=[(kind, translate(request, text)) for kind, text in UNIT_KINDS.items()], kind_names=UNIT_KINDS,
        models=MODELS, parents=[(unit.code, unit.name) for unit in units if unit.code], last_day=last_day,
        uncoded=[(unit.id, unit.name) for unit in units if not unit.code],
    )  # fmt: skip


routes = [
    Route(HOME + "/enheter", show),
    Route(HOME + "/enheter", put, methods=["POST"]),
]
