"""batch and transaction (FHIR http §2.21.0.17)."""

import json
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from fellesjournal import fhir
from fellesjournal.access.decide import Decision
from fellesjournal.access.gate import fhir_interaction
from fellesjournal.access.model import AccessError
from fellesjournal.record import bundle as bundles
from fellesjournal.record.api import search
from fellesjournal.record.api.http import (
    error_response,
    fhir_errors,
    json_response,
    parse_resource,
    preference,
    read_body,
)
from fellesjournal.record.api.write import delete_one, written_body
from fellesjournal.record.binary import listed
from fellesjournal.record.errors import Malformed, RecordError
from fellesjournal.record.journal import Journal, Written
from fellesjournal.record.lookup import Stored
from fellesjournal.record.rows import stamp


@fhir_errors
@fhir_interaction("transaction")
async def bundle(request: Request, decision: Decision) -> Response:
    """A Bundle of type transaction (atomic) or batch (each by itself)."""
    content = parse_resource(await read_body(request))
    kind = content.get("type")
    if content.get("resourceType") != "Bundle" or kind not in ("transaction", "batch"):
        raise Malformed("The body must be a Bundle of type transaction or batch.")
    journal = request.app.state.vault.open(decision)
    if kind == "transaction":
        return await _transaction(request, journal, content)
    return await _batch(request, journal, content)


async def _transaction(request: Request, journal: Journal, content: dict[str, Any]) -> Response:
    entries = bundles.read_transaction(content)
    bundles.gather(journal, entries)
    order = [entry for entry in entries if entry.resource is not None]
    for entry in entries:
        if entry.resource is None:
            await _delete(journal, entry)
            order.append(entry)
    written = dict(zip((entry.place for entry in order), await journal.commit(), strict=True))
    minimal = preference(request, "return") != "representation"
    parts = [
        _entry_text(written[entry.place], None if minimal else entry.resource)
        for entry in sorted(order, key=lambda entry: entry.place)
    ]
    return json_response(_response_text("transaction-response", parts).encode())


async def _delete(journal: Journal, entry: bundles.Entry) -> None:
    place = f"Bundle.entry[{entry.place}]"
    try:
        await delete_one(journal, entry.rtype, entry.id, expect=entry.if_match, place=place)
    except RecordError as error:
        error.issues = [fhir.Issue("error", error.code, place, error.english)]
        raise


async def _batch(request: Request, journal: Journal, content: dict[str, Any]) -> Response:
    entries = content.get("entry", [])
    if not isinstance(entries, list) or len(entries) > bundles.MAX_ENTRIES:
        raise bundles.fault("Bundle.entry", f"must be an array of at most {bundles.MAX_ENTRIES} entries.")
    parts = [await _one(request, journal, entry) for entry in entries]
    return json_response(_response_text("batch-response", parts).encode())


async def _one(request: Request, journal: Journal, entry: Any) -> str:
    try:
        if not isinstance(entry, dict):
            raise Malformed("A batch entry must be an object.")
        wish = entry.get("request")
        if isinstance(wish, dict) and wish.get("method") == "GET":
            return await _get(request, journal, str(wish.get("url")))
        return await _single_write(journal, entry)
    except (AccessError, RecordError) as error:
        body = bytes(error_response(error).body).decode()
        return f'{{"response":{{"status":"{error.status}","outcome":{body}}}}}'


async def _get(request: Request, journal: Journal, url: str) -> str:
    path, _, query = url.partition("?")
    parts = path.strip("/").split("/")
    if len(parts) == 2 and not query:
        stored: Stored = await journal.read(parts[0], parts[1])
        etag = f'W/\\"{stored.version}\\"'
        return f'{{"resource":{listed(stored.rtype, stored.body)},"response":{{"status":"200","etag":"{etag}"}}}}'
    if len(parts) == 1:
        body = await search.run(request, journal, parts[0], search.query_pairs(query))
        return f'{{"resource":{body},"response":{{"status":"200"}}}}'
    raise Malformed("A GET in a batch is a read (Type/id) or a search (Type?…).")


async def _single_write(journal: Journal, entry: dict[str, Any]) -> str:
    alone = {"entry": [entry]}
    (item,) = bundles.read_transaction(alone)
    if item.resource is None:
        await delete_one(journal, item.rtype, item.id, expect=item.if_match)
    else:
        bundles.gather(journal, [item])
    (written,) = await journal.commit()
    return _entry_text(written, None)


def _entry_text(written: Written, resource: dict[str, Any] | None) -> str:
    location = f"{written.rtype}/{written.id}/_history/{written.version}"
    response = (
        f'{{"status":"{written.status}","location":"{location}","etag":"W/\\"{written.version}\\"",'
        f'"lastModified":"{stamp(written.updated)}"}}'
    )
    if resource is None:
        return f'{{"response":{response}}}'
    return f'{{"resource":{written_body(resource, written)},"response":{response}}}'


def _response_text(kind: str, parts: list[str]) -> str:
    listed = f',"entry":[{",".join(parts)}]' if parts else ""
    return f'{{"resourceType":"Bundle","type":{json.dumps(kind)}{listed}}}'
