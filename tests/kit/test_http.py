"""The bounded HTTP client."""

import httpx
import pytest

from fellesjournal.kit.http import AnswerTooLarge, HttpClient, HttpError, HttpTimeout


def _client(handler: object, **more: object) -> HttpClient:
    return HttpClient(base_url="https://x.example", transport=httpx.MockTransport(handler), **more)  # type: ignore[arg-type]


async def test_answer_of_any_status_comes_back() -> None:
    async with _client(lambda _: httpx.Response(404, headers={"X-A": "b"}, content=b"no")) as client:
        answer = await client.get("/a", params={"q": "1"})
    assert (answer.status, answer.headers["x-a"], answer.body) == (404, "b", b"no")


async def test_redirect_is_not_followed() -> None:
    async with _client(lambda _: httpx.Response(302, headers={"Location": "https://evil.example"})) as client:
        assert (await client.post("/a", content=b"x")).status == 302


async def test_answer_beyond_the_bound_is_refused() -> None:
    async with _client(lambda _: httpx.Response(200, content=b"x" * 2000), max_bytes=1999) as client:
        with pytest.raises(AnswerTooLarge):
            await client.get("/a")


async def test_errors_do_not_tell_the_address() -> None:
    def slow(_: object) -> httpx.Response:
        raise httpx.ReadTimeout("https://x.example/a?fnr=1")

    def broken(_: object) -> httpx.Response:
        raise httpx.ConnectError("https://x.example/a?fnr=1")

    for handler, kind in ((slow, HttpTimeout), (broken, HttpError)):
        async with _client(handler) as client:
            with pytest.raises(kind) as caught:
                await client.get("/a?fnr=1")
            assert "fnr" not in str(caught.value)
            assert caught.value.__cause__ is None


async def test_cookies_are_not_kept() -> None:
    seen = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request.headers.get("cookie"))
        return httpx.Response(200, headers={"Set-Cookie": "a=b"})

    async with _client(answer) as client:
        await client.get("/")
        await client.get("/")
    assert seen == [None, None]
