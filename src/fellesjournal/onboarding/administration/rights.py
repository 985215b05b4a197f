"""Roles and what they may do: seen by every administrator, changed when two agree, within a closed list."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from fellesjournal.access import gate
from fellesjournal.access.decide import Decision
from fellesjournal.identity.administration import last_day, ledger, midnight, midnight_after
from fellesjournal.kit import db
from fellesjournal.onboarding.administration.people import HOME, WHY, attempt, day_of, number_of, role_names
from fellesjournal.onboarding.administration.words import ACTIONS, named
from fellesjournal.web import FieldErrors, Form, _, language_of, read_form, render, translate

_NOTHING = "INGEN"


@dataclass(frozen=True)
class Right:
    """A right as it is now, or later. `kinds` "" for none."""

    action: str
    kinds: str
    from_at: datetime | None
    until_at: datetime | None
    is_live: bool


@gate.administrator(WHY)
async def show(request: Request, decision: Decision) -> Response:
    """The table, and what waits to be decided."""
    return await _page(request, decision, {}, FieldErrors())


@gate.administrator(WHY)
async def wish(request: Request, decision: Decision) -> Response:
    """Wish a right changed; another administrator decides."""
    form, errors = await read_form(request), FieldErrors()
    asked = _wish(form, errors)
    if not errors and await attempt(request, decision, [asked], errors, field="rett"):
        return RedirectResponse(f"{HOME}/roller", 303)
    return await _page(request, decision, form.values(), errors, status=422)


@gate.administrator(WHY)
async def decide(request: Request, decision: Decision) -> Response:
    """Approve or refuse what another wished, or take one's own wish back."""
    form, errors = await read_form(request), FieldErrors()
    asked = {"do": "decision", "wish": number_of(form.text("onske")) or 0, "approve": form.text("gjor") == "godkjenn"}
    if await attempt(request, decision, [asked], errors):
        return RedirectResponse(f"{HOME}/roller", 303)
    return await _page(request, decision, {}, errors, status=422)


def _wish(form: Form, errors: FieldErrors) -> dict[str, Any]:
    role, _sep, action = form.text("rett").partition("|")
    kinds = form.text("opplysninger")
    if not role or not action:
        errors.add("rett", _("Velg rolle og rettighet."))
    if not kinds:
        errors.add("opplysninger", _("Velg hvilke opplysninger."))
    first, last = day_of(form, "fra", errors, is_needed=False), day_of(form, "til", errors, is_needed=False)
    return {
        "do": "right", "role": role, "action": action, "kinds": None if kinds == _NOTHING else kinds,
        **({"from": max(midnight(first), datetime.now(UTC))} if first else {}),
        **({"until": midnight_after(last)} if last else {}),
    }  # fmt: skip


def _right(row: db.Row) -> Right:
    return Right(row["action"], row["kinds"] or "", row["from_at"], row["until_at"], row["is_live"])


async def _page(
    request: Request, decision: Decision, values: dict[str, str], errors: FieldErrors, *, status: int = 200
) -> Response:
    database, language = request.app.state.access_db, language_of(request)
    roles, rows = await role_names(request, decision), await ledger.rights(database, secret=decision.secret)
    sets = named(await ledger.kind_sets(database, secret=decision.secret), language)
    table = [(role, [_right(row) for row in group]) for role, group in groupby(rows, key=lambda row: row["role"])]
    offers = [
        (f"{role}|{right.action}", f"{roles[role]}: {translate(request, ACTIONS.get(right.action, right.action))}")
        for role, group in table for right in group if right.is_live
    ]  # fmt: skip
    return render(
        request, "administration/rights.html", status, table_rows=table, roles=roles, sets=sets, offers=offers,
        values=values, errors=errors, actions=ACTIONS, last_day=last_day,
        wishes=await ledger.right_wishes(database, secret=decision.secret),
        choices=[*sets.items(), (_NOTHING, translate(request, _("Ingen (rettigheten tas bort)")))],
    )  # fmt: skip


routes = [
    Route(HOME + "/roller", show),
    Route(HOME + "/roller", wish, methods=["POST"]),
    Route(HOME + "/roller/avgjor", decide, methods=["POST"]),
]
