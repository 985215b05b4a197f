"""Which operations are offered, and where: the routes and the CapabilityStatement are made from this list."""

from typing import Final, NamedTuple

from starlette.routing import Route

from fellesjournal.access.gate import Endpoint
from fellesjournal.record.api.edge import METHODS, elsewhere
from fellesjournal.record.api.operations.blocks import own_blocks
from fellesjournal.record.api.operations.document import document
from fellesjournal.record.api.operations.everything import encounter_everything, patient_everything
from fellesjournal.record.api.operations.last import last
from fellesjournal.record.api.operations.match import match
from fellesjournal.record.api.operations.meta import meta, meta_add, meta_delete
from fellesjournal.record.api.operations.subscription import binding_token, subscription_events, subscription_status
from fellesjournal.record.api.operations.terminology.expand import expand_value_set
from fellesjournal.record.api.operations.terminology.systems import lookup, subsumes
from fellesjournal.record.api.operations.terminology.translate import translate_code
from fellesjournal.record.api.operations.terminology.validate_code import validate_in_system, validate_in_value_set
from fellesjournal.record.api.operations.validate import validate

_OF_TYPE: Final = "/{rtype}/${name}"
_OF_INSTANCE: Final = "/{rtype}/{{id}}/${name}"
_OF_VERSION: Final = "/{rtype}/{{id}}/_history/{{version}}/${name}"
_ANY: Final = "Resource"
_OWN: Final = "https://fellesjournal.no/fhir/OperationDefinition/"
_BACKPORT: Final = "http://hl7.org/fhir/uv/subscriptions-backport/OperationDefinition/backport-subscription-"


_MADE_ANEW: Final = (
    "The document is made anew each time and not kept: persist=true is refused (not-supported), for a copy would hold"
    " what is corrected, blocked, withheld or deleted later. So is graph: a document holds what its Composition names."
)


class Operation(NamedTuple):
    """One operation on a resource type, or on every one (`Resource`) but `not_for`. By GET too when it changes nothing.

    `is_change`: it makes a version, and is done by itself; a batch may hold it, a transaction may not.
    """

    rtype: str
    name: str
    endpoint: Endpoint
    places: tuple[str, ...] = (_OF_INSTANCE,)
    methods: tuple[str, ...] = ("GET", "POST")
    is_change: bool = False
    guide: str = ""
    not_for: tuple[str, ...] = ()
    documentation: str = ""

    @property
    def definition(self) -> str:
        """The canonical of its OperationDefinition: R4's own, or that of a guide."""
        return self.guide or f"http://hl7.org/fhir/OperationDefinition/{self.rtype}-{self.name}"

    def routes(self) -> list[Route]:
        """Where it is offered."""
        rtype = "{rtype}" if self.rtype == _ANY else self.rtype
        paths = [place.format(rtype=rtype, name=self.name) for place in self.places]
        return [Route(path, self.endpoint, methods=list(self.methods)) for path in paths]


OPERATIONS: Final = (
    Operation("Patient", "everything", patient_everything, (_OF_TYPE, _OF_INSTANCE)),
    Operation("Composition", "document", document, (_OF_TYPE, _OF_INSTANCE), documentation=_MADE_ANEW),
    Operation("Encounter", "everything", encounter_everything),
    Operation("Observation", "lastn", last, (_OF_TYPE,)),
    Operation("Consent", "blocks", own_blocks, (_OF_TYPE,), ("GET",), guide=f"{_OWN}blocks"),
    Operation("Patient", "match", match, (_OF_TYPE,), ("POST",)),
    Operation("ValueSet", "expand", expand_value_set, (_OF_TYPE, _OF_INSTANCE)),
    Operation("ValueSet", "validate-code", validate_in_value_set, (_OF_TYPE, _OF_INSTANCE)),
    Operation("CodeSystem", "validate-code", validate_in_system, (_OF_TYPE, _OF_INSTANCE)),
    Operation("CodeSystem", "lookup", lookup, (_OF_TYPE,)),
    Operation("CodeSystem", "subsumes", subsumes, (_OF_TYPE, _OF_INSTANCE)),
    Operation("ConceptMap", "translate", translate_code, (_OF_TYPE, _OF_INSTANCE)),
    Operation("Subscription", "status", subscription_status, (_OF_TYPE, _OF_INSTANCE), guide=f"{_BACKPORT}status"),
    Operation("Subscription", "events", subscription_events, guide=f"{_BACKPORT}events"),
    Operation(
        "Subscription", "get-ws-binding-token", binding_token, (_OF_TYPE, _OF_INSTANCE),
        guide=f"{_BACKPORT}get-ws-binding-token",
    ),
    Operation(_ANY, "meta", meta, (_OF_INSTANCE, _OF_VERSION), not_for=("AuditEvent",)),
    Operation(_ANY, "meta-add", meta_add, methods=("POST",), is_change=True, not_for=("AuditEvent", "Binary")),
    Operation(_ANY, "meta-delete", meta_delete, methods=("POST",), is_change=True, not_for=("AuditEvent", "Binary")),
    Operation(_ANY, "validate", validate, (_OF_TYPE, _OF_INSTANCE)),
)

READS: Final = [route for one in OPERATIONS if not one.is_change for route in one.routes()]
"""What may stand in a bundle."""
CHANGES: Final = [route for one in OPERATIONS if one.is_change for route in one.routes()]
"""What may stand in a batch."""


def operation_routes() -> list[Route]:
    """The routes of all; another method at the address of one is told which it takes."""
    routes = [route for one in OPERATIONS for route in one.routes()]
    refused = [Route(route.path, elsewhere([*routes]), methods=METHODS) for route in routes]
    return [*routes, *refused]


def stated(rtype: str) -> list[dict[str, str]]:
    """The operations of a type, as a CapabilityStatement names them."""
    return [
        {"name": one.name, "definition": one.definition,
         **({"documentation": one.documentation} if one.documentation else {})}
        for one in OPERATIONS if one.rtype in (rtype, _ANY) and rtype not in one.not_for
    ]
