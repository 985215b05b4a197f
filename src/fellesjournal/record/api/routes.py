"""The routes of `/fhir`, in the order that FHIR's addresses need."""

from starlette.routing import BaseRoute, Mount, Route, WebSocketRoute

from fellesjournal.record.api.bulk import export_routes
from fellesjournal.record.api.bundle import bundles
from fellesjournal.record.api.edge import METHODS, elsewhere
from fellesjournal.record.api.history import history, system_history, type_history
from fellesjournal.record.api.imports import import_routes
from fellesjournal.record.api.metadata import metadata
from fellesjournal.record.api.operations.offered import READS, operation_routes
from fellesjournal.record.api.patch import patch, patch_matching
from fellesjournal.record.api.read import read, vread
from fellesjournal.record.api.search import search_get, search_post
from fellesjournal.record.api.shape import ByShape
from fellesjournal.record.api.sockets import ADDRESS, subscription_socket
from fellesjournal.record.api.write import create, delete, delete_matching, update, update_matching

_reads: list[Route] = [
    Route("/_history", system_history, methods=["GET"]),
    Route("/{rtype}/_history", type_history, methods=["GET"]),
    Route("/{rtype}/{id}", read, methods=["GET"]),
    Route("/{rtype}", search_get, methods=["GET"]),
    Route("/{rtype}/{id}/_history/{version}", vread, methods=["GET"]),
    Route("/{rtype}/{id}/_history", history, methods=["GET"]),
    Route("/{rtype}/{id}/{within}", search_get, methods=["GET"]),
    Route("/", search_get, methods=["GET"]),
]
"""What may stand in a bundle as a GET."""

_bundle = bundles([*READS, *_reads])

_interactions: list[Route] = [
    Route("/metadata", metadata, methods=["GET"]),
    *operation_routes(),
    *export_routes(),
    *import_routes(),
    *_reads,
    Route("/_search", search_post, methods=["POST"]),
    Route("/{rtype}/{id}/{within}/_search", search_post, methods=["POST"]),
    Route("/{rtype}", create, methods=["POST"]),
    Route("/{rtype}/{id}", update, methods=["PUT"]),
    Route("/{rtype}/{id}", patch, methods=["PATCH"]),
    Route("/{rtype}/{id}", delete, methods=["DELETE"]),
    Route("/{rtype}", update_matching, methods=["PUT"]),
    Route("/{rtype}", patch_matching, methods=["PATCH"]),
    Route("/{rtype}", delete_matching, methods=["DELETE"]),
    Route("/{rtype}/_search", search_post, methods=["POST"]),
    Route("/", _bundle, methods=["POST"]),
]

_top: list[BaseRoute] = [Route("/fhir", _bundle, methods=["POST"]), Route("/fhir", search_get, methods=["GET"])]

_none = Route("/{path:path}", elsewhere(_interactions), methods=METHODS)

routes: list[BaseRoute] = [
    WebSocketRoute(ADDRESS, subscription_socket),
    Mount("/fhir", app=ByShape(_interactions, otherwise=_none)),
    *_top,
    Route("/fhir", elsewhere(_top), methods=METHODS),
]
