"""CapabilityStatement, made from what runs (FHIR http §2.21.0.19).

Interactions are the names of routes, operations and search parameters come from the lists that answer them.
`tests/record/api/test_capability_claims.py` tries every claim: a new one needs its trial there.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from operator import itemgetter
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from fellesjournal import __version__, fhir
from fellesjournal.access.gate import Endpoint, public
from fellesjournal.identity.apps.discovery import oauth_uris
from fellesjournal.record.api.audit import PARAMETERS
from fellesjournal.record.api.bulk import stated_exports
from fellesjournal.record.api.conditional import not_modified_tag
from fellesjournal.record.api.http import fhir_errors, json_response, query_text
from fellesjournal.record.api.import_definition import stated_import
from fellesjournal.record.api.media import NAMES
from fellesjournal.record.api.operations.offered import stated
from fellesjournal.record.api.operations.terminology.capabilities import terminology_capabilities
from fellesjournal.record.api.patch import PATCH_FORMATS
from fellesjournal.record.api.search import query_pairs
from fellesjournal.record.api.sockets import websocket_url
from fellesjournal.record.audit_event import NAME
from fellesjournal.record.audit_event import PROFILE as AUDIT_PROFILE
from fellesjournal.record.errors import Malformed
from fellesjournal.record.search import COMPARTMENTS, is_served, is_served_everywhere
from fellesjournal.record.subscriptions.wish import PROFILE

Json = dict[str, Any]

_OF_TYPES: Final = (
    "read", "vread", "update", "patch", "delete", "history-instance", "history-type", "create", "search-type"
)  # fmt: skip
_OF_SYSTEM: Final = ("transaction", "batch", "history-system", "search-system")
_CORE: Final = "http://hl7.org/fhir/StructureDefinition/"
_WEBSOCKET: Final = "http://hl7.org/fhir/StructureDefinition/capabilitystatement-websocket"
_TOPIC: Final = (
    "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/capabilitystatement-subscriptiontopic-canonical"
)
_SECURITY: Final = "http://terminology.hl7.org/CodeSystem/restful-security-service"
_CONSENTS: Final = (
    "An active Consent of scope patient-privacy that denies access is refused with 422: blocks are made by the citizen"
    " on the pages, or registered for them in their chart, and read by Consent/$blocks."
)
_STARTED: Final = "2026-11-23"
_TAG_LENGTH: Final = 16


@dataclass(frozen=True)
class _Offer:
    """What a statement is made from: names of routes, the operator's profiles, what may be subscribed to."""

    base: str
    registry: fhir.Registry
    routes: frozenset[str]
    required: tuple[tuple[str, tuple[str, ...]], ...]
    topics: tuple[str, ...]

    def statement(self) -> Json:
        """The CapabilityStatement."""
        return {
            "resourceType": "CapabilityStatement",
            "status": "active",
            "date": _STARTED,
            "kind": "instance",
            "instantiates": ["http://hl7.org/fhir/uv/bulkdata/CapabilityStatement/bulk-data"],
            "software": {"name": "Fellesjournal", "version": __version__},
            "implementation": {"description": "Fellesjournal", "url": f"{self.base}/fhir"},
            "fhirVersion": "4.0.1",
            "format": list(NAMES),
            "patchFormat": list(PATCH_FORMATS),
            "rest": [self._rest()],
        }

    def _rest(self) -> Json:
        return {
            "extension": [{"url": _WEBSOCKET, "valueUri": websocket_url(self.base)}],
            "mode": "server",
            "security": {
                "cors": True,
                "service": [{"coding": [{"system": _SECURITY, "code": "SMART-on-FHIR"}]}],
                "description": "Bearer or DPoP tokens. Every access is decided by need to know, and logged.",
                "extension": [oauth_uris(self.base)],
            },
            "resource": [self._resource(rtype) for rtype in sorted(fhir.RESOURCE_TYPES)],
            "interaction": self._named(_OF_SYSTEM),
            # What goes with every type, Basic has as well.
            "searchParam": [{"name": "_type", "type": "token"}, *self._parameters("Basic", is_served_everywhere)],
            "operation": [*stated_exports(), *stated_import(f"{self.base}/fhir")],
            "compartment": [f"http://hl7.org/fhir/CompartmentDefinition/{name.lower()}" for name in COMPARTMENTS],
        }

    def _audit_event(self) -> Json:
        """Made of the access log when it is read: no more than reading and some questions."""
        return {
            "type": NAME,
            "profile": _CORE + NAME,
            "supportedProfile": [AUDIT_PROFILE],
            "documentation": "The access log, made at reading and never stored; newest first. Nobody writes one.",
            "interaction": self._named(("read", "search-type")),
            "versioning": "no-version",
            "readHistory": False,
            "updateCreate": False,
            "conditionalCreate": False,
            "conditionalRead": "not-supported",
            "conditionalUpdate": False,
            "conditionalDelete": "not-supported",
            "referencePolicy": ["literal"],
            "searchParam": [{"name": name, "type": kind} for name, kind in sorted(PARAMETERS.items())],
            "operation": stated(NAME),
        }

    def _resource(self, rtype: str) -> Json:
        if rtype == NAME:
            return self._audit_event()
        # The content of a Binary is sent anew, as a whole.
        codes = [code for code in _OF_TYPES if (rtype, code) != ("Binary", "patch")]
        profiles = [*((PROFILE,) if rtype == "Subscription" else ()), *dict(self.required).get(rtype, ())]
        topics = self.topics if rtype == "Subscription" else ()
        return {
            **({"extension": [{"url": _TOPIC, "valueCanonical": url} for url in topics]} if topics else {}),
            "type": rtype,
            "profile": _CORE + rtype,
            **({"supportedProfile": profiles} if profiles else {}),
            **({"documentation": _CONSENTS} if rtype == "Consent" else {}),
            "interaction": self._named(codes),
            "versioning": "versioned-update",
            "readHistory": "vread" in self.routes,
            "updateCreate": "update" in self.routes,
            "conditionalCreate": "create" in self.routes,
            "conditionalRead": "full-support",
            "conditionalUpdate": "conditional-update" in self.routes,
            "conditionalDelete": "single" if "conditional-delete" in self.routes else "not-supported",
            "referencePolicy": ["literal", "logical"],
            "searchInclude": ["*", *(name for name, _ in _references(rtype, self.registry))],
            "searchRevInclude": ["*", *_referring(rtype, self.registry)],
            "searchParam": self._parameters(rtype, is_served),
            "operation": [*stated(rtype), *stated_exports(rtype)],
        }

    def _named(self, codes: Iterable[str]) -> list[Json]:
        return [{"code": code} for code in codes if code in self.routes]

    def _parameters(self, rtype: str, is_meant: Callable[[fhir.SearchParam], bool]) -> list[Json]:
        params = [{"name": p.code, "type": p.type} for p in fhir.search_params(rtype).values() if is_meant(p)]
        params += [
            {"name": added.param.code, "definition": added.url, "type": added.param.type}
            for added in self.registry.of(rtype) if added.is_ready and is_meant(added.param)
        ]  # fmt: skip
        return sorted([*params, {"name": "_list", "type": "special"}], key=itemgetter("name"))


