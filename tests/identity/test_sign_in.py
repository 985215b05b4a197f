"""Signing in, choosing a role, switching, signing out: the whole way, as a browser goes it."""

from __future__ import annotations

from typing import Any

import pytest

from fellesjournal.identity.flow import local_path
from fellesjournal.identity.numbers import number_hash
from tests.identity.conftest import CITIZEN, ENDED, GP, NURSE, STRANGER, Browser, Site, altered


async def test_staff_with_one_role_go_straight_in(browser: Browser) -> None:
    page = await browser.sign_in("Nils Sykepleier")
    assert page.text == "Nils Sykepleier · sykepleier · Fjordby legevakt"


async def test_staff_with_two_roles_choose_one(site: Site, browser: Browser) -> None:
    page = await browser.sign_in("Kari Lege")
    assert page.url.path == "/kontekst"
    assert not browser.secret
    assert "Bjørkeli legesenter" in page.text
    assert "Fjordby legevakt" in page.text
    chosen = await browser.follow(await browser.send(page, "/kontekst", rolle=str(site.posts["legevakt"])))
    assert chosen.text == "Kari Lege · lege · Fjordby legevakt"


async def test_a_choice_of_role_can_be_used_once(site: Site, browser: Browser) -> None:
    page = await browser.sign_in("Kari Lege")
    kept = dict(browser.client.cookies)
    await browser.send(page, "/kontekst", rolle=str(site.posts["gp"]))
    thief = site.browser()
    thief.client.cookies.update(kept)
    again = await thief.send(page, "/kontekst", rolle=str(site.posts["legevakt"]))
    assert again.status_code == 400
    assert not thief.secret


async def test_citizen_comes_to_the_own_record(site: Site, browser: Browser) -> None:
    page = await browser.sign_in("Ola Innbygger", "innbygger")
    assert page.url.path == "/hjem/citizen"
    reader = await _reader(site, browser)
    assert (reader.kind, reader.purpose, reader.patient, reader.patient_slot) == ("citizen", "PATRQT", 902, 1)


async def test_staff_come_to_their_own_record_only_as_citizens(site: Site, browser: Browser) -> None:
    await browser.sign_in("Kari Lege", "innbygger")
    reader = await _reader(site, browser)
    assert (reader.kind, reader.patient, reader.post) == ("citizen", 901, None)
    refused = await browser.step("GET", "/kontekst")
    assert refused.is_redirect


async def test_switch_ends_the_old_session_and_starts_the_new(site: Site, browser: Browser) -> None:
    page = await browser.sign_in("Kari Lege")
    await browser.send(page, "/kontekst", rolle=str(site.posts["gp"]))
    old = browser.secret
    switched = await browser.send(
        await browser.get("/kontekst"), "/kontekst", rolle=str(site.posts["legevakt"])
    )
    assert (await browser.follow(switched)).text == "Kari Lege · lege · Fjordby legevakt"
    assert browser.secret != old
    assert await _who(site, old) is None


async def test_switch_to_another_persons_role_is_refused_and_changes_nothing(
    site: Site, browser: Browser
) -> None:
    await browser.sign_in("Nils Sykepleier")
    page = await browser.get("/kontekst")
    refused = await browser.send(page, "/kontekst", rolle=str(site.posts["gp"]))
    assert refused.status_code == 409
    assert "Velg rolle" in refused.text
    assert (await browser.get("/side")).text.startswith("Nils Sykepleier")


async def test_switching_never_puts_off_the_end(site: Site) -> None:
    secret = await site.sessions.start_staff(person=site.people["Kari Lege"], post=site.posts["gp"], level=4)
    await site.admin.execute(
        "UPDATE identity.session SET expires_at = clock_timestamp() + interval '5 minutes'"
    )
    new = await site.sessions.switch_staff(secret, post=site.posts["legevakt"])
    left = await site.sessions.seconds_left(new)
    assert left is not None
    assert 290 <= left <= 300


