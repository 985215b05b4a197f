"""The pages of the access log.

What is asked for comes by POST: names of people and units stand in no address.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable
from datetime import date, datetime
from functools import partial
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from fellesjournal.access import audit, gate
from fellesjournal.access.audit import LogLine, Place
from fellesjournal.access.decide import Decision
from fellesjournal.citizen.log import words
from fellesjournal.citizen.log.actions import Read, read_all, read_page
from fellesjournal.citizen.log.model import DISCLOSED, MANNERS, NOTHING_FOUND, REFUSED, Wish
from fellesjournal.clinical.pages import now
from fellesjournal.clinical.protection import hidden_unit
from fellesjournal.identity.model import RELATION_NAMES, ROLE_NAMES
from fellesjournal.kit import ids
from fellesjournal.web import FieldErrors, Form, _, add_templates, language_of, read_form, render, translate
from fellesjournal.web.formats import instant

MANNER_NAMES = {
    "read": _("Leste i journalen"),
    "list": _("Så navnet ditt i en liste"),
    "identify": _("Slo deg opp"),
    "write": _("Skrev i journalen"),
    "refused": _("Prøvde, men fikk ikke tilgang"),
    DISCLOSED: _("Fikk opplysninger utlevert fra en annen virksomhet"),
}
_COLUMNS = (
    _("Tidspunkt"), _("Hvem"), _("Rolle"), _("Hvor"), _("Hva de gjorde"), _("Hva det gjaldt"), _("Hvorfor"),
    _("Resultat"), _("Utlevert fra"),
)  # fmt: skip
_RESULTS = {0: _("Vist"), REFUSED: _("Fikk ikke tilgang"), NOTHING_FOUND: _("Fant ingenting")}

_DIGITS: Final = 19

add_templates("citizen", "fellesjournal.citizen")


@gate.citizen("open")
async def show(request: Request, decision: Decision) -> Response:
    """Who has seen the record, newest first."""
    return await _page(request, decision, Wish(), None, FieldErrors(), {})


@gate.citizen("open")
async def narrow(request: Request, decision: Decision) -> Response:
    """The same, narrowed to what is asked for; and the pages after the first."""
    form, errors = await read_form(request), FieldErrors()
    wish = _wish(form, errors)
    return await _page(request, decision, wish, place_in(form.text("eldre_enn")), errors, form.values())


@gate.citizen("print")
async def download(request: Request, decision: Decision) -> Response:
    """The lines that are asked for as a table to keep; opens in a spreadsheet."""
    wish = _wish(await read_form(request), FieldErrors())
    lines = await read_all(_reader(request, decision, wish))
    name = f"innsyn-{now(request):%Y-%m-%d}.csv"
    headers = {"content-disposition": f'attachment; filename="{name}"', "cache-control": "no-store"}
    table = _table(request, lines, partial(unit_of, language=language_of(request)))
    return Response(table, media_type="text/csv; charset=utf-8", headers=headers)


async def _page(
    request: Request,
    decision: Decision,
    wish: Wish,
    after: Place | None,
    errors: FieldErrors,
    typed: dict[str, str],
) -> Response:
    page = await read_page(_reader(request, decision, wish), after=after)
    asked = {one.event for one in await audit.own_questions(request.app.state.access_db, decision=decision)}
    return render(
        request,
        "citizen/log.html",
        422 if errors else 200,
        page=page,
        wish=wish,
        typed=typed,
        errors=errors,
        is_later=after is not None,
        asked=asked,
        hides_units=any(visit.newest.hides_unit for visit in page.visits),
        place_text=place_text,
        unit_id=lambda line: ids.encode(0, line.unit_number),
        **shown_with(request),
    )


def shown_with(request: Request) -> dict[str, object]:
    """What the templates that show lines of the log need."""
    return {
        "manners": [(code, MANNER_NAMES[code]) for code in (*MANNERS, DISCLOSED)],
        "manner_names": MANNER_NAMES,
        "roles": ROLE_NAMES | RELATION_NAMES,
        "relations": RELATION_NAMES,
        "kinds_of": words.kinds_of,
        "action_of": words.action_of,
        "why_of": partial(_why, request),
        "unit_of": partial(unit_of, language=language_of(request)),
        "nothing_found": NOTHING_FOUND,
    }


def unit_of(line: LogLine, *, language: str) -> str:
    """The unit of a line, or what stands in its place."""
    if line.hides_unit and line.unit_number:
        return hidden_unit(language, words.SERVICES.get(line.unit_kind, ""))
    return line.unit


def place_text(line: LogLine) -> str:
    """A line's place as a form carries it: a time and a number, nothing about anyone."""
    return f"{line.at.isoformat()}/{line.pos}"


