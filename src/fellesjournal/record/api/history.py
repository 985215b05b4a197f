"""history of one resource (FHIR http §2.21.0.9)."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from fellesjournal.access.decide import Decision
from fellesjournal.access.gate import fhir_interaction
from fellesjournal.kit.db import Row
from fellesjournal.record.api.http import fhir_errors, json_response, preference, whole_number
from fellesjournal.record.api.write import known_type
from fellesjournal.record.errors import Malformed
from fellesjournal.record.rows import stamp

_KNOWN = {"_count", "_before", "_format", "_pretty"}
_METHODS = {b"C": "POST", b"U": "PUT", b"D": "DELETE"}
_STATUS = {b"C": "201", b"U": "200", b"D": "204"}


@fhir_errors
@fhir_interaction("history")
async def history(request: Request, decision: Decision) -> Response:
    """All versions, newest first; `_count` a page, `_before` (in next links) the version to go on below."""
    rtype, id = known_type(request), request.path_params["id"]  # noqa: A001 - FHIR's word
    unknown = sorted(set(request.query_params) - _KNOWN)
    if unknown and preference(request, "handling") != "lenient":
        raise Malformed("A history takes _count; the parameters that were given are not all known.")
    count = min(_number(request, "_count", 50), 200)
    before = _number(request, "_before", 2**31 - 1)
    journal = request.app.state.vault.open(decision)
    rows = await journal.history(rtype, id, before=before, limit=count + 1)
    base = f"{request.app.state.settings.base_url}/fhir/{rtype}/{id}"
    links = [f'{{"relation":"self","url":"{base}/_history"}}']
    if len(rows) > count:
        next_url = f"{base}/_history?_count={count}&_before={rows[count - 1]['version']}"
        links.append(f'{{"relation":"next","url":"{next_url}"}}')
    entries = ",".join(_entry(row, base, f"{rtype}/{id}") for row in rows[:count])
    body = f'{{"resourceType":"Bundle","type":"history","link":[{",".join(links)}],"entry":[{entries}]}}'
    return json_response(body.encode())


def _entry(row: Row, base: str, path: str) -> str:
    op: Any = row["op"]
    resource = f'"resource":{row["body"]},' if row["body"] else ""
    request = f'"request":{{"method":"{_METHODS[op]}","url":"{path}"}}'
    etag = f'W/\\"{row["version"]}\\"'
    response = f'"response":{{"status":"{_STATUS[op]}","etag":"{etag}","lastModified":"{stamp(row["updated"])}"}}'
    return f'{{"fullUrl":"{base}",{resource}{request},{response}}}'


def _number(request: Request, name: str, default: int) -> int:
    value = request.query_params.get(name)
    if value is None:
        return default
    number = whole_number(value)
    if number is None:
        raise Malformed(f"{name} must be a positive whole number.")
    return number
