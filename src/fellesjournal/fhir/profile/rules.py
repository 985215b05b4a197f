"""The rules on an element's own value, as closures: only those that say more than what is checked already.

`given` holds the rules that are known to hold when these run: R4's own of the type, or those of the unsliced element.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

from fellesjournal.fhir.fhirpath import Expression, FhirPathError, Node, compile_expression, element_node
from fellesjournal.fhir.profile.base import base_type, is_base_rule
from fellesjournal.fhir.profile.coded import check_binding
from fellesjournal.fhir.profile.elements import ABSENT, Binding, Constraint, Element, TypeRef
from fellesjournal.fhir.profile.library import Library
from fellesjournal.fhir.profile.run import Checked, Run
from fellesjournal.fhir.profile.spots import Label
from fellesjournal.fhir.profile.targets import target_rule
from fellesjournal.fhir.profile.values import equals, matches, shown

_OPEN: Final = {"BackboneElement", "Element", "Resource", "DomainResource", "*", ""}
_RESOURCES: Final = {"Resource", "DomainResource"}
_SEVERITIES: Final = {"error": "error", "warning": "warning"}


def type_rule(element: Element, *, given: Element, label: Label) -> Callable[[Node, Run], bool] | None:
    """Compile which types an element may have, where that is fewer than were allowed.

    Who has another type is told so; nothing else of it is looked at.
    """
    if not _is_narrowed(element, given):
        return None
    codes = tuple(t.code for t in element.types)
    allowed = frozenset(codes)

    def fits(node: Node, run: Run) -> bool:
        if node.type.ancestors & allowed:
            return True
        run.fault(label, "structure", node, f"must be of type {' or '.join(codes)}, not {node.type.shown_name}")
        return False

    return fits


def rules_of(element: Element, *, given: Element, label: Label, library: Library) -> Iterator[Checked]:
    """Compile an element's rules. Raises ProfileError for an invariant that cannot be compiled."""
    for one in element.types:
        profiles = tuple(p for p in one.profiles if base_type(p) is None)
        if profiles and one not in given.types:
            yield _profile_rule(one, profiles, label)
    targeted = tuple(t for t in element.types if t.targets or t.aggregation)
    if targeted and not _has_same_targets(targeted, given):
        yield target_rule(targeted, label=label, library=library)
    yield from _value_rules(element, given, label)
    if element.binding is not None and not _is_same_binding(element.binding, given.binding):
        yield _binding_rule(element.binding, label)
    known = {(c.key, c.expression) for c in given.constraints}
    for constraint in element.constraints:
        if (constraint.key, constraint.expression) not in known and not is_base_rule(constraint):
            yield _constraint_rule(constraint, label)


def _value_rules(element: Element, given: Element, label: Label) -> Iterator[Checked]:
    if element.fixed is not ABSENT and (given.fixed is ABSENT or not equals(element.fixed, given.fixed)):
        yield _fixed_rule(element.fixed, label)
    if element.pattern is not ABSENT and (given.pattern is ABSENT or not equals(element.pattern, given.pattern)):
        yield _pattern_rule(element.pattern, label)
    if element.max_length is not None and element.max_length != given.max_length:
        yield _length_rule(element.max_length, label)
    if element.min_value is not ABSENT and element.min_value != given.min_value:
        yield _bound_rule(element.min_value, "$this >= %bound", "must not be less than", label)
    if element.max_value is not ABSENT and element.max_value != given.max_value:
        yield _bound_rule(element.max_value, "$this <= %bound", "must not be more than", label)


def _is_narrowed(element: Element, given: Element) -> bool:
    """Tell whether an element may have fewer types than were allowed, or only some where any resource was."""
    now, before = {t.code for t in element.types}, {t.code for t in given.types}
    return bool(now) and not now & _OPEN and (now < before or (bool(before) and before <= _RESOURCES))


def _has_same_targets(types: tuple[TypeRef, ...], given: Element) -> bool:
    known = {(t.code, frozenset(t.targets), t.aggregation) for t in given.types}
    return all((t.code, frozenset(t.targets), t.aggregation) in known for t in types)


def _profile_rule(one: TypeRef, profiles: tuple[str, ...], label: Label) -> Checked:
    """A value must conform to one of its type's profiles; where there is only one, its faults are told as they are."""

    def check(node: Node, run: Run) -> None:
        if one.code not in node.type.ancestors and one.code not in _OPEN:
            return
        if len(profiles) == 1:
            if run.require(node, profiles[0]) is None:
                _unknown(node, run, profiles[0], label)
            return
        told = [run.conforms(node, profile) for profile in profiles]
        if True in told:
            run.require(node, profiles[told.index(True)])
        elif None in told:
            _unknown(node, run, profiles[told.index(None)], label)
        else:
            text = f"must conform to one of the profiles {', '.join(profiles)}; {run.nearest(node, profiles)}"
            run.fault(label, "structure", node, text)

    return check


def _unknown(node: Node, run: Run, profile: str, label: Label) -> None:
    told = f"must conform to {profile}, which cannot be used here"
    run.fault(label, "not-found", node, told, severity="warning")


def _fixed_rule(fixed: Any, label: Label) -> Checked:
    def check(node: Node, run: Run) -> None:
        if not equals(fixed, node.value):
            run.fault(label, "value", node, f"must be exactly {shown(fixed)}")

    return check


def _pattern_rule(pattern: Any, label: Label) -> Checked:
    def check(node: Node, run: Run) -> None:
        if not matches(pattern, node.value):
            run.fault(label, "value", node, f"must have {shown(pattern)}")

    return check


def _length_rule(most: int, label: Label) -> Checked:
    def check(node: Node, run: Run) -> None:
        if type(node.value) is str and len(node.value) > most:
            run.fault(label, "too-long", node, f"must not be longer than {most} characters")

    return check


def _bound_rule(bound: Any, text: str, told: str, label: Label) -> Checked:
    expression = compile_expression(text)

    def check(node: Node, run: Run) -> None:
        if node.value is None:
            return
        limit = element_node(bound, type_name=node.type.name)
        if run.holds(expression, node, variables={"bound": limit}) is False:
            run.fault(label, "value", node, f"{told} {shown(bound)}")

    return check


def _is_same_binding(one: Binding, given: Binding | None) -> bool:
    if given is None or one.strength != given.strength:
        return False
    return one.value_set.partition("|")[0] == given.value_set.partition("|")[0]


def _binding_rule(binding: Binding, label: Label) -> Checked:
    return lambda node, run: check_binding(node, run, binding=binding, label=label)


def _constraint_rule(constraint: Constraint, label: Label) -> Checked:
    severity = _SEVERITIES.get(constraint.severity, "error")
    try:
        expression: Expression = compile_expression(constraint.expression)
    except FhirPathError as error:
        told = f"the invariant {constraint.key} on {label} was not checked: {error}"
        return lambda node, run: run.add("warning", "not-supported", node, told, profile=label.profile)

    def check(node: Node, run: Run) -> None:
        holds = run.holds(expression, node)
        if holds is False:
            run.add(severity, "invariant", node, f"{constraint.human} ({constraint.key})", profile=label.profile)
        elif holds is None:
            told = f"the invariant {constraint.key} on {label} was not checked: it cannot be evaluated here"
            run.add("warning", "not-supported", node, told, profile=label.profile)

    return check
