"""People and their posts: search by name, somebody new, give, end and prolong."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from fellesjournal.access import gate
from fellesjournal.access.decide import Decision
from fellesjournal.identity import named_by_number
from fellesjournal.identity.administration import (
    REFUSALS,
    Administrator,
    Refused,
    Report,
    Staff,
    Wish,
    carry_out,
    last_day,
    ledger,
    midnight,
    midnight_after,
)
from fellesjournal.kit import db
from fellesjournal.national.identifiers import DNR, FNR, kind_of
from fellesjournal.onboarding.administration import words
from fellesjournal.record.errors import NotFound
from fellesjournal.web import FieldErrors, Form, _, language_of, read_form, render

HOME: Final = "/administrasjon"
WHY: Final = "units, people and rights; no record in it"
_SHOWN: Final = 50
_MOST_DAYS: Final = 366 * 40
_FIELDS: Final = {
    "licence": "hpr", "period": "til", "role": "rolle", "unit": "enhet", "name": "navn", "reason": "grunn",
    "source": "avtale",
}  # fmt: skip
"""The field that a refusal is about, where it is not the one that the page says."""


@gate.administrator(WHY)
async def show(request: Request, decision: Decision) -> Response:
    """The search, with the newest people before anything is typed."""
    return await _list(request, decision, "")


@gate.administrator(WHY)
async def find(request: Request, decision: Decision) -> Response:
    """People whose names begin so; by POST, so that no name stands in an address."""
    return await _list(request, decision, (await read_form(request)).text("navn"))


@gate.administrator(WHY)
async def show_new(request: Request, decision: Decision) -> Response:
    """The empty form for somebody new."""
    return await _new(request, decision, {}, FieldErrors())


@gate.administrator(WHY)
async def add(request: Request, decision: Decision) -> Response:
    """Bring somebody in with a first post, or find them: whoever is here already keeps what they have."""
    form, errors = await read_form(request), FieldErrors()
    number = national_id(request, form, errors)
    name, licence = form.text("navn"), form.text("hpr")
    if not 2 <= len(name) <= 200 or not name.isprintable():
        errors.add("navn", _("Skriv hele navnet."))
    post = _post_wish(form, errors)
    if not errors:
        whom = named_by_number(request.app.state.keys, number)
        person: Wish = {"do": "person", **whom, "name": name, **({"licence": licence} if licence else {})}
        report = await attempt(request, decision, [person, {**post, "person_at": 0}], errors)
        if report:
            return RedirectResponse(f"{HOME}/personer/{report.subjects[0]}", 303)
    typed = {key: value for key, value in form.values().items() if key != "nummer"}
    return await _new(request, decision, typed, errors, status=422)


@gate.administrator(WHY)
async def show_one(request: Request, decision: Decision) -> Response:
    """One person: posts, and what was changed."""
    return await _one(request, decision, {}, FieldErrors())


@gate.administrator(WHY)
async def give(request: Request, decision: Decision) -> Response:
    """Give a post."""
    form, errors = await read_form(request), FieldErrors()
    post = _post_wish(form, errors)
    return await _done(request, decision, [{**post, "person": _id(request, "person")}], form, errors)


@gate.administrator(WHY)
async def change(request: Request, decision: Decision) -> Response:
    """End a post now, or let it hold to another last day: a shorter time or, given anew, a longer one."""
    form, errors, person = await read_form(request), FieldErrors(), await _found(request, decision)
    post = next((post for post in person.posts if str(post.id) == form.text("stilling")), None)
    if post is None:
        raise NotFound
    if form.text("gjor") == "avslutt":
        return await _done(request, decision, [{"do": "end", "post": post.id}], form, errors)
    last = day_of(form, f"til-{post.id}", errors, is_needed=True)
    until = midnight_after(last) if last else None
    wish: dict[str, Any] = {"do": "end", "post": post.id, "at": until}
    if until and (post.is_over or (post.until_at and until > post.until_at)):
        wish = {"do": "post", "person": person.id, "unit": post.unit, "role": post.role, "until": until}
    return await _done(request, decision, [wish], form, errors)


@gate.administrator(WHY)
async def stop(request: Request, decision: Decision) -> Response:
    """The person stops: every post ends now."""
    form = await read_form(request)
    return await _done(request, decision, [{"do": "stop", "person": _id(request, "person")}], form, FieldErrors())


async def attempt(
    request: Request, decision: Decision, wishes: list[Wish], errors: FieldErrors, *, field: str = "gjor"
) -> Report | None:
    """Carry wishes out, or add the first refusal as a fault of a field."""
    try:
        return await carry_out(request.app.state.access_db, wishes, by=Administrator(decision.secret))
    except Refused as refused:
        errors.add(_FIELDS.get(refused.why, field), REFUSALS[refused.why])
        return None


def day_of(form: Form, name: str, errors: FieldErrors, *, is_needed: bool) -> date | None:
    """A day that was typed; None for none, with a fault when it can't be read or was needed."""
    text = form.text(name)
    if not text and not is_needed:
        return None
    try:
        on = date.fromisoformat(text)
        if abs((on - datetime.now(UTC).date()).days) <= _MOST_DAYS:
            return on
    except ValueError:
        pass
    errors.add(name, _("Skriv en dato."))
    return None


