"""What the client refuses of a provider, and the bundled provider of a client."""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, RSAKey

from fellesjournal.identity.model import (
    FlowLost,
    LevelTooLow,
    NotDemo,
    ProviderUnavailable,
    SecurityLevel,
    SignInCancelled,
    TokenRefused,
)
from fellesjournal.identity.oidc import Begun, OidcClient, check_provider, helseid, idporten
from fellesjournal.identity.oidc.proof import HELSEID_LEVEL, HELSEID_PID
from fellesjournal.identity.setup import read_client_key
from fellesjournal.kit.clock import FixedClock
from fellesjournal.kit.http import Answer, HttpError
from tests.identity.conftest import BASE, NURSE, Browser, Site

ISSUER = "https://helseid.example"
NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
KEY = ECKey.generate_key("P-256", {"kid": "one"})
OTHER_KEY = ECKey.generate_key("P-256", {"kid": "two"})
RSA_KEY = RSAKey.generate_key(2048, {"kid": "rsa"})


class Op:
    """A provider whose every word the test decides."""

    def __init__(self) -> None:
        self.metadata: dict[str, Any] = {
            "issuer": ISSUER,
            "authorization_endpoint": f"{ISSUER}/authorize",
            "token_endpoint": f"{ISSUER}/token",
            "jwks_uri": f"{ISSUER}/jwks",
        }
        self.keys: list[Any] = [KEY, RSA_KEY]
        self.claims: dict[str, Any] = {}
        self.sign: Callable[[dict[str, Any]], str] = lambda claims: signed(claims)
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.is_down = False
        self.token_status = 200

    async def get(self, url: str, **_more: Any) -> Answer:
        self.asked.append((url, {}))
        if self.is_down:
            raise HttpError("down")
        said = KeySet(self.keys).as_dict(private=False) if url.endswith("/jwks") else self.metadata
        return Answer(200, {}, json.dumps(said).encode())

    async def post(self, url: str, **more: Any) -> Answer:
        self.asked.append((url, dict(more["data"])))
        if url.endswith("/par"):
            return Answer(201, {}, b'{"request_uri":"urn:x","expires_in":60}')
        return Answer(self.token_status, {}, json.dumps({"id_token": self.sign(self.claims)}).encode())


def signed(claims: dict[str, Any], key: Any = KEY, algorithm: str = "ES256", **header: Any) -> str:
    """A token as a provider signs it."""
    return jwt.encode({"alg": algorithm, "kid": key.kid, **header}, claims, key, algorithms=[algorithm])


def good_claims(begun: Begun) -> dict[str, Any]:
    """What a good token says."""
    at = int(NOW.timestamp())
    return {
        "iss": ISSUER, "aud": "us", "sub": "x", "iat": at, "exp": at + 300, "nonce": begun.nonce,
        HELSEID_PID: NURSE, HELSEID_LEVEL: "4",
    }  # fmt: skip


@pytest.fixture
def op() -> Op:
    return Op()


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(NOW)


@pytest.fixture
def client(op: Op, clock: FixedClock) -> OidcClient:
    provider = helseid(issuer=ISSUER, client_id="us", base_url=BASE, client_key=KEY)
    return OidcClient(provider, http=op, clock=clock)


async def finish(client: OidcClient, op: Op, **changes: Any) -> Any:
    """Begin and finish, with these claims instead of the good ones; None takes a claim away."""
    begun = await client.begin()
    op.claims = {name: value for name, value in (good_claims(begun) | changes).items() if value is not None}
    return await client.finish({"state": begun.state, "code": "c"}, begun=begun)


async def test_good_token_says_who_it_is(client: OidcClient, op: Op) -> None:
    signed_in = await finish(client, op)
    assert (signed_in.national_id, signed_in.level) == (NURSE, SecurityLevel.HIGH)
    assert NURSE not in repr(signed_in)


