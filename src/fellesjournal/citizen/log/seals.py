"""The seals of the access log, open to all: whoever keeps them can tell whether the log was changed later.

A seal holds how many rows a batch has and their digest: nothing about anyone.
"""

from __future__ import annotations

from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from fellesjournal.access import chain, gate

_DIGITS: Final = 18


@gate.public("the seals of the access log: counts and digests, for others to keep; nothing about anyone")
async def seals(request: Request) -> Response:
    """Up to 1,000 seals from the number `fra` (1) on, oldest first, a line of JSON each; empty after the last."""
    start = request.query_params.get("fra", "1")
    if not (start.isascii() and start.isdigit() and len(start) <= _DIGITS):
        raise HTTPException(400)
    page = await chain.published(request.app.state.access_db, start=int(start))
    return Response("".join(f"{seal.published()}\n" for seal in page), media_type="application/x-ndjson")


routes = [Route("/logg/segl", seals)]
