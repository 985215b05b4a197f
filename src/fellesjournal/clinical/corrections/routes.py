"""Pages for what is wrong in a record: withdraw or move an entry, propose its deletion, and decide on wishes."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from fellesjournal import fhir
from fellesjournal.access import gate
from fellesjournal.access.decide import Decision
from fellesjournal.access.model import AccessError, PatientId
from fellesjournal.clinical.corrections import actions
from fellesjournal.clinical.corrections.entries import KINDS, Single, all_singles, read_single
from fellesjournal.clinical.corrections.model import BASES, STATES, CorrectionRefusal, NoAnswer
from fellesjournal.clinical.identification.actions import Ticket, open_ticket
from fellesjournal.clinical.identification.model import CannotIdentify
from fellesjournal.clinical.identification.routes import look_up, sealer_of
from fellesjournal.clinical.notes.fhir import note_from
from fellesjournal.clinical.overview.frame import chart_url, open_frame, patient_of
from fellesjournal.clinical.pages import check_context, context_field, journal_of, now, status_of, version_in
from fellesjournal.clinical.pieces import Json, patient_id
from fellesjournal.record import erasure
from fellesjournal.record.errors import NotFound, RecordError
from fellesjournal.record.journal import Journal
from fellesjournal.web import FieldErrors, Form, _, add_templates, keep_typed, language_of, read_form, render
from fellesjournal.web.i18n import translated

add_templates("corrections", "fellesjournal.clinical.corrections")
keep_typed(
    begrunnelse_trekk=_("Begrunnelse"),
    begrunnelse_flytt=_("Begrunnelse"),
    begrunnelse_slett=_("Begrunnelse"),
    hvem=_("Person"),
)

Refusal = AccessError | RecordError | CorrectionRefusal | CannotIdentify
_REFUSALS = (AccessError, RecordError, CorrectionRefusal, CannotIdentify)
_LONGEST = 2000
_REASON, _ANSWER = CorrectionRefusal.field, NoAnswer.field


@gate.chart("open")
async def show(request: Request, decision: Decision) -> Response:
    """What can be done when something is wrong with an entry. Raises WrongUnit for another unit's note."""
    return await _entry_page(request, decision)


@gate.chart("write")
async def withdraw(request: Request, decision: Decision) -> Response:
    """Withdraw the entry: it is kept, and ordinary reading passes it by."""
    form = await read_form(request)
    journal, patient = journal_of(request, decision), patient_of(decision)
    try:
        check_context(form, decision.reader)
        entry = await _entry(journal, request, decision)
        actions.withdraw(
            journal, entry, patient=patient, reader=decision.reader, version=version_in(form),
            reason=form.text("begrunnelse_trekk")[:_LONGEST], at=now(request),
        )  # fmt: skip
        await journal.commit()
    except _REFUSALS as error:
        return await _entry_page(request, decision, form=form, error=error, about="trekk")
    return _back(decision, "trukket")


@gate.chart("write")
async def find(request: Request, decision: Decision) -> Response:
    """Whose record the entry belongs in: the hits, to choose one."""
    form = await read_form(request)
    try:
        check_context(form, decision.reader)
        hits = await look_up(request, decision, form)
    except _REFUSALS as error:
        return await _entry_page(request, decision, form=form, error=error, about="flytt")
    return await _entry_page(request, decision, form=form, hits=hits, about="flytt")


@gate.chart("write")
async def move(request: Request, decision: Decision) -> Response:
    """Move the entry to the record it belongs in, and propose that the original be deleted."""
    form = await read_form(request)
    journal, patient = journal_of(request, decision), patient_of(decision)
    try:
        check_context(form, decision.reader)
        ticket = open_ticket(sealer_of(request), form.text("person"), reader=decision.reader)
        entry = await _entry(journal, request, decision)
        reason = form.text("begrunnelse_flytt")[:_LONGEST]
        actions.move(
            journal, entry, patient=patient, to=ticket.patient, reader=decision.reader, version=version_in(form),
            reason=reason, at=now(request),
        )  # fmt: skip
        await journal.commit()
        await _ask(journal, entry, basis=erasure.WRONG_PERSON, reason=reason)
    except _REFUSALS as error:
        return await _entry_page(request, decision, form=form, error=error, about="flytt")
    return _back(decision, "flyttet")


@gate.chart("write")
async def propose(request: Request, decision: Decision) -> Response:
    """Propose, or ask for, the deletion of an entry with what goes with it."""
    form = await read_form(request)
    journal = journal_of(request, decision)
    try:
        check_context(form, decision.reader)
        reason = form.text("begrunnelse_slett").strip()[:_LONGEST]
        if not reason:
            raise CorrectionRefusal
        entry = await _entry(journal, request, decision)
        await _ask(journal, entry, basis=_basis(form), reason=reason)
    except _REFUSALS as error:
        return await _entry_page(request, decision, form=form, error=error, about="slett")
    return _back(decision, "foreslatt")


@gate.chart("open")
async def show_all(request: Request, decision: Decision) -> Response:
    """The wishes about this record, and the tombstones of what was deleted."""
    return await _list_page(request, decision)


