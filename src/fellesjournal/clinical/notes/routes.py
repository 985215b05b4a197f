"""Write a note, read it with its older versions, correct it; and the search for diagnoses behind the note's
menu.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from fellesjournal import fhir as r4
from fellesjournal.access import gate
from fellesjournal.access.decide import Decision
from fellesjournal.access.model import AccessError, WrongUnit
from fellesjournal.clinical.directory import Directory
from fellesjournal.clinical.encounters import CONTACT_KINDS
from fellesjournal.clinical.measurements import BadValue, measurement_types
from fellesjournal.clinical.notes import actions, consultation
from fellesjournal.clinical.notes.fhir import note_from
from fellesjournal.clinical.notes.model import Note, NoteRefusal, changes
from fellesjournal.clinical.overview.frame import Frame, chart_url, directory_of, open_frame, patient_of
from fellesjournal.clinical.overview.storyboard import Wish
from fellesjournal.clinical.overview.timeline import notes_of, recent_contacts
from fellesjournal.clinical.pages import (
    check_context,
    context_field,
    journal_of,
    key_of_drafts,
    now,
    status_of,
    version_in,
)
from fellesjournal.clinical.pieces import Json, diagnosis_in, moment, patient_id, words
from fellesjournal.clinical.problems.fhir import problems_from
from fellesjournal.kit import ids
from fellesjournal.record.errors import RecordError
from fellesjournal.record.journal import Journal
from fellesjournal.terminology import icpc2
from fellesjournal.terminology.model import Diagnosis
from fellesjournal.web import FieldErrors, Form, add_templates, language_of, read_form, render
from fellesjournal.web.i18n import translated

add_templates("notes", "fellesjournal.clinical.notes")

_ASKED, _CONFIRMED = "uten_diagnose", "stemmer"
Refusal = AccessError | RecordError | NoteRefusal | BadValue


@gate.unit("list")
async def search_diagnoses(request: Request, decision: Decision) -> Response:
    """Diagnoses for a few typed letters, best first.

    Nothing about anyone, but words belong in no address: POST.
    """
    text = (await read_form(request)).text("q")
    found = icpc2.search(text[:60]) if decision.reader.role else []
    return JSONResponse(
        [{"code": one.code, "display": one.display, "system": icpc2.SYSTEM} for one in found],
        headers={"cache-control": "no-store"},
    )


@gate.chart("open")
async def show_new(request: Request, decision: Decision) -> Response:
    """An empty note, with what the writer needs beside it."""
    return await _form_page(request, decision, Form(request.query_params))  # type: ignore[arg-type]


@gate.chart("write")
async def sign(request: Request, decision: Decision) -> Response:
    """Sign: the contact, its note, measurements and diagnoses in one commit.

    Nothing typed is lost on a refusal.
    """
    form = await read_form(request)
    errors, journal = FieldErrors(), journal_of(request, decision)
    patient = patient_of(decision)
    try:
        check_context(form, decision.reader)
        wish = consultation.wish_from(form)
        question = _question(form, wish, language_of(request))
        if question:
            return await _form_page(request, decision, form, question=question, status=422)
        note = await consultation.sign_consultation(
            journal, patient=patient, reader=decision.reader, wish=wish, at=now(request)
        )
        await journal.commit()
    except (AccessError, RecordError, NoteRefusal, BadValue) as error:
        return await _refused(request, decision, form, errors, error)
    return RedirectResponse(f"{chart_url(patient_id(patient))}/notat/{note}?signert=1", 303)


@gate.chart("open")
async def show(request: Request, decision: Decision) -> Response:
    """A note in full, the version asked for or the newest, and what each version changed."""
    journal, patient = journal_of(request, decision), patient_of(decision)
    note_id = request.path_params["note"]
    await actions.read_note(journal, patient=patient, note_id=note_id)
    stored = await _versions(journal, note_id)
    newest = note_from(stored[0][1], version=stored[0][0], id=note_id)
    frame = await open_frame(request, decision, _beside(decision, newest), journal=journal)
    directory = await directory_of(frame, [resource for _version, resource in stored])
    versions = [_named(note_from(one, version=version, id=note_id), one, directory) for version, one in stored]
    asked = request.query_params.get("versjon", "")
    shown = next((one for one in versions if str(one.version) == asked), versions[0])
    before = next((one for one in versions if one.version == shown.version - 1), None)
    return render(
        request,
        "notes/note.html",
        frame=frame,
        tab="notater",
        note=shown,
        versions=versions,
        newest=versions[0],
        changes=changes(before.text, shown.text) if before else (),
        diagnoses=_diagnoses(frame),
        contact=_contact(frame),
        may_correct=_may_correct(decision, versions[0]),
        done=_done(request, decision),
    )


@gate.chart("open")
async def show_correction(request: Request, decision: Decision) -> Response:
    """The newest version, to be corrected. Raises WrongUnit for another unit's note."""
    journal = journal_of(request, decision)
    _stored, note = await actions.read_note(journal, patient=patient_of(decision), note_id=request.path_params["note"])
    if not _may_correct(decision, note):
        raise WrongUnit
    return await _correction_page(request, decision, note=note, text=note.text)


