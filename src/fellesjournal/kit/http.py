"""The only HTTP client: bounded in time and size, no redirects, no cookies, no proxy or credentials from the
environment.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any

import httpx


class HttpError(Exception):
    """The other side did not answer as it should; the text never holds the address's query or the body."""


class HttpTimeout(HttpError):
    """No whole answer within the time."""


class AnswerTooLarge(HttpError):
    """The answer is larger than we accept."""


@dataclass(frozen=True)
class Answer:
    """What came back. Header names are lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Download:
    """An answer whose body is still coming: `parts` as they were sent, compressed if the headers say so."""

    status: int
    headers: Mapping[str, str]
    parts: AsyncIterator[bytes]


class HttpClient:
    """A bounded client for one counterpart. Close it, or use it as an asynchronous context.

    `timeout_s` is for a whole answer: one that comes byte by byte takes no longer.
    """

    def __init__(
        self,
        *,
        base_url: str = "",
        timeout_s: float = 10.0,
        max_bytes: int = 10_000_000,
        max_connections: int = 20,
        verify: Any = True,
        cert: Any = None,
        transport: Any = None,
    ) -> None:
        self._max_bytes = max_bytes
        self._timeout_s = timeout_s
        self._client = httpx.AsyncClient(
            base_url=base_url,
            timeout=httpx.Timeout(timeout_s, connect=min(5.0, timeout_s)),
            follow_redirects=False,
            limits=httpx.Limits(max_connections=max_connections),
            trust_env=False,
            verify=verify,
            cert=cert,
            transport=transport,
            headers={"User-Agent": "Fellesjournal"},
        )

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, str] | None = None,
        content: bytes | None = None,
        data: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send one request and read the whole answer, whatever its status.

        Raises HttpError, HttpTimeout, AnswerTooLarge.
        """
        try:
            with _errors_named():
                async with (
                    asyncio.timeout(self._timeout_s),
                    self._client.stream(
                        method, url, headers=headers, params=params, content=content, data=data
                    ) as response,
                ):
                    body = await self._read(response)
        finally:
            self._client.cookies.clear()
        return Answer(status=response.status_code, headers=dict(response.headers), body=body)

    async def get(self, url: str, **more: Any) -> Answer:
        """As request, with GET."""
        return await self.request("GET", url, **more)

    async def post(self, url: str, **more: Any) -> Answer:
        """As request, with POST."""
        return await self.request("POST", url, **more)

    @asynccontextmanager
    async def download(self, url: str, *, headers: Mapping[str, str] | None = None) -> AsyncGenerator[Download, None]:
        """A GET whose answer is read as it comes, by a caller who bounds its size; the time is bound between two parts.

        Raises HttpError, HttpTimeout, here and while the parts are read.
        """
        with _errors_named():
            request = self._client.build_request("GET", url, headers=headers)
            response = await self._client.send(request, stream=True)
        try:
            yield Download(response.status_code, dict(response.headers), _parts(response))
        finally:
            await response.aclose()
            self._client.cookies.clear()

    async def close(self) -> None:
        """Close all connections."""
        await self._client.aclose()

    async def __aenter__(self) -> "HttpClient":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def _read(self, response: httpx.Response) -> bytes:
        parts = bytearray()
        async for part in response.aiter_bytes():
            parts += part
            if len(parts) > self._max_bytes:
                raise AnswerTooLarge(f"the answer is larger than {self._max_bytes} bytes")
        return bytes(parts)


async def _parts(response: httpx.Response) -> AsyncIterator[bytes]:
    with _errors_named():
        async for part in response.aiter_raw():
            yield part


@contextmanager
def _errors_named() -> Iterator[None]:
    try:
        yield
    except (httpx.TimeoutException, TimeoutError) as error:
        raise HttpTimeout(f"no answer in time: {type(error).__name__}") from None
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise HttpError(f"the request failed: {type(error).__name__}") from None
