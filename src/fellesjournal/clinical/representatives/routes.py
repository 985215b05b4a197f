"""The pages: who acts for a patient, one parent kept out of the record, what parents of a young person were told.

What is withheld from parents: `holding.py`.
"""

from __future__ import annotations

from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from fellesjournal.access import gate, representation, withholding
from fellesjournal.access.decide import Decision
from fellesjournal.access.model import AccessError, NoNeed
from fellesjournal.clinical.overview.frame import open_frame, patient_of
from fellesjournal.clinical.pages import check_context, journal_of, now
from fellesjournal.clinical.representatives import holding, telling
from fellesjournal.clinical.representatives.forms import LONGEST, back, form_page, grounds_of, number_in, reason_in
from fellesjournal.clinical.representatives.words import DONE, OPENS, kinds_named
from fellesjournal.identity.model import RELATION_NAMES
from fellesjournal.record.errors import RecordError
from fellesjournal.web import Form, _, add_templates, keep_typed, language_of, read_form, render

add_templates("representatives", "fellesjournal.clinical.representatives")
keep_typed(begrunnelse=_("Begrunnelse"), fortalt=_("Hva foreldrene fikk vite"))


@gate.chart("open")
async def show(request: Request, decision: Decision) -> Response:
    """Parents, guardians and proxies, what each may see now, the next of kin, what is withheld and what was told."""
    db, frame = request.app.state.access_db, await open_frame(request, decision)
    asked: Any = {"decision": decision, "patient": frame.patient}
    made = await withholding.parents_told(db, **asked)
    return render(
        request,
        "representatives/overview.html",
        frame=frame,
        tab="representanter",
        people=await withholding.overview(db, **asked),
        kin=await representation.kin_of(db, **asked),
        may_withhold=bool(await withholding.grounds(db, **asked, what="ITEM")),
        may_cut=bool(await withholding.grounds(db, **asked, what="PARENT")),
        may_tell=bool(await withholding.to_tell(db, **asked)),
        withheld=await withholding.withholdings(db, **asked),
        told=await telling.with_words(frame.journal, made, slot=frame.patient.slot) if made else [],
        kinds_named=kinds_named,
        relations=RELATION_NAMES,
        opens=OPENS,
        done=DONE.get(request.query_params.get("gjort", "")),
        language=language_of(request),
    )


@gate.chart("open")
async def show_parent(request: Request, decision: Decision) -> Response:
    """The form that keeps one parent out of the record, or lets them in again. Raises NoNeed for anybody else."""
    return await _parent_page(request, decision)


@gate.chart("write")
async def change_parent(request: Request, decision: Decision) -> Response:
    """Keep one parent out of the record by a ground, or let them in again. Raises NoNeed."""
    form, db = await read_form(request), request.app.state.access_db
    asked: Any = {"decision": decision, "child": patient_of(decision), "parent": _parent_in(request)}
    is_back = form.text("gjor") == "slipp"
    try:
        check_context(form, decision.reader)
        if is_back:
            await withholding.let_parent_in(db, **asked, reason=reason_in(form))
        else:
            await withholding.cut_parent_off(db, **asked, ground=form.text("grunn"), reason=reason_in(form))
    except NoNeed:
        raise
    except AccessError as error:
        return await _parent_page(request, decision, form, error)
    return back(decision, "sluppet" if is_back else "stengt")


@gate.chart("open")
async def show_telling(request: Request, decision: Decision) -> Response:
    """The form for what parents of a young person were told."""
    return await _telling_page(request, decision)


@gate.chart("write")
async def tell(request: Request, decision: Decision) -> Response:
    """Record that parents of a young person were told what parental responsibility requires."""
    form, patient = await read_form(request), patient_of(decision)
    parents = await withholding.to_tell(request.app.state.access_db, decision=decision, patient=patient)
    chosen = tuple(one for one in parents if str(one.person) in form.texts("hvem"))
    try:
        check_context(form, decision.reader)
        text = form.text("fortalt")
        if not 1 <= len(text) <= LONGEST:
            raise withholding.WithholdingRefused("fortalt", _("Skriv hva de fikk vite, på høyst 2000 tegn."))
        wish = telling.Wish(chosen, form.text("grunn"), text)
        await telling.tell(journal_of(request, decision), patient=patient, wish=wish, at=now(request))
    except (AccessError, RecordError) as error:
        return await _telling_page(request, decision, form, error)
    return back(decision, "fortalt")


async def _parent_page(
    request: Request, decision: Decision, form: Form | None = None, error: AccessError | None = None
) -> Response:
    patient, wanted = patient_of(decision), _parent_in(request)
    people = await withholding.overview(request.app.state.access_db, decision=decision, patient=patient)
    one = next((one for one in people if one.ground == "FORELDER" and one.person == wanted), None)
    if one is None:
        raise NoNeed
    return await form_page(
        request, decision, "representatives/parent.html", form, error, one=one, relations=RELATION_NAMES, opens=OPENS,
        language=language_of(request), grounds=await grounds_of(request, decision, "PARENT"),
    )  # fmt: skip


async def _telling_page(
    request: Request, decision: Decision, form: Form | None = None, error: AccessError | RecordError | None = None
) -> Response:
    asked: Any = {"decision": decision, "patient": patient_of(decision)}
    return await form_page(
        request, decision, "representatives/tell.html", form, error, relations=RELATION_NAMES,
        parents=await withholding.to_tell(request.app.state.access_db, **asked),
        chosen=form.texts("hvem") if form else (), grounds=await grounds_of(request, decision, "TELL"),
    )  # fmt: skip


def _parent_in(request: Request) -> int:
    return number_in(request.path_params["person"])


_HERE: Final = "/pasienter/{patient}/representanter"
routes = [
    Route(_HERE, show),
    Route(f"{_HERE}/forelder/{{person}}", show_parent),
    Route(f"{_HERE}/forelder/{{person}}", change_parent, methods=["POST"]),
    Route(f"{_HERE}/fortelle", show_telling),
    Route(f"{_HERE}/fortelle", tell, methods=["POST"]),
    *holding.routes,
]
