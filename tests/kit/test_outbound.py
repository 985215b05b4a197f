"""Sending to addresses that others have named."""

import asyncio
from collections.abc import Sequence

import pytest

from fellesjournal.kit.outbound import NotTold, Outbound


async def post(outbound: Outbound, url: str, *, timeout_s: float = 2) -> int:
    try:
        return await outbound.post(url, headers={}, content=b"{}", timeout_s=timeout_s)
    finally:
        await outbound.close()


@pytest.mark.parametrize(
    "found",
    [["127.0.0.1"], ["10.1.2.3"], ["93.184.215.14", "192.168.0.1"], ["::1"], ["fd00::1"], ["169.254.169.254"], []],
)
async def test_a_public_name_that_leads_inside_is_not_followed(found: list[str]) -> None:
    async def resolve(_host: str, _port: int) -> Sequence[str]:
        return found

    with pytest.raises(NotTold, match="address-refused"):
        await post(Outbound(resolve=resolve), "https://mottak.example.no/hook")


async def test_what_was_looked_up_is_what_is_connected_to() -> None:
    """The name is looked up once: a second answer, which might lead inside, is never asked for."""
    asked: list[str] = []

    async def resolve(host: str, _port: int) -> Sequence[str]:
        asked.append(host)
        # Public by its number, and nothing answers there.
        return ["192.0.0.9"]

    with pytest.raises(NotTold) as refused:
        await post(Outbound(resolve=resolve), "https://mottak.example.no/hook", timeout_s=0.3)
    assert asked == ["mottak.example.no"] and refused.value.code != "address-refused"


async def test_an_allowed_host_is_reached_redirects_are_not_followed_and_time_is_bounded() -> None:
    answers = [b"HTTP/1.1 302 Found\r\nlocation: http://10.0.0.1/\r\ncontent-length: 0\r\n\r\n", b""]

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        answer = answers.pop(0)
        writer.write(answer)
        if not answer:
            await asyncio.sleep(5)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    assert await post(Outbound(allowed=[f"127.0.0.1:{port}"]), f"http://127.0.0.1:{port}/x") == 302
    with pytest.raises(NotTold, match="no-answer-in-time"):
        await post(Outbound(allowed=["127.0.0.1"]), f"http://127.0.0.1:{port}/x", timeout_s=0.3)
    with pytest.raises(NotTold, match="address-refused"):
        await post(Outbound(), f"http://127.0.0.1:{port}/x")
    server.close()
    with pytest.raises(NotTold, match="not-reached"):
        await post(Outbound(allowed=["127.0.0.1"]), f"http://127.0.0.1:{port}/x", timeout_s=1)
