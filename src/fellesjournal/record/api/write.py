"""create, update, delete, each by id or by a condition (FHIR http §2.21.0.5, .7, .8)."""

from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from fellesjournal import fhir
from fellesjournal.access.decide import Decision
from fellesjournal.access.gate import fhir_interaction
from fellesjournal.record.api import binary
from fellesjournal.record.api.answer import answer_one
from fellesjournal.record.api.http import expected, fhir_errors, if_match, parse_typed, query_text, read_body
from fellesjournal.record.api.representation import PARAMETERS
from fellesjournal.record.api.search import query_pairs
from fellesjournal.record.bundle import Entry
from fellesjournal.record.errors import Gone, Malformed, NotFound
from fellesjournal.record.journal import Journal
from fellesjournal.record.transaction import Answer, made, run


@fhir_errors
@fhir_interaction("create")
async def create(request: Request, decision: Decision) -> Response:
    """A new resource; the server makes its id. With If-None-Exist only when nothing matches."""
    rtype = known_type(request)
    if rtype == "Binary" and binary.is_raw(request):
        return await binary.create(request, decision)
    body = await read_body(request)
    question = _only_if(request)

    async def work(journal: Journal) -> list[Answer]:
        resource = parse_typed(body, rtype=rtype)
        resource.pop("id", None)
        if question is not None:
            return await by_question(request, journal, "POST", question, resource=resource)
        await journal.create_named(resource)
        return [made(one) for one in await journal.commit()]

    return await answer_one(request, decision, body, work)


@fhir_errors
@fhir_interaction("update")
async def update(request: Request, decision: Decision) -> Response:
    """A new version, or a new resource under an id that the client chose. If-Match and `If-None-Match: *` are honoured.

    Without them the version goes on top of whichever is there.
    """
    rtype, id = known_type(request), request.path_params["id"]  # noqa: A001 - FHIR's word
    if rtype == "Binary" and binary.is_raw(request):
        return await binary.update(request, decision)
    body, expect = await read_body(request), expected(request)

    async def work(journal: Journal) -> list[Answer]:
        resource = parse_typed(body, rtype=rtype)
        check_id(resource, id)
        await journal.put(id, resource, expect=expect)
        return [made(one) for one in await journal.commit()]

    return await answer_one(request, decision, body, work)


@fhir_errors
@fhir_interaction("update")
async def update_matching(request: Request, decision: Decision) -> Response:
    """A new version of the one resource that matches; a new resource when none does."""
    rtype, body = known_type(request), await read_body(request)

    async def work(journal: Journal) -> list[Answer]:
        return await by_question(
            request, journal, "PUT", question_in(request), resource=parse_typed(body, rtype=rtype)
        )

    return await answer_one(request, decision, body, work)


@fhir_errors
@fhir_interaction("delete")
async def delete(request: Request, decision: Decision) -> Response:
    """Deleted, now or before: reads answer 410, the history stays."""
    rtype, id = known_type(request), request.path_params["id"]  # noqa: A001 - FHIR's word
    expect = if_match(request)

    async def work(journal: Journal) -> list[Answer]:
        journal.delete(rtype, id, expect=expect)
        try:
            return [made(one) for one in await journal.commit()]
        except Gone:
            # As it was wished (FHIR http, delete): who may not know of it gets 404.
            return [Answer(204)]

    return await answer_one(request, decision, b"", work)


@fhir_errors
@fhir_interaction("delete")
async def delete_matching(request: Request, decision: Decision) -> Response:
    """The one resource that matches is deleted; several are left as they are (412), and none is as it was wished."""
    known_type(request)

    async def work(journal: Journal) -> list[Answer]:
        return await by_question(request, journal, "DELETE", question_in(request), resource=None)

    return await answer_one(request, decision, b"", work)


def _only_if(request: Request) -> str | None:
    """The condition of a create: clients write it in ASCII or, as they do in addresses, in UTF-8.

    Some write it in the address (fhirpy does): to pass over it would make a second one of what is there.
    """
    text = request.headers.get("if-none-exist")
    if text is None:
        asked = [pair for pair in query_pairs(query_text(request)) if pair[0] not in PARAMETERS]
        return urlencode(asked) if asked else None
    try:
        return text.encode("latin-1").decode() or "?"
    except UnicodeDecodeError:
        return text


async def by_question(
    request: Request, journal: Journal, method: str, question: str, *, resource: dict[str, Any] | None,
) -> list[Answer]:  # fmt: skip
    """A conditional write: a transaction of one entry, without a place in a bundle."""
    id = str((resource or {}).get("id") or "") if method == "PUT" else ""  # noqa: A001 - FHIR's word
    entry = Entry(
        -1, method, known_type(request), id, question, "", if_match(request), resource, {}, near=resource
    )
    return await run(journal, [entry], base=base_of(request), get=no_get)


def question_in(request: Request) -> str:
    """The condition in the address."""
    query: str = query_text(request)
    return query or "?"


def base_of(request: Request) -> str:
    """The address of the interface, without a slash at its end."""
    return f"{request.app.state.settings.base_url}/fhir"


async def no_get(_journal: Journal, _entry: Entry) -> Answer:
    """For what holds no reads."""
    raise AssertionError("a conditional write is no read")


def known_type(request: Request) -> str:
    """The resource type in the address. Raises NotFound for one that isn't FHIR R4's."""
    rtype: str = request.path_params["rtype"]
    if rtype not in fhir.TYPE_NUMBER:
        raise NotFound("There is no such resource type in FHIR R4.")
    return rtype


def check_id(resource: dict[str, Any], id: str) -> None:
    """Raise Malformed unless the body names the same id as the address (FHIR http, update)."""
    if resource.get("id") != id:
        raise Malformed("The id in the body must be the id in the address.")
