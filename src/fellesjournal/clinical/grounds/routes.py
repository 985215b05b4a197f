"""Why, and the ways in. Addresses carry the opaque id alone; what is chosen and why comes by POST."""

from __future__ import annotations

from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from fellesjournal.access import gate
from fellesjournal.access.choices import actions
from fellesjournal.access.choices.model import SUPPORT, CannotChoose, Choice, ReasonTooShort
from fellesjournal.access.decide import Decision
from fellesjournal.access.model import AccessError, NoNeed, PatientId
from fellesjournal.clinical.grounds.words import DENIALS, LENGTHS, RELATIONS, RULES, WAYS, Way, law_of
from fellesjournal.clinical.pages import check_context, context_field, now, status_of
from fellesjournal.clinical.pieces import patient_id
from fellesjournal.record.errors import NotFound
from fellesjournal.web import FieldErrors, Form, _, add_templates, keep_typed, language_of, read_form, render

add_templates("grounds", "fellesjournal.clinical.grounds")
SUPPORT_HOME: Final = "/brukerstotte"
keep_typed(begrunnelse=_("Begrunnelse"))


@gate.asking("why the reader has access to a chart or not, and what they can do")
async def show_why(request: Request, decision: Decision) -> Response:
    """The facts and rules that open the chart and until when, or what refuses it; and the ways in that are left."""
    db, reader, patient = request.app.state.access_db, decision.reader, _patient(decision)
    explained = await actions.explain(db, reader=reader, patient=patient)
    found = await actions.choices(db, reader=reader, patient=patient)
    kinds = {one.kind for one in found}
    if "relative" in kinds:  # no other ground opens a relative's record
        kinds &= {"relative", "emergency"}
    return render(
        request,
        "grounds/why.html",
        why=explained,
        chart_url=_chart_url(patient),
        denials=DENIALS,
        rules=RULES,
        law_of=law_of,
        ways=[(name, way.title) for name, way in WAYS.items() if kinds & {*way.kinds}],
        is_kin="relative" in kinds,
        language=language_of(request),
        context=context_field(reader),
    )


@gate.unit("list")
async def show_family(request: Request, decision: Decision) -> Response:
    """The reader's close family whose records wait for a reason: what they are to the reader, and no more."""
    found = await actions.kin_waiting(request.app.state.access_db, reader=decision.reader)
    relatives = [(one, patient_id(one.patient)) for one in found]
    return render(request, "grounds/family.html", relatives=relatives, words=RELATIONS)


@gate.signed_in("the records that are open to this member of support; the database decides")
async def show_support(request: Request, decision: Decision) -> Response:
    """What is open to who gives support, for which case and until when. Raises NoNeed for anybody else."""
    if decision.reader.role != SUPPORT:
        raise NoNeed
    found = await actions.own_supports(request.app.state.access_db, reader=decision.reader)
    return render(request, "grounds/support.html", opened=[(one, _chart_url(one.patient)) for one in found])


@gate.asking("the form for a ground that the reader chooses")
async def show_form(request: Request, decision: Decision) -> Response:
    """The grounds to choose from, and the reason."""
    return await _form(request, decision, await read_form(request), FieldErrors())


@gate.asking("the reader chooses a ground, with a reason; logged, and told to a reviewer")
async def choose(request: Request, decision: Decision) -> Response:
    """Choose, then on to the chart."""
    form, errors, patient = await read_form(request), FieldErrors(), _patient(decision)
    try:
        check_context(form, decision.reader)
        ground = await _ground(request, decision, form)
        await actions.choose(
            request.app.state.access_db, reader=decision.reader, patient=patient, ground=ground,
            reason=form.text("begrunnelse"), minutes=_minutes(form),
        )  # fmt: skip
    except AccessError as error:
        errors.add("begrunnelse" if isinstance(error, ReasonTooShort) else "grunn", error.text)
        return await _form(request, decision, form, errors, status=status_of(error))
    return RedirectResponse(await _onward(request, decision, patient), 303)


@gate.asking("the reader ends what they chose")
async def end(request: Request, decision: Decision) -> Response:
    """End it now; the page of why says what is left."""
    form, patient = await read_form(request), _patient(decision)
    check_context(form, decision.reader)
    await actions.end_choice(
        request.app.state.access_db, reader=decision.reader, patient=patient, ground=form.text("grunn")
    )
    return RedirectResponse(f"{_chart_url(patient)}/tilgang", 303)


async def _onward(request: Request, decision: Decision, patient: PatientId) -> str:
    """The chart; or, of a relative who is only being registered yet, the word to go on with that."""
    if request.path_params["vei"] == "familie":
        found = await actions.explain(request.app.state.access_db, reader=decision.reader, patient=patient)
        if not found.is_open:
            return "/familie?skrevet=1"
    return _chart_url(patient)


async def _ground(request: Request, decision: Decision, form: Form) -> str:
    """The ground of a form: the one that is ticked, among those that this way offers. Raises CannotChoose."""
    offered = await _offered(request, decision, _way(request))
    asked = form.text("grunn") or (offered[0].code if len(offered) == 1 else "")
    if asked not in {one.code for one in offered}:
        raise CannotChoose
    return asked


async def _offered(request: Request, decision: Decision, way: Way) -> list[Choice]:
    found = await actions.choices(request.app.state.access_db, reader=decision.reader, patient=_patient(decision))
    return [one for one in found if one.kind in way.kinds]


async def _form(
    request: Request, decision: Decision, form: Form, errors: FieldErrors, *, status: int = 200
) -> Response:
    way, patient = _way(request), _patient(decision)
    offered, language = await _offered(request, decision, way), language_of(request)
    return render(
        request,
        "grounds/choose.html",
        status,
        way=way,
        offered=offered,
        options=[(one.code, one.name.text(language), one.hint.text(language)) for one in offered],
        lengths=[(minutes, _(text)) for minutes, text in LENGTHS],
        minutes=max((one.max_min for one in offered), default=0),
        typed=form,
        errors=errors,
        chart_url=_chart_url(patient),
        at=now(request),
        context=context_field(decision.reader),
    )


def _way(request: Request) -> Way:
    way = WAYS.get(request.path_params["vei"])
    if way is None:
        raise HTTPException(404)
    return way


def _minutes(form: Form) -> int | None:
    text = form.text("varighet")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 5 else None


def _patient(decision: Decision) -> PatientId:
    if decision.patient is None:
        raise NotFound
    return decision.patient


def _chart_url(patient: PatientId) -> str:
    return f"/pasienter/{patient_id(patient)}"


routes = [
    Route(SUPPORT_HOME, show_support),
    Route("/familie", show_family),
    Route("/pasienter/{patient}/tilgang", show_why),
    Route("/pasienter/{patient}/tilgang/avslutt", end, methods=["POST"]),
    Route("/pasienter/{patient}/tilgang/{vei}", show_form),
    Route("/pasienter/{patient}/tilgang/{vei}", choose, methods=["POST"]),
]
