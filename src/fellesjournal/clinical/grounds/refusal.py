"""The page that refuses a chart: why, and the ways on that this reader has."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from fellesjournal.access.choices import actions
from fellesjournal.access.model import AccessError, Blocked, CloseFamily, NoNeed, PatientId
from fellesjournal.clinical.grounds.words import WAYS
from fellesjournal.clinical.pieces import patient_id
from fellesjournal.identity.current import require_reader
from fellesjournal.web import _, error_page

_TO_START = (_("Til forsiden"), "/")
_IDENTIFY = (_("Identifiser pasient"), "/identifiser")


async def refused_page(request: Request, error: AccessError) -> Response:
    """Why it was refused, what is kept, what to do; for a chart with a button for each way in that is left.

    Who opens a close relative's chart comes to the warning at once, with its form.
    """
    if isinstance(error, CloseFamily) and request.method == "GET" and (patient := _refused(request, error)):
        return RedirectResponse(f"/pasienter/{patient_id(patient)}/tilgang/familie", 303)
    ways = await _ways(request, error)
    do = (
        _("Har du tjenstlig behov, kan du velge en av veiene under. Ellers: gå tilbake, eller bytt rolle eller enhet.")
        if ways
        else _("Gå tilbake til listen din, eller bytt rolle eller enhet.")
    )
    return error_page(
        request, error.status, _("Du har ikke tilgang"), error.text,
        _("Ingenting er vist eller endret. Forsøket er ført i loggen."), do, actions=(*ways, _TO_START),
    )  # fmt: skip


async def _ways(request: Request, error: AccessError) -> tuple[tuple[str, str], ...]:
    """(text, address) of each way; none but for staff at a chart that they have no need for, or that is blocked.

    Where there is no ground to choose, the way is to identify the patient: existing or not.
    """
    patient, reader = _refused(request, error), require_reader(request)
    if patient is None or not isinstance(error, NoNeed | Blocked) or reader.kind != "staff":
        return ()
    found = await actions.choices(request.app.state.access_db, reader=reader, patient=patient)
    kinds = {one.kind for one in found}
    url = f"/pasienter/{patient_id(patient)}/tilgang"
    ways = tuple((way.title, f"{url}/{name}") for name, way in WAYS.items() if kinds & {*way.kinds})
    return (*(ways or (_IDENTIFY,)), (_("Hvorfor har jeg ikke tilgang?"), url))


def _refused(request: Request, error: AccessError) -> PatientId | None:
    """Whose chart was refused."""
    patient = error.patient if isinstance(error, CloseFamily) else None
    found = patient or getattr(request.state, "refused", None)
    return found if isinstance(found, PatientId) else None
