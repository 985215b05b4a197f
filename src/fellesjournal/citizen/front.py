"""The pages that are open to all, and the one for staff whose workplace is not built yet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from fellesjournal.access import gate
from fellesjournal.access.decide import Decision
from fellesjournal.clinical.directory import person_name
from fellesjournal.clinical.pages import journal_of, kept_off
from fellesjournal.clinical.pieces import Json, day
from fellesjournal.web import _, add_templates, render, visitor_of

_LISTED = 200

UNIT_KINDS = {
    "home_care": _("hjemmetjenesten"),
    "nursing_home": _("sykehjemmet"),
    "child_health": _("helsestasjonen og skolehelsetjenesten"),
}

add_templates("citizen", "fellesjournal.citizen")


@dataclass(frozen=True, slots=True)
class Listed:
    """One line of a unit's list."""

    id: str
    name: str
    born_on: Any
    sex: str


@gate.public("the front page: what this is and how to sign in; in a demo, who can be signed in as")
async def front(request: Request) -> Response:
    """What Fellesjournal is and the two ways in; those who are signed in go to their own page."""
    visitor = visitor_of(request)
    if visitor is not None and visitor.home_url != request.url.path:
        return RedirectResponse(visitor.home_url, 303)
    return render(
        request,
        "citizen/front.html",
        is_demo=is_demo(request),
        cast=getattr(request.app.state, "demo_cast", ()),
        progress=await _progress(request),
        base=f"{request.url.scheme}://{request.url.netloc}",
    )


@gate.public("how far the filling of the demo has come: two counts")
async def demo_progress(request: Request) -> Response:
    """The line that tells how far the filling has come; asked for again and again until it is done."""
    if not is_demo(request):
        raise HTTPException(404)
    return render(request, "citizen/demo_progress.html", progress=await _progress(request))


@gate.public("the accessibility statement")
async def accessibility(request: Request) -> Response:
    """What was done for those who see, hear or move differently, and what is missing."""
    return render(request, "citizen/accessibility.html")


@gate.public("how personal data are kept")
async def privacy(request: Request) -> Response:
    """How access works, in plain words."""
    return render(request, "citizen/privacy.html")


@gate.unit("list")
async def other_unit(request: Request, decision: Decision) -> Response:
    """For units without a workplace of their own yet: what can be done now, and the unit's people."""
    page = await journal_of(request, decision).search(
        "Patient", [("_sort", "family,given"), ("_count", str(_LISTED))]
    )
    return render(
        request,
        "citizen/unit.html",
        unit=decision.reader.unit_name,
        kind=UNIT_KINDS.get(decision.reader.unit_kind, _("enheten din")),
        people=[listed(one.resource()) for one in page.matches],
        has_more=page.next is not None,
        relatives=await kept_off(request, decision),
    )


def is_demo(request: Request) -> bool:
    """Whether this is a demo database; the mark stands in the database itself."""
    installed = getattr(request.app.state, "installed", None)
    return bool(getattr(installed, "demo", False))


def listed(resource: Json) -> Listed:
    """A Patient as a line of a list."""
    return Listed(
        resource["id"], person_name(resource), day(resource.get("birthDate")), resource.get("gender", "")
    )


async def _progress(request: Request) -> tuple[int, int] | None:
    """(done, total), or None when nothing is being filled in."""
    ask = getattr(request.app.state, "demo_progress", None)
    found: tuple[int, int] | None = await ask() if ask and is_demo(request) else None
    return found


routes = [
    Route("/", front),
    Route("/demo-fremdrift", demo_progress),
    Route("/tilgjengelighet", accessibility),
    Route("/personvern", privacy),
    Route("/enhet", other_unit),
]
