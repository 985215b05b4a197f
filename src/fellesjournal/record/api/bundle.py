"""batch and transaction (FHIR http §2.21.0.17)."""

import inspect
import json
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import unquote

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match, Route
from starlette.types import Message

from fellesjournal import fhir
from fellesjournal.access.decide import Decision
from fellesjournal.access.gate import fhir_interaction
from fellesjournal.access.model import AccessError
from fellesjournal.record.api import representation
from fellesjournal.record.api.answer import KEY, Raced, answers
from fellesjournal.record.api.conditional import not_modified
from fellesjournal.record.api.http import (
    MEDIA_TYPE,
    error_response,
    fhir_errors,
    http_date,
    json_response,
    parse_resource,
    preference,
    query_text,
    read_body,
    whole_number,
)
from fellesjournal.record.api.search import query_pairs
from fellesjournal.record.api.write import base_of
from fellesjournal.record.bundle import Entry, is_operation, list_entries, read_entries, read_entry
from fellesjournal.record.errors import (
    Malformed,
    NameTaken,
    NotFound,
    RecordError,
    VersionConflict,
    faults_at,
)
from fellesjournal.record.journal import Journal
from fellesjournal.record.rows import stamp
from fellesjournal.record.transaction import Answer, found, run

_VERSION = re.compile(r'W/"([0-9]{1,9})"')
_OWN_HEADERS = {"ifNoneMatch": b"if-none-match", "ifModifiedSince": b"if-modified-since", "ifMatch": b"if-match"}
_KEPT_HEADERS = (b"prefer", b"accept-language")
_TURNS = {"DELETE": 0, "POST": 1, "PUT": 2, "PATCH": 2}


def bundles(reads: Sequence[Route], *, changes: Sequence[Route]) -> Callable[[Request], Awaitable[Response]]:
    """The endpoint of batch and transaction: what reads is answered by `reads`, in a batch by `changes` too."""

    @fhir_errors
    @fhir_interaction("transaction")
    async def bundle(request: Request, decision: Decision) -> Response:
        """A Bundle of type transaction (all or nothing) or batch (each by itself)."""
        body = await read_body(request)
        work = _Bundle(request, decision, body, reads, changes)
        done = await answers(request, decision, body, work.run, again=work.read_again)
        return json_response(_text(request, work.kind, done).encode())

    return bundle


class _Bundle:
    """One bundle: read from its bytes each time it is done, since the doing changes references in place."""

    def __init__(
        self, request: Request, decision: Decision, body: bytes, reads: Sequence[Route], changes: Sequence[Route]
    ) -> None:
        self._request, self._decision, self._body = request, decision, body
        self._reads, self._changes = reads, changes
        self.kind = ""

    async def run(self, journal: Journal) -> list[Answer]:
        """The answers to all entries, in their order."""
        content = self._content()
        base = base_of(self._request)
        if self.kind == "batch":
            entries = list_entries(content)
            order = sorted(range(len(entries)), key=lambda place: _turn(entries[place]))
            done = {place: await self._alone(journal, place, entries[place]) for place in order}
            return [done[place] for place in range(len(entries))]
        return await self._do(journal, read_entries(content, base=base))

    async def read_again(self, journal: Journal, place: int) -> Answer:
        """What the GET entry at a place answers now."""
        entry = self._content()["entry"][place]
        return await self._refusals(self._get(journal, read_entry(place, entry, base=base_of(self._request))))

    def _content(self) -> dict[str, Any]:
        content = parse_resource(self._body)
        self.kind = str(content.get("type"))
        if content.get("resourceType") != "Bundle" or self.kind not in ("transaction", "batch"):
            raise Malformed("The body must be a Bundle of type transaction or batch.")
        return content

    async def _do(self, journal: Journal, entries: Sequence[Entry]) -> list[Answer]:
        try:
            return await run(journal, entries, base=base_of(self._request), get=self._get)
        except VersionConflict:
            if not any(entry.method == "PATCH" and entry.if_match < 0 for entry in entries):
                raise
            raise Raced from None

    async def _alone(self, journal: Journal, place: int, entry: Any) -> Answer:
        """One entry of a batch, whose refusal is its answer."""

        async def once() -> Answer:
            wish = read_entry(place, entry, base=base_of(self._request))
            if is_operation(str(wish.request.get("url"))):
                with faults_at(wish.asked):
                    return await self._get(journal, wish)
            (answer,) = await self._do(journal, [wish])
            return answer

        async def twice() -> Answer:
            try:
                return await once()
            except (NameTaken, Raced):
                journal.forget()
                return await once()

        return await self._refusals(twice())

    async def _refusals(self, work: Awaitable[Answer]) -> Answer:
        try:
            return await work
        except (AccessError, RecordError) as error:
            return Answer(error.status, outcome=bytes(error_response(error).body).decode())

    async def _get(self, journal: Journal, entry: Entry) -> Answer:
        """A read or an operation, as if it had come by itself, in the journal of the bundle."""
        request = self._as_request(entry, journal)
        is_called = is_operation(str(entry.request["url"]))
        for route in [*self._reads, *self._changes]:
            match, more = route.matches(request.scope)
            if match == Match.FULL and is_called == is_operation(route.path):
                self._check_change(route)
                request.scope.update(more)
                answer = await self._read(journal, request, route)
                return replace(answer, body=None) if entry.request["method"] == "HEAD" else answer
        raise Malformed(
            "In a bundle a GET is a read, a version, a history, a search or an operation that changes nothing"
            " (Type/id, Type?…, Type/$operation); a POST to Type/$operation is an operation that is offered."
        )

    async def _read(self, journal: Journal, request: Request, route: Route) -> Answer:
        if request.path_params.get("rtype") == "Binary" and route.name in ("read", "vread"):
            return await _binary(journal, request)
        if route.name == "capabilities":
            return _of_response(await route.endpoint(request))
        # The whole bundle has one format; each entry may ask for a part.
        pairs = [pair for pair in query_pairs(query_text(request)) if pair[0] != "_format"]
        representation.ask_with(request, pairs)
        response = await inspect.unwrap(route.endpoint)(request, self._decision)
        return _of_response(await representation.represented(request, response))

    def _check_change(self, route: Route) -> None:
        """Raise for an operation that makes a version where it can't be done by itself, once."""
        if route not in self._changes:
            return
        if self.kind == "transaction":
            raise Malformed("An operation that changes something stands by itself, or in a batch.")
        if KEY in self._request.headers:
            raise Malformed("A batch with an Idempotency-Key holds no operation that changes something.")

    def _as_request(self, entry: Entry, journal: Journal) -> Request:
        url = str(entry.request["url"]).removeprefix(base_of(self._request)).lstrip("/")
        path, _, query = url.partition("?")
        outer = self._request
        kept = [(name, value) for name, value in outer.scope["headers"] if name in _KEPT_HEADERS]
        own = [(name, _as_header(key, str(entry.request[key])).encode("latin-1", "replace"))
               for key, name in _OWN_HEADERS.items() if entry.request.get(key) is not None]  # fmt: skip
        body = fhir.encode(entry.resource) if entry.resource is not None else b""
        kind = [(b"content-type", MEDIA_TYPE.encode())] if body else []

        async def receive() -> Message:
            return {"type": "http.request", "body": body, "more_body": False}

        return Request(
            {
                **outer.scope, "method": "POST" if entry.request["method"] == "POST" else "GET",
                "path": "/" + unquote(path).removesuffix("/"), "root_path": "", "query_string": query.encode(),
                "headers": kept + own + kind, "path_params": {}, "state": {"journal": journal},
            },
            receive,
        )  # fmt: skip


