"""Forms are accepted only from our own pages."""

from __future__ import annotations

import re

import httpx
import pytest

SAME = {"sec-fetch-site": "same-origin"}


async def token(client: httpx.AsyncClient, **cookies: str) -> str:
    page = await client.get("/form", headers={"cookie": "; ".join(f"{k}={v}" for k, v in cookies.items())})
    return re.search(r'name="csrf_token" value="([^"]+)"', page.text)[1]  # type: ignore[index]


async def test_form_with_its_token_is_accepted_and_its_body_is_whole(client: httpx.AsyncClient) -> None:
    data = {"csrf_token": await token(client), "tekst": "æøå"}
    answer = await client.post("/post", data=data, headers=SAME)
    assert answer.status_code == 200
    assert int(answer.text) > len("tekst=")


async def test_form_with_files_is_accepted_with_its_token(client: httpx.AsyncClient) -> None:
    files = {"fil": ("a.txt", b"x" * 5000)}
    answer = await client.post("/post", data={"csrf_token": await token(client)}, files=files, headers=SAME)
    assert answer.status_code == 200
    assert int(answer.text) > 5000
    assert (
        await client.post("/post", data={"csrf_token": "feil"}, files=files, headers=SAME)
    ).status_code == 403


async def test_token_in_the_header_is_accepted(client: httpx.AsyncClient) -> None:
    answer = await client.post("/post", json={}, headers={**SAME, "x-csrf-token": await token(client)})
    assert answer.status_code == 200


@pytest.mark.parametrize("given", ["", "x", "AAAA", "A" * 60, "æ", "%%%"])
async def test_form_with_a_missing_or_forged_token_is_refused(client: httpx.AsyncClient, given: str) -> None:
    answer = await client.post("/post", data={"csrf_token": given}, headers=SAME)
    assert answer.status_code == 403
    assert "Ingenting er lagret eller endret" in answer.text


WORDS = "Kontroll.\nBT <b>fint</b>."


async def test_form_of_another_context_is_a_conflict_that_gives_the_text_back(client: httpx.AsyncClient) -> None:
    stale = {"csrf_token": await token(client, sesjon="before"), "tekst": WORDS, "version": "17"}
    answer = await client.post("/post", data=stale, headers=SAME)
    assert answer.status_code == 409
    assert "Du har byttet rolle eller enhet" in answer.text and "Ingenting er lagret" in answer.text
    assert "Kontroll.\nBT &lt;b&gt;fint&lt;/b&gt;.</textarea>" in answer.text
    assert ">17<" not in answer.text and stale["csrf_token"] not in answer.text


async def test_all_that_was_typed_comes_back_by_its_labels(client: httpx.AsyncClient) -> None:
    stale = {"csrf_token": await token(client, sesjon="before"), "tekst": "Kort.", "diagnosis": ["K86|Høyt", "T90|D"]}
    answer = await client.post("/post", data=stale, headers=SAME)
    assert re.findall(r'<label[^>]*>([^<]*)</label>\s*<input[^>]* value="([^"]*)" readonly', answer.text) == [
        ("Notat", "Kort."), ("Diagnose", "K86 Høyt"), ("Diagnose", "T90 D"),
    ]  # fmt: skip


async def test_form_with_files_of_another_context_is_a_conflict_too(client: httpx.AsyncClient) -> None:
    stale = {"csrf_token": await token(client, sesjon="before"), "tekst": WORDS}
    answer = await client.post("/post", data=stale, files={"fil": ("a.txt", b"x")}, headers=SAME)
    assert answer.status_code == 409
    assert "BT &lt;b&gt;fint" in answer.text


async def test_part_of_a_page_of_another_context_is_told_of_it_in_a_part(client: httpx.AsyncClient) -> None:
    stale = await token(client, sesjon="before")
    answer = await client.post("/post", json={}, headers={**SAME, "x-csrf-token": stale, "hx-request": "true"})
    assert answer.status_code == 409
    assert "<html" not in answer.text and "Du har byttet rolle eller enhet" in answer.text


