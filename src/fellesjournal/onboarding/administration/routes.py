"""The administrator's pages together, and the log of changes."""

from __future__ import annotations

from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from fellesjournal.access import gate
from fellesjournal.access.decide import Decision
from fellesjournal.identity.administration import ledger
from fellesjournal.onboarding.administration import files, oversight, people, rights, systems, units, words
from fellesjournal.onboarding.administration.people import HOME, WHY, number_of, role_names
from fellesjournal.web import Entry, _, add_templates, render

add_templates("administration", "fellesjournal.onboarding.administration")

LINKS: Final = (
    Entry(_("Personer"), HOME), Entry(_("Enheter"), f"{HOME}/enheter"), Entry(_("Roller"), f"{HOME}/roller"),
    Entry(_("Fil"), f"{HOME}/fil"), Entry(_("Systemer"), f"{HOME}/systemer"),
    Entry(_("Innsynskontroll"), oversight.REVIEW), Entry(_("Kjente personer"), oversight.KNOWN),
    Entry(_("Endringer"), f"{HOME}/endringer"), Entry(_("Apper"), "/apper/administrer"),
)  # fmt: skip
"""What the layout shows on top for administrators."""
_PAGE: Final = 50


@gate.administrator(WHY)
async def changes(request: Request, decision: Decision) -> Response:
    """Every change within reach, newest first."""
    before = number_of(request.query_params.get("for", "")) or 0
    found = await ledger.changes(request.app.state.access_db, secret=decision.secret, before=before, limit=_PAGE + 1)
    roles = await role_names(request, decision)
    return render(
        request, "administration/changes.html", done=[(one, words.details(one, roles)) for one in found[:_PAGE]],
        following=f"{HOME}/endringer?for={found[_PAGE - 1].id}" if len(found) > _PAGE else None,
        subjects=words.SUBJECTS, did=words.DID,
    )  # fmt: skip


routes = [
    *people.routes, *units.routes, *rights.routes, *files.routes, *systems.routes, *oversight.routes,
    Route(HOME + "/endringer", changes),
]  # fmt: skip
