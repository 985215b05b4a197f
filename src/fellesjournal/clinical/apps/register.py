"""The administrator's register of apps: add, change, approve, stop and remove one. Every change is logged."""

from __future__ import annotations

import base64
import os
from typing import Any, Final

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from fellesjournal.access import gate
from fellesjournal.access.decide import Decision
from fellesjournal.access.model import NotAdministrator
from fellesjournal.clinical.apps.words import wish_of
from fellesjournal.identity.apps import App, BadRegistration, Registration, ledger, registration_of
from fellesjournal.identity.apps.model import Status
from fellesjournal.identity.apps.registration import KINDS
from fellesjournal.identity.apps.routes import AppServer
from fellesjournal.record.ceiling import check_scopes
from fellesjournal.record.errors import NotFound
from fellesjournal.record.search import SearchError
from fellesjournal.web import FieldErrors, Form, _, read_form, render, translate

HOME: Final = "/apper/administrer"
_WHY: Final = "the register of apps; no person in it"
STATUSES: Final = {"pending": _("Venter på godkjenning"), "approved": _("Godkjent"), "suspended": _("Stoppet")}
DONE: Final = {
    "registered": _("registrert eller endret"), "approved": _("godkjent"), "suspended": _("stoppet"),
    "removed": _("fjernet"),
}  # fmt: skip
KIND_NAMES: Final = {
    "public": _("Uten hemmelighet (i nettleseren eller på telefonen)"),
    "confidential-symmetric": _("Med et passord som appens server oppbevarer"),
    "confidential-asymmetric": _("Med et nøkkelpar (anbefalt for servere)"),
}
_FAULTS: Final = {
    "client_id": _("Navnet på klienten må være 3 til 100 bokstaver, tall eller tegnene . _ ~ -"),
    "name": _("Skriv hva appen heter, med høyst 80 tegn."),
    "type": _("Velg hvordan appen viser hvem den er."),
    "scope": _("Omfanget kan ikke leses, eller passer ikke sammen. En app på egen hånd har bare «system»."),
    "redirect_uris": _("Skriv minst én adresse som begynner med https, én på hver linje."),
    "launch_url": _("Adressen må begynne med https."),
    "jwks": _("En app med nøkkelpar trenger offentlige nøkler (JWK Set) eller adressen til dem. Andre har ingen."),
    "jwks_uri": _("Adressen til nøklene må være hos en vert som er tillatt i innstillingene."),
    "unit": _("En app som arbeider på egen hånd, trenger navnet på en enhet som finnes her, og en siste dag."),
    "audience": _("Kryss av for hvem appen er for."),
    "publisher": _("Skriv høyst 120 tegn."),
    "description": _("Skriv høyst 1000 tegn."),
}
_ADVISED: Final = "openid fhirUser launch launch/patient patient/Patient.rs patient/Observation.rs"


@gate.administrator(_WHY)
async def show(request: Request, _decision: Decision) -> Response:
    """All apps, those that wait first."""
    apps = await ledger.everyone(_server(request).web)
    apps.sort(key=lambda app: (app.status != "pending", app.name.casefold()))
    return render(request, "apps/register.html", apps=apps, statuses=STATUSES)


@gate.administrator(_WHY)
async def show_new(request: Request, _decision: Decision) -> Response:
    """The empty form."""
    return _form(request, {"scope": _ADVISED, "type": "public", "staff": "1", "citizen": "1"}, FieldErrors())


@gate.administrator(_WHY)
async def add(request: Request, decision: Decision) -> Response:
    """Register an app, or change one: either way it waits for approval. Shows a new secret once."""
    form, errors = await read_form(request), FieldErrors()
    secret = ""
    try:
        made = await _registration(request, form)
        secret = new_secret(made)
        server = _server(request)
        number = await ledger.register(
            server.web, made, keys=server.sessions.keys, secret=secret, by=decision.secret
        )
        if number is None:
            raise NotAdministrator
    except BadRegistration as error:
        name = "jwks" if error.field == "file" else "unit" if error.field == "until" else error.field
        errors.add(name, _FAULTS.get(name, error.why))
        return _form(request, form.values(), errors, status=422)
    if not secret:
        return RedirectResponse(f"{HOME}/{made.client_id}", 303)
    return await _one(request, decision, made.client_id, secret=secret)


@gate.administrator(_WHY)
async def show_one(request: Request, decision: Decision) -> Response:
    """One app: what it may do, and what was done with it."""
    return await _one(request, decision, request.path_params["app"])


