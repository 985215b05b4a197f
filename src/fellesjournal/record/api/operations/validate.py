"""$validate: what a write would say of a resource, without writing.

The answer is an OperationOutcome with status 200, whatever it says; only what can't be asked is refused.
Source: https://hl7.org/fhir/R4/resource-operation-validate.html
"""

from dataclasses import dataclass, field
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from fellesjournal import fhir
from fellesjournal.access.decide import Decision
from fellesjournal.access.gate import fhir_interaction
from fellesjournal.record.api.http import (
    fhir_errors,
    if_match,
    journal_of,
    json_response,
    parse_resource,
    preference,
    query_text,
    read_body,
)
from fellesjournal.record.api.representation import PARAMETERS
from fellesjournal.record.api.search import query_pairs
from fellesjournal.record.api.write import check_id, known_type
from fellesjournal.record.errors import Malformed, RecordError
from fellesjournal.record.installed import read_installed
from fellesjournal.record.journal import Journal
from fellesjournal.record.rehearsal import rehearse
from fellesjournal.record.rows import Op

_MODES: Final = frozenset({"", "create", "update", "delete", "profile"})
_KNOWN: Final = frozenset({"resource", "mode", "profile"})

Json = dict[str, Any]


@dataclass
class _Asked:
    """What is asked; `id` is "" for a type. `faults` are those that leave no resource to look at."""

    rtype: str
    id: str
    resource: Json | None = None
    mode: str = ""
    profiles: list[str] = field(default_factory=list)
    faults: list[fhir.Issue] = field(default_factory=list)


@fhir_errors
@fhir_interaction("operation")
async def validate(request: Request, decision: Decision) -> Response:
    """Every issue of the resource in the body, or of the one at this address; "All OK" when there is none."""
    asked = await _read(request)
    journal = journal_of(request, decision)
    issues = asked.faults or await _issues(journal, asked, expect=if_match(request))
    return json_response(fhir.encode(fhir.outcome(issues)))


async def _issues(journal: Journal, asked: _Asked, *, expect: int) -> list[fhir.Issue]:
    if asked.mode == "delete":
        refused = await rehearse(journal, lambda j: _delete(j, asked, expect))
        if not refused:
            # That it is there has been told: the log says so, as of a reading.
            await journal.read(asked.rtype, asked.id)
        return refused
    resource = asked.resource
    if resource is None:
        installed = await read_installed(journal.vault.library, asked.rtype, asked.id, version=0)
        resource = (installed or await journal.read(asked.rtype, asked.id)).resource()
    op: Op = "U" if asked.id or asked.mode == "update" else "C"
    told = await journal.vault.checks.examine(
        resource, op, is_demo=await journal.vault.is_demo(), profiles=asked.profiles
    )
    if asked.mode in ("create", "update") and not any(issue.severity in ("fatal", "error") for issue in told):
        told = await rehearse(journal, lambda j: _write(j, asked, resource, expect)) + told
    return told


async def _write(journal: Journal, asked: _Asked, resource: Json, expect: int) -> None:
    if asked.mode == "create":
        await journal.create_named({name: value for name, value in resource.items() if name != "id"})
        return
    check_id(resource, asked.id or str(resource.get("id", "")))
    await journal.put(resource["id"], resource, expect=expect)


async def _delete(journal: Journal, asked: _Asked, expect: int) -> None:
    journal.delete(asked.rtype, asked.id, expect=expect)


# ── What is asked ────────────────────────────────────────────────────────────────────────────────────────────────────


async def _read(request: Request) -> _Asked:
    """The parameters of the address, and of the body when that is a Parameters. Raises Malformed."""
    asked = _Asked(known_type(request), request.path_params.get("id", ""))
    pairs: list[tuple[str, Any]] = [p for p in query_pairs(query_text(request)) if p[0] not in PARAMETERS]
    if request.method == "POST":
        pairs += await _posted(request, asked)
    unknown = sorted({name for name, _ in pairs} - _KNOWN)
    if unknown and preference(request, "handling") != "lenient":
        raise Malformed("$validate has no parameter " + ", ".join(name[:64] for name in unknown) + ".")
    for name, value in pairs:
        _take(asked, name, value)
    _check(asked)
    return asked


async def _posted(request: Request, asked: _Asked) -> list[tuple[str, Any]]:
    """What the body brings: a resource, or Parameters; a fault with a place in it is an answer, not a refusal."""
    try:
        body = await read_body(request)
    except RecordError as error:
        asked.faults = [issue for issue in error.issues if issue.expression]
        if not asked.faults:
            raise
        return []
    if not body.strip():
        return []
    content = parse_resource(body)
    parameter = content.get("parameter")
    if content.get("resourceType") != "Parameters" or not _is_call(asked.rtype, parameter):
        return [("resource", content)]
    if not isinstance(parameter, list) or not all(isinstance(one, dict) for one in parameter):
        raise Malformed("Parameters.parameter must be a list of objects.")
    return [(str(one.get("name")), _value(one)) for one in parameter]


def _is_call(rtype: str, parameter: Any) -> bool:
    """Whether Parameters are those of the call; one that is itself to be validated names no resource."""
    listed = parameter if isinstance(parameter, list) else []
    return rtype != "Parameters" or any(isinstance(one, dict) and one.get("name") == "resource" for one in listed)


def _value(parameter: Json) -> Any:
    values = [value for name, value in parameter.items() if name == "resource" or name.startswith("value")]
    return values[0] if len(values) == 1 else None


def _take(asked: _Asked, name: str, value: Any) -> None:
    if name == "resource":
        if not isinstance(value, dict) or asked.resource is not None:
            raise Malformed("The parameter resource must be one resource.")
        asked.resource = value
    elif name in _KNOWN and not isinstance(value, str):
        raise Malformed(f"The parameter {name} must be a text.")
    elif name == "mode":
        asked.mode = value
    elif name == "profile":
        asked.profiles.append(value)


def _check(asked: _Asked) -> None:
    """Raise Malformed for what can't be asked together; a resource of another type is a fault of the resource."""
    if asked.mode not in _MODES:
        raise Malformed("mode must be create, update, delete or profile.")
    if len(asked.profiles) > 1:
        raise Malformed("The parameter profile can be given once.")
    if asked.mode == "profile" and not asked.profiles:
        raise Malformed("The mode profile needs the parameter profile.")
    if asked.mode == "delete" and not asked.id:
        raise Malformed("The mode delete is for one resource: Type/id/$validate.")
    if asked.mode in ("delete", "profile") and asked.id:
        asked.resource = None
    elif asked.resource is None and not asked.faults and (not asked.id or asked.mode in ("create", "update")):
        raise Malformed("There is no resource to validate.")
    if asked.resource is not None and asked.resource.get("resourceType") != asked.rtype:
        asked.faults = [fhir.Issue("error", "invalid", "", f"The resource is not a {asked.rtype}.")]
