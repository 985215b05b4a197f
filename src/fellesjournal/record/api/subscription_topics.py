"""What may be subscribed to, as SubscriptionTopics: what a subscription may be narrowed by, and how.

R4 has no such resource; these are R5's (https://hl7.org/fhir/R5/subscriptiontopic.html), in JSON alone, and no part of
the record: read by anybody, never written.
"""

from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from fellesjournal import fhir
from fellesjournal.access.gate import public
from fellesjournal.record.api.http import fhir_errors
from fellesjournal.record.errors import NotFound
from fellesjournal.record.search.error import refusal
from fellesjournal.record.subscriptions.match import modifiers_of
from fellesjournal.record.subscriptions.topics import BASE, Catalogue, Topic

_MEDIA: Final = "application/fhir+json; fhirVersion=5.0"
_PREFIX: Final = "http://hl7.org/fhir/StructureDefinition/"
_COMPARED: Final = ("date", "number", "quantity")
_COMPARATORS: Final = ("eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap")
_INTERACTIONS: Final = {"C": "create", "U": "update", "D": "delete"}


@fhir_errors
@public("what may be subscribed to; nothing about anyone")
async def topic_by_id(request: Request) -> Response:
    """The topic of a resource type."""
    return _answer(_written(_found(request, BASE + str(request.path_params["id"]))))


@fhir_errors
@public("what may be subscribed to; nothing about anyone")
async def topic_by_url(request: Request) -> Response:
    """The topic of a canonical url (`url`), as a Bundle."""
    url = request.query_params.get("url", "")
    if not url:
        raise refusal("url", "the canonical url of a topic; /fhir/metadata lists them", code="required")
    entry = {"resource": _written(_found(request, url)), "search": {"mode": "match"}}
    return _answer({"resourceType": "Bundle", "type": "searchset", "total": 1, "entry": [entry]})


TOPIC_ROUTES: Final = [
    Route("/SubscriptionTopic", topic_by_url, methods=["GET"], name=""),
    Route("/SubscriptionTopic/{id}", topic_by_id, methods=["GET"], name=""),
]


def _found(request: Request, url: str) -> Topic:
    catalogue: Catalogue = request.app.state.vault.terms.topics
    topic = catalogue.find(url)
    if topic is None:
        raise NotFound
    return topic


def _written(topic: Topic) -> dict[str, Any]:
    own = {"id": topic.url.removeprefix(BASE)} if topic.url.startswith(BASE) else {}
    return {
        "resourceType": "SubscriptionTopic", **own, "url": topic.url, **({"title": topic.title} if topic.title else {}),
        "status": "active",
        "resourceTrigger": [
            {"resource": _PREFIX + one.rtype,
             "supportedInteraction": [word for op, word in _INTERACTIONS.items() if op in one.ops]}
            for one in topic.triggers
        ],
        "canFilterBy": _offered(topic),
    }  # fmt: skip


def _offered(topic: Topic) -> list[dict[str, Any]]:
    if topic.filters is None:
        return [_filter(rtype, code) for rtype in sorted(topic.rtypes) for code in sorted(fhir.search_params(rtype))
                if modifiers_of(rtype, code)]  # fmt: skip
    return [_filter(one.rtype, one.code, one.modifiers, one.comparators) for one in topic.filters]


def _filter(
    rtype: str, code: str, modifiers: frozenset[str] | None = None, comparators: frozenset[str] | None = None
) -> dict[str, Any]:
    is_compared = code != "_id" and fhir.search_params(rtype)[code].type in _COMPARED
    named = [one for one in modifiers_of(rtype, code) if one and (modifiers is None or one in modifiers)]
    compared = [one for one in _COMPARATORS if is_compared and (comparators is None or one in comparators)]
    return {
        "resource": _PREFIX + rtype, "filterParameter": code, **({"comparator": compared} if compared else {}),
        **({"modifier": named} if named else {}),
    }  # fmt: skip


def _answer(content: dict[str, Any]) -> Response:
    return Response(fhir.encode(content), media_type=_MEDIA, headers={"X-Content-Type-Options": "nosniff"})