@gate.administrator(_WHY)
async def edit(request: Request, _decision: Decision) -> Response:
    """The form with what is registered."""
    return _form(request, _values(await _found(request, request.path_params["app"])), FieldErrors())


@gate.administrator(_WHY)
async def mark(request: Request, decision: Decision) -> Response:
    """Approve, stop or remove an app."""
    form = await read_form(request)
    client_id, wished = request.path_params["app"], form.text("gjor")
    statuses: dict[str, Status] = {"godkjenn": "approved", "stopp": "suspended", "fjern": "removed"}
    if wished not in statuses or not await ledger.mark(
        _server(request).web, client_id, statuses[wished], by=decision.secret
    ):
        raise NotFound
    return RedirectResponse(HOME if wished == "fjern" else f"{HOME}/{client_id}", 303)


def new_secret(made: Registration) -> str:
    """A secret for an app that keeps one, to be shown once; "" for others."""
    if made.kind != "confidential-symmetric":
        return ""
    return base64.urlsafe_b64encode(os.urandom(32)).decode().rstrip("=")


async def _one(request: Request, decision: Decision, client_id: str, *, secret: str = "") -> Response:
    app = await _found(request, client_id)
    done = await ledger.events(_server(request).web, by=decision.secret, client_id=client_id)
    return render(
        request, "apps/one.html", app=app, made=app.registration, statuses=STATUSES, done=done, done_names=DONE,
        kind_names=KIND_NAMES, wishes=[wish_of(scope) for scope in app.registration.scopes.resources], secret=secret,
        words=" ".join(app.registration.scopes.words),
    )  # fmt: skip


async def _found(request: Request, client_id: str) -> App:
    app = await ledger.find(_server(request).web, client_id)
    if app is None:
        raise NotFound
    return app


def _form(request: Request, values: dict[str, str], errors: FieldErrors, *, status: int = 200) -> Response:
    kinds = [(kind, translate(request, KIND_NAMES[kind])) for kind in KINDS]
    return render(request, "apps/edit.html", status, values=values, errors=errors, kinds=kinds)


async def _registration(request: Request, form: Form) -> Registration:
    """What was typed. Raises BadRegistration."""
    fields: dict[str, Any] = {
        "client_id": form.text("client_id"), "name": form.text("name"), "type": form.text("type"),
        "scope": " ".join(form.text("scope").split()), "publisher": form.text("publisher"),
        "description": form.text("description"), "redirect_uris": form.text("redirect_uris").split(),
        "launch_url": form.text("launch_url"), "jwks_uri": form.text("jwks_uri"), "unit": form.text("unit"),
        "until": form.text("until"), "audience": [kind for kind in ("staff", "citizen") if form.is_on(kind)],
    }  # fmt: skip
    if form.text("jwks"):
        fields["jwks"] = _json(form.text("jwks"))
    made = registration_of(fields, key_hosts=_server(request).settings.app_key_hosts)
    try:
        check_scopes(made.scopes.resources, registry=await request.app.state.vault.definitions.current())
    except SearchError as error:
        raise BadRegistration("scope", error.issues[0].diagnostics) from None
    return made


def _json(text: str) -> Any:
    try:
        return msgspec.json.decode(text.encode())
    except (msgspec.DecodeError, RecursionError):
        raise BadRegistration("jwks", "is not JSON") from None


def _values(app: App) -> dict[str, str]:
    made = app.registration
    jwks = msgspec.json.format(msgspec.json.encode(made.jwks), indent=2).decode() if made.jwks else ""
    return {
        "client_id": made.client_id, "name": made.name, "type": made.kind, "scope": str(made.scopes),
        "publisher": made.publisher, "description": made.about, "redirect_uris": "\n".join(made.redirect_uris),
        "launch_url": made.launch_url, "jwks": jwks, "jwks_uri": made.jwks_uri, "unit": made.unit,
        "until": made.until_on, **dict.fromkeys(made.audience, "1"),
    }  # fmt: skip


def _server(request: Request) -> AppServer:
    server: AppServer = request.app.state.apps
    return server


routes = [
    Route(HOME, show),
    Route(HOME, add, methods=["POST"]),
    Route(HOME + "/ny", show_new),
    Route(HOME + "/{app}", show_one),
    Route(HOME + "/{app}", mark, methods=["POST"]),
    Route(HOME + "/{app}/endre", edit),
]