def capabilities(routes: Callable[[], Iterable[str]]) -> Endpoint:
    """The endpoint that tells what there is; `routes` gives the names of the routes of `/fhir`."""

    @fhir_errors
    @public("what the server offers; no person in it (FHIR requires it without sign-in)")
    async def metadata(request: Request) -> Response:
        """The CapabilityStatement, or with `mode=terminology` the TerminologyCapabilities."""
        base, vault = request.app.state.settings.base_url, request.app.state.vault
        mode = dict(query_pairs(query_text(request))).get("mode", "full")
        if mode == "terminology":
            told = await terminology_capabilities(vault.terminology, base=f"{base}/fhir", date=_STARTED)
            return _tagged(request, told)
        if mode not in ("full", "normative"):
            raise Malformed("mode is full, normative or terminology.")
        required: Mapping[str, Iterable[str]] = vault.checks.required
        profiles = tuple((rtype, tuple(urls)) for rtype, urls in required.items())
        topics, registry = tuple(vault.terms.topics.urls()), await vault.definitions.current()
        return _tagged(request, _written(_Offer(base, registry, frozenset(routes()), profiles, topics)))

    return metadata


def _tagged(request: Request, body: bytes) -> Response:
    """With a tag that changes when the content does (FHIR http, capabilities); 304 for whoever has it."""
    tag = hashlib.sha256(body).hexdigest()[:_TAG_LENGTH]
    unchanged = not_modified_tag(request, tag)
    return unchanged or json_response(body, headers={"ETag": f'W/"{tag}"'})


@lru_cache(maxsize=4)
def _written(offer: _Offer) -> bytes:
    return fhir.encode(offer.statement())


@cache
def _official_references(rtype: str) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Those that stand in a Reference: a canonical is searched for, and not followed."""
    return tuple(
        (f"{rtype}:{code}", param.targets)
        for code, param in fhir.search_params(rtype).items()
        if param.type == "reference" and fhir.is_followed(rtype, code)
    )  # fmt: skip


def _references(rtype: str, registry: fhir.Registry) -> list[tuple[str, tuple[str, ...]]]:
    """What may be followed from a type, as `_include` writes it, and the types that it leads to (none for any)."""
    added = [one.param for one in registry.of(rtype) if one.is_ready and one.param.type == "reference"]
    return sorted([*_official_references(rtype), *((f"{rtype}:{param.code}", param.targets) for param in added)])


def _referring(rtype: str, registry: fhir.Registry) -> list[str]:
    """What may be followed to a type, as `_revinclude` writes it."""
    return [name for name, targets in _every(registry) if not targets or rtype in targets]


@lru_cache(maxsize=4)
def _every(registry: fhir.Registry) -> list[tuple[str, tuple[str, ...]]]:
    return [pair for source in sorted(fhir.RESOURCE_TYPES) if source != NAME
            for pair in _references(source, registry)]  # fmt: skip
