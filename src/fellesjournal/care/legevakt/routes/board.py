"""Today's contacts of the legevakt: who called, who came, who is seen, and who must be looked at again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from fellesjournal.access import gate
from fellesjournal.access.decide import Decision
from fellesjournal.care.legevakt.model import Card, NotLegevakt, Person, board, card
from fellesjournal.care.legevakt.scales import scale_of
from fellesjournal.clinical.directory import person_name
from fellesjournal.clinical.encounters import Scale, contact_from
from fellesjournal.clinical.pages import context_field, journal_of, kept_off, now
from fellesjournal.clinical.pieces import Json, day, instant
from fellesjournal.identity.model import Reader
from fellesjournal.kit.clock import day_bounds, oslo_day
from fellesjournal.record.journal import Journal
from fellesjournal.record.lookup import Page
from fellesjournal.web import add_templates, language_of, render
from fellesjournal.web.formats import age

add_templates("legevakt", "fellesjournal.care.legevakt")

_OPEN = "planned,arrived,triaged,in-progress,onleave"
_MOST = "200"


@gate.unit("list")
async def show(request: Request, decision: Decision) -> Response:
    """The board. Everyone shown on it is logged."""
    reader, at = at_legevakt(decision), now(request)
    scale = scale_here(request, reader)
    cards = await read_cards(journal_of(request, decision), scale=scale, at=at, language=language_of(request))
    columns = board(cards, scale)
    return render(
        request,
        "legevakt/board.html",
        columns=columns,
        due=sum(1 for one in cards if one.contact.is_waiting and one.wait.is_retriage_due),
        total=len(cards),
        at=at,
        context=context_field(reader),
        relatives=await kept_off(request, decision),
    )


async def read_cards(journal: Journal, *, scale: Scale, at: datetime, language: str) -> list[Card]:
    """What still goes on, whenever it began, and what was finished today."""
    today = instant(day_bounds(oslo_day(at))[0])
    with_person = [("_include", "Encounter:patient"), ("_count", _MOST)]
    pages = await journal.search_many(
        [
            ("open", "Encounter", [("status", _OPEN), ("_sort", "-date"), *with_person]),
            ("done", "Encounter", [("status", "finished"), ("date", f"ge{today}"), *with_person]),
        ]
    )
    return _cards(list(pages.values()), scale, at, language)


def at_legevakt(decision: Decision) -> Reader:
    """The reader, who acts at a legevakt. Raises NotLegevakt."""
    if decision.reader.unit_kind != "legevakt":
        raise NotLegevakt
    return decision.reader


def scale_here(request: Request, reader: Reader) -> Scale:
    """The unit's scale of urgency."""
    return scale_of(reader, data_dir=request.app.state.settings.data_dir)


def _cards(pages: Sequence[Page], scale: Scale, at: datetime, language: str) -> list[Card]:
    """Who is included stands with the first page alone, whichever page named them."""
    included = [one for page in pages for one in page.included if one.rtype == "Patient"]
    people = {one.id: _person(one.resource(), at, language) for one in included}
    found = [one for page in pages for one in page.matches]
    contacts = [contact_from(one.resource(), version=one.version, id=one.id) for one in found]
    return [
        card(contact, people[contact.patient], scale=scale, now=at) for contact in contacts if contact.patient in people
    ]


def _person(resource: Json, at: datetime, language: str) -> Person:
    born = day(resource.get("birthDate"))
    shown = age(born, oslo_day(at), language) if born else ""
    return Person(person_name(resource), shown, str(resource.get("gender", "")))


routes = [Route("/legevakt", show)]
