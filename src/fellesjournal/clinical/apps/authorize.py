"""An app asks to be let in: the page where a person sees what it wants, and says yes to all of it, to some, or no."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from fellesjournal.access import gate
from fellesjournal.access.decide import Decision, within
from fellesjournal.clinical.apps import actions
from fellesjournal.clinical.apps.actions import WAIT_S, Question
from fellesjournal.clinical.apps.words import Wish, wish_of
from fellesjournal.clinical.directory import person_name
from fellesjournal.clinical.pages import journal_of
from fellesjournal.clinical.pieces import day
from fellesjournal.identity import Reader
from fellesjournal.identity.apps import App, OAuthError, Scopes
from fellesjournal.identity.apps.asking import AppRefused, Asked, ToApp, app_of, read_question, refusal
from fellesjournal.identity.apps.routes import AppServer
from fellesjournal.identity.apps.scopes import IDENTITY, LAUNCH
from fellesjournal.identity.current import current_reader
from fellesjournal.kit import ids
from fellesjournal.web import Form, add_templates, allow_form_targets, read_form, render

add_templates("apps", "fellesjournal.clinical.apps")

WAITING: Final = "fellesjournal-app"
"""The cookie that keeps a question while the person signs in."""
AGAIN: Final = "/oauth/fortsett"
ANSWER: Final = "/oauth/svar"
_SHOWN: Final = 20
_WHY: Final = "an app's question, put to whoever is signed in; shows nothing before somebody is"


@dataclass(frozen=True)
class Person:
    """Somebody whose record an app may be opened on."""

    id: str
    name: str
    born_on: Any


@gate.public(_WHY)
async def ask(request: Request) -> Response:
    """Put an app's question to the person; after sign-in when nobody is signed in. Raises AppRefused."""
    server: AppServer = request.app.state.apps
    try:
        app, asked = await read_question(server.web, request.query_params.multi_items(), base=server.base)
    except ToApp as refused:
        return RedirectResponse(refused.address, 303)
    reader = current_reader(request)
    if reader is None:
        response = RedirectResponse(f"/logg-inn?til={AGAIN}", 303)
        sealed = server.sealer.seal(asked, ttl_s=WAIT_S)
        server.sessions.cookies.put(response, WAITING, sealed, max_age_s=WAIT_S)
        return response
    return await _put(request, server, reader, app, asked)


@gate.signed_in("an app's question, after sign-in")
async def go_on(request: Request, decision: Decision) -> Response:
    """The question that waited for the sign-in. Raises AppRefused when it has waited too long."""
    server: AppServer = request.app.state.apps
    cookies = server.sessions.cookies
    asked = server.sealer.open(cookies.get(request, WAITING), Asked)
    if asked is None:
        raise AppRefused
    response = await _put(request, server, decision.reader, await app_of(server.web, asked), asked)
    cookies.drop(response, WAITING)
    return response


@gate.signed_in("the answer to an app's question")
async def answer(request: Request, decision: Decision) -> Response:
    """Say yes or no, or first whose record it is about. Raises AppRefused, NotSignedIn, AccessError."""
    server: AppServer = request.app.state.apps
    form, reader = await read_form(request), decision.reader
    question = server.sealer.open(form.text("foresporsel"), Question)
    if question is None or question.session != reader.session:
        raise AppRefused
    app = await app_of(server.web, question.asked)
    did = form.text("gjor")
    if did == "avbryt":
        return RedirectResponse(actions.refuse(server, question), 303)
    if actions.needs_patient(question):
        question = await actions.choose(request, reader, question, form.text("pasient"))
    if did != "tillat" or actions.needs_patient(question):
        return await _page(request, server, reader, app, question, form)
    chosen = _chosen(question.asked.scopes, form)
    if not chosen.resources and question.asked.scopes.resources:
        return await _page(request, server, reader, app, question, form, is_empty=True)
    return RedirectResponse(await actions.allow(server, reader, app, question, chosen), 303)


async def _put(request: Request, server: AppServer, reader: Reader, app: App, asked: Asked) -> Response:
    try:
        question = await actions.question_of(server, reader, app, asked)
    except OAuthError as error:
        return RedirectResponse(refusal(asked.redirect_uri, asked.state, error, base=server.base), 303)
    if reader.kind == "staff" and asked.launch:
        # Who opened the app from the chart has chosen it; what it may do, the administrator has approved.
        return RedirectResponse(await actions.allow(server, reader, app, question, asked.scopes), 303)
    return await _page(request, server, reader, app, question)


async def _page(
    request: Request, server: AppServer, reader: Reader, app: App, question: Question, form: Form | None = None, *,
    is_empty: bool = False,
) -> Response:  # fmt: skip
    allow_form_targets(request, [question.asked.redirect_uri])
    scopes = question.asked.scopes
    is_choosing = actions.needs_patient(question)
    words = form.text("navn") if form else ""
    return render(
        request, "apps/authorize.html", 422 if is_empty else 200,
        app=app.registration, sealed=server.sealer.seal(question, ttl_s=WAIT_S), answer_at=ANSWER, is_empty=is_empty,
        is_choosing=is_choosing, people=await _people(request, reader, words) if is_choosing else (), words=words,
        about=await _about(request, reader, question), is_citizen=reader.kind == "citizen",
        wishes=_wishes(scopes), knows_who=any(scopes.has(word) for word in IDENTITY),
        stays=scopes.has("offline_access"), days=server.settings.app_offline_days,
    )  # fmt: skip


def _wishes(scopes: Scopes) -> list[Wish]:
    return [wish_of(scope) for scope in scopes.resources]


def _chosen(asked: Scopes, form: Form) -> Scopes:
    """What was ticked of what was asked for; the context of the launch goes without saying."""
    ticked = set(form.texts("omfang"))
    words = [word for word in asked.words if word in (*IDENTITY, *LAUNCH, "online_access") or form.is_on(word)]
    return Scopes(tuple(one for one in asked.resources if str(one) in ticked), tuple(words))


async def _about(request: Request, reader: Reader, question: Question) -> str:
    """The name of the patient whom the question is about; "" for none."""
    if reader.kind == "citizen" or question.patient is None:
        whose = reader.acting.name if reader.acting else reader.name
        return whose if reader.kind == "citizen" else ""
    stored = await journal_of(request, within(reader)).read("Patient", ids.encode(*question.patient))
    return person_name(stored.resource())


async def _people(request: Request, reader: Reader, words: str) -> Sequence[Person]:
    """People on the unit's lists by the beginning of a name; nobody before one is given: who is shown is logged."""
    if not words:
        return ()
    wanted = [("_count", str(_SHOWN)), ("name", words)]
    page = await journal_of(request, within(reader)).search("Patient", wanted)
    people = [(stored, stored.resource()) for stored in page.matches]
    return [Person(stored.own_id, person_name(one), day(one.get("birthDate"))) for stored, one in people]


routes = [
    Route("/oauth/authorize", ask),
    Route(AGAIN, go_on),
    Route(ANSWER, answer, methods=["POST"]),
]
