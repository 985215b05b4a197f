"""One contact: what is measured, NEWS2, the urgency judged again, the note, the end."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from fellesjournal.access import gate
from fellesjournal.access.decide import Decision
from fellesjournal.access.model import AccessError, PatientId
from fellesjournal.care.legevakt import actions
from fellesjournal.care.legevakt.model import NoUrgency
from fellesjournal.care.legevakt.routes.board import at_legevakt, scale_here
from fellesjournal.care.legevakt.routes.contact_page import Wrong, contact_page
from fellesjournal.care.legevakt.vitals import read_vitals
from fellesjournal.clinical import encounters, measurements
from fellesjournal.clinical.notes.model import NoteRefusal, contact_diagnoses
from fellesjournal.clinical.overview.frame import patient_of
from fellesjournal.clinical.pages import check_context, journal_of, now, version_in
from fellesjournal.clinical.pieces import day, patient_id
from fellesjournal.identity.model import Reader
from fellesjournal.record.errors import RecordError
from fellesjournal.record.journal import Journal
from fellesjournal.web import Form, language_of, read_form


@dataclass(frozen=True)
class Work:
    """A form sent from the contact's page, and all that is needed to carry it out."""

    request: Request
    decision: Decision
    form: Form
    journal: Journal
    patient: PatientId
    encounter: str
    at: datetime

    @property
    def reader(self) -> Reader:
        """Who sent it."""
        return self.decision.reader


Do = Callable[[Work], Awaitable[str]]


@gate.chart("open")
async def show(request: Request, decision: Decision) -> Response:
    """The contact in its patient's chart."""
    at_legevakt(decision)
    return await contact_page(request, decision)


async def _carry_out(request: Request, decision: Decision, do: Do) -> Response:
    """Do it, and show the page with what was done; a refusal shows the form as it was typed."""
    at_legevakt(decision)
    form = await read_form(request)
    patient, encounter = patient_of(decision), request.path_params["encounter"]
    work = Work(request, decision, form, journal_of(request, decision), patient, encounter, now(request))
    try:
        check_context(form, decision.reader)
        done = await do(work)
    except (AccessError, RecordError, NoteRefusal, Wrong) as error:
        return await contact_page(request, decision, form=form, error=error)
    return RedirectResponse(f"/legevakt/kontakt/{patient_id(patient)}/{encounter}?{done}=1", 303)


@gate.chart("write")
async def measure(request: Request, decision: Decision) -> Response:
    """Record the vitals that are filled in, and NEWS2 when it is whole."""
    form = await read_form(request)
    if form.text("handling") == "regn":
        return await contact_page(request, decision, form=form)
    return await _carry_out(request, decision, _measure)


@gate.chart("write")
async def sign(request: Request, decision: Decision) -> Response:
    """Sign the note; the contact ends with it when that is asked for."""
    return await _carry_out(request, decision, _sign)


@gate.chart("write")
async def judge(request: Request, decision: Decision) -> Response:
    """The urgency, judged again."""
    return await _carry_out(request, decision, _judge)


@gate.chart("write")
async def move(request: Request, decision: Decision) -> Response:
    """The contact's next stage: arrived, with a practitioner, or over."""
    return await _carry_out(request, decision, _move)


@gate.chart("write")
async def scale(request: Request, decision: Decision) -> Response:
    """A doctor's order of SpO2 scale 2, or its end."""
    return await _carry_out(request, decision, _scale)


async def _measure(work: Work) -> str:
    vitals = read_vitals(work.form, language_of(work.request))
    if not vitals.is_fit or not (vitals.values or vitals.says_pregnant is not None):
        raise Wrong
    await encounters.read_contact(work.journal, patient=work.patient, encounter=work.encounter)
    made = actions.measure(
        work.journal,
        patient=work.patient,
        reader=work.reader,
        encounter=work.encounter,
        values=vitals.in_order,
        says_pregnant=vitals.says_pregnant,
        at=work.at,
    )
    if made:
        await _keep_score(work, values=vitals.values, says_pregnant=vitals.says_pregnant, made=made)
    await work.journal.commit()
    return "malt"


async def _keep_score(
    work: Work,
    *,
    values: dict[str, measurements.Measurement],
    says_pregnant: bool | None,
    made: list[str],
) -> None:
    person = (await work.journal.read("Patient", patient_id(work.patient))).resource()
    born_on = day(person.get("birthDate"))
    basis = await measurements.read_basis(work.journal, patient=work.patient, born_on=born_on, at=work.at)
    if says_pregnant is not None:
        basis = measurements.Basis(basis.age_years, says_pregnant, basis.scale)
    actions.keep_score(
        work.journal,
        patient=work.patient,
        reader=work.reader,
        encounter=work.encounter,
        score=measurements.assess(values, basis),
        derived_from=made,
        at=work.at,
    )


async def _sign(work: Work) -> str:
    codes = tuple(code for code, _text in work.form.note_diagnoses())
    await encounters.read_contact(work.journal, patient=work.patient, encounter=work.encounter)
    await actions.sign(
        work.journal,
        patient=work.patient,
        reader=work.reader,
        encounter=work.encounter,
        text=work.form.text("tekst"),
        diagnoses=contact_diagnoses(codes),
        objects=work.form.is_on("motsetter"),
        at=work.at,
    )
    if work.form.text("handling") == "avslutt":
        await _close(work)
    await work.journal.commit()
    return "signert"


async def _judge(work: Work) -> str:
    urgency = work.form.text("hastegrad")
    if scale_here(work.request, work.reader).level(urgency) is None:
        raise NoUrgency
    await encounters.set_urgency(
        work.journal,
        patient=work.patient,
        encounter=work.encounter,
        version=version_in(work.form),
        urgency=urgency,
        at=work.at,
    )
    await work.journal.commit()
    return "vurdert"


async def _move(work: Work) -> str:
    to = work.form.text("til")
    if to == "done":
        await _close(work)
    else:
        await actions.move_on(
            work.journal,
            patient=work.patient,
            reader=work.reader,
            encounter=work.encounter,
            version=version_in(work.form),
            to="room" if to == "room" else "arrived",
            at=work.at,
        )
    await work.journal.commit()
    return "avsluttet" if to == "done" else "flyttet"


async def _close(work: Work) -> None:
    await encounters.close_contact(
        work.journal,
        patient=work.patient,
        encounter=work.encounter,
        version=version_in(work.form),
        at=work.at,
    )


async def _scale(work: Work) -> str:
    order = work.form.text("ordre")
    if order:
        await measurements.stop_scale_2(work.journal, patient=work.patient, reader=work.reader, order=order)
    else:
        measurements.order_scale_2(
            work.journal,
            patient=work.patient,
            reader=work.reader,
            encounter=work.encounter,
            reason=work.form.text("begrunnelse")[:500],
            at=work.at,
        )
    await work.journal.commit()
    return "skala"


_ADDRESS = "/legevakt/kontakt/{patient}/{encounter}"
routes = [
    Route(_ADDRESS, show),
    Route(f"{_ADDRESS}/malinger", measure, methods=["POST"]),
    Route(f"{_ADDRESS}/notat", sign, methods=["POST"]),
    Route(f"{_ADDRESS}/hastegrad", judge, methods=["POST"]),
    Route(f"{_ADDRESS}/flytt", move, methods=["POST"]),
    Route(f"{_ADDRESS}/skala2", scale, methods=["POST"]),
]