def national_id(request: Request, form: Form, errors: FieldErrors) -> str:
    """The national number that was typed in `nummer`, with a fault when it can't be one here."""
    number = form.text("nummer").replace(" ", "")
    wanted = "synthetic" if request.app.state.installed.demo else "real"
    if wanted not in (kind_of(FNR, number), kind_of(DNR, number)):
        errors.add("nummer", _("Nummeret kan ikke være et fødselsnummer eller D-nummer her."))
    return number


def number_of(text: str) -> int | None:
    """A number that the database can have as a key, or None."""
    is_number = text.isascii() and text.isdecimal() and len(text) < 20
    return int(text) if is_number and int(text) < 1 << 63 else None


async def role_names(request: Request, decision: Decision) -> dict[str, str]:
    """Roles that can be given, by code."""
    return words.named(await ledger.roles(request.app.state.access_db, secret=decision.secret), language_of(request))


def _post_wish(form: Form, errors: FieldErrors) -> dict[str, Any]:
    first, last = day_of(form, "fra", errors, is_needed=False), day_of(form, "til", errors, is_needed=False)
    unit = number_of(form.text("enhet"))
    if unit is None:
        errors.add("enhet", _("Velg en enhet."))
    if not form.text("rolle"):
        errors.add("rolle", _("Velg en rolle."))
    licence = form.text("hpr")
    if licence and not (licence.isascii() and licence.isdecimal() and 7 <= len(licence) <= 9):
        errors.add("hpr", _("HPR-nummeret har 7 til 9 sifre."))
    # What begins today begins now: midnight may lie before the unit did.
    begins = midnight(first) if first and first != datetime.now(UTC).date() else None
    return {
        "do": "post", "unit": unit or 0, "role": form.text("rolle"),
        **({"licence": licence} if licence else {}), **({"from": begins} if begins else {}),
        **({"until": midnight_after(last)} if last else {}),
    }  # fmt: skip


async def _list(request: Request, decision: Decision, typed: str) -> Response:
    database: db.Database = request.app.state.access_db
    asked = typed.split()[:5]
    people = await ledger.staff(database, secret=decision.secret, words=asked, limit=_SHOWN + 1)
    return render(
        request, "administration/people.html", people=people[:_SHOWN], more=len(people) > _SHOWN, typed=typed,
        roles=await role_names(request, decision), total=await ledger.staff_count(database, secret=decision.secret),
    )  # fmt: skip


async def _new(
    request: Request, decision: Decision, values: Mapping[str, str], errors: FieldErrors, *, status: int = 200
) -> Response:
    return render(
        request, "administration/new.html", status, values=values, errors=errors,
        **await _choices(request, decision),
    )  # fmt: skip


async def _choices(request: Request, decision: Decision) -> dict[str, Any]:
    units = await ledger.units(request.app.state.access_db, secret=decision.secret)
    roles = await ledger.roles(request.app.state.access_db, secret=decision.secret)
    return {
        "units": [(unit.id, unit.name) for unit in units],
        "roles": words.named(roles, language_of(request)),
    }  # fmt: skip


async def _one(
    request: Request, decision: Decision, values: Mapping[str, str], errors: FieldErrors, *, status: int = 200
) -> Response:
    person, choices = await _found(request, decision), await _choices(request, decision)
    done = await ledger.changes(request.app.state.access_db, secret=decision.secret, about=person.id)
    return render(
        request, "administration/person.html", status, person=person, values=values, errors=errors, last_day=last_day,
        done=[(one, words.details(one, choices["roles"])) for one in done], subjects=words.SUBJECTS, did=words.DID,
        **choices,
    )  # fmt: skip


async def _done(request: Request, decision: Decision, wishes: list[Wish], form: Form, errors: FieldErrors) -> Response:
    if not errors and await attempt(request, decision, wishes, errors):
        return RedirectResponse(f"{HOME}/personer/{_id(request, 'person')}", 303)
    return await _one(request, decision, form.values(), errors, status=422)


async def _found(request: Request, decision: Decision) -> Staff:
    found = await ledger.staff(request.app.state.access_db, secret=decision.secret, id=_id(request, "person"))
    if not found:
        raise NotFound
    return found[0]


def _id(request: Request, name: str) -> int:
    found = number_of(request.path_params[name])
    if found is None:
        raise NotFound
    return found


routes = [
    Route(HOME, show),
    Route(HOME, find, methods=["POST"]),
    Route(HOME + "/personer/ny", show_new),
    Route(HOME + "/personer/ny", add, methods=["POST"]),
    Route(HOME + "/personer/{person}", show_one),
    Route(HOME + "/personer/{person}/gi", give, methods=["POST"]),
    Route(HOME + "/personer/{person}/endre", change, methods=["POST"]),
    Route(HOME + "/personer/{person}/stopp", stop, methods=["POST"]),
]