@gate.chart("write")
async def decide(request: Request, decision: Decision) -> Response:
    """One person's yes or no to a wish."""
    form = await read_form(request)
    journal = journal_of(request, decision)
    answer = form.text(f"svar_{_number(request)}").strip()[:_LONGEST]
    is_yes = form.text("gjor") == "ja"
    try:
        check_context(form, decision.reader)
        if not is_yes and not answer:
            raise NoAnswer
        outcome = await erasure.decide_erasure(
            journal, _number(request), patient=patient_of(decision), erase=is_yes, answer=answer
        )
    except _REFUSALS as error:
        return await _list_page(request, decision, form=form, error=error)
    return _back(decision, outcome)


@gate.chart("write")
async def take_up(request: Request, decision: Decision) -> Response:
    """A withdrawn entry stands in the record again; with a note, what was withdrawn with it."""
    form = await read_form(request)
    journal, patient = journal_of(request, decision), patient_of(decision)
    try:
        check_context(form, decision.reader)
        rows = await erasure.withdrawn_of(journal, patient)
        rtype, id_ = _named(request)
        actions.take_up(journal, rows, patient=patient, reader=decision.reader, rtype=rtype, id=id_, at=now(request))
        await journal.commit()
    except _REFUSALS as error:
        return await _list_page(request, decision, form=form, error=error)
    return _back(decision, "tatt-inn")


@gate.chart("open")
async def show_entries(request: Request, decision: Decision) -> Response:
    """What stands in the record but for notes, by kind, each with a way to say that it is wrong."""
    journal = journal_of(request, decision)
    frame = await open_frame(request, decision, journal=journal)
    kinds = await all_singles(journal, patient=patient_of(decision))
    return render(request, "corrections/entries.html", frame=frame, tab="", kinds=kinds)


@gate.unit("list")
async def show_waiting(request: Request, decision: Decision) -> Response:
    """What waits for the acting unit."""
    journal = journal_of(request, decision)
    waiting = await erasure.erasures_waiting(journal)
    names = await _names(journal, [one.patient for one in waiting])
    rows = [
        (one, f"{chart_url(patient_id(one.patient))}/retting", names[one.patient])
        for one in waiting
        if one.patient in names
    ]
    return render(request, "corrections/waiting.html", rows=rows, states=STATES, bases=BASES)


@gate.signed_in("proposals of the reviewer's controllers; the database decides who reviews, and logs it")
async def show_reviewed(request: Request, decision: Decision) -> Response:
    """Proposals that a reviewer may be the second person of."""
    return await _review_page(request, decision)


@gate.signed_in("the database decides who reviews, and logs it")
async def review(request: Request, decision: Decision) -> Response:
    """A reviewer's yes or no, as the second person."""
    form = await read_form(request)
    answer = form.text(f"svar_{_number(request)}").strip()[:_LONGEST]
    is_yes = form.text("gjor") == "ja"
    try:
        check_context(form, decision.reader)
        if not is_yes and not answer:
            raise NoAnswer
        await erasure.decide_erasure(
            journal_of(request, decision), _number(request), patient=None, erase=is_yes, answer=answer
        )
    except _REFUSALS as error:
        return await _review_page(request, decision, form=form, error=error)
    return RedirectResponse("/kontroll/sletting?gjort=1", 303)


async def _entry(journal: Journal, request: Request, decision: Decision) -> actions.Entry | Single:
    patient, named = patient_of(decision), request.path_params
    if "note" in named:
        return await actions.read_entry(journal, patient=patient, reader=decision.reader, note_id=named["note"])
    return await read_single(journal, patient=patient, number=_type_in(request), entry_id=named["entry"])


async def _ask(journal: Journal, entry: actions.Entry | Single, *, basis: int, reason: str) -> None:
    stored = entry.stored
    await erasure.ask_erasure(journal, stored.rtype, stored.key, basis=basis, reason=reason, along=entry.along)


def _named(request: Request) -> tuple[str, str]:
    """The type and the id that an address names. Raises NotFound for a type that is none."""
    if "note" in request.path_params:
        return "Composition", request.path_params["note"]
    number = _type_in(request)
    if not 0 < number <= len(fhir.RESOURCE_TYPES):
        raise NotFound
    return fhir.RESOURCE_TYPES[number - 1], request.path_params["entry"]


def _type_in(request: Request) -> int:
    text: str = request.path_params["type"]
    return int(text) if text.isascii() and text.isdigit() and len(text) < 4 else 0


async def _entry_page(
    request: Request, decision: Decision, *, form: Form | None = None, error: Refusal | None = None,
    hits: Sequence[tuple[Ticket, str]] | None = None, about: str = "",
) -> Response:  # fmt: skip
    journal = journal_of(request, decision)
    entry = await _entry(journal, request, decision)
    frame = await open_frame(request, decision, journal=journal)
    return render(
        request,
        "corrections/entry.html",
        _status(error),
        frame=frame,
        tab="notater" if isinstance(entry, actions.Entry) else "",
        **_shown(entry, frame.url),
        errors=_errors(request, error, about),
        hits=hits,
        typed=form,
        bases=[(str(code), BASES[code]) for code in (erasure.KEEPER, erasure.PATIENT)],
        context=context_field(decision.reader),
    )