async def test_sign_out_ends_the_session_here_and_at_the_provider(site: Site, browser: Browser) -> None:
    await browser.sign_in("Nils Sykepleier")
    secret = browser.secret
    page = await browser.get("/kontekst")
    gone = await browser.follow(await browser.send(page, "/logg-ut"))
    assert gone.url.path == "/logget-ut"
    assert any("/test-idp/helseid/endsession" in address for address in browser.addresses)
    assert not browser.secret
    assert await _who(site, secret) is None


async def test_a_cookie_stolen_before_sign_out_is_worth_nothing_after(site: Site, browser: Browser) -> None:
    await browser.sign_in("Nils Sykepleier")
    thief = site.browser()
    thief.client.cookies.set("fellesjournal", browser.secret)
    assert (await thief.get("/side")).status_code == 200
    await browser.send(await browser.get("/kontekst"), "/logg-ut")
    assert (await thief.step("GET", "/side")).headers["location"] == "/tidsavbrudd?til=%2Fside"


@pytest.mark.parametrize("forged", ["", "x", "a" * 43, "../../etc", "%00" * 14, "å" * 43, "A" * 5000])
async def test_a_forged_cookie_is_just_not_signed_in(browser: Browser, forged: str) -> None:
    raw = f"fellesjournal={forged}".encode()
    page = await browser.step("GET", "/side", headers=[(b"cookie", raw)])
    assert page.status_code == 303
    assert page.headers["location"].endswith("?til=%2Fside")


async def test_a_secret_with_one_bit_changed_opens_nothing(site: Site, browser: Browser) -> None:
    await browser.sign_in("Nils Sykepleier")
    forger = site.browser()
    forger.client.cookies.set("fellesjournal", altered(browser.secret))
    assert (await forger.step("GET", "/side")).is_redirect


async def test_the_cookie_opens_nothing_at_fhir_and_a_token_does(site: Site, browser: Browser) -> None:
    await browser.sign_in("Nils Sykepleier")
    assert (await browser.step("GET", "/fhir/hvem")).status_code == 401
    token = {"authorization": f"Bearer {browser.secret}"}
    stranger = site.browser()
    assert (await stranger.step("GET", "/fhir/hvem", headers=token)).json() == {"name": "Nils Sykepleier"}
    assert (await stranger.step("GET", "/side", headers=token)).is_redirect


async def test_cookie_is_httponly_lax_and_for_the_whole_site(browser: Browser) -> None:
    page = await browser.to_provider("helsepersonell")
    back = await browser.pick(page, "Nils Sykepleier")
    answer = await browser.step("GET", back.headers["location"])
    cookie = next(line for line in answer.headers.get_list("set-cookie") if line.startswith("fellesjournal="))
    assert {"HttpOnly", "Path=/", "SameSite=lax"} <= {part.strip() for part in cookie.split(";")}
    assert "Domain" not in cookie


async def test_after_sign_in_one_is_led_to_the_page_that_was_asked_for(browser: Browser) -> None:
    asked = await browser.step("GET", "/side?x=1")
    assert asked.headers["location"] == "/logg-inn?til=%2Fside%3Fx%3D1"
    page = await browser.sign_in("Nils Sykepleier", back_to="/side?x=1")
    assert str(page.url).endswith("/side?x=1")


@pytest.mark.parametrize(
    "bad",
    [
        "//evil.example", "https://evil.example", "/\\evil.example", "\\\\evil.example", "/\t/evil.example",
        "javascript:alert(1)", "/logg-inn", "/logg-ut", "/fhir/Patient", "/test-idp/x", "/\u2028", "/a b",
        "x",
        "/" + "a" * 600, "", "http:/x",
    ],
)  # fmt: skip
def test_return_path_is_a_page_of_ours_or_nothing(bad: str) -> None:
    assert local_path(bad) == ""


def test_return_path_keeps_a_page_with_its_query() -> None:
    assert local_path("/pasienter/abc/notat?side=2") == "/pasienter/abc/notat?side=2"


