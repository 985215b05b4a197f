"""$meta, $meta-add and $meta-delete: profiles, tags and security labels of one resource.

A change is a version as every other, under the same rules: what may not be updated keeps its labels.
Source: https://hl7.org/fhir/R4/resource-operation-meta.html, -meta-add.html, -meta-delete.html
"""

from collections.abc import Callable
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from fellesjournal import fhir
from fellesjournal.access.decide import Decision
from fellesjournal.access.gate import fhir_interaction
from fellesjournal.record.api.answer import Raced, answers, no_reads
from fellesjournal.record.api.http import fhir_errors, if_match, journal_of, version_headers, whole_number
from fellesjournal.record.api.operations.asked import asked, parameters
from fellesjournal.record.api.write import known_type
from fellesjournal.record.errors import NotFound, NotSupported, VersionConflict
from fellesjournal.record.journal import Journal
from fellesjournal.record.search.error import refusal
from fellesjournal.record.transaction import Answer, found, made

Json = dict[str, Any]
Change = Callable[[list[Any], list[Any]], list[Any]]

_LISTS: Final = ("profile", "security", "tag")


@fhir_errors
@fhir_interaction("operation")
async def meta(request: Request, decision: Decision) -> Response:
    """The meta of a resource, of its current version or of a named one."""
    await asked(request, known=())
    version = whole_number(request.path_params["version"]) if "version" in request.path_params else 0
    if version is None:
        raise NotFound
    stored = await journal_of(request, decision).read(known_type(request), request.path_params["id"], version=version)
    return parameters("return", "valueMeta", stored.resource()["meta"])


@fhir_errors
@fhir_interaction("operation")
async def meta_add(request: Request, decision: Decision) -> Response:
    """A version with these profiles, tags and labels too; none when it has them all."""
    return await _change(request, decision, _added)


@fhir_errors
@fhir_interaction("operation")
async def meta_delete(request: Request, decision: Decision) -> Response:
    """A version without these profiles, tags and labels; none when it has none of them."""
    return await _change(request, decision, _left)


async def _change(request: Request, decision: Decision, change: Change) -> Response:
    rtype, expect = known_type(request), if_match(request)
    if rtype == "Binary":
        raise NotSupported("The content of a Binary is sent anew, as a whole, with its meta.")
    given = (await asked(request, known=("meta",))).structure("meta")
    if "resourceType" in given or not any(given.get(name) for name in _LISTS):
        raise refusal("meta", "a valueMeta with a profile, a tag or a security label", code="required")

    async def work(journal: Journal) -> list[Answer]:
        return [await _changed(journal, rtype, request.path_params["id"], expect, given, change)]

    (answer,) = await answers(request, decision, fhir.encode(given), work, again=no_reads)
    response = parameters("return", "valueMeta", _meta_in(answer))
    if answer.updated is not None:
        response.headers.update(version_headers(answer.version, answer.updated))
    return response


async def _changed(
    journal: Journal, rtype: str, id: str, expect: int, given: Json, change: Change
) -> Answer:  # fmt: skip
    stored = await journal.read(rtype, id)
    if expect >= 0 and expect != stored.version:
        raise VersionConflict
    resource = stored.resource()
    own = resource["meta"]
    wished = {name: change(own.get(name, []), given.get(name, [])) for name in _LISTS}
    if all(wished[name] == own.get(name, []) for name in _LISTS):
        return found(stored)
    kept = {name: value for name, value in own.items() if name not in _LISTS}
    resource["meta"] = kept | {name: value for name, value in wished.items() if value}
    journal.update(stored.own_id, resource, expect=stored.version)
    try:
        (written,) = await journal.commit()
    except VersionConflict:
        if expect >= 0:
            raise
        raise Raced from None
    return made(written)


def _added(own: list[Any], given: list[Any]) -> list[Any]:
    """What is there stays as it is written: a label is the same by system and code."""
    new = {_identity(one): one for one in reversed(given)}
    return [*own, *reversed(_left(list(new.values()), own))]


def _left(own: list[Any], given: list[Any]) -> list[Any]:
    gone = {_identity(one) for one in given}
    return [one for one in own if _identity(one) not in gone]


def _identity(label: Any) -> Any:
    return label if isinstance(label, str) else (label.get("system"), label.get("code"))


def _meta_in(answer: Answer) -> Any:
    text = answer.body() if answer.body else ""
    return fhir.parse(text.encode())["meta"]