def _shown(entry: actions.Entry | Single, url: str) -> dict[str, object]:
    """What the page says of what is wrong: what it is, where its forms go, and what goes with it."""
    if isinstance(entry, Single):
        lead = (entry.kind, (entry.title, entry.amount), entry.at, "")
        return {"here": f"{url}/oppforing/{entry.number}/{entry.id}", "version": entry.version, "lead": lead,
                "is_note": False, "may_move": entry.may_move, "counts": (0, 0, False)}  # fmt: skip
    note = entry.note
    counts = (len(entry.conditions), len(entry.observations), entry.encounter is not None)
    return {"here": f"{url}/notat/{note.id}", "version": note.version, "lead": (note.title, None, note.at, note.author),
            "is_note": True, "may_move": True, "counts": counts}  # fmt: skip


async def _list_page(
    request: Request, decision: Decision, *, form: Form | None = None, error: Refusal | None = None
) -> Response:  # fmt: skip
    journal = journal_of(request, decision)
    wishes = await erasure.erasures_about(journal, patient_of(decision))
    rows = await erasure.withdrawn_of(journal, patient_of(decision))
    withdrawn = [
        note_from(one.resource(), version=one.version, id=one.id) for one in rows if one.rtype == "Composition"
    ]
    frame = await open_frame(request, decision, journal=journal)
    return render(
        request,
        "corrections/list.html",
        _status(error),
        frame=frame,
        tab="notater",
        wishes=wishes,
        withdrawn=withdrawn,
        withdrawn_alone=actions.withdrawn_alone(rows),
        types={name: fhir.TYPE_NUMBER[name] for name in KINDS},
        asked={wish.entry for wish in wishes if wish.state in ("asked", "proposed")},
        bases=BASES,
        states=STATES,
        done=request.query_params.get("gjort", ""),
        errors=_errors(request, error, request.path_params.get("wish", "")),
        typed=form,
        context=context_field(decision.reader),
    )


async def _review_page(
    request: Request, decision: Decision, *, form: Form | None = None, error: Refusal | None = None
) -> Response:  # fmt: skip
    return render(
        request,
        "corrections/review.html",
        _status(error),
        proposals=await erasure.erasures_reviewed(journal_of(request, decision)),
        bases=BASES,
        done="gjort" in request.query_params,
        errors=_errors(request, error, request.path_params.get("wish", "")),
        typed=form,
        context=context_field(decision.reader),
    )


async def _names(journal: Journal, patients: Sequence[PatientId]) -> dict[PatientId, str]:
    """The names of those on the unit's lists."""
    found: dict[PatientId, str] = {}
    for patient in dict.fromkeys(patients):
        page = await journal.search("Patient", [("_id", patient_id(patient))])
        if page.matches:
            found[patient] = _name(page.matches[0].resource())
    return found


def _name(resource: Json) -> str:
    name: Json = next(iter(resource.get("name", ())), {})
    return str(name.get("text") or " ".join([*name.get("given", ()), name.get("family", "")]).strip())


def _basis(form: Form) -> int:
    return erasure.PATIENT if form.text("grunnlag") == str(erasure.PATIENT) else erasure.KEEPER


def _number(request: Request) -> int:
    text = request.path_params["wish"]
    return int(text) if text.isascii() and text.isdigit() and len(text) < 18 else 0


def _errors(request: Request, error: Refusal | None, about: str) -> FieldErrors:
    errors = FieldErrors()
    if error is not None:
        field = getattr(error, "field", "hvem" if isinstance(error, CannotIdentify) else _REASON)
        named = f"{field}_{about}" if field in (_REASON, _ANSWER) else field
        errors.add(named, translated(language_of(request), error.text))
    return errors


def _status(error: Refusal | None) -> int:
    if error is None:
        return 200
    return status_of(error) if isinstance(error, AccessError | RecordError) else error.status


def _back(decision: Decision, done: str) -> Response:
    return RedirectResponse(f"{chart_url(patient_id(patient_of(decision)))}/retting?gjort={done}", 303)


_ENTRIES = ("/notat/{note}", "/oppforing/{type}/{entry}")
routes = [
    Route("/retting", show_waiting),
    Route("/kontroll/sletting", show_reviewed),
    Route("/kontroll/sletting/{wish}", review, methods=["POST"]),
    Route("/pasienter/{patient}/retting", show_all),
    Route("/pasienter/{patient}/oppforinger", show_entries),
    Route("/pasienter/{patient}/retting/{wish}", decide, methods=["POST"]),
    *(
        Route(f"/pasienter/{{patient}}{entry}/feil{way}", page, methods=methods)
        for entry in _ENTRIES
        for way, page, methods in (
            ("/angre", take_up, ["POST"]), ("", show, ["GET"]), ("/trekk", withdraw, ["POST"]),
            ("/finn", find, ["POST"]), ("/flytt", move, ["POST"]), ("/slett", propose, ["POST"]),
        )
    ),
]
