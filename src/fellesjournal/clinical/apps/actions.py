"""What a person does with apps: open one from a chart, let one in, refuse it."""

from __future__ import annotations

import os
from typing import Final

import msgspec
from starlette.requests import Request

from fellesjournal.access.decide import Decision, open_chart
from fellesjournal.access.model import PatientId
from fellesjournal.clinical.pages import journal_of
from fellesjournal.clinical.pieces import patient_id
from fellesjournal.identity import Reader
from fellesjournal.identity.apps import App, OAuthError, Scopes, ledger
from fellesjournal.identity.apps.asking import AppRefused, Asked, answer, refusal
from fellesjournal.identity.apps.routes import AppServer
from fellesjournal.identity.cookies import secret_of
from fellesjournal.identity.model import NotSignedIn
from fellesjournal.kit import ids
from fellesjournal.record.ownership import DIRECTORY_TYPES

WAIT_S: Final = 900
"""How long a person may think about an app's question."""


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """An app's question to one session, sealed in the page's form; `slot` and `pid` are the patient's."""

    asked: Asked
    session: int
    slot: int = 0
    pid: int = 0
    encounter: str = ""

    @property
    def patient(self) -> tuple[int, int] | None:
        """Whose record it is about."""
        return (self.slot, self.pid) if self.pid else None


async def launch(request: Request, decision: Decision, app: App) -> str:
    """The address that opens an app on this chart, by this session, once. Raises AppRefused, NotSignedIn."""
    patient = decision.patient
    if patient is None or not app.is_approved or not app.registration.launch_url:
        raise AppRefused
    server: AppServer = request.app.state.apps
    token = os.urandom(32)
    kept = await ledger.start_launch(
        server.web, secret=decision.secret, app=app, launch=token, patient=(patient.slot, patient.pid),
        encounter=await _ongoing(request, decision, patient),
    )  # fmt: skip
    if not kept:
        raise NotSignedIn
    return answer(app.registration.launch_url, {"iss": f"{server.base}/fhir", "launch": ledger.issued(token)})


async def _ongoing(request: Request, decision: Decision, patient: PatientId) -> str:
    """The id of the contact that is going on, "" for none."""
    wanted = [("patient", patient_id(patient)), ("status", "in-progress,arrived,triaged"), ("_count", "1")]
    page = await journal_of(request, decision).search("Encounter", wanted)
    return page.matches[0].own_id if page.matches else ""


async def question_of(server: AppServer, reader: Reader, app: App, asked: Asked) -> Question:
    """The app's question to this reader: with the patient of the launch, or the citizen's own. Raises OAuthError."""
    if reader.kind not in app.registration.audience:
        raise OAuthError("access_denied", "the app is not for this kind of user")
    question = Question(asked=asked, session=reader.session)
    if reader.kind == "citizen":
        return msgspec.structs.replace(question, slot=reader.patient_slot or 0, pid=reader.patient or 0)
    if not asked.launch:
        return question
    secret = secret_of(asked.launch)
    used = None if secret is None else await ledger.use_launch(server.web, secret=reader.secret, app=app, launch=secret)
    if used is None:
        raise OAuthError("invalid_request", "the launch is not of this session, is too old, or was used before")
    (slot, pid), encounter = used
    return msgspec.structs.replace(question, slot=slot, pid=pid, encounter=encounter)


def needs_patient(question: Question) -> bool:
    """Whether the person must say whose record it is about."""
    scopes = question.asked.scopes
    return question.patient is None and (scopes.has("launch/patient") or bool(scopes.of("patient")))


async def choose(request: Request, reader: Reader, question: Question, chosen: str) -> Question:
    """The question about a chosen patient; their record is opened, by the reader's own need. Raises AccessError."""
    key = ids.decode(chosen)
    if key is None or key[0] == 0:
        return question
    await open_chart(request.app.state.access_db, reader=reader, patient=PatientId(*key), action="open")
    return msgspec.structs.replace(question, slot=key[0], pid=key[1])


async def allow(server: AppServer, reader: Reader, app: App, question: Question, scopes: Scopes) -> str:
    """Let the app in with these scopes; the address that the browser goes back by. Raises NotSignedIn."""
    asked, code = question.asked, os.urandom(32)
    offline_s = server.settings.app_offline_days * 86400 if scopes.has("offline_access") else 0
    made = await ledger.start_grant(
        server.signin, secret=reader.secret, app=app, scopes=scopes, patient=question.patient,
        encounter=question.encounter, is_bound=question.patient is not None and not _reaches_others(scopes),
        offline_s=offline_s, code=code, redirect_uri=asked.redirect_uri, challenge=asked.challenge, nonce=asked.nonce,
    )  # fmt: skip
    if made is None:
        raise NotSignedIn
    return answer(asked.redirect_uri, {"code": ledger.issued(code), "state": asked.state, "iss": server.base})


def refuse(server: AppServer, question: Question) -> str:
    """Tell the app no; the address that the browser goes back by."""
    asked = question.asked
    said = OAuthError("access_denied", "the person said no")
    return refusal(asked.redirect_uri, asked.state, said, base=server.base)


def _reaches_others(scopes: Scopes) -> bool:
    """Whether a scope goes beyond the record of the launch: what is in the directory belongs to no record."""
    return any(scope.rtype not in DIRECTORY_TYPES for scope in scopes.of("user"))
