"""What $import takes, as an OperationDefinition: the proposal that it follows has none."""

from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from fellesjournal import fhir
from fellesjournal.access.gate import public
from fellesjournal.record.api.http import fhir_errors, json_response

DEFINITION: Final = "/OperationDefinition/fellesjournal-import"
_TAKEN: Final = (
    ("inputFormat", 0, "1", "code", "application/fhir+ndjson"),
    ("inputSource", 0, "1", "uri", "meta.source of what has none"),
    ("storageDetail", 0, "1", "", "how the files are fetched: by https"),
    ("input", 1, "*", "", "a file: its type and its address"),
)
_DEFINED: Final[dict[str, Any]] = {
    "name": "Import", "title": "Bulk import", "status": "active", "kind": "operation", "affectsState": True,
    "description": "Each line of NDJSON is what there shall be under its id; without one it is created under a new id.",
    "code": "import", "system": True, "type": False, "instance": False,
    "parameter": [
        {"name": name, "use": "in", "min": least, "max": most, "documentation": what,
         **({"type": kind} if kind else {"part": [
             {"name": part, "use": "in", "min": 1, "max": "1", "type": "uri" if part == "url" else "code"}
             for part in (("type", "url") if name == "input" else ("type",))
         ]})}
        for name, least, most, kind, what in _TAKEN
    ],
}  # fmt: skip


def stated_import(base: str) -> list[dict[str, str]]:
    """The import as a CapabilityStatement names it: the proposal has no definition, so that ours stands here."""
    return [{"name": "import", "definition": base + DEFINITION}]


@fhir_errors
@public("what the operation takes; nothing about anyone")
async def definition(request: Request) -> Response:
    """The OperationDefinition of $import."""
    base = f"{request.app.state.settings.base_url}/fhir"
    body = {"resourceType": "OperationDefinition", "id": "fellesjournal-import", "url": base + DEFINITION, **_DEFINED}
    return json_response(fhir.encode(body))