AT = int(NOW.timestamp())


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "https://evil.example"}, {"iss": None}, {"aud": "them"}, {"aud": ["them"]}, {"aud": None},
        {"aud": ["us", "them"]}, {"azp": "them"}, {"aud": ["us", "them"], "azp": "them"},
        {"sub": None}, {"sub": ""},
        {"nonce": "another"}, {"nonce": None}, {"exp": AT - 61}, {"exp": None},
        {"exp": "soon"}, {"exp": True},
        {"iat": AT + 61}, {"iat": None}, {"iat": AT - 700}, {"nbf": AT + 61},
        {HELSEID_PID: None}, {HELSEID_PID: ""}, {HELSEID_PID: 1},
    ],
)  # fmt: skip
async def test_token_with_a_wrong_claim_is_refused(
    client: OidcClient, op: Op, changes: dict[str, Any]
) -> None:
    with pytest.raises(TokenRefused):
        await finish(client, op, **changes)


@pytest.mark.parametrize("changes", [{"exp": AT - 59}, {"iat": AT + 59}, {"aud": ["us"]}, {"azp": "us"}])
async def test_clocks_may_differ_by_a_minute(client: OidcClient, op: Op, changes: dict[str, Any]) -> None:
    assert (await finish(client, op, **changes)).level == 4


@pytest.mark.parametrize("level", ["3", "2", "", None, "Level4", "44"])
async def test_any_level_but_four_is_refused(client: OidcClient, op: Op, level: str | None) -> None:
    with pytest.raises(LevelTooLow):
        await finish(client, op, **{HELSEID_LEVEL: level})


@pytest.mark.parametrize(
    ("acr", "good"), [("idporten-loa-high", True), ("Level4", True), ("idporten-loa-substantial", False)]
)
async def test_idporten_says_level_by_acr(op: Op, clock: FixedClock, acr: str, good: bool) -> None:
    client = OidcClient(idporten(issuer=ISSUER, client_id="us", base_url=BASE), http=op, clock=clock)
    changes = {HELSEID_PID: None, HELSEID_LEVEL: None, "pid": NURSE, "acr": acr}
    if good:
        assert (await finish(client, op, **changes)).national_id == NURSE
    else:
        with pytest.raises(LevelTooLow):
            await finish(client, op, **changes)


def unsigned(claims: dict[str, Any]) -> str:
    """A token with `alg: none`."""
    parts = ({"alg": "none", "typ": "JWT"}, claims)
    return (
        ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts)
        + "."
    )


def with_public_key_as_secret(claims: dict[str, Any]) -> str:
    """The classic confusion: HMAC with the public key as the secret."""
    whole = ".".join(
        base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")
        for part in ({"alg": "HS256", "kid": "one"}, claims)
    )
    mac = hmac.digest(KEY.as_pem(private=False), whole.encode(), "sha256")
    return f"{whole}.{base64.urlsafe_b64encode(mac).decode().rstrip('=')}"


def tampered(claims: dict[str, Any]) -> str:
    """Another content under the same signature."""
    head, _body, tail = signed(claims).split(".")
    body = base64.urlsafe_b64encode(json.dumps(claims | {HELSEID_PID: "x"}).encode()).decode().rstrip("=")
    return f"{head}.{body}.{tail}"


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    "sign",
    [
        unsigned, with_public_key_as_secret, tampered, lambda claims: signed(claims, OTHER_KEY),
        lambda claims: signed(claims, ECKey.import_key(OTHER_KEY.as_dict(private=True) | {"kid": "one"})),
        lambda _: "", lambda _: "a.b.c", lambda _: "x" * 10_000, lambda _: "....",
    ],
)  # fmt: skip
async def test_token_that_the_provider_did_not_sign_is_refused(client: OidcClient, op: Op, sign: Any) -> None:
    op.sign = sign
    with pytest.raises(TokenRefused):
        await finish(client, op)


async def test_rsa_is_taken_too(client: OidcClient, op: Op) -> None:
    op.sign = lambda claims: signed(claims, RSA_KEY, "RS256")
    assert (await finish(client, op)).level == 4


