"""The duty list of the leader's own unit."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from fellesjournal.access import duty, gate
from fellesjournal.access.decide import Decision
from fellesjournal.clinical.pages import check_context, context_field, now
from fellesjournal.identity.model import ROLE_NAMES
from fellesjournal.kit.clock import OSLO
from fellesjournal.record.errors import NotFound
from fellesjournal.web import Entry, FieldErrors, Form, _, add_templates, read_form, render, translate

HOME: Final = "/vaktliste"
_YEARS: Final = range(2000, 2200)
LINKS: Final = (Entry(_("Vaktliste"), HOME),)
_FAULTS: Final = {
    "self": ("hvem", _("Ingen setter seg selv på vakt. Be en annen leder eller driften.")),
    "person": ("hvem", _("Personen har ikke stilling ved enheten i hele denne tiden.")),
    "period": ("til", _("Vakten må slutte etter at den begynner, etter nå, og vare høyst sju dager.")),
    "there": ("fra", _("Personen står allerede på vakt i denne tiden.")),
}
"""The field and the text of what the database refuses."""

add_templates("duty", "fellesjournal.clinical.duty")


@gate.unit("duty")
async def show(request: Request, decision: Decision) -> Response:
    """Who is on duty now and later, and the form. Raises NotLeader."""
    return await _page(request, decision, {}, FieldErrors())


@gate.unit("duty")
async def put_on(request: Request, decision: Decision) -> Response:
    """Put somebody on duty. Raises NotLeader, OtherContext."""
    form, errors = await read_form(request), FieldErrors()
    check_context(form, decision.reader)
    who = form.text("hvem")
    person = int(who) if who.isascii() and who.isdecimal() and len(who) < 19 else None
    if person is None:
        errors.add("hvem", _("Velg hvem som skal på vakt."))
    from_at, until_at = _instant(form, "fra", errors), _instant(form, "til", errors)
    if person is not None and from_at and until_at and not errors:
        status = await duty.put_on(
            request.app.state.access_db, decision=decision, person=person, from_at=from_at, until_at=until_at
        )
        if status == "done":
            return RedirectResponse(HOME, 303)
        errors.add(*_FAULTS[status])
    return await _page(request, decision, form.values(), errors, status=422)


@gate.unit("duty")
async def take_off(request: Request, decision: Decision) -> Response:
    """Take somebody off. Raises NotFound, OtherContext."""
    form = await read_form(request)
    check_context(form, decision.reader)
    shift = form.text("vakt")
    number = int(shift) if shift.isascii() and shift.isdecimal() and len(shift) < 19 else 0
    if not await duty.take_off(request.app.state.access_db, decision=decision, shift=number):
        raise NotFound
    return RedirectResponse(HOME, 303)


def _instant(form: Form, name: str, errors: FieldErrors) -> datetime | None:
    """A day and a time of day in Norway; None with a fault when that is not what was typed."""
    try:
        at = datetime.fromisoformat(form.text(name))
    except ValueError:
        at = None
    if at and at.tzinfo is None and at.year in _YEARS:
        return at.replace(tzinfo=OSLO)
    errors.add(name, _("Skriv dag og klokkeslett."))
    return None


async def _page(
    request: Request, decision: Decision, values: Mapping[str, str], errors: FieldErrors, *, status: int = 200
) -> Response:
    found = await duty.duty_list(request.app.state.access_db, decision=decision)
    staff = [(one.person, f"{one.name}, {_roles(request, one)}") for one in found.staff]
    return render(
        request, "duty/list.html", status, found=found, staff=staff, errors=errors,
        values=values or {"fra": f"{now(request).astimezone(OSLO):%Y-%m-%dT%H:%M}"},
        context=context_field(decision.reader),
    )  # fmt: skip


def _roles(request: Request, one: duty.Colleague) -> str:
    return ", ".join(translate(request, ROLE_NAMES.get(role, role)) for role in one.roles).lower()


routes = [
    Route(HOME, show, methods=["GET"]),
    Route(HOME, put_on, methods=["POST"]),
    Route(f"{HOME}/av", take_off, methods=["POST"]),
]
