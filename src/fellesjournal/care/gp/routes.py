"""The GP's first page: today's list and the week, with the inbox beside; and the palette's search."""

from __future__ import annotations

from datetime import date, timedelta

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from fellesjournal.access import gate
from fellesjournal.access.decide import Decision
from fellesjournal.care.gp import actions
from fellesjournal.care.gp.model import STANDINGS, days, monday_of, of_doctor
from fellesjournal.clinical.pages import journal_of, kept_off, now
from fellesjournal.clinical.tasks.actions import read_inbox
from fellesjournal.clinical.tasks.model import KINDS
from fellesjournal.identity.model import Reader
from fellesjournal.kit import ids
from fellesjournal.kit.clock import OSLO
from fellesjournal.web import Entry, Palette, _, add_templates, language_of, read_form, render
from fellesjournal.web.formats import clock

add_templates("gp", "fellesjournal.care.gp")

HOME = "/fastlege"
LINKS = (Entry(_("Dagsliste"), HOME), Entry(_("Uke"), f"{HOME}/uke"), Entry(_("Innboks"), "/innboks"))
"""What the layout shows on top for those who work at a practice."""


def palette() -> Palette:
    """The command palette of a practice: its pages, and the patients that it may see by name."""
    return Palette(
        entries=(
            Entry(_("Neste oppgave i innboksen"), "/innboks/neste"),
            Entry(_("Hele enhetens innboks"), "/innboks?vis=enhet"),
            Entry(_("Hele praksisens dagsliste"), f"{HOME}?vis=enhet"),
            Entry(_("Bytt rolle eller enhet"), "/kontekst"),
        ),
        search_url=f"{HOME}/sok",
    )


@gate.unit("list")
async def show_day(request: Request, decision: Decision) -> Response:
    """Today's appointments, or those of another day; one's own or the whole practice's."""
    at, journal = now(request), journal_of(request, decision)
    on = _day_in(request) or at.astimezone(OSLO).date()
    whose, doctor = _whose(request, decision.reader)
    found = await actions.read_appointments(journal, first=on, count=1)
    inbox = await read_inbox(journal, reader=decision.reader, at=at, language=language_of(request))
    return render(
        request,
        "gp/day.html",
        day=days(of_doctor(found, doctor), first=on, count=1)[0],
        whose=whose,
        at=at,
        today=at.astimezone(OSLO).date(),
        before=on - timedelta(days=1),
        after=on + timedelta(days=1),
        inbox=inbox,
        standings=STANDINGS,
        kinds=KINDS,
        total=len(found),
        relatives=await kept_off(request, decision),
    )


@gate.unit("list")
async def show_week(request: Request, decision: Decision) -> Response:
    """A week, a column for each day."""
    at = now(request)
    today = at.astimezone(OSLO).date()
    monday = monday_of(_day_in(request) or today)
    whose, doctor = _whose(request, decision.reader)
    found = await actions.read_appointments(journal_of(request, decision), first=monday, count=7)
    week = days(of_doctor(found, doctor), first=monday, count=7)
    shown = [one for one in week if one.appointments or one.on.weekday() < 5]
    return render(
        request,
        "gp/week.html",
        week=shown,
        at=at,
        whose=whose,
        today=today,
        before=monday - timedelta(days=7),
        after=monday + timedelta(days=7),
        number=monday.isocalendar().week,
        standings=STANDINGS,
        relatives=await kept_off(request, decision),
    )


@gate.unit("list")
async def search(request: Request, decision: Decision) -> Response:
    """What the palette finds: patients of today's list first, then others of the practice, by name."""
    name = (await read_form(request)).text("q")[:60]
    journal, at = journal_of(request, decision), now(request)
    if len(name) < 2:
        return JSONResponse([], headers={"cache-control": "no-store"})
    today = await actions.read_appointments(journal, first=at.astimezone(OSLO).date(), count=1)
    words = name.lower().split()
    found = {
        one.patient: {"label": one.patient_name, "url": f"/pasienter/{one.patient}", "hint": clock(one.at)}
        for one in today
        if all(word in one.patient_name.lower() for word in words)
    }
    for key, label, born in await actions.find_patients(journal, name=name):
        found.setdefault(key, {"label": label, "url": f"/pasienter/{key}", "hint": born})
    return JSONResponse([*found.values()][:10], headers={"cache-control": "no-store"})


def _whose(request: Request, reader: Reader) -> tuple[str, str | None]:
    """(which list, whose): a doctor's own unless all are asked for; others see the whole practice."""
    if request.query_params.get("vis") == "enhet" or reader.role != "lege" or reader.practitioner is None:
        return "enhet", None
    return "mine", ids.encode(0, reader.practitioner)


def _day_in(request: Request) -> date | None:
    try:
        return date.fromisoformat(request.query_params.get("dag", ""))
    except ValueError:
        return None


routes = [
    Route(HOME, show_day),
    Route(f"{HOME}/uke", show_week),
    Route(f"{HOME}/sok", search, methods=["POST"]),
]
