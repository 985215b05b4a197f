"""The page "Representasjon", and going from one record to another: each a context of its own.

Numbers and names come by POST alone.
"""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta
from typing import Final

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from fellesjournal.access import gate, representation
from fellesjournal.access.decide import Decision
from fellesjournal.access.model import NoNeed, PatientId
from fellesjournal.access.representation import FullmaktRefused, KinRefused, KinWish, Represented
from fellesjournal.access.withholding import parents_told
from fellesjournal.clinical.pages import journal_of, now
from fellesjournal.clinical.representatives.telling import Told, with_words
from fellesjournal.identity.cookies import SESSION, secret_text
from fellesjournal.identity.current import current_reader, sessions_of
from fellesjournal.identity.model import RELATION_NAMES
from fellesjournal.identity.numbers import number_hash
from fellesjournal.identity.refusals import ACTING_OVER, SIGN_IN
from fellesjournal.kit.clock import OSLO, oslo_day
from fellesjournal.kit.ids import MAX_PID
from fellesjournal.web import FieldErrors, Form, _, add_templates, language_of, read_form, render

HOME: Final = "/min-journal/representasjon"
_ELEVEN: Final = re.compile(r"[0-9]{11}")
_PHONE: Final = re.compile(r"\+?[0-9 ]{5,20}")
_WHOLE: Final = "ALT"
_TOLD: Final = {
    "gitt": _("Fullmakten er gitt, og gjelder fra nå."),
    "tilbake": _("Fullmakten er tatt tilbake, og gjelder ikke lenger."),
    "valgt": _("Pårørende er lagret."),
    "fjernet": _("Pårørende er fjernet."),
}

add_templates("citizen", "fellesjournal.citizen")


@gate.citizen("open")
async def show(request: Request, decision: Decision) -> Response:
    """Whom the citizen acts for, who acts for them, and their next of kin."""
    return await _page(request, decision, FieldErrors(), {})


@gate.signed_in("from one record to another that the citizen may open; the database decides")
async def switch(request: Request, decision: Decision) -> Response:
    """Go over to the record of somebody whom they act for, or back. Raises MayNotRepresent."""
    form, sessions = await read_form(request), sessions_of(request)
    wanted = form.text("hvem")
    if decision.reader.kind != "citizen" or (wanted and not _is_number(wanted)):
        raise NoNeed
    patient = int(wanted) if wanted else await sessions.own_record(decision.reader.person)
    device = request.headers.get("user-agent", "")
    secret = await sessions.switch_citizen(decision.secret, patient=patient or 0, device=device)
    response = RedirectResponse("/min-journal", 303)
    sessions.cookies.put(response, SESSION, secret_text(secret))
    return response


@gate.public("what is told to one who may no longer act for another and goes on as themselves; nothing of a record")
async def acting_over(request: Request) -> Response:
    """Go over to the own record, by the session that acting for another was a part of, and say so."""
    sessions, device = sessions_of(request), request.headers.get("user-agent", "")
    secret = sessions.cookies.secret(request)
    own = None if secret is None else await sessions.acting_over(secret)
    if secret is None or own is None:
        reader = current_reader(request)
        is_home = reader is not None and reader.kind == "citizen" and reader.acting is None
        return render(request, "citizen/acting_over.html") if is_home else RedirectResponse(SIGN_IN, 303)
    response = RedirectResponse(ACTING_OVER, 303)
    new = await sessions.switch_citizen(secret, patient=own, device=device)
    sessions.cookies.put(response, SESSION, secret_text(new))
    return response


@gate.citizen("open")
async def give(request: Request, decision: Decision) -> Response:
    """Give somebody fullmakt over the own record."""
    form, errors = await read_form(request), FieldErrors()
    number, family, until = _asked(request, form, errors)
    chosen = [one for one in form.texts("omraade") if one != _WHOLE]
    if not form.texts("omraade"):
        errors.add("omraade", _("Velg hva fullmakten skal gjelde."))
    if not errors and until:
        whole = _WHOLE in form.texts("omraade")
        try:
            await representation.give_fullmakt(
                request.app.state.access_db, decision=decision, family=family, areas=() if whole else chosen,
                number_hash=number_hash(sessions_of(request).keys, number), may_act=form.is_on("handle"),
                until_at=until,
            )  # fmt: skip
        except FullmaktRefused as refused:
            errors.add(refused.field, refused.text)
        else:
            return _done("gitt")
    return await _page(request, decision, errors, form.values() | {"omraade": ",".join(form.texts("omraade"))})


