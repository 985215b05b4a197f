"""The bundled provider's endpoints. It keeps nothing: requests, codes and tokens are sealed and used once."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any
from urllib.parse import urlencode

from joserfc import jwt
from joserfc.jwk import ECKey, KeySet
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route, Router

from fellesjournal.identity.canonical import canonical_url
from fellesjournal.identity.model import NotDemo
from fellesjournal.identity.oidc import Provider, helseid, idporten
from fellesjournal.identity.oidc.provider import TEST_PATH
from fellesjournal.identity.sealed import Sealer
from fellesjournal.identity.sessions import Sessions
from fellesjournal.identity.test_provider.faces import FACES, Face, derived_key, identity_claims, issuer_of
from fellesjournal.identity.test_provider.grants import (
    ASSERTION_S,
    Access,
    Code,
    OAuthError,
    Question,
    assertion_id,
    challenge_of,
)
from fellesjournal.identity.test_provider.in_process import InProcess
from fellesjournal.identity.test_provider.people import People
from fellesjournal.kit.settings import Settings
from fellesjournal.web import add_templates, read_form, render

CODE_S = 60
TOKEN_S = 600
REQUEST_S = 600
CLIENT_ID = "fellesjournal-demo"
PUSHED = "urn:ietf:params:oauth:request_uri:"
BACK_CHANNEL = tuple(f"{TEST_PATH}/{face}/{end}" for face in FACES for end in ("par", "token", "userinfo"))
"""Addresses for other programs, which have no form token: exempt them from `web.CsrfProtection`."""

Handler = Callable[[Face, Request], Awaitable[Response]]


class BundledProvider:
    """HelseID and ID-porten in small. `is_demo` is the database's own mark; raises NotDemo without it."""

    def __init__(self, *, settings: Settings, sessions: Sessions, people: People, is_demo: bool) -> None:
        if not is_demo:
            raise NotDemo("the test identity provider is mounted in a demo database alone")
        self.base_url = canonical_url(settings)
        self.people = people
        self._sessions = sessions
        self._keys = sessions.keys
        self._sealer = Sealer(keys=sessions.keys, clock=sessions.clock)
        self._signing = derived_key(sessions.keys, "test provider")
        self._client_key = derived_key(sessions.keys, "test client")
        add_templates("identity", "fellesjournal.identity")

    @property
    def providers(self) -> tuple[Provider, Provider]:
        """What our client must know: HelseID, ID-porten."""
        made = (
            partial(helseid, issuer=self._issuer("helseid")),
            partial(idporten, issuer=self._issuer("idporten")),
        )
        first, second = (
            make(client_id=CLIENT_ID, base_url=self.base_url, client_key=self._client_key) for make in made
        )
        return first, second

    @property
    def http(self) -> InProcess:
        """The client's way here."""
        return InProcess(Router(routes=[self.mount()]))

    def mount(self) -> Mount:
        """The routes, below `/test-idp`; all public in the sense of the gate."""
        ends: list[tuple[str, str, Handler]] = [
            ("/.well-known/openid-configuration", "GET", self.discovery),
            ("/jwks", "GET", self.jwks),
            ("/par", "POST", self.push),
            ("/authorize", "GET", self.authorize),
            ("/authorize", "POST", self.search),
            ("/velg", "POST", self.choose),
            ("/token", "POST", self.token),
            ("/userinfo", "GET", self.userinfo),
            ("/endsession", "GET", self.end_session),
        ]
        routes: list[BaseRoute] = [
            Route(f"/{face.name}{path}", partial(_told, handler, face), methods=[method])
            for face in FACES.values()
            for path, method, handler in ends
        ]
        return Mount(TEST_PATH, routes=routes)

    async def discovery(self, face: Face, _request: Request) -> Response:
        """OpenID Connect Discovery 1.0."""
        issuer = self._issuer(face.name)
        return JSONResponse(
            {
                "issuer": issuer,
                "authorization_endpoint": f"{issuer}/authorize",
                "token_endpoint": f"{issuer}/token",
                "userinfo_endpoint": f"{issuer}/userinfo",
                "jwks_uri": f"{issuer}/jwks",
                "end_session_endpoint": f"{issuer}/endsession",
                "pushed_authorization_request_endpoint": f"{issuer}/par",
                "authorization_response_iss_parameter_supported": True,
                "response_types_supported": ["code"],
                "grant_types_supported": ["authorization_code"],
                "subject_types_supported": ["pairwise"],
                "id_token_signing_alg_values_supported": ["ES256"],
                "token_endpoint_auth_methods_supported": ["private_key_jwt"],
                "code_challenge_methods_supported": ["S256"],
            }
        )

    async def jwks(self, _face: Face, _request: Request) -> Response:
        """The public key of the id tokens."""
        return JSONResponse(KeySet([self._signing]).as_dict(private=False))

    async def push(self, face: Face, request: Request) -> Response:
        """Pushed authorization request (RFC 9126)."""
        form = _texts(await request.form())
        await self._check_client(face, form)
        reference = PUSHED + self._sealer.seal(self._question(face, form), ttl_s=CODE_S)
        return JSONResponse({"request_uri": reference, "expires_in": CODE_S}, 201)

    async def authorize(self, face: Face, request: Request) -> Response:
        """The page where a demo person is chosen."""
        question = self._asked(face, dict(request.query_params))
        return await self._page(face, request, question, text="")

    async def search(self, face: Face, request: Request) -> Response:
        """The same page with those found by name."""
        form = await read_form(request)
        return await self._page(
            face, request, self._opened(face, form.text("request")), text=form.text("navn")
        )

    async def choose(self, face: Face, request: Request) -> Response:
        """Back to the client with a code for the chosen person; without one, with a refusal."""
        form = await read_form(request)
        question = self._opened(face, form.text("request"))
        key = form.text("person")
        person = await self.people.find(face.kind, key)
        answer = {"state": question.state, "iss": self._issuer(face.name)}
        if person is None:
            return RedirectResponse(
                f"{question.redirect_uri}?{urlencode(answer | {'error': 'access_denied'})}", 303
            )
        code = Code(
            face=face.name,
            redirect_uri=question.redirect_uri,
            nonce=question.nonce,
            challenge=question.challenge,
            person=key,
            level=3 if form.text("level") == "3" else 4,
            once=secrets.token_urlsafe(16),
        )
        sealed = self._sealer.seal(code, ttl_s=CODE_S)
        return RedirectResponse(f"{question.redirect_uri}?{urlencode(answer | {'code': sealed})}", 303)

    async def token(self, face: Face, request: Request) -> Response:
        """The code against an id token: once, by the client that asked, with the verifier of its challenge."""
        form = _texts(await request.form())
        await self._check_client(face, form)
        code = self._sealer.open(form.get("code", ""), Code)
        if form.get("grant_type") != "authorization_code":
            raise OAuthError("unsupported_grant_type")
        if code is None or code.face != face.name or not await self._is_first("code " + code.once, CODE_S):
            raise OAuthError("invalid_grant")
        if challenge_of(form.get("code_verifier", "")) != code.challenge:
            raise OAuthError("invalid_grant")
        if form.get("redirect_uri") != code.redirect_uri:
            raise OAuthError("invalid_grant")
        return JSONResponse(await self._tokens(face, code))

    async def userinfo(self, face: Face, request: Request) -> Response:
        """Who the access token is about."""
        text = request.headers.get("authorization", "").removeprefix("Bearer ")
        access = self._sealer.open(text, Access)
        person = None if access is None else await self.people.find(face.kind, access.person)
        if access is None or person is None or access.face != face.name:
            raise OAuthError("invalid_token", status=401)
        return JSONResponse(identity_claims(face, person, level=access.level, keys=self._keys))

    async def end_session(self, _face: Face, request: Request) -> Response:
        """There is no session here to end; back to the client, if the address is its own."""
        wanted = request.query_params.get("post_logout_redirect_uri", "")
        own = {provider.signed_out_uri for provider in self.providers}
        return RedirectResponse(wanted if wanted in own else self.base_url + "/", 303)

    def _issuer(self, face: str) -> str:
        return issuer_of(FACES[face], self.base_url)

    def _question(self, face: Face, asked: Mapping[str, str]) -> Question:
        known = {provider.name: provider for provider in self.providers}[face.name]
        if asked.get("client_id") != CLIENT_ID or asked.get("redirect_uri") != known.redirect_uri:
            raise OAuthError("invalid_client")
        if asked.get("response_type") != "code" or "openid" not in asked.get("scope", "").split():
            raise OAuthError("invalid_request")
        challenge = asked.get("code_challenge", "")
        if asked.get("code_challenge_method") != "S256" or len(challenge) != 43:
            raise OAuthError("invalid_request")
        return Question(
            face=face.name,
            redirect_uri=known.redirect_uri,
            state=asked.get("state", ""),
            nonce=asked.get("nonce", ""),
            challenge=challenge,
        )

    def _asked(self, face: Face, query: Mapping[str, str]) -> Question:
        """Only what was pushed by the client itself, as HelseID has it."""
        reference = query.get("request_uri", "")
        if query.get("client_id") != CLIENT_ID or not reference.startswith(PUSHED):
            raise OAuthError("invalid_request")
        return self._opened(face, reference.removeprefix(PUSHED))

    def _opened(self, face: Face, sealed: str) -> Question:
        question = self._sealer.open(sealed, Question)
        if question is None or question.face != face.name:
            raise OAuthError("invalid_request")
        return question

    async def _page(self, face: Face, request: Request, question: Question, *, text: str) -> Response:
        return render(
            request,
            "identity/test_idp.html",
            face=face,
            sealed=self._sealer.seal(question, ttl_s=REQUEST_S),
            groups=await self.people.groups(face.kind),
            text=text,
            hits=await self.people.search(face.kind, text) if text else None,
        )

    async def _tokens(self, face: Face, code: Code) -> dict[str, Any]:
        person = await self.people.find(face.kind, code.person)
        if person is None:
            raise OAuthError("invalid_grant")
        now = int(self._sessions.clock.now().timestamp())
        claims = identity_claims(face, person, level=code.level, keys=self._keys) | {
            "iss": self._issuer(face.name),
            "aud": CLIENT_ID,
            "nonce": code.nonce,
            "iat": now,
            "nbf": now,
            "auth_time": now,
            "exp": now + TOKEN_S,
        }
        access = Access(face=face.name, person=code.person, level=code.level)
        return {
            "id_token": self._signed(claims, self._signing),
            "access_token": self._sealer.seal(access, ttl_s=TOKEN_S),
            "token_type": "Bearer",
            "expires_in": TOKEN_S,
        }

    def _signed(self, claims: dict[str, Any], key: ECKey) -> str:
        return jwt.encode({"alg": "ES256", "kid": key.kid}, claims, key, algorithms=["ES256"])

    async def _check_client(self, face: Face, form: Mapping[str, str]) -> None:
        now = self._sessions.clock.now().timestamp()
        once = assertion_id(
            form, key=self._client_key, client=CLIENT_ID, issuer=self._issuer(face.name), now=now
        )
        if not await self._is_first("assertion " + once, ASSERTION_S):
            raise OAuthError("invalid_client", status=401)

    async def _is_first(self, text: str, ttl_s: int) -> bool:
        return await self._sessions.use_once("test provider " + text, ttl_s=ttl_s)


async def _told(handler: Handler, face: Face, request: Request) -> Response:
    try:
        return await handler(face, request)
    except OAuthError as error:
        return JSONResponse({"error": error.error}, error.status)


def _texts(form: Any) -> dict[str, str]:
    return {name: value for name, value in form.items() if isinstance(value, str)}
