"""Systems that bring staff in (SCIM): one made, a token shown once, one ended."""

from __future__ import annotations

from datetime import UTC, datetime

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from fellesjournal.access import gate
from fellesjournal.access.decide import Decision
from fellesjournal.identity.administration import ledger, midnight_after
from fellesjournal.identity.cookies import secret_text
from fellesjournal.onboarding.administration.people import HOME, WHY, attempt, day_of, number_of
from fellesjournal.record.errors import NotFound
from fellesjournal.web import FieldErrors, _, read_form, render


@gate.administrator(WHY)
async def show(request: Request, decision: Decision) -> Response:
    """The systems of the own legal entity."""
    return await _page(request, decision, {}, FieldErrors())


@gate.administrator(WHY)
async def add(request: Request, decision: Decision) -> Response:
    """Make a system; its token is made apart."""
    form, errors = await read_form(request), FieldErrors()
    name, last = form.text("navn"), day_of(form, "til", errors, is_needed=True)
    if not 1 <= len(name) <= 80 or not name.isprintable():
        errors.add("navn", _("Skriv navnet på systemet."))
    if last and not 0 <= (last - datetime.now(UTC).date()).days <= 365:
        errors.add("til", _("Siste dag er høyst et år fram."))
    if last and not errors:
        wish = {"do": "client", "name": name, "until": midnight_after(last)}
        if await attempt(request, decision, [wish], errors):
            return RedirectResponse(f"{HOME}/systemer", 303)
    return await _page(request, decision, form.values(), errors, status=422)


@gate.administrator(WHY)
async def change(request: Request, decision: Decision) -> Response:
    """A new token, shown once; or the system ends, with its tokens, at once."""
    form, errors = await read_form(request), FieldErrors()
    number = number_of(form.text("system")) or 0
    if form.text("gjor") == "avslutt":
        if not await attempt(request, decision, [{"do": "client", "client": number}], errors):
            raise NotFound
        return RedirectResponse(f"{HOME}/systemer", 303)
    made = await ledger.new_token(request.app.state.apps.signin, secret=decision.secret, client=number)
    if made is None:
        raise NotFound
    return await _page(request, decision, {}, errors, token=secret_text(made[0]))


async def _page(
    request: Request,
    decision: Decision,
    values: dict[str, str],
    errors: FieldErrors,
    *,
    status: int = 200,
    token: str = "",
) -> Response:
    clients = await ledger.scim_clients(request.app.state.access_db, secret=decision.secret)
    return render(
        request, "administration/systems.html", status, clients=clients, values=values, errors=errors, token=token,
        address=f"{request.app.state.apps.base}/scim/v2",
    )  # fmt: skip


routes = [
    Route(HOME + "/systemer", show),
    Route(HOME + "/systemer", add, methods=["POST"]),
    Route(HOME + "/systemer/endre", change, methods=["POST"]),
]