async def test_open_redirect_leads_home(browser: Browser) -> None:
    page = await browser.sign_in("Nils Sykepleier", back_to="//evil.example")
    assert page.url.host == "127.0.0.1"
    assert page.url.path == "/hjem/staff"


async def test_another_person_is_not_led_to_the_former_ones_page(site: Site, browser: Browser) -> None:
    await browser.sign_in("Nils Sykepleier")
    await site.sessions.end(_secret(browser))
    page = await browser.sign_in("Ola Innbygger", "innbygger", back_to="/side")
    assert page.url.path == "/hjem/citizen"


async def test_person_whom_nobody_knows_here_is_told_so(browser: Browser) -> None:
    page = await browser.sign_in("Fremmed Fjern")
    assert page.status_code == 403
    assert "Vi finner deg ikke her" in page.text
    assert not browser.secret


async def test_person_whose_role_has_ended_does_not_come_in(browser: Browser) -> None:
    page = await browser.sign_in("Siri Sluttet")
    assert page.status_code == 403
    assert "ingen gyldig rolle" in page.text


async def test_session_dies_with_its_role(site: Site, browser: Browser) -> None:
    await browser.sign_in("Nils Sykepleier")
    await site.admin.execute(
        "UPDATE identity.post SET until_at = clock_timestamp() WHERE id = $1", site.posts["nurse"]
    )
    site.monotonic[0] += 6
    assert (await browser.step("GET", "/side")).is_redirect


async def test_level_3_is_refused_with_a_page_that_says_so(browser: Browser) -> None:
    for who, name in [("helsepersonell", "Nils Sykepleier"), ("innbygger", "Ola Innbygger")]:
        page = await browser.to_provider(who)
        refused = await browser.follow(await browser.pick(page, name, level="3"))
        assert refused.status_code == 403
        assert "nivå 4" in refused.text
        assert not browser.secret


async def test_cancelling_at_the_provider_is_told(browser: Browser) -> None:
    page = await browser.to_provider("innbygger")
    refused = await browser.follow(await browser.send(page, "/test-idp/idporten/velg", person=""))
    assert refused.status_code == 403
    assert "avbrutt" in refused.text


async def test_sign_in_ends_the_session_that_the_browser_had(site: Site, browser: Browser) -> None:
    await browser.sign_in("Nils Sykepleier")
    former = browser.secret
    await browser.sign_in("Ola Innbygger", "innbygger")
    assert await _who(site, former) is None


async def test_no_identity_number_in_any_address_page_or_log(
    browser: Browser, capfd: pytest.CaptureFixture[str]
) -> None:
    for name in ("Kari Lege", "Nils Sykepleier", "Siri Sluttet", "Fremmed Fjern"):
        await browser.sign_in(name)
    await browser.sign_in("Ola Innbygger", "innbygger")
    printed = capfd.readouterr()
    everything = "\n".join((*browser.addresses, *browser.texts, printed.out, printed.err))
    assert [number for number in (GP, NURSE, CITIZEN, ENDED, STRANGER) if number in everything] == []


async def test_database_holds_neither_number_nor_secret(site: Site, browser: Browser) -> None:
    await browser.sign_in("Nils Sykepleier")
    rows = await site.admin.fetch(
        "SELECT to_jsonb(s)::text || to_jsonb(p)::text AS t FROM identity.session s, identity.person p"
    )
    text = "\n".join(row["t"] for row in rows)
    assert NURSE not in text
    assert _secret(browser).hex() not in text
    assert number_hash(site.sessions.keys, NURSE).hex() in text


def _secret(browser: Browser) -> bytes:
    from fellesjournal.identity.cookies import secret_of

    secret = secret_of(browser.secret)
    assert secret is not None
    return secret


async def _who(site: Site, text: str) -> Any:
    from fellesjournal.identity.cookies import secret_of

    secret = secret_of(text)
    assert secret is not None
    site.monotonic[0] += 6
    return await site.sessions.who(secret)


async def _reader(site: Site, browser: Browser) -> Any:
    reader = await _who(site, browser.secret)
    assert reader is not None
    return reader
