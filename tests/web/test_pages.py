"""What every page sends and shows: headers, languages, colours, errors, static files."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import httpx
import pytest

SOURCE = Path(__file__).resolve().parents[2] / "src/fellesjournal"
SAME = {"sec-fetch-site": "same-origin"}


@pytest.mark.parametrize("path", ["/", "/feil/404", "/feil/500", "/finnes-ikke", "/fhir/Patient"])
async def test_every_answer_carries_the_security_headers(client: httpx.AsyncClient, path: str) -> None:
    headers = (await client.get(path)).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert headers["cache-control"] == "no-store"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["x-content-type-options"] == "nosniff"
    assert "camera=()" in headers["permissions-policy"]


async def test_only_scripts_with_this_page_s_nonce_may_run(client: httpx.AsyncClient) -> None:
    first, second = await client.get("/"), await client.get("/")
    nonces = set(re.findall(r'nonce="([^"]+)"', first.text))
    assert len(nonces) == 1
    assert f"script-src 'nonce-{nonces.pop()}';" in first.headers["content-security-policy"]
    assert first.headers["content-security-policy"] != second.headers["content-security-policy"]


async def test_no_page_has_inline_handlers_or_styles(client: httpx.AsyncClient) -> None:
    for path in ("/", "/form", "/citizen", "/feil/404"):
        text = (await client.get(path)).text
        assert not re.search(r"\s(on[a-z]+|style)=", text)
        assert not re.search(r"<script(?![^>]*(src=|application/json))", text)


async def test_static_files_are_named_by_content_and_kept_for_ever(client: httpx.AsyncClient) -> None:
    page = (await client.get("/")).text
    paths = set(re.findall(r'(?:href|src)="(/static/[^"]+)"', page))
    assert len(paths) >= 9
    for path in paths:
        answer = await client.get(path)
        assert answer.status_code == 200
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert re.search(r"\.[0-9a-f]{12}\.(css|js|svg)$", path)
        plain = await client.get(path, headers={"accept-encoding": "identity"})
        assert plain.content == answer.content
        for neighbour in re.findall(r'from "\./([^"]+)"', answer.text):
            assert (await client.get(f"/static/{neighbour}")).status_code == 200


@pytest.mark.parametrize("name", ["app.css", "app.000000000000.css", "..%2fmodel.py", "LICENSE-htmx.txt"])
async def test_only_known_static_names_are_served(client: httpx.AsyncClient, name: str) -> None:
    assert (await client.get(f"/static/{name}")).status_code == 404


async def test_first_load_stays_below_a_hundred_kilobytes(client: httpx.AsyncClient) -> None:
    page = await client.get("/")
    paths = set(re.findall(r'(?:href|src)="(/static/[^"]+)"', page.text))
    scripts = [await client.get(path) for path in paths]
    imported = {
        f"/static/{name}" for script in scripts for name in re.findall(r'from "\./([^"]+)"', script.text)
    }
    answers = scripts + [await client.get(path) for path in imported - paths]
    size = sum(len(gzip.compress(answer.content, 9)) for answer in [page, *answers])
    assert size <= 70_000  # leaves 30 kB for what the largest pages show


@pytest.mark.parametrize(
    ("headers", "language", "sign_out"),
    [
        ({}, "nb", "Logg ut"),
        ({"accept-language": "nn-NO,nn;q=0.9,nb;q=0.8"}, "nn", "Meir om pasienten"),
        ({"accept-language": "de,en-GB;q=0.5"}, "en", "Sign out"),
        ({"accept-language": "da;q=0.9,en;q=0.5"}, "nb", "Logg ut"),
        ({"accept-language": ";;q=x,,*"}, "nb", "Logg ut"),
        ({"cookie": "sprak=nn", "accept-language": "en"}, "nn", "Kvifor du ser dette"),
        ({"cookie": "sprak=<script>"}, "nb", "Logg ut"),
    ],
)
async def test_page_speaks_the_chosen_language(
    client: httpx.AsyncClient, headers: dict[str, str], language: str, sign_out: str
) -> None:
    page = await client.get("/", headers=headers)
    assert f'<html lang="{language}"' in page.text
    assert sign_out in page.text


async def test_language_and_colours_are_chosen_by_a_form_and_lead_back(client: httpx.AsyncClient) -> None:
    page = (await client.get("/form")).text
    token = re.search(r'name="csrf_token" value="([^"]+)"', page)[1]  # type: ignore[index]
    chosen = {"csrf_token": token, "tilbake": "/form", "valg": "nn"}
    answer = await client.post("/sprak", data=chosen, headers=SAME)
    assert (answer.status_code, answer.headers["location"]) == (303, "/form")
    await client.post("/farge", data={**chosen, "valg": "dark"}, headers=SAME)
    shown = (await client.get("/form")).text
    assert '<html lang="nn" data-color-scheme="dark"' in shown


@pytest.mark.parametrize(
    "back", ["https://ond.example", "//ond.example", "/\\ond.example", "ond", "/a\r\nx: y"]
)
async def test_form_never_leads_to_another_site(client: httpx.AsyncClient, back: str) -> None:
    page = (await client.get("/form")).text
    token = re.search(r'name="csrf_token" value="([^"]+)"', page)[1]  # type: ignore[index]
    data = {"csrf_token": token, "tilbake": back, "valg": "nn"}
    assert (await client.post("/sprak", data=data, headers=SAME)).headers["location"] == "/"


@pytest.mark.parametrize("status", [400, 403, 404, 409, 413, 422, 500])
async def test_error_says_what_happened_what_is_kept_and_what_to_do(
    client: httpx.AsyncClient, status: int
) -> None:
    page = await client.get(f"/feil/{status}")
    assert page.status_code == status
    assert "Dette er tatt vare på:" in page.text
    assert "Dette kan du gjøre:" in page.text
    assert "<main" in page.text


async def test_error_in_a_part_of_a_page_is_an_alert_alone(client: httpx.AsyncClient) -> None:
    part = await client.get("/feil/409", headers={"hx-request": "true"})
    assert part.status_code == 409
    assert 'role="alert"' in part.text
    assert "<html" not in part.text


async def test_what_people_write_is_never_markup(client: httpx.AsyncClient) -> None:
    page = (await client.get("/")).text
    assert "Tekst &lt;b&gt;ikke&lt;/b&gt; fet" in page


async def test_storyboard_masks_the_number_and_says_why_it_is_seen(client: httpx.AsyncClient) -> None:
    page = (await client.get("/")).text
    assert "018483 *****" in page
    assert "Du er pasientens fastlege" in page
    assert "2 opplysninger er sperret for deg" in page
    assert 'href="/logg"' in page


def test_what_is_missing_in_a_form_is_told_by_us_and_not_by_the_browser_in_its_own_language() -> None:
    asking = [
        (path.name, line.strip())
        for path in SOURCE.rglob("templates/*.html")
        if path.name != "components.html" and "required=true" in (text := path.read_text("utf-8"))
        for line in text.splitlines()
        if '<form method="post"' in line and "fj-inline" not in line
    ]
    assert len(asking) > 20
    assert [one for one in asking if "novalidate" not in one[1]] == []