async def test_new_keys_of_the_provider_are_fetched(op: Op, clock: FixedClock) -> None:
    now = [100.0]
    client = OidcClient(
        helseid(issuer=ISSUER, client_id="us", base_url=BASE), http=op, clock=clock, monotonic=lambda: now[0]
    )
    await finish(client, op)
    op.keys, op.sign = [OTHER_KEY], lambda claims: signed(claims, OTHER_KEY)
    with pytest.raises(TokenRefused):
        await finish(client, op)
    now[0] += 31
    assert (await finish(client, op)).level == 4


async def test_wrong_state_is_refused_before_the_code_is_used(client: OidcClient, op: Op) -> None:
    begun = await client.begin()
    for answer in ({"state": "x", "code": "c"}, {"code": "c"}, {"state": "å", "code": "c"}):
        with pytest.raises(FlowLost):
            await client.finish(answer, begun=begun)
    assert all(url != f"{ISSUER}/token" for url, _form in op.asked)


async def test_answer_from_another_issuer_is_refused(client: OidcClient, op: Op) -> None:
    begun = await client.begin()
    with pytest.raises(FlowLost):
        await client.finish({"state": begun.state, "code": "c", "iss": "https://evil.example"}, begun=begun)


async def test_issuer_is_required_when_the_provider_promised_it(client: OidcClient, op: Op) -> None:
    op.metadata["authorization_response_iss_parameter_supported"] = True
    with pytest.raises(FlowLost):
        await finish(client, op)


@pytest.mark.parametrize("answer", [{"error": "access_denied"}, {}, {"code": ""}])
async def test_answer_without_a_code_is_a_refusal(client: OidcClient, answer: dict[str, str]) -> None:
    begun = await client.begin()
    with pytest.raises(SignInCancelled):
        await client.finish(answer | {"state": begun.state}, begun=begun)


@pytest.mark.parametrize(
    "metadata",
    [
        {"issuer": "https://evil.example"}, {"token_endpoint": "http://helseid.example/token"},
        {"jwks_uri": 1},
        {"authorization_endpoint": "javascript:x"}, {"end_session_endpoint": "http://evil.example"},
    ],
)  # fmt: skip
async def test_discovery_that_does_not_fit_is_refused(
    client: OidcClient, op: Op, metadata: dict[str, Any]
) -> None:
    op.metadata |= metadata
    with pytest.raises(ProviderUnavailable):
        await client.begin()


async def test_provider_that_is_down_is_said_to_be(client: OidcClient, op: Op) -> None:
    op.is_down = True
    with pytest.raises(ProviderUnavailable):
        await client.begin()
    assert await client.sign_out_url() is None


@pytest.mark.parametrize(("status", "refusal"), [(400, TokenRefused), (500, ProviderUnavailable)])
async def test_refused_code_and_failing_provider_are_told_apart(
    client: OidcClient, op: Op, status: int, refusal: type[Exception]
) -> None:
    op.token_status = status
    with pytest.raises(refusal):
        await finish(client, op)


async def test_question_carries_pkce_and_asks_for_level_4(client: OidcClient) -> None:
    begun = await client.begin()
    question = parse_qs(urlsplit(begun.url).query)
    assert question["code_challenge_method"] == ["S256"]
    assert question["acr_values"] == ["Level4"]
    assert begun.verifier not in begun.url
    assert (await client.begin()).state != begun.state


async def test_question_is_pushed_where_the_provider_takes_it(client: OidcClient, op: Op) -> None:
    op.metadata["pushed_authorization_request_endpoint"] = f"{ISSUER}/par"
    begun = await client.begin()
    assert parse_qs(urlsplit(begun.url).query) == {"client_id": ["us"], "request_uri": ["urn:x"]}
    _url, form = op.asked[-1]
    assert form["nonce"] == begun.nonce