def place_in(text: str) -> Place | None:
    """The place that a form carries; None when it is none."""
    at, _slash, pos = text.partition("/")
    try:
        found = datetime.fromisoformat(at)
    except ValueError:
        return None
    is_good = found.tzinfo is not None and pos.isascii() and pos.isdigit() and len(pos) < _DIGITS
    return (found, int(pos)) if is_good else None


def _reader(request: Request, decision: Decision, wish: Wish) -> Read:
    async def read(after: Place | None, limit: int) -> list[LogLine]:
        return await audit.own_log(
            request.app.state.access_db, decision=decision, wish=wish.asked(), after=after, limit=limit
        )

    return read


def _wish(form: Form, errors: FieldErrors) -> Wish:
    manner = form.text("hva")
    since_on, until_on = (_day(form, name, errors) for name in ("fra", "til"))
    if since_on and until_on and since_on > until_on:
        errors.add("til", _("Til-dagen er før fra-dagen."))
    return Wish(
        since_on=since_on,
        until_on=until_on,
        person=form.text("hvem"),
        unit=form.text("hvor"),
        manner=manner if manner in MANNER_NAMES else "",
        only_people=form.is_on("bare_mennesker"),
        with_own=form.is_on("egne"),
    )


def _day(form: Form, name: str, errors: FieldErrors) -> date | None:
    text = form.text(name)
    if not text:
        return None
    try:
        found = date.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or not 1900 <= found.year <= 2200:
        errors.add(name, _("Skriv dagen som år-måned-dag, for eksempel 2026-11-23."))
        return None
    return found


def _why(request: Request, line: LogLine) -> str:
    return translate(request, words.why_of(line, language_of(request)))


def _table(request: Request, lines: Iterable[LogLine], unit: Callable[[LogLine], str]) -> bytes:
    out = io.StringIO()
    table = csv.writer(out, delimiter=";")
    table.writerow([translate(request, column) for column in _COLUMNS])
    table.writerows([_safe(cell) for cell in _row(request, line, unit(line))] for line in lines)
    # The mark tells spreadsheets that the letters are UTF-8.
    return b"\xef\xbb\xbf" + out.getvalue().encode()


def _row(request: Request, line: LogLine, unit: str) -> list[str]:
    role = (ROLE_NAMES | RELATION_NAMES).get(line.role, line.role)
    role, action, result = (
        translate(request, text) for text in (role, words.action_of(line), _RESULTS.get(line.outcome, ""))
    )
    kind = ", ".join(translate(request, text) for text in words.kinds_of(line))
    at = instant(line.at, language_of(request))
    disclosed = ", ".join(line.disclosed)
    return [at, line.reader, role, unit, action, kind, _why(request, line), result, disclosed]


def _safe(cell: str) -> str:
    """A spreadsheet must not take a name for a formula."""
    return f"'{cell}" if cell.startswith(("=", "+", "-", "@", "\t", "\r")) else cell


routes = [
    Route("/min-journal/innsyn", show, methods=["GET"]),
    Route("/min-journal/innsyn", narrow, methods=["POST"]),
    Route("/min-journal/innsyn/last-ned", download, methods=["POST"]),
]