@gate.chart("write")
async def correct(request: Request, decision: Decision) -> Response:
    """Sign a new version; the old one is kept. A conflict keeps the text and shows what others wrote."""
    form = await read_form(request)
    journal, patient, note_id = (
        journal_of(request, decision),
        patient_of(decision),
        request.path_params["note"],
    )
    try:
        check_context(form, decision.reader)
        codes = tuple(code for code, _text in form.note_diagnoses())
        await actions.correct_note(
            journal,
            patient=patient,
            reader=decision.reader,
            note_id=note_id,
            version=version_in(form),
            text=form.text("tekst"),
            diagnoses=consultation.kept_or_found(codes, form),
            at=now(request),
        )
        await journal.commit()
    except (AccessError, RecordError, NoteRefusal) as error:
        _stored, note = await actions.read_note(journal, patient=patient, note_id=note_id)
        return await _correction_page(request, decision, note=note, text=form.text("tekst"), form=form, error=error)
    return RedirectResponse(f"{chart_url(patient_id(patient))}/notat/{note_id}?rettet=1", 303)


async def _form_page(
    request: Request,
    decision: Decision,
    form: Form,
    *,
    errors: FieldErrors | None = None,
    question: Question | None = None,
    status: int = 200,
) -> Response:
    patient = patient_id(patient_of(decision))
    frame = await open_frame(request, decision, _writing_wishes(patient, form.text("time")))
    problems = [one for one in problems_from(frame.found["problems"], frame.directory) if one.is_active]
    booked = frame.found.get("booking", [])
    return render(
        request,
        "notes/new.html",
        status,
        frame=frame,
        tab="nytt",
        form=form,
        errors=errors or FieldErrors(),
        question=question,
        confirmed=form.text(_CONFIRMED),
        problems=problems,
        recent=_recent(frame),
        kinds=CONTACT_KINDS,
        kind=form.text("slag") or "consultation",
        booking=booked[0] if booked else None,
        booked_reason=words(next(iter(booked[0].get("reasonCode", ())), None)) if booked else "",
        types=_types(request),
        context=context_field(decision.reader),
        draft_key=key_of_drafts(request, decision.reader),
        draft_id=draft_name(patient, "nytt"),
        fresh=bool(errors) or question is not None,
        raised=form.texts("problem"),
    )


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked before a note is signed: about unusual values, which `answer` confirms, else about no diagnosis."""

    doubts: tuple[str, ...] = ()
    answer: str = ""


def _question(form: Form, wish: consultation.Wish, language: str) -> Question | None:
    doubts, answer = consultation.question_about(wish)
    if doubts and form.text(_CONFIRMED) != answer:
        return Question(tuple(_told(one, language) for one in doubts), answer)
    return None if wish.diagnoses or form.is_on(_ASKED) else Question()


def _writing_wishes(patient: str, booking: str) -> list[Wish]:
    who = ("patient", patient)
    wishes: list[Wish] = [
        ("problems", "Condition", [who, ("category", "problem-list-item"), ("_count", "100")]),
        *recent_contacts(patient),
    ]
    if ids.decode(booking):
        wishes.append(("booking", "Appointment", [who, ("_id", booking)]))
    return wishes


def _recent(frame: Frame) -> list[Note]:
    """The newest notes of each service, the writer's own first to be read."""
    notes = notes_of(frame)
    visits = {row["id"] for row in frame.found["visits"]}
    newest = [one for one in notes if one.encounter not in visits][:3]
    return [*newest, *(one for one in notes if one.encounter in visits)][: len(newest) + 1]


