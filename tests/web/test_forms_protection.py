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


async def test_token_of_another_session_is_refused(client: httpx.AsyncClient) -> None:
    foreign = await token(client, sesjon="en annen")
    assert (await client.post("/post", data={"csrf_token": foreign}, headers=SAME)).status_code == 403


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
