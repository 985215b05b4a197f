"""Pages for what went wrong: what happened, what is kept, what to do next, in plain Norwegian."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from fellesjournal.web.headers import complete
from fellesjournal.web.i18n import _
from fellesjournal.web.templating import render

Handler = Callable[[Request, Exception], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Trouble:
    """The words for one status."""

    title: str
    happened: str
    kept: str
    do: str


TROUBLES = {
    400: Trouble(
        _("Forespørselen kan ikke leses"),
        _("Nettleseren sendte noe som ikke lar seg tolke."),
        _("Ingenting er lagret eller endret."),
        _("Gå tilbake og prøv en gang til."),
    ),
    401: Trouble(
        _("Du må logge inn"),
        _("Innloggingen mangler eller har gått ut."),
        _("Kladder ligger fortsatt i nettleseren."),
        _("Logg inn på nytt, så kommer du tilbake hit."),
    ),
    403: Trouble(
        _("Du har ikke tilgang"),
        _("Rollen og enheten du arbeider i nå, gir ikke rett til dette."),
        _("Ingenting er vist eller endret. Forsøket er ført i loggen."),
        _("Bytt rolle eller enhet, eller snakk med lederen din hvis du trenger tilgangen."),
    ),
    404: Trouble(
        _("Siden finnes ikke"),
        _("Adressen fører ikke til noe, eller det som lå her, er flyttet."),
        _("Ingenting er endret."),
        _("Gå til forsiden og finn veien derfra."),
    ),
    405: Trouble(
        _("Siden kan ikke åpnes slik"),
        _("Adressen tar imot et skjema og kan ikke åpnes direkte."),
        _("Ingenting er endret."),
        _("Gå til forsiden og finn veien derfra."),
    ),
    409: Trouble(
        _("Noen andre kom først"),
        _("Det du arbeider med, er endret siden du åpnet siden, eller du har byttet rolle i en annen fane."),
        _("Teksten din er ikke lagret i journalen ennå, men den ligger som kladd i nettleseren."),
        _("Åpne siden på nytt, se hva som er endret, og lagre igjen."),
    ),
    413: Trouble(
        _("Det du sendte, er for stort"),
        _("Teksten eller filen er større enn det som kan tas imot."),
        _("Ingenting er lagret. Kladden ligger fortsatt i nettleseren."),
        _("Gå tilbake, kort ned eller del opp, og send igjen."),
    ),
    422: Trouble(
        _("Noe må rettes"),
        _("Ett eller flere felt kan ikke lagres slik de er."),
        _("Alt du har skrevet, er tatt vare på."),
        _("Gå tilbake, rett feltene og send igjen."),
    ),
    429: Trouble(
        _("For mange forsøk"),
        _("Det er gjort for mange forsøk på kort tid."),
        _("Ingenting er endret."),
        _("Vent et minutt og prøv igjen."),
    ),
    500: Trouble(
        _("Noe gikk galt hos oss"),
        _("En feil i systemet gjorde at dette ikke ble fullført."),
        _("Det som alt var lagret, er trygt. Kladder ligger fortsatt i nettleseren."),
        _("Prøv igjen om litt. Gjentar det seg, si fra til brukerstøtten og oppgi tidspunktet."),
    ),
    503: Trouble(
        _("Tjenesten er ikke klar"),
        _("Systemet starter, eller en del av det svarer ikke."),
        _("Det som alt var lagret, er trygt. Kladder ligger fortsatt i nettleseren."),
        _("Vent litt og last siden på nytt."),
    ),
}


def error_page(
    request: Request,
    status: int,
    title: str,
    what_happened: str,
    what_is_kept: str,
    what_to_do: str,
    *,
    actions: tuple[tuple[str, str], ...] = (),
) -> Response:
    """A page (or, for a part of a page, an alert) that says the three things. `actions`: (text, address)."""
    return _page(request, status, Trouble(title, what_happened, what_is_kept, what_to_do), actions=actions)


def kept_page(request: Request, status: int, trouble: Trouble, kept: Sequence[tuple[str, str]]) -> Response:
    """The page with what was typed given back: (label, text) of each field. A part's form stands on its page still."""
    return _page(request, status, trouble, given_back=kept)


def status_page(request: Request, status: int, *, actions: tuple[tuple[str, str], ...] = ()) -> Response:
    """The page for a status alone, in its standing words."""
    known = TROUBLES.get(status) or TROUBLES[500 if status >= 500 else 400]
    return error_page(request, status, known.title, known.happened, known.kept, known.do, actions=actions)


def _page(
    request: Request,
    status: int,
    trouble: Trouble,
    *,
    actions: Sequence[tuple[str, str]] = (),
    given_back: Sequence[tuple[str, str]] = (),
) -> Response:
    template = "web/error_part.html" if "hx-request" in request.headers else "web/error.html"
    return render(
        request, template, status, trouble=trouble, status_code=status, actions=actions, given_back=given_back
    )


def exception_handlers() -> Mapping[int | type[Exception], Handler]:
    """What the application gives to Starlette: a page for each `HTTPException` and for the unforeseen."""
    return {HTTPException: _answer_http, Exception: _answer_unforeseen}


async def _answer_http(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    return status_page(request, status)


async def _answer_unforeseen(request: Request, _error: Exception) -> Response:
    # Starlette answers this outside of all middleware, so the headers are set here.
    page = status_page(request, 500)
    complete(request.scope, page.headers)
    return page
