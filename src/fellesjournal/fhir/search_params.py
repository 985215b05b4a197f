"""The official search parameters of each resource type."""

from __future__ import annotations

from functools import cache
from typing import Final

import msgspec

from fellesjournal.fhir.keys import TEXTLESS, param_id
from fellesjournal.fhir.paths import Presence, Route, routes
from fellesjournal.fhir.structures import bound_codes, catalogue, is_primitive, is_resource, structure

COMPARTMENT = "Patient"

COMBINED: Final = {
    "combo-code": ("code", "component-code"),
    "combo-value-concept": ("value-concept", "component-value-concept"),
    "combo-data-absent-reason": ("data-absent-reason", "component-data-absent-reason"),
    "combo-code-value-concept": ("code-value-concept", "component-code-value-concept"),
    "combo-code-value-quantity": ("code-value-quantity", "component-code-value-quantity"),
}
"""Parameters of Observation that are two others together: their texts and groups are kept once, under those."""

_CORRECTED: Final = {("DocumentReference", "relationship"): (("relatesto", "target"), ("relation", "code"))}
"""R4 has exchanged the expressions of these components; R5 gives them so."""


class SearchParam(msgspec.Struct, frozen=True):
    """One search parameter of one type. `components` are (code, expression) of a composite, in order."""

    code: str
    type: str
    id: int
    targets: tuple[str, ...]
    expression: str | None
    components: tuple[tuple[str, str], ...]


@cache
def search_params(rtype: str) -> dict[str, SearchParam]:
    """Return a type's official parameters by code, those of every resource included. Raises KeyError."""
    if not is_resource(rtype):
        raise KeyError(rtype)
    bases = {rtype, "Resource", "DomainResource"} if "text" in structure(rtype).fields else {rtype, "Resource"}
    found = [p for p in catalogue().params if not bases.isdisjoint(p.base)]
    return {
        p.code: SearchParam(
            code=p.code,
            type=p.type,
            id=param_id(rtype, p.code),
            targets=tuple(p.targets),
            expression=p.expression,
            components=_CORRECTED.get((rtype, p.code), tuple(p.components)),
        )
        for p in found
    }


def kept_as(rtype: str, code: str, own: int) -> tuple[int, ...]:
    """Return the numbers under which a parameter's texts, or a composite's groups, are kept: `own`, or two others'."""
    names = COMBINED.get(code, ()) if rtype == "Observation" else ()
    return tuple(param_id(rtype, name) for name in names) or (own,)


@cache
def param_routes(rtype: str, code: str) -> tuple[Route | Presence, ...]:
    """Return where the values of a parameter stand; empty for one without an expression (`_text`,
    `_content`).
    """
    expression = search_params(rtype)[code].expression
    return tuple(routes(expression, rtype=rtype)) if expression else ()


@cache
def implied_systems(rtype: str, code: str) -> frozenset[str] | None:
    """Return the code systems that a token parameter over plain codes implies; None where values name
    their own.

    A parameter that was added names its own, too.
    `status=final` and `status=http://hl7.org/fhir/observation-status|final` are the same question.
    """
    if code not in search_params(rtype):
        return None
    found = param_routes(rtype, code)
    if not all(isinstance(r, Presence) or is_primitive(r.type) for r in found):
        return None
    bindings = [r.binding for r in found if isinstance(r, Route) and r.binding]
    return frozenset(system for b in bindings for system, _ in bound_codes(b))


@cache
def has_texts(rtype: str, code: str) -> bool:
    """Tell whether a token parameter's values are codes whose texts are kept."""
    found = () if code in TEXTLESS else param_routes(rtype, code)
    return any(isinstance(r, Route) and r.type in {"Coding", "CodeableConcept"} for r in found)


@cache
def is_followed(rtype: str, code: str) -> bool:
    """Tell whether a parameter's values are references to resources, not their canonical urls alone."""
    return any(isinstance(r, Route) and r.type == "Reference" for r in param_routes(rtype, code))


@cache
def plain_codes(rtype: str, code: str) -> tuple[str, ...]:
    """Return all codes, sorted, that a parameter over plain codes and booleans may have; empty where that is open."""
    found = param_routes(rtype, code)
    bindings = [r.binding for r in found if isinstance(r, Route) and r.binding]
    bound = {c for b in bindings for _, codes in bound_codes(b) for c in codes}
    if any(isinstance(r, Presence) or r.type == "boolean" for r in found):
        bound |= {"false", "true"}
    return () if implied_systems(rtype, code) is None else tuple(sorted(bound))


def compartment_params(rtype: str, *, compartment: str = COMPARTMENT) -> tuple[str, ...]:
    """Return the parameters that put a resource of this type into a compartment, as the definition lists
    them.
    """
    return tuple(catalogue().compartments[compartment].get(rtype, ()))


_ABOUT_A_PATIENT: Final = ("Contract", "Device", "GuidanceResponse", "Patient", "Task")
"""Types that are in a patient's chart though the compartment's definition leaves them out (`fhir.ownership`)."""


@cache
def compartment_types(compartment: str) -> tuple[str, ...]:
    """Return the types that may be in a compartment, sorted."""
    more = _ABOUT_A_PATIENT if compartment == COMPARTMENT else ()
    return tuple(sorted({t for t, codes in catalogue().compartments[compartment].items() if codes} | set(more)))