async def test_client_proves_itself_with_a_short_signature(client: OidcClient, op: Op) -> None:
    await finish(client, op)
    form = next(form for url, form in op.asked if url.endswith("/token"))
    token = jwt.decode(form["client_assertion"], KEY, algorithms=["ES256"])
    assert token.claims["iss"] == token.claims["sub"] == "us"
    assert token.claims["aud"] == ISSUER
    assert token.claims["exp"] - token.claims["iat"] == 30
    assert form["code_verifier"]


async def test_public_client_sends_its_name_alone(op: Op, clock: FixedClock) -> None:
    client = OidcClient(helseid(issuer=ISSUER, client_id="us", base_url=BASE), http=op, clock=clock)
    await finish(client, op)
    form = next(form for url, form in op.asked if url.endswith("/token"))
    assert form["client_id"] == "us"
    assert "client_assertion" not in form


@pytest.mark.parametrize(
    "issuer", ["http://127.0.0.1:8000/test-idp/helseid", "https://journal.example/test-idp/helseid"]
)
def test_test_issuer_is_refused_outside_of_a_demo(issuer: str) -> None:
    provider = helseid(issuer=issuer, client_id="us", base_url=BASE)
    check_provider(provider, is_demo=True)
    with pytest.raises(NotDemo):
        check_provider(provider, is_demo=False)


def test_client_key_is_read_from_pem_and_jwk(tmp_path: Any) -> None:
    path = tmp_path / "key"
    for key in (KEY, RSA_KEY):
        path.write_bytes(key.as_pem(private=True))
        assert read_client_key(path).key_type == key.key_type
        path.write_text(json.dumps(key.as_dict(private=True)))
        assert read_client_key(path).key_type == key.key_type
    path.write_text("nonsense")
    with pytest.raises(ValueError):
        read_client_key(path)


async def answer_for(browser: Browser, name: str = "Nils Sykepleier") -> str:
    """The address that the provider sends the browser back to."""
    page = await browser.to_provider("helsepersonell")
    return str((await browser.pick(page, name)).headers["location"])


async def test_answer_can_be_used_once(browser: Browser) -> None:
    back = await answer_for(browser)
    kept = dict(browser.client.cookies)
    assert (await browser.follow(await browser.step("GET", back))).status_code == 200
    thief = browser.site.browser()
    thief.client.cookies.update({name: text for name, text in kept.items() if "flow" in name})
    again = await thief.get(back)
    assert again.status_code == 400
    assert "brukt før" in again.text
    assert not thief.secret


async def test_answer_in_another_browser_is_refused(browser: Browser) -> None:
    back = await answer_for(browser)
    victim = browser.site.browser()
    refused = await victim.get(back)
    assert refused.status_code == 400
    assert not victim.secret


async def test_answer_with_another_state_is_refused_and_the_right_one_still_works(browser: Browser) -> None:
    back = await answer_for(browser)
    wrong = back.replace("state=", "state=x")
    assert (await browser.get(wrong)).status_code == 400
    assert (await browser.get(back)).status_code == 200


async def test_code_of_another_sign_in_is_refused(browser: Browser) -> None:
    first, second = await answer_for(browser), await answer_for(browser.site.browser(), "Kari Lege")
    code = parse_qs(urlsplit(second).query)["code"][0]
    query = {name: values[0] for name, values in parse_qs(urlsplit(first).query).items()} | {"code": code}
    refused = await browser.get(f"/logg-inn/svar?{urlencode(query)}")
    assert refused.status_code == 400
    assert not browser.secret


async def test_tampered_flow_cookie_is_refused(browser: Browser) -> None:
    back = await answer_for(browser)
    text = browser.client.cookies["fellesjournal-flow"]
    browser.client.cookies.set("fellesjournal-flow", text[:-5] + "AAAAA", domain="127.0.0.1")
    for cookie in list(browser.client.cookies.jar):
        if cookie.name == "fellesjournal-flow":
            cookie.value = text[:-5] + "AAAAA"
    assert (await browser.get(back)).status_code == 400


