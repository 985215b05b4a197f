"""The routes of `/fhir`, in the order that FHIR's addresses need."""

from starlette.routing import BaseRoute, Mount, Route

from fellesjournal.record.api.bundle import bundle
from fellesjournal.record.api.edge import METHODS, elsewhere
from fellesjournal.record.api.history import history, system_history, type_history
from fellesjournal.record.api.metadata import metadata
from fellesjournal.record.api.read import read, vread
from fellesjournal.record.api.search import search_get, search_post
from fellesjournal.record.api.write import create, delete, update

_interactions: list[BaseRoute] = [
    Route("/metadata", metadata, methods=["GET"]),
    Route("/_history", system_history, methods=["GET"]),
    Route("/{rtype}/_history", type_history, methods=["GET"]),
    Route("/{rtype}/{id}", read, methods=["GET"]),
    Route("/{rtype}", search_get, methods=["GET"]),
    Route("/{rtype}", create, methods=["POST"]),
    Route("/{rtype}/{id}", update, methods=["PUT"]),
    Route("/{rtype}/{id}", delete, methods=["DELETE"]),
    Route("/{rtype}/{id}/_history/{version}", vread, methods=["GET"]),
    Route("/{rtype}/{id}/_history", history, methods=["GET"]),
    Route("/{rtype}/_search", search_post, methods=["POST"]),
    Route("/", bundle, methods=["POST"]),
]

_top: list[BaseRoute] = [Route("/fhir", bundle, methods=["POST"])]

routes: list[BaseRoute] = [
    *_top,
    Route("/fhir", elsewhere(_top), methods=METHODS),
    Mount(
        "/fhir",
        routes=[*_interactions, Route("/{path:path}", elsewhere(_interactions), methods=METHODS)],
    ),
]
