"""The contact's page: everything it shows, by one search."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from starlette.requests import Request
from starlette.responses import Response

from fellesjournal.access.decide import Decision
from fellesjournal.access.model import AccessError
from fellesjournal.care.legevakt.routes.board import scale_here
from fellesjournal.care.legevakt.vitals import BASIS_S, SealedBasis, read_vitals
from fellesjournal.clinical.encounters import Contact, NotThisContact, contact_from, wait_of
from fellesjournal.clinical.encounters.model import STAGES
from fellesjournal.clinical.identification.routes import sealer_of
from fellesjournal.clinical.measurements import VITALS, Basis, assess, shown
from fellesjournal.clinical.measurements.assessment import NEWS2_TOTAL, basis_of
from fellesjournal.clinical.measurements.assessment import wishes as basis_wishes
from fellesjournal.clinical.measurements.fhir import SNOMED, measurement_from
from fellesjournal.clinical.measurements.model import ACVPU, Measurement
from fellesjournal.clinical.notes.fhir import note_from
from fellesjournal.clinical.notes.model import Note, NoteRefusal
from fellesjournal.clinical.notes.routes import draft_name
from fellesjournal.clinical.overview.frame import Frame, open_frame, patient_of
from fellesjournal.clinical.overview.storyboard import Wish
from fellesjournal.clinical.pages import context_field, key_of_drafts, status_of
from fellesjournal.clinical.pieces import Json, codes_in, day, moment, patient_id
from fellesjournal.kit import ids
from fellesjournal.record.errors import RecordError
from fellesjournal.web import FieldErrors, Form, _, render
from fellesjournal.web.i18n import translated

DONE = {
    "malt": _("Målingene er lagret."),
    "signert": _("Notatet er signert."),
    "vurdert": _("Hastegraden er vurdert på nytt."),
    "flyttet": _("Kontakten er flyttet."),
    "avsluttet": _("Kontakten er avsluttet."),
    "skala": _("SpO₂-skalaen er endret."),
}


_AIR = (("air", _("Luft")), ("oxygen", _("Oksygen")))


class Wrong(Exception):
    """The vitals can't be recorded as they stand; the form says why."""

    status = 422


Refusal = AccessError | RecordError | NoteRefusal | Wrong


@dataclass(frozen=True, slots=True)
class Row:
    """Vitals measured together, as they are written too, and the score that was recorded of them."""

    at: datetime
    values: dict[str, Measurement]
    texts: dict[str, str]
    news2: Decimal | None


async def contact_page(
    request: Request, decision: Decision, *, form: Form | None = None, error: Refusal | None = None
) -> Response:
    """The page, with a form shown again as it was typed when it was refused. Raises NotThisContact."""
    frame = await open_frame(request, decision, _wishes(request, decision))
    contact = _contact(frame)
    if contact.unit_id != ids.encode(0, decision.reader.unit or 1):
        raise NotThisContact
    born_on = day(frame.person.get("birthDate"))
    basis = await basis_of(frame.journal, frame.found, born_on=born_on, at=frame.at)
    typed = form or Form(request.query_params)  # type: ignore[arg-type]
    vitals = read_vitals(typed, frame.language)
    sealed = SealedBasis(basis.age_years, basis.pregnant, basis.scale)
    scale = scale_here(request, decision.reader)
    rows = _rows(frame.found["vitals"], frame.language)
    return render(
        request,
        "legevakt/contact.html",
        _status(error),
        frame=frame,
        tab="kontakt",
        contact=contact,
        here=f"/legevakt/kontakt/{contact.patient}/{contact.id}",
        stages=STAGES,
        level=scale.level(contact.urgency),
        levels=scale.levels,
        wait=wait_of(
            began_at=contact.began_at,
            triaged_at=contact.triaged_at,
            urgency=contact.urgency,
            now=contact.ended_at or frame.at,
            scale=scale,
        ),
        rows=rows,
        latest=assess(rows[0].values, basis) if rows else None,
        notes=[_named(note_from(one, version=1), one, frame) for one in frame.found["notes"]],
        form=typed,
        errors=_errors(error, vitals.errors if form else FieldErrors(), frame.language),
        doubts=vitals.asked if form else (),
        score=vitals.score(sealed),
        has_typed=bool(vitals.values),
        basis=sealer_of(request).seal(sealed, ttl_s=BASIS_S),
        order=basis,
        acvpu=ACVPU,
        asks_pregnancy=_asks_pregnancy(frame, basis),
        objection=_objection(frame.found["flags"], contact.id),
        done=[text for name, text in DONE.items() if name in request.query_params],
        finished_draft=draft_name(contact.id, "legevakt") if "signert" in request.query_params else None,
        draft_key=key_of_drafts(request, decision.reader),
        draft_id=draft_name(contact.id, "legevakt"),
        context=context_field(decision.reader),
        is_doctor=decision.reader.role == "lege",
    )