async def _correction_page(
    request: Request,
    decision: Decision,
    *,
    note: Note,
    text: str,
    form: Form | None = None,
    error: Refusal | None = None,
) -> Response:
    frame = await open_frame(request, decision, _beside(decision, note))
    shown = form.note_diagnoses() if form else tuple((d.code, d.display) for d in _diagnoses(frame))
    is_conflict = form is not None and note.version != version_in(form)
    return render(
        request,
        "notes/correct.html",
        _status(error) if error else 200,
        frame=frame,
        tab="notater",
        note=note,
        text=text,
        diagnoses=shown,
        told=_told(error, language_of(request)) if error else "",
        theirs=changes(text, note.text) if is_conflict else (),
        context=context_field(decision.reader),
        draft_key=key_of_drafts(request, decision.reader),
        draft_id=draft_name(note.id, "rett"),
        fresh=error is not None,
    )


async def _refused(request: Request, decision: Decision, form: Form, errors: FieldErrors, error: Refusal) -> Response:
    errors.add(getattr(error, "field", "tekst"), _told(error, language_of(request)))
    return await _form_page(request, decision, form, errors=errors, status=_status(error))


def _status(error: Refusal) -> int:
    if isinstance(error, AccessError | RecordError):
        return status_of(error)
    return 422


def _told(error: Refusal, language: str) -> str:
    """What a refusal says, filled in, in the reader's language."""
    if isinstance(error, BadValue):
        about = {name: translated(language, value) for name, value in error.about.items()}
        return translated(language, error.text, **about)
    if isinstance(error, NoteRefusal) and error.about:
        return translated(language, error.text, code=error.about)
    return translated(language, error.text)


async def _versions(journal: Journal, note_id: str) -> list[tuple[int, Json]]:
    """Every signed version, newest first."""
    rows = await journal.history("Composition", note_id)
    return [(row["version"], r4.parse(row["body"].encode())) for row in rows if row["op"] != "D" and row["body"]]


def _named(note: Note, resource: Json, directory: Directory) -> Note:
    """A version with who signed it, and for which unit."""
    signed = resource.get("attester", [{}])[-1].get("party") or resource["author"][0]
    return replace(
        note, author=directory.name(signed) or note.author, unit=directory.name(resource.get("custodian"))
    )


def _beside(decision: Decision, note: Note) -> list[Wish]:
    """The contact and its diagnoses."""
    if not note.encounter:
        return []
    who = ("patient", patient_id(patient_of(decision)))
    return [
        ("contact", "Encounter", [who, ("_id", note.encounter)]),
        ("diagnoses", "Condition", [who, ("encounter", f"Encounter/{note.encounter}"), ("_count", "20")]),
    ]


def _diagnoses(frame: Frame) -> list[Diagnosis]:
    rows = [
        one
        for one in frame.found.get("diagnoses", ())
        if "entered-in-error" not in str(one.get("verificationStatus", ""))
    ]
    found = [one for row in rows if (one := diagnosis_in(row.get("code")))]
    if not found:
        contact = next(iter(frame.found.get("contact", ())), {})
        coded = (diagnosis_in(one) for one in contact.get("reasonCode", ()))
        found = [one for one in coded if one and one.code]
    return list(dict.fromkeys(found))


def _contact(frame: Frame) -> tuple[str, datetime | None] | None:
    row = next(iter(frame.found.get("contact", ())), None)
    if row is None:
        return None
    return words(next(iter(row.get("type", ())), None)), moment(row.get("period", {}).get("start"))


def _may_correct(decision: Decision, note: Note) -> bool:
    """The author, and the unit that answers for the note."""
    reader = decision.reader
    own = {ids.encode(0, key) for key in (reader.unit,) if key}
    return note.unit_id is None or note.unit_id in own


def _done(request: Request, decision: Decision) -> tuple[str, str] | None:
    """(what was just done, the draft that may go)."""
    if "signert" in request.query_params:
        return "signed", draft_name(patient_id(patient_of(decision)), "nytt")
    if "rettet" in request.query_params:
        return "corrected", draft_name(request.path_params["note"], "rett")
    return None


def draft_name(about: str, kind: str) -> str:
    """The name of a draft in the browser: an opaque id and what it is for."""
    return f"{kind}-{about}"


def _types(request: Request) -> tuple[tuple[str, str, str], ...]:
    language = language_of(request)
    return tuple((code, translated(language, label), unit) for code, label, unit in measurement_types())


routes = [
    Route("/diagnoser", search_diagnoses, methods=["POST"]),
    Route("/pasienter/{patient}/notat/nytt", show_new),
    Route("/pasienter/{patient}/notat/nytt", sign, methods=["POST"]),
    Route("/pasienter/{patient}/notat/{note}", show),
    Route("/pasienter/{patient}/notat/{note}/rett", show_correction),
    Route("/pasienter/{patient}/notat/{note}/rett", correct, methods=["POST"]),
]