async def redeem(site: Site, **changes: str | None) -> Answer:
    """A good token request to the bundled provider, changed."""
    browser = site.browser()
    client = site.sign_in.clients["helseid"]
    begun = await client.begin()
    page = await browser.get(begun.url)
    back = (await browser.pick(page, "Nils Sykepleier")).headers["location"]
    from fellesjournal.identity.oidc.proof import client_proof

    form: dict[str, str | None] = {
        "grant_type": "authorization_code",
        "code": parse_qs(urlsplit(back).query)["code"][0],
        "redirect_uri": client.provider.redirect_uri,
        "code_verifier": begun.verifier,
    }
    form.update(client_proof(client.provider, clock=site.sessions.clock))
    whole = {name: text for name, text in (form | changes).items() if text is not None}
    answer = await site.bundled.http.post(f"{BASE}/test-idp/helseid/token", data=whole)
    if answer.status == 200:
        fresh = whole | client_proof(client.provider, clock=site.sessions.clock)
        assert (await site.bundled.http.post(f"{BASE}/test-idp/helseid/token", data=fresh)).status == 400
        assert (await site.bundled.http.post(f"{BASE}/test-idp/helseid/token", data=whole)).status == 401
    return answer


async def test_code_is_redeemed_once(site: Site) -> None:
    answer = await redeem(site)
    assert answer.status == 200
    token = {"authorization": f"Bearer {json.loads(answer.body)['access_token']}"}
    who = await site.bundled.http.get(f"{BASE}/test-idp/helseid/userinfo", headers=token)
    assert json.loads(who.body)[HELSEID_LEVEL] == "4"


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"code_verifier": "wrong"}, 400), ({"code_verifier": None}, 400), ({"code": "x"}, 400),
        ({"code": None}, 400),
        ({"redirect_uri": "https://evil.example"}, 400), ({"grant_type": "password"}, 400),
        ({"client_assertion": None}, 401), ({"client_assertion": "a.b.c"}, 401),
        ({"client_assertion_type": "x"}, 401),
    ],
)  # fmt: skip
async def test_wrong_token_request_is_refused(
    site: Site, changes: dict[str, str | None], status: int
) -> None:
    assert (await redeem(site, **changes)).status == status


@pytest.mark.parametrize(
    "query",
    [
        "",
        "client_id=x&request_uri=y",
        "client_id=fellesjournal-demo&request_uri=urn:ietf:params:oauth:request_uri:x",
    ],
)
async def test_question_that_was_not_pushed_is_refused(browser: Browser, query: str) -> None:
    assert (await browser.get(f"/test-idp/helseid/authorize?{query}")).status_code == 400


async def test_provider_shows_only_its_own_kind_of_people(browser: Browser) -> None:
    staff = await browser.to_provider("helsepersonell")
    assert "Nils Sykepleier" in staff.text
    assert "Ola Innbygger" not in staff.text
    nobody = await browser.send(staff, "/test-idp/helseid/authorize", navn="Ola Innbygger")
    assert "Ingen treff" in nobody.text


async def test_bundled_provider_refuses_a_database_that_is_no_demo(site: Site) -> None:
    from fellesjournal.identity.test_provider import BundledProvider

    with pytest.raises(NotDemo):
        BundledProvider(
            settings=site.sessions._settings,
            sessions=site.sessions,
            people=site.bundled.people,
            is_demo=False,
        )


async def test_code_and_flow_run_out(site: Site) -> None:
    from fellesjournal.identity.flow import Last
    from fellesjournal.identity.sealed import Sealer

    clock = FixedClock(NOW)
    sealer = Sealer(keys=site.sessions.keys, clock=clock)
    text = sealer.seal(Last(kind="staff", person=1, post=2), ttl_s=60)
    assert sealer.open(text, Last) == Last(kind="staff", person=1, post=2)
    clock.move(timedelta(seconds=60))
    assert sealer.open(text, Last) is None