def _wishes(request: Request, decision: Decision) -> list[Wish]:
    patient, encounter = patient_id(patient_of(decision)), request.path_params["encounter"]
    who, contact = ("patient", patient), ("encounter", f"Encounter/{encounter}")
    newest: Sequence[tuple[str, str]] = (("_sort", "-date"), ("_count", "100"))
    return [
        ("contact", "Encounter", [who, ("_id", encounter)]),
        ("vitals", "Observation", [who, contact, *newest]),
        ("notes", "Composition", [who, contact, *newest]),
        *basis_wishes(patient),
    ]


def _contact(frame: Frame) -> Contact:
    found = frame.found["contact"]
    if not found:
        raise NotThisContact
    version = int(found[0].get("meta", {}).get("versionId", "1"))
    return contact_from(found[0], version=version, id=found[0]["id"])


def _rows(observations: Sequence[Json], language: str) -> list[Row]:
    """What was measured at the same instant is one row, newest first."""
    values: dict[datetime, dict[str, Measurement]] = {}
    scores: dict[datetime, Decimal] = {}
    for one in observations:
        at = moment(one.get("effectiveDateTime"))
        if at is None or one.get("status") in ("entered-in-error", "cancelled"):
            continue
        measured = measurement_from(one)
        if measured and measured.kind in VITALS:
            values.setdefault(at, {})[measured.kind] = measured
        elif NEWS2_TOTAL in codes_in(one.get("code"), SNOMED):
            scores[at] = one.get("valueQuantity", {}).get("value")
    texts = {at: {kind: _text(one, language) for kind, one in found.items()} for at, found in values.items()}
    return [Row(at, values[at], texts[at], scores.get(at)) for at in sorted(values, reverse=True)]


def _text(one: Measurement, language: str) -> str:
    told = dict(_AIR).get(one.code) if one.kind == "air" else None
    return translated(language, told) if told else shown(one)


def _named(note: Note, resource: Json, frame: Frame) -> tuple[Note, str]:
    return note, note.author or frame.directory.name(resource["author"][0])


def _asks_pregnancy(frame: Frame, basis: Basis) -> bool:
    is_of_age = basis.age_years is None or 12 <= basis.age_years < 56
    return frame.person.get("gender") == "female" and is_of_age


def _objection(flags: Sequence[Json], encounter: str) -> tuple[str, datetime | None] | None:
    """(who wrote down that the patient objects to a copy at this contact, when)."""
    for one in flags:
        about = one.get("encounter", {}).get("reference", "")
        if about == f"Encounter/{encounter}" and "no-copy-to-gp" in codes_in(one.get("code")):
            return str(one.get("author", {}).get("display", "")), moment(one.get("period", {}).get("start"))
    return None


def _errors(error: Refusal | None, found: FieldErrors, language: str) -> FieldErrors:
    if error is None or isinstance(error, Wrong):
        return found
    name = getattr(error, "field", "kontakt")
    about = {"code": error.about} if isinstance(error, NoteRefusal) and error.about else {}
    found.add(name, translated(language, error.text, **about))
    return found


def _status(error: Refusal | None) -> int:
    if error is None:
        return 200
    return status_of(error) if isinstance(error, AccessError | RecordError) else error.status
