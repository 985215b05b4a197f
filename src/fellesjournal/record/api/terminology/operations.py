"""The operations of terminology: what is offered, and where."""

from __future__ import annotations

from typing import Final, NamedTuple

from starlette.routing import Route

from fellesjournal.access.gate import Endpoint
from fellesjournal.record.api.terminology.expand import expand_value_set
from fellesjournal.record.api.terminology.systems import lookup, subsumes
from fellesjournal.record.api.terminology.translate import translate_code
from fellesjournal.record.api.terminology.validate_code import validate_in_system, validate_in_value_set


class Operation(NamedTuple):
    """One operation on a resource type; `is_instance`: on one resource of it, too."""

    rtype: str
    name: str
    endpoint: Endpoint
    is_instance: bool = True

    @property
    def definition(self) -> str:
        """The canonical of its OperationDefinition."""
        return f"http://hl7.org/fhir/OperationDefinition/{self.rtype}-{self.name}"

    def routes(self) -> list[Route]:
        """Where it is offered."""
        places = [f"/{self.rtype}/${self.name}"]
        if self.is_instance:
            places.append(f"/{self.rtype}/{{id}}/${self.name}")
        return [Route(place, self.endpoint, methods=["GET", "POST"]) for place in places]


OPERATIONS: Final = (
    Operation("ValueSet", "expand", expand_value_set),
    Operation("ValueSet", "validate-code", validate_in_value_set),
    Operation("CodeSystem", "validate-code", validate_in_system),
    Operation("CodeSystem", "lookup", lookup, is_instance=False),
    Operation("CodeSystem", "subsumes", subsumes),
    Operation("ConceptMap", "translate", translate_code),
)
