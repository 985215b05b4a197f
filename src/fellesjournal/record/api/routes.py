"""The routes of `/fhir`, in the order that FHIR's addresses need.

Their names are FHIR's codes of the interactions, of which the CapabilityStatement is made.
"""

from collections.abc import Iterable
from typing import Final

from starlette.routing import BaseRoute, Mount, Route, WebSocketRoute

from fellesjournal.record.api.audit import audit_read, audit_search, audit_search_post
from fellesjournal.record.api.bulk import export_routes
from fellesjournal.record.api.bundle import bundles
from fellesjournal.record.api.edge import METHODS, elsewhere
from fellesjournal.record.api.history import history, system_history, type_history
from fellesjournal.record.api.imports import import_routes
from fellesjournal.record.api.metadata import capabilities
from fellesjournal.record.api.operations.offered import CHANGES, READS, operation_routes
from fellesjournal.record.api.patch import patch, patch_matching
from fellesjournal.record.api.read import read, vread
from fellesjournal.record.api.search import search_get, search_post
from fellesjournal.record.api.shape import ByShape
from fellesjournal.record.api.sockets import ADDRESS, subscription_socket
from fellesjournal.record.api.subscription_topics import TOPIC_ROUTES
from fellesjournal.record.api.write import create, delete, delete_matching, update, update_matching

_reads: list[Route] = [
    Route("/AuditEvent", audit_search, methods=["GET"], name="search-type"),
    Route("/AuditEvent/{id}", audit_read, methods=["GET"], name="read"),
    Route("/Patient/{id}/AuditEvent", audit_search, methods=["GET"], name="search-compartment"),
    Route("/_history", system_history, methods=["GET"], name="history-system"),
    Route("/{rtype}/_history", type_history, methods=["GET"], name="history-type"),
    Route("/{rtype}/{id}", read, methods=["GET"], name="read"),
    Route("/{rtype}", search_get, methods=["GET"], name="search-type"),
    Route("/{rtype}/{id}/_history/{version}", vread, methods=["GET"], name="vread"),
    Route("/{rtype}/{id}/_history", history, methods=["GET"], name="history-instance"),
    Route("/{rtype}/{id}/{within}", search_get, methods=["GET"], name="search-compartment"),
    Route("/", search_get, methods=["GET"], name="search-system"),
]
"""What reads may stand in a bundle."""


def _names() -> Iterable[str]:
    return {name for route in INTERACTIONS for name in route.name.split()}


_metadata = Route("/metadata", capabilities(_names), methods=["GET"], name="capabilities")
_bundle = bundles([*READS, _metadata, *_reads], changes=CHANGES)


INTERACTIONS: Final[list[Route]] = [
    _metadata,
    *operation_routes(),
    *export_routes(),
    *import_routes(),
    *TOPIC_ROUTES,
    *_reads,
    Route("/_search", search_post, methods=["POST"], name="search-system"),
    Route("/AuditEvent/_search", audit_search_post, methods=["POST"], name="search-type"),
    Route("/Patient/{id}/AuditEvent/_search", audit_search_post, methods=["POST"], name="search-compartment"),
    Route("/{rtype}/{id}/{within}/_search", search_post, methods=["POST"], name="search-compartment"),
    Route("/{rtype}", create, methods=["POST"], name="create"),
    Route("/{rtype}/{id}", update, methods=["PUT"], name="update"),
    Route("/{rtype}/{id}", patch, methods=["PATCH"], name="patch"),
    Route("/{rtype}/{id}", delete, methods=["DELETE"], name="delete"),
    Route("/{rtype}", update_matching, methods=["PUT"], name="conditional-update"),
    Route("/{rtype}", patch_matching, methods=["PATCH"], name="conditional-patch"),
    Route("/{rtype}", delete_matching, methods=["DELETE"], name="conditional-delete"),
    Route("/{rtype}/_search", search_post, methods=["POST"], name="search-type"),
    Route("/", _bundle, methods=["POST"], name="transaction batch"),
]
"""Everything below `/fhir`."""

_top: list[BaseRoute] = [Route("/fhir", _bundle, methods=["POST"]), Route("/fhir", search_get, methods=["GET"])]

_none = Route("/{path:path}", elsewhere(INTERACTIONS), methods=METHODS)

routes: list[BaseRoute] = [
    WebSocketRoute(ADDRESS, subscription_socket),
    Mount("/fhir", app=ByShape(INTERACTIONS, otherwise=_none)),
    *_top,
    Route("/fhir", elsewhere(_top), methods=METHODS),
]
