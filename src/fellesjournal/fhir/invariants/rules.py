"""The invariants of each type and part of R4, compiled on first use."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import msgspec

from fellesjournal.fhir.fhirpath import Expression, compile_expression
from fellesjournal.fhir.fhirpath.types import TypeInfo, type_info
from fellesjournal.fhir.invariants.absence import members_of, never_false_without
from fellesjournal.fhir.invariants.amended import amended
from fellesjournal.fhir.invariants.by_hand import BY_HAND
from fellesjournal.fhir.invariants.native import NotPlain, Unsupported, condition
from fellesjournal.fhir.invariants.sentences import sentence
from fellesjournal.fhir.scope import current
from fellesjournal.fhir.structures import Field, RawRule, catalogue, structure

Holds = Callable[[Any], bool]


class Rule(msgspec.Struct, frozen=True, eq=False):
    """One invariant of an element.

    `holds` takes the element's JSON, whose structure is R4's, inside `scope.entered`; it raises FhirPathError where
    the expression fails, TooCostly where it takes too much work. It holds without any of the properties `needs`
    (None: it must be asked). `about` names the elements that it looks at first, None when it looks anywhere.
    """

    key: str
    is_error: bool
    sentence: str
    expression: str
    needs: frozenset[str] | None
    about: frozenset[str] | None
    holds: Holds

    def may_be_broken(self, value: Any) -> bool:
        """Tell whether there is anything that it is about."""
        return self.needs is None or type(value) is not dict or not self.needs.isdisjoint(value)


@cache
def rules_of(path: str) -> tuple[Rule, ...]:
    """Return the invariants of a type (`Observation`) or of a part of one (`Observation.component`)."""
    shape, raw = structure(path), catalogue().rules
    inherited = raw["DomainResource"] if shape.is_resource and "contained" in shape.fields else []
    return tuple(_official(rule, type_name=path) for rule in (*inherited, *raw.get(path, ())))


@cache
def rules_at(path: str, field: Field) -> tuple[Rule, ...]:
    """Return what an element must fulfil at this place, beyond its type: `Organization.telecom`."""
    place = f"{path}.{field.name}"
    found = () if field.type == place else catalogue().rules.get(place, ())
    return tuple(_official(rule, type_name=field.type) for rule in found)


def _official(raw: RawRule, *, type_name: str) -> Rule:
    text = amended(raw.key, raw.expression)
    rule = compile_rule(raw.key, text, type_name=type_name, is_error=raw.is_error, said=sentence(raw, type_name))
    if raw.key not in BY_HAND:
        return rule
    needs, test = BY_HAND[raw.key]
    return msgspec.structs.replace(
        rule, needs=needs, holds=_with_engine(test, compile_expression(text), type_name)
    )


def compile_rule(key: str, expression: str, *, type_name: str, is_error: bool, said: str) -> Rule:
    """Compile an invariant on elements of a type or part. Raises FhirPathError when it is no expression."""
    compiled, info = compile_expression(expression), type_info(type_name)
    return Rule(
        key, is_error, said, expression, needs=never_false_without(compiled.tree, info),
        about=members_of(compiled.tree), holds=_compiled(compiled, info),
    )  # fmt: skip


def by_engine(expression: Expression, type_name: str) -> Holds:
    """Return what lets the FHIRPath engine answer."""
    return lambda value: current().holds(expression, value, type_name=type_name)


def _compiled(expression: Expression, info: TypeInfo) -> Holds:
    try:
        test = condition(expression.tree, info)
    except Unsupported:
        return by_engine(expression, info.name)
    return _with_engine(test, expression, info.name)


def _with_engine(test: Callable[[Any], bool | None], expression: Expression, type_name: str) -> Holds:
    engine = by_engine(expression, type_name)

    def holds(value: Any) -> bool:
        try:
            return test(value) is not False
        except NotPlain:
            return engine(value)

    return holds
