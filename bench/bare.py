"""The measure of read by id: a bare ASGI handler, one asyncpg call for the same bytes, no access control, no log.

Its role sees the table directly; uvicorn has the product's own settings. `python -m bench.bare PORT DSN`.
"""

import sys
from typing import Any

import asyncpg
import uvicorn
import uvloop

from fellesjournal.kit.ids import decode

_HEADERS = [(b"content-type", b"application/fhir+json")]


class Bare:
    """One route, one query."""

    def __init__(self, pool: Any) -> None:
        self._pool = pool

    async def __call__(self, scope: Any, _receive: Any, send: Any) -> None:
        """Answer with the stored body of the id at the end of the path."""
        slot, pid = decode(scope["path"].rpartition("/")[2]) or (0, 0)
        body = await self._pool.fetchval("SELECT body FROM vault.resource WHERE slot = $1 AND pid = $2", slot, pid)
        status = 200 if body is not None else 404
        await send({"type": "http.response.start", "status": status, "headers": _headers(body or "")})
        await send({"type": "http.response.body", "body": (body or "").encode()})


def _headers(body: str) -> list[tuple[bytes, bytes]]:
    return [*_HEADERS, (b"content-length", str(len(body.encode())).encode())]


async def main(port: int, dsn: str) -> None:
    """Serve until terminated."""
    pool = await asyncpg.create_pool(dsn, min_size=10, max_size=10, reset=_no_reset)
    config = uvicorn.Config(
        Bare(pool), port=port, log_config=None, access_log=False, server_header=False, lifespan="off", loop="uvloop",
        http="httptools",
    )  # fmt: skip
    await uvicorn.Server(config).serve()


async def _no_reset(_connection: Any) -> None:
    """As in the product."""


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1]), sys.argv[2]))