async def test_token_of_another_person_is_refused_and_nothing_is_given_back(client: httpx.AsyncClient) -> None:
    foreign = await token(client, sesjon="en annen", person="Ola")
    answer = await client.post("/post", data={"csrf_token": foreign, "tekst": WORDS}, headers=SAME)
    assert answer.status_code == 403
    assert "Kontroll" not in answer.text


@pytest.mark.parametrize("headers", [{}, {"origin": "null"}, {"sec-fetch-site": "cross-site"}])
async def test_form_of_another_context_is_refused_unless_the_browser_says_it_is_ours(
    client: httpx.AsyncClient, headers: dict[str, str]
) -> None:
    stale = {"csrf_token": await token(client, sesjon="before"), "tekst": WORDS}
    answer = await client.post("/post", data=stale, headers=headers)
    assert answer.status_code == 403
    assert "Kontroll" not in answer.text


async def test_origin_of_an_older_browser_tells_a_stale_form_from_a_forged_one(client: httpx.AsyncClient) -> None:
    stale = {"csrf_token": await token(client, sesjon="before")}
    assert (await client.post("/post", data=stale, headers={"origin": "http://127.0.0.1:8000"})).status_code == 409


async def test_changed_token_of_another_context_is_forged(client: httpx.AsyncClient) -> None:
    stale = await token(client, sesjon="before")
    for at in (0, 5, -20, -1):
        changed = [*stale]
        changed[at] = "A" if changed[at] != "A" else "B"
        if at == -1:
            changed.append("AAAA")
        answer = await client.post("/post", data={"csrf_token": "".join(changed)}, headers=SAME)
        assert answer.status_code == 403


async def test_stale_form_that_cannot_be_read_is_a_clear_error(client: httpx.AsyncClient) -> None:
    stale = await token(client, sesjon="before")
    answer = await client.post("/post", data={"csrf_token": stale, "tekst": "a\x00b"}, headers=SAME)
    assert answer.status_code == 400


async def test_broken_body_with_files_is_refused_and_no_fault_of_ours(client: httpx.AsyncClient) -> None:
    broken = {**SAME, "content-type": "multipart/form-data; boundary=x"}
    assert (await client.post("/post", content=b"--y\r\nikke slik", headers=broken)).status_code == 403


async def test_token_from_before_sign_in_is_refused_after(client: httpx.AsyncClient) -> None:
    early = await token(client, utlogget="1")
    assert (await client.post("/post", data={"csrf_token": early}, headers=SAME)).status_code == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "none"},
        {"origin": "https://ond.example"},
        {"origin": "http://127.0.0.1:9999"},
    ],
)
async def test_form_from_elsewhere_is_refused_even_with_a_token(
    client: httpx.AsyncClient, headers: dict[str, str]
) -> None:
    data = {"csrf_token": await token(client)}
    assert (await client.post("/post", data=data, headers=headers)).status_code == 403


@pytest.mark.parametrize("headers", [{}, {"origin": "null"}, {"origin": "http://127.0.0.1:8000"}])
async def test_older_browser_is_let_in_by_its_token(
    client: httpx.AsyncClient, headers: dict[str, str]
) -> None:
    data = {"csrf_token": await token(client)}
    assert (await client.post("/post", data=data, headers=headers)).status_code == 200


async def test_fhir_stands_outside_since_it_takes_no_cookie(client: httpx.AsyncClient) -> None:
    assert (await client.post("/fhir/Patient", json={})).status_code == 200


async def test_too_large_body_is_refused_with_a_page(client: httpx.AsyncClient) -> None:
    answer = await client.post("/post", content=b"x" * (9 * 1024 * 1024), headers=SAME)
    assert answer.status_code == 413
    assert "for stort" in answer.text


async def test_key_can_be_rotated_without_refusing_open_pages(client: httpx.AsyncClient) -> None:
    old = await token(client)
    client._transport.app.state.csrf_key = (b"n" * 32, b"k" * 32)  # type: ignore[attr-defined]
    assert (await client.post("/post", data={"csrf_token": old}, headers=SAME)).status_code == 200
    client._transport.app.state.csrf_key = b"n" * 32  # type: ignore[attr-defined]
    assert (await client.post("/post", data={"csrf_token": old}, headers=SAME)).status_code == 403