@gate.citizen("open")
async def take_back(request: Request, decision: Decision) -> Response:
    """Take a fullmakt back, at once. Raises NoNeed."""
    number = (await read_form(request)).text("fullmakt")
    if not _is_number(number):
        raise NoNeed
    await representation.take_back(request.app.state.access_db, decision=decision, proxy=int(number))
    return _done("tilbake")


@gate.citizen("open")
async def choose_kin(request: Request, decision: Decision) -> Response:
    """Choose one more next of kin, or take one away. Raises NoNeed."""
    form, errors, db = await read_form(request), FieldErrors(), request.app.state.access_db
    gone = form.text("fjern")
    if gone:
        if not _is_number(gone):
            raise NoNeed
        await representation.let_kin_go(db, decision=decision, kin=int(gone))
        return _done("fjernet")
    name, relation, phone, share = [form.text(field) for field in ("navn", "relasjon", "telefon", "vite")]
    if not 2 <= len(name) <= 200:
        errors.add("navn", _("Skriv navnet."))
    if len(relation) > 100:
        errors.add("relasjon", _("Skriv det kortere."))
    if phone and not _PHONE.fullmatch(phone):
        errors.add("telefon", _("Skriv telefonnummeret med bare tall."))
    if not errors:
        wish = KinWish(name, relation, phone, share)
        try:
            await representation.choose_kin(db, decision=decision, wish=wish)
        except KinRefused as refused:
            errors.add(refused.field, refused.text)
    return await _page(request, decision, errors, form.values()) if errors else _done("valgt")


async def _page(request: Request, decision: Decision, errors: FieldErrors, typed: dict[str, str]) -> Response:
    db, reader = request.app.state.access_db, decision.reader
    is_own = reader.acting is None
    own = PatientId(reader.patient_slot or 0, reader.patient or 0)
    mine = await representation.represented(db, decision=decision)
    return render(
        request,
        "citizen/representation.html",
        422 if errors else 200,
        mine=mine,
        children=[one for one in mine if one.ground == "FORELDER"],
        others=[one for one in mine if one.ground != "FORELDER"],
        is_now=lambda one: not is_own and _is_same(one, reader.patient),
        acting=reader.acting,
        is_own=is_own,
        by=await representation.representatives(db, decision=decision) if is_own else (),
        kin=await representation.kin_of(db, decision=decision, patient=own) if is_own else (),
        shares=[(one.code, one.name(language_of(request))) for one in await representation.kin_shares(db)],
        language=language_of(request),
        told_parents=await _told_parents(request, decision, own) if is_own else (),
        areas=[(one.code, one.name(language_of(request))) for one in await representation.areas(db)],
        whole=_WHOLE,
        relations=RELATION_NAMES,
        errors=errors,
        typed=typed,
        told=_TOLD.get(request.query_params.get("gjort", "")),
        last_on=(now(request) + timedelta(days=365)).astimezone(OSLO).date().isoformat(),
    )


async def _told_parents(request: Request, decision: Decision, own: PatientId) -> list[Told]:
    """What the parents of a young person were told, in the words that stand in the record."""
    made = await parents_told(request.app.state.access_db, decision=decision, patient=own)
    return await with_words(journal_of(request, decision), made, slot=own.slot) if made else []


def _asked(request: Request, form: Form, errors: FieldErrors) -> tuple[str, str, datetime | None]:
    """Number, family name and end of a fullmakt; the day that is chosen is the last."""
    number, family = form.text("nummer").replace(" ", ""), form.text("etternavn")
    if not _ELEVEN.fullmatch(number):
        errors.add("nummer", _("Skriv fødselsnummeret med elleve tall."))
    if not 1 <= len(family) <= 100:
        errors.add("etternavn", _("Skriv etternavnet."))
    try:
        last_on = date.fromisoformat(form.text("til"))
    except ValueError:
        last_on = date.min
    today = oslo_day(now(request))
    if not today <= last_on <= today + timedelta(days=5 * 365):
        errors.add("til", _("Velg en dag fram i tid, høyst fem år fra nå."))
        return number, family, None
    return number, family, datetime.combine(last_on + timedelta(days=1), time(), OSLO)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 19 and int(text) <= MAX_PID


def _is_same(one: Represented, patient: int | None) -> bool:
    return one.patient == patient


def _done(what: str) -> Response:
    return RedirectResponse(f"{HOME}?gjort={what}", 303)


routes = [
    Route(HOME, show),
    Route(ACTING_OVER, acting_over),
    Route(f"{HOME}/bytt", switch, methods=["POST"]),
    Route(f"{HOME}/fullmakt", give, methods=["POST"]),
    Route(f"{HOME}/fullmakt/tilbake", take_back, methods=["POST"]),
    Route(f"{HOME}/parorende", choose_kin, methods=["POST"]),
]
