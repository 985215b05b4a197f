"""CapabilityStatement, made from what runs (FHIR http §2.21.0.19)."""

from functools import lru_cache
from operator import itemgetter
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from fellesjournal import __version__, fhir
from fellesjournal.access.gate import public
from fellesjournal.identity.apps.discovery import oauth_uris
from fellesjournal.record.api.bulk import stated_exports
from fellesjournal.record.api.http import fhir_errors, json_response, query_text
from fellesjournal.record.api.imports import stated_import
from fellesjournal.record.api.operations.offered import stated
from fellesjournal.record.api.operations.terminology.capabilities import terminology_capabilities
from fellesjournal.record.api.search import query_pairs
from fellesjournal.record.api.sockets import websocket_url
from fellesjournal.record.errors import Malformed
from fellesjournal.record.patch import JSON_PATCH, MERGE_PATCH
from fellesjournal.record.search import COMPARTMENTS, is_served
from fellesjournal.record.subscriptions.wish import PROFILE

_INTERACTIONS = (
    "read", "vread", "update", "patch", "delete", "history-instance", "history-type", "create", "search-type"
)  # fmt: skip
_SYSTEM_INTERACTIONS = ("transaction", "batch", "history-system", "search-system")
_SECURITY = "http://terminology.hl7.org/CodeSystem/restful-security-service"
_STARTED = "2026-11-23"
_WEBSOCKET = "http://hl7.org/fhir/StructureDefinition/capabilitystatement-websocket"
_TOPIC = "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/capabilitystatement-subscriptiontopic-canonical"


@fhir_errors
@public("what the server offers; no person in it (FHIR requires it without sign-in)")
async def metadata(request: Request) -> Response:
    """The CapabilityStatement, or with `mode=terminology` the TerminologyCapabilities."""
    base, vault = request.app.state.settings.base_url, request.app.state.vault
    mode = dict(query_pairs(query_text(request))).get("mode", "full")
    if mode == "terminology":
        return json_response(await terminology_capabilities(vault.terminology, base=f"{base}/fhir", date=_STARTED))
    if mode not in ("full", "normative"):
        raise Malformed("mode is full, normative or terminology.")
    return json_response(_statement(base, await vault.definitions.current(), tuple(vault.terms.topics.urls())))


@lru_cache(maxsize=4)
def _statement(base: str, registry: fhir.Registry, topics: tuple[str, ...]) -> bytes:
    statement: dict[str, Any] = {
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": _STARTED,
        "kind": "instance",
        "instantiates": ["http://hl7.org/fhir/uv/bulkdata/CapabilityStatement/bulk-data"],
        "software": {"name": "Fellesjournal", "version": __version__},
        "implementation": {"description": "Fellesjournal", "url": f"{base}/fhir"},
        "fhirVersion": "4.0.1",
        "format": ["application/fhir+json", "application/fhir+xml", "json", "xml"],
        "patchFormat": [JSON_PATCH, MERGE_PATCH, "application/fhir+json", "application/fhir+xml"],
        "rest": [
            {
                "extension": [{"url": _WEBSOCKET, "valueUri": websocket_url(base)}],
                "mode": "server",
                "security": {
                    "cors": True,
                    "service": [{"coding": [{"system": _SECURITY, "code": "SMART-on-FHIR"}]}],
                    "description": "Bearer or DPoP tokens. Every access is decided by need to know, and logged.",
                    "extension": [oauth_uris(base)],
                },
                "resource": [_resource(rtype, registry, topics) for rtype in sorted(fhir.RESOURCE_TYPES)],
                "interaction": [{"code": code} for code in _SYSTEM_INTERACTIONS],
                "searchParam": [{"name": "_type", "type": "token"}],
                "operation": [*stated_exports(), *stated_import()],
                "compartment": [
                    f"http://hl7.org/fhir/CompartmentDefinition/{name.lower()}" for name in COMPARTMENTS
                ],
            }
        ],
    }
    return fhir.encode(statement)


def _resource(rtype: str, registry: fhir.Registry, topics: tuple[str, ...]) -> dict[str, Any]:
    official = [param for param in fhir.search_params(rtype).values() if is_served(param)]
    params = [{"name": param.code, "type": param.type} for param in official]
    params += [
        {"name": added.param.code, "definition": added.url, "type": added.param.type}
        for added in registry.of(rtype) if added.is_ready
    ]  # fmt: skip
    return {
        **(_by_topic(topics) if rtype == "Subscription" else {}),
        "type": rtype,
        # The content of a Binary is sent anew, as a whole.
        "interaction": [{"code": code} for code in _INTERACTIONS if (rtype, code) != ("Binary", "patch")],
        "versioning": "versioned-update",
        "readHistory": True,
        "conditionalRead": "full-support",
        "updateCreate": True,
        "conditionalCreate": True,
        "conditionalUpdate": True,
        "conditionalDelete": "single",
        "searchParam": sorted([*params, {"name": "_list", "type": "special"}], key=itemgetter("name")),
        "operation": [*stated(rtype), *stated_exports(rtype)],
    }


def _by_topic(topics: tuple[str, ...]) -> dict[str, Any]:
    """What may be subscribed to, and by which profile."""
    return {
        "extension": [{"url": _TOPIC, "valueCanonical": topic} for topic in topics],
        "supportedProfile": [PROFILE],
    }
