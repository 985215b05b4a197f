"""How long a session lives, time-out with the draft kept, tokens, and the one address."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import httpx
import pytest
from starlette.responses import PlainTextResponse

from fellesjournal.identity import CanonicalHost, canonical_url, draft_key, issue_demo_token
from fellesjournal.identity.cookies import Cookies, secret_of, secret_text
from fellesjournal.identity.model import NoPost, NoRecord, NotDemo, PostEnded, UnknownPerson
from fellesjournal.kit import db
from fellesjournal.kit.settings import Settings
from tests.identity.conftest import Browser, Site


async def start_nurse(site: Site, **more: Any) -> bytes:
    """A session of the nurse."""
    return await site.sessions.start_staff(
        person=site.people["Nils Sykepleier"], post=site.posts["nurse"], level=4, **more
    )


async def test_session_ends_by_idling_by_the_databases_clock(site: Site) -> None:
    secret = await start_nurse(site, idle_s=1)
    assert await site.sessions.who(secret)
    site.monotonic[0] += 6
    await asyncio.sleep(1.1)
    assert await site.sessions.who(secret) is None
    assert not await site.sessions.extend(secret)


async def test_activity_keeps_a_session_alive(site: Site) -> None:
    secret = await start_nurse(site, idle_s=2)
    for _ in range(4):
        site.monotonic[0] += 6
        await asyncio.sleep(0.7)
        assert await site.sessions.who(secret)


async def test_session_ends_at_its_greatest_age(site: Site) -> None:
    secret = await start_nurse(site)
    await site.admin.execute("UPDATE identity.session SET expires_at = clock_timestamp()")
    assert await site.sessions.who(secret) is None


async def test_session_never_outlives_its_role(site: Site) -> None:
    await site.admin.execute(
        "UPDATE identity.post SET until_at = clock_timestamp() + interval '1 hour' WHERE id = $1",
        site.posts["nurse"],
    )
    secret = await start_nurse(site)
    left = await site.admin.fetchval("SELECT extract(epoch FROM expires_at - now()) FROM identity.session")
    assert 3590 < left <= 3600
    assert await site.sessions.end(secret)
    assert not await site.sessions.end(secret)


async def test_a_yes_is_remembered_for_five_seconds_and_forgotten_at_the_end(site: Site) -> None:
    secret = await start_nurse(site)
    first = await site.sessions.who(secret)
    assert await site.sessions.who(secret) is first
    site.monotonic[0] += 5.1
    assert await site.sessions.who(secret) is not first
    await site.sessions.end(secret)
    assert await site.sessions.who(secret) is None


async def test_reader_shows_no_secret(site: Site) -> None:
    secret = await start_nurse(site)
    reader = await site.sessions.who(secret)
    assert "secret" not in repr(reader)


@pytest.mark.parametrize("level", [0, 1, 3])
async def test_no_session_starts_below_level_4(site: Site, level: int) -> None:
    with pytest.raises(PostEnded):
        await site.sessions.start_staff(
            person=site.people["Nils Sykepleier"], post=site.posts["nurse"], level=level
        )
    with pytest.raises(NoRecord):
        await site.sessions.start_citizen(person=site.people["Ola Innbygger"], level=level)


async def test_no_session_starts_in_anothers_or_an_ended_role(site: Site) -> None:
    for person, post in [("Nils Sykepleier", "gp"), ("Siri Sluttet", "ended")]:
        with pytest.raises(PostEnded):
            await site.sessions.start_staff(person=site.people[person], post=site.posts[post], level=4)


async def test_pages_role_can_start_no_session(module_database: Any, site: Site) -> None:
    async with await module_database.connect("fj_web") as pages:
        for call in (
            "start_staff('\\x00', 1, 1, 4::smallint, 60, 60, '')",
            "start_citizen('\\x00', 1, 4::smallint, 60, 60, '')",
            "switch_staff('\\x00', '\\x00', 1, 60, '')", "recognise('\\x00', '{}')", "posts_of(1)",
        ):  # fmt: skip
            with pytest.raises(db.InsufficientPrivilege):
                await pages.fetch(f"SELECT identity.{call}")
        with pytest.raises(db.InsufficientPrivilege):
            await pages.fetch("SELECT * FROM identity.session")


async def test_asking_how_long_is_left_does_not_make_it_longer(site: Site, browser: Browser) -> None:
    await browser.sign_in("Nils Sykepleier")
    await site.admin.execute("UPDATE identity.session SET seen_at = seen_at - interval '10 minutes'")
    for _ in range(2):
        left = (await browser.step("GET", "/okt")).json()
        assert 1190 <= left["seconds"] <= 1200
    page = await browser.get("/logg-inn")
    site.monotonic[0] += 6
    token = page.text.split('name="csrf-token" content="')[1].split('"')[0]
    more = await browser.step("POST", "/okt/forleng", headers={"x-csrf-token": token})
    assert more.json()["seconds"] >= 1795
    assert more.json()["context"] == left["context"]


async def test_without_a_session_there_is_nothing_left(browser: Browser) -> None:
    answer = await browser.step("GET", "/okt")
    assert (answer.status_code, answer.json()) == (401, {"error": "NotSignedIn"})


async def test_after_a_time_out_the_same_person_comes_back_in_the_same_role(
    site: Site, browser: Browser
) -> None:
    page = await browser.sign_in("Kari Lege")
    await browser.send(page, "/kontekst", rolle=str(site.posts["legevakt"]))
    secret = secret_of(browser.secret)
    assert secret
    before = await site.sessions.who(secret)
    await site.admin.execute("UPDATE identity.session SET seen_at = seen_at - interval '1 hour'")
    site.monotonic[0] += 6
    page = await browser.get("/side?x=1")
    assert page.url.path == "/tidsavbrudd"
    assert "kryptert i denne nettleseren" in page.text
    at_provider = await browser.follow(await browser.send(page, "/logg-inn", hvem="helsepersonell"))
    back = await browser.follow(await browser.pick(at_provider, "Kari Lege"))
    assert str(back.url).endswith("/side?x=1")
    assert back.text == "Kari Lege · lege · Fjordby legevakt"
    secret = secret_of(browser.secret)
    after = await site.sessions.who(secret or b"")
    assert before
    assert after
    assert draft_key(site.sessions.keys, before) == draft_key(site.sessions.keys, after)


async def test_draft_key_is_each_persons_own(site: Site) -> None:
    nurse = await site.sessions.who(await start_nurse(site))
    gp_secret = await site.sessions.start_staff(
        person=site.people["Kari Lege"], post=site.posts["gp"], level=4
    )
    gp = await site.sessions.who(gp_secret)
    assert nurse
    assert gp
    assert draft_key(site.sessions.keys, nurse) != draft_key(site.sessions.keys, gp)


async def test_form_that_comes_after_the_time_out_is_told_that_the_draft_is_kept(
    site: Site, browser: Browser
) -> None:
    await browser.sign_in("Nils Sykepleier")
    await site.admin.execute("UPDATE identity.session SET seen_at = seen_at - interval '1 hour'")
    site.monotonic[0] += 6
    answer = await browser.step("POST", "/lagre", data={"tekst": "x"})
    assert answer.status_code == 401
    assert "Kladder ligger fortsatt i nettleseren" in answer.text
    part = await browser.step(
        "POST", "/lagre", headers={"hx-request": "true", "hx-current-url": "http://127.0.0.1:8000/side?x=1"}
    )
    assert "/logg-inn?til=%2Fside%3Fx%3D1" in part.text


@pytest.mark.parametrize(
    ("name", "unit", "kind", "where"),
    [
        ("nils", None, "staff", "Fjordby legevakt"),
        ("kari", None, "staff", "Bjørkeli legesenter"),
        ("kari", "legevakt", "staff", "Fjordby legevakt"),
        ("kari", "fjordby Legevakt", "staff", "Fjordby legevakt"),
        ("ola", None, "citizen", ""),
        ("integration", None, "system", "Bjørkeli legesenter"),
    ],
)
async def test_demo_token_opens_for_its_person(
    site: Site, browser: Browser, name: str, unit: str | None, kind: str, where: str
) -> None:
    token = await issue_demo_token(site.sessions, name, unit=unit)
    reader = await site.sessions.who(secret_of(token) or b"")
    assert reader
    assert (reader.kind, reader.unit_name) == (kind, where)
    assert reader.purpose == {"staff": "TREAT", "citizen": "PATRQT", "system": "INTEGRATION"}[kind]
    answer = await browser.step("GET", "/fhir/hvem", headers={"authorization": f"Bearer {token}"})
    assert answer.json() == {"name": reader.name}


async def test_demo_token_for_nobody_is_refused(site: Site) -> None:
    with pytest.raises(UnknownPerson):
        await issue_demo_token(site.sessions, "nobody")
    with pytest.raises(NoPost):
        await issue_demo_token(site.sessions, "nils", unit="sykehjem")


async def test_no_token_is_printed_outside_of_a_demo(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    async def no(_self: object) -> bool:
        return False

    monkeypatch.setattr(type(site.sessions), "is_demo", no)
    with pytest.raises(NotDemo):
        await issue_demo_token(site.sessions, "nils")


@pytest.mark.parametrize("text", ["", "Bearer", "Bearer x", "Basic abc", "Bearer " + "A" * 43, "Bearer å"])
async def test_forged_token_opens_nothing(browser: Browser, text: str) -> None:
    answer = await browser.step("GET", "/fhir/hvem", headers=[(b"authorization", text.encode())])
    assert answer.status_code == 401


def test_cookie_has_the_host_prefix_over_https() -> None:
    assert (
        Cookies.of(Settings(public_url="https://journal.example")).name("fellesjournal")
        == "__Host-fellesjournal"
    )
    assert Cookies.of(Settings()).name("fellesjournal") == "fellesjournal"


def test_secret_has_one_spelling() -> None:
    text = secret_text(bytes(31) + b"\x01")
    assert secret_of(text) == bytes(31) + b"\x01"
    assert secret_of(text[:-1] + "F") is None


async def host_answer(
    settings: Settings, host: str | None, method: str = "GET", path: str = "/a?b=1"
) -> httpx.Response:
    """What an application with this address answers to a Host header."""
    app = CanonicalHost(PlainTextResponse("in"), settings=settings)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app)) as client:
        request = client.build_request(method, "http://x" + path)
        del request.headers["host"]
        if host is not None:
            request.headers["host"] = host
        return await client.send(request)


@pytest.mark.parametrize(
    ("host", "method", "status"),
    [
        ("127.0.0.1:8000", "GET", 200), ("127.0.0.1:8000", "POST", 200), ("localhost:8000", "GET", 308),
        ("LOCALHOST:8000", "HEAD", 308), ("[::1]:8000", "GET", 308), ("localhost:8000", "POST", 421),
        ("evil.example", "GET", 421), ("evil.example:8000", "GET", 421), ("127.0.0.1:9000", "GET", 421),
        ("127.0.0.1.evil.example:8000", "GET", 421), (None, "GET", 400), ("", "GET", 400),
    ],
)  # fmt: skip
async def test_one_host_is_right(host: str | None, method: str, status: int) -> None:
    answer = await host_answer(Settings(), host, method)
    assert answer.status_code == status
    if status == 308:
        assert answer.headers["location"] == "http://127.0.0.1:8000/a?b=1"


async def test_behind_a_proxy_the_public_address_is_right() -> None:
    settings = replace(Settings(), public_url="https://journal.example")
    assert (await host_answer(settings, "journal.example")).status_code == 200
    assert (await host_answer(settings, "journal.example:443")).status_code == 200
    assert (await host_answer(settings, "127.0.0.1:8000")).headers[
        "location"
    ] == "https://journal.example/a?b=1"
    assert (await host_answer(settings, "evil.example")).status_code == 421


async def test_redirect_to_the_right_host_stays_on_it() -> None:
    answer = await host_answer(Settings(), "localhost:8000", path="//evil.example/x")
    assert answer.headers["location"] == "http://127.0.0.1:8000/evil.example/x"


async def test_health_is_answered_at_every_address() -> None:
    assert (await host_answer(Settings(), "10.0.0.7:8000", path="/health/live")).status_code == 200


def test_nobody_is_led_to_a_wildcard() -> None:
    assert canonical_url(replace(Settings(), host="0.0.0.0")) == "http://127.0.0.1:8000"
