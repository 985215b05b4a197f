"""What an app sends a browser here with: read and checked, before anybody is asked anything.

A fault in who asks, or in where the answer goes, is told to the person; every other one to the app.
Source: RFC 6749 § 4.1.1, RFC 7636 § 4.3, RFC 9207, SMART App Launch 2.2.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import msgspec

from fellesjournal.identity.apps import ledger
from fellesjournal.identity.apps.model import App, OAuthError
from fellesjournal.identity.apps.scopes import BadScope, Scopes, narrowed, read_scopes
from fellesjournal.identity.model import IdentityRefusal
from fellesjournal.kit.db import Database
from fellesjournal.web import _

MOST: Final = 2800
"""Characters of a whole question: it must fit, sealed, in a cookie while the person signs in."""
_CHALLENGE: Final = re.compile(r"[A-Za-z0-9_-]{43}")


class AppRefused(IdentityRefusal):
    """Nobody is sent anywhere: who asks is not known, or the answer would go where it was not registered."""

    status = 400
    code = "invalid"
    title = _("Appen kan ikke åpnes")
    happened = _("Appen er ikke godkjent her, eller den ba om å få svaret sendt til et annet sted enn avtalt.")
    kept = _("Ingenting er delt med appen.")
    todo = _("Lukk siden. Gjelder det en app du skal bruke, si fra til den som drifter løsningen.")


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """A question that holds: for an approved app, with an answer that goes where it is registered."""

    client_id: str
    redirect_uri: str
    scope: str
    state: str
    challenge: str
    nonce: str = ""
    launch: str = ""

    @property
    def scopes(self) -> Scopes:
        """What is asked for, as far as the app is registered for it."""
        return read_scopes(self.scope)


class ToApp(Exception):
    """The answer is a refusal, which the app is told at `address`."""

    def __init__(self, address: str) -> None:
        super().__init__(address)
        self.address = address


async def read_question(web: Database, pairs: Sequence[tuple[str, str]], *, base: str) -> tuple[App, Asked]:
    """The app and its question. Raises AppRefused, ToApp."""
    given = dict(pairs)
    app = await ledger.find(web, given.get("client_id", "")[:200])
    address = given.get("redirect_uri", "")
    is_known = app is not None and app.is_approved and address in app.registration.redirect_uris
    if app is None or not is_known or len(given) != len(pairs) or sum(map(len, given.values())) > MOST:
        raise AppRefused
    try:
        return app, _asked(given, app, base)
    except OAuthError as error:
        raise ToApp(refusal(address, given.get("state", ""), error, base=base)) from None


async def app_of(web: Database, asked: Asked) -> App:
    """The app of a question that was read before, as it is now. Raises AppRefused when it may not run any more."""
    app = await ledger.find(web, asked.client_id)
    if app is None or not app.is_approved or asked.redirect_uri not in app.registration.redirect_uris:
        raise AppRefused
    return app


def answer(address: str, values: Mapping[str, str]) -> str:
    """The address that the browser goes back to the app by."""
    parts = urlsplit(address)
    query = [*parse_qsl(parts.query, keep_blank_values=True), *values.items()]
    return urlunsplit(parts._replace(query=urlencode(query)))


def refusal(address: str, state: str, error: OAuthError, *, base: str) -> str:
    """The address that tells the app of a refusal."""
    said = {"error": error.code, "error_description": error.description, "iss": base}
    return answer(address, said | ({"state": state} if state else {}))


def _asked(given: Mapping[str, str], app: App, base: str) -> Asked:
    if given.get("response_type") != "code":
        raise OAuthError("unsupported_response_type", "only code")
    if "request" in given or "request_uri" in given:
        raise OAuthError("request_not_supported", "the question stands in the address")
    if given.get("code_challenge_method") != "S256" or not _CHALLENGE.fullmatch(given.get("code_challenge", "")):
        raise OAuthError("invalid_request", "PKCE with S256 is required")
    if not given.get("state"):
        raise OAuthError("invalid_request", "state is required")
    if given.get("aud", given.get("resource", "")).rstrip("/") != f"{base}/fhir":
        raise OAuthError("invalid_request", "aud is the address of this FHIR server")
    if "none" in given.get("prompt", "").split():
        raise OAuthError("interaction_required", "the person is always asked")
    scopes = _scopes(given.get("scope", ""), app)
    return Asked(
        client_id=app.client_id, redirect_uri=given["redirect_uri"], scope=str(scopes), state=given["state"],
        challenge=given["code_challenge"], nonce=given.get("nonce", ""), launch=given.get("launch", ""),
    )  # fmt: skip


def _scopes(text: str, app: App) -> Scopes:
    try:
        wanted = narrowed(read_scopes(text), app.registration.scopes)
    except BadScope as error:
        raise OAuthError("invalid_scope", str(error)) from None
    own = Scopes(tuple(one for one in wanted.resources if one.context != "system"), wanted.words)
    if not own.resources and not own.has("openid"):
        raise OAuthError("invalid_scope", "nothing of this was registered for the app")
    return own
