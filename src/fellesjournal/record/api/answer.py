"""Answers to writes: what the client wishes to get back (Prefer), and a repeated request's first answer again.

Source: FHIR http §2.21.0.5.2 (Prefer); draft-ietf-httpapi-idempotency-key-header.
"""

import hashlib
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Final

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from fellesjournal import fhir
from fellesjournal.access.decide import Decision
from fellesjournal.access.model import SessionOver
from fellesjournal.kit.db import Connection, StatementTimeout
from fellesjournal.record import store
from fellesjournal.record.api.http import journal_of, json_response, preference, query_text, version_headers
from fellesjournal.record.binary import listed
from fellesjournal.record.errors import Busy, KeyReused, Malformed, NameTaken, VersionConflict
from fellesjournal.record.journal import Journal, Vault
from fellesjournal.record.transaction import Answer

Work = Callable[[Journal], Awaitable[list[Answer]]]
"""What is to be done, from the bytes of the request: it may be done twice, when another request was quicker."""
Again = Callable[[Journal, int], Awaitable[Answer]]
"""Reads again what the entry at a place of a bundle asked for."""

KEY: Final = "idempotency-key"
_KEY_LIMIT: Final = 255
_TELLING: Final = ("prefer", "if-match", "if-none-exist", "if-none-match", "content-type", "accept")
"""Headers that make a request another one."""


async def answer_one(request: Request, decision: Decision, body: bytes, work: Work) -> Response:
    """The answer of one interaction."""
    (answer,) = await answers(request, decision, body, work, again=no_reads)
    return await respond(request, answer)


async def answers(request: Request, decision: Decision, body: bytes, work: Work, *, again: Again) -> list[Answer]:
    """Do the work; with an Idempotency-Key once, and answer the same when it comes again within a day.

    Raises KeyReused, Busy, Malformed (the key), and what the work raises: a refused request may be sent again.
    """
    journal = journal_of(request, decision)
    key = request.headers.get(KEY)
    if key is None:
        return await _twice(journal, work)
    async with journal.together() as conn:
        name = _Name(decision.secret, _key_hash(key), _request_hash(request, decision, body))
        kept = await _claim(conn, name)
        if kept is not None:
            return await _rebuilt(request, journal, kept, again)
        made = await _twice(journal, work)
        await store.keep_answer(
            conn, secret=name.secret, key=name.key, request=name.request, status=200,
            answer=msgspec.json.encode([_kept(answer) for answer in made]),
        )  # fmt: skip
        return made


async def respond(request: Request, answer: Answer) -> Response:
    """One interaction's answer, as much of it as the client prefers."""
    headers = {}
    if answer.updated is not None:
        headers = version_headers(answer.version, answer.updated)
    if answer.status in (200, 201):
        base = f"{request.app.state.settings.base_url}/fhir"
        headers["Location"] = f"{base}/{answer.rtype}/{answer.id}/_history/{answer.version}"
    wished = preference(request, "return")
    if wished == "OperationOutcome":
        status = 200 if answer.status == 204 else answer.status
        return json_response(fhir.encode(fhir.outcome(await _told(request, answer))), status=status, headers=headers)
    if wished == "minimal" or answer.body is None or answer.status == 204:
        return Response(status_code=answer.status, headers=headers)
    return json_response(answer.body().encode(), status=answer.status, headers=headers)


async def _told(request: Request, answer: Answer) -> list[fhir.Issue]:
    """What there is to say of what was written: nothing of it was a reason to refuse it."""
    if answer.body is None or answer.status == 204:
        return []
    vault: Vault = request.app.state.vault
    return await vault.checks.examine(fhir.parse(answer.body().encode()), "C", is_demo=await vault.is_demo())


class _Name(msgspec.Struct, frozen=True):
    """Whose key it is, and for which request."""

    secret: bytes
    key: bytes
    request: bytes


class _Kept(msgspec.Struct, frozen=True, omit_defaults=True):
    """An answer as it is kept: keys and status, nothing of the content, which is read again."""

    status: int
    rtype: str = ""
    id: str = ""
    version: int = 0
    updated: datetime | None = None
    outcome: str = ""
    is_read: bool = False


def _kept(answer: Answer) -> _Kept:
    is_read = answer.body is not None and not answer.rtype
    return _Kept(answer.status, answer.rtype, answer.id, answer.version, answer.updated, answer.outcome, is_read)


async def _twice(journal: Journal, work: Work) -> list[Answer]:
    """Once more when somebody else chose the same id, or changed what a patch was made on, in between."""
    try:
        return await work(journal)
    except (NameTaken, Raced):
        journal.forget()
        return await work(journal)


class Raced(VersionConflict):
    """A patch without If-Match met another version than it had read."""


async def _claim(conn: Connection, name: _Name) -> list[_Kept] | None:
    try:
        state, answer = await store.claim_answer(conn, secret=name.secret, key=name.key, request=name.request)
    except StatementTimeout:
        raise Busy from None
    if state == "none":
        raise SessionOver
    if state == "other":
        raise KeyReused
    return msgspec.json.decode(answer, type=list[_Kept]) if answer is not None else None


async def _rebuilt(request: Request, journal: Journal, kept: Sequence[_Kept], again: Again) -> list[Answer]:
    """The answers, their content read again: only as far as the reader may still see it."""
    wants_body = preference(request, "return") not in ("minimal", "OperationOutcome")
    return [await _one_rebuilt(journal, one, place, again, wants_body) for place, one in enumerate(kept)]


async def _one_rebuilt(journal: Journal, kept: _Kept, place: int, again: Again, wants_body: bool) -> Answer:  # noqa: FBT001
    if kept.is_read:
        return await again(journal, place)
    body: Callable[[], str] | None = None
    if wants_body and kept.version and kept.status in (200, 201):
        text = listed(kept.rtype, (await journal.read(kept.rtype, kept.id, version=kept.version)).body)
        body = lambda: text  # noqa: E731
    return Answer(kept.status, kept.rtype, kept.id, kept.version, kept.updated, body, kept.outcome)


def _key_hash(key: str) -> bytes:
    bare = key.strip().strip('"')
    if not bare or len(bare) > _KEY_LIMIT or not bare.isprintable():
        raise Malformed(f"Idempotency-Key must be 1 to {_KEY_LIMIT} printable characters.")
    return hashlib.sha256(bare.encode()).digest()


def _request_hash(request: Request, decision: Decision, body: bytes) -> bytes:
    told = [request.headers.get(name, "") for name in _TELLING]
    parts = [request.method, request.url.path, query_text(request), str(decision.reader.unit), *told]
    return hashlib.sha256("\x1f".join(parts).encode() + b"\x1e" + body).digest()


async def no_reads(_journal: Journal, _place: int) -> Answer:
    """For what is a single write."""
    raise AssertionError("a single write reads nothing")