def _turn(entry: Any) -> int:
    """When an entry of a batch is done: in the order of a transaction, wherever it stands (FHIR http, batch)."""
    request = entry.get("request") if isinstance(entry, dict) else None
    method = request.get("method") if isinstance(request, dict) else None
    return _TURNS.get(method, len(_TURNS)) if isinstance(method, str) else len(_TURNS)


def _as_header(key: str, text: str) -> str:
    """A condition as a header has it: `ifModifiedSince` is an instant in a bundle."""
    if key != "ifModifiedSince":
        return text
    try:
        return http_date(fhir.date_range(text)[0].astimezone(UTC))
    except (ValueError, OverflowError):
        return text


async def _binary(journal: Journal, request: Request) -> Answer:
    """A Binary without its content, which is read by itself."""
    path = request.path_params
    version = whole_number(path.get("version", "1"))
    if version is None:
        raise NotFound
    stored = await journal.read("Binary", path["id"], version=version if "version" in path else 0)
    unchanged = not_modified(request, stored)
    if unchanged is not None:
        return _of_response(unchanged)
    return replace(found(stored), rtype="", id="")


def _of_response(response: Response) -> Answer:
    body: Any = getattr(response, "body", None)
    if body is None:
        raise Malformed("This can only be read by itself, not in a bundle.")
    match = _VERSION.fullmatch(response.headers.get("etag", ""))
    date = response.headers.get("last-modified")
    return Answer(
        response.status_code, version=int(match[1]) if match else 0,
        updated=parsedate_to_datetime(date) if date else None,
        body=bytes(body).decode if body else None,
    )  # fmt: skip


def _text(request: Request, kind: str, done: Sequence[Answer]) -> str:
    wished = preference(request, "return")
    listed = f',"entry":[{",".join(_entry_text(answer, wished) for answer in done)}]' if done else ""
    link = f'"link":[{{"relation":"self","url":{json.dumps(base_of(request))}}}]'
    return f'{{"resourceType":"Bundle","type":"{kind}-response",{link}{listed}}}'


def _entry_text(answer: Answer, wished: str) -> str:
    is_read = not answer.rtype and answer.body is not None
    response = f'"response":{{{_response_text(answer, wished)}}}'
    if answer.body is None or not (is_read or wished == "representation") or answer.status == 204:
        return f"{{{response}}}"
    return f'{{"resource":{answer.body()},{response}}}'


def _response_text(answer: Answer, wished: str) -> str:
    parts = [f'"status":"{answer.status}"']
    if answer.rtype and answer.version:
        parts.append(f'"location":"{answer.rtype}/{answer.id}/_history/{answer.version}"')
    if answer.version:
        parts.append(f'"etag":"W/\\"{answer.version}\\""')
    if answer.updated is not None:
        parts.append(f'"lastModified":"{stamp(answer.updated)}"')
    if answer.outcome:
        parts.append(f'"outcome":{answer.outcome}')
    elif wished == "OperationOutcome" and answer.rtype:
        parts.append(f'"outcome":{fhir.encode(fhir.outcome([])).decode()}')
    return ",".join(parts)
