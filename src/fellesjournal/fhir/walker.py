"""The slow path of validation: walks a resource beside its structure and names every fault.

Places are FHIRPath, as `OperationOutcome.issue.expression` asks: `Observation.value`, whatever type the value has.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

from fellesjournal.fhir.code_rules import LIMITS, RULES
from fellesjournal.fhir.compile_validator import named_if_accepted
from fellesjournal.fhir.fhirpath import FhirPathError, TooCostly
from fellesjournal.fhir.invariants import Rule, rules_at, rules_of
from fellesjournal.fhir.outcome import Issue
from fellesjournal.fhir.primitives import CHECKS, EXPECTED
from fellesjournal.fhir.references import fault_inside, fault_of, is_inside, places_in
from fellesjournal.fhir.scope import Frame, Later, current, entered, here, note_claims, note_extension
from fellesjournal.fhir.structures import Field, Structure, bound_codes, has_twin, is_primitive, is_resource, structure

MAX_ISSUES: Final = 200
_FIRST = re.compile(r"\._?([A-Za-z]+)").match
_NAME = re.compile(r"_?[A-Za-z][A-Za-z]{0,39}").fullmatch


def validate(resource: dict[str, Any]) -> list[Issue]:
    """Return every error of a resource against R4's base definitions; an empty list means that it may be stored.

    Checked: known type and elements, JSON kinds, cardinality, choices, formats, primitive extensions, the shape of
    extensions, contained and bundled resources, required bindings, what references may name, all invariants that are
    errors. At most 200 issues are returned.
    """
    return validate_naming(resource)[0]


def validate_naming(resource: dict[str, Any]) -> tuple[list[Issue], Sequence[str]]:
    """Return what `validate` does, and which definitions are named: the profiles that are claimed, the extensions."""
    named = named_if_accepted(resource)
    if named is not None:
        return [], named
    here.named = []
    return find_faults(resource), here.named


def examine(resource: dict[str, Any]) -> list[Issue]:
    """Return what `validate` does and, after it, warnings: the invariants that R4 recommends to heed."""
    return sorted(_Walk(seen=("error", "warning")).all_of(resource), key=lambda issue: issue.severity)


def find_faults(resource: dict[str, Any]) -> list[Issue]:
    """Walk a resource without trying the fast path first."""
    return _Walk(seen=("error",)).all_of(resource)


class _Walk:
    """One walk; gathers the issues of the severities that are to be seen."""

    def __init__(self, *, seen: tuple[str, ...]) -> None:
        self.issues: list[Issue] = []
        self._seen = seen

    def all_of(self, resource: dict[str, Any]) -> list[Issue]:
        """Walk from the top."""
        try:
            self.resource(resource, path="", is_contained=False)
        except RecursionError:
            self.add("", "too-costly", "nested too deep")
        return self.issues

    def add(self, path: str, code: str, diagnostics: str, *, severity: str = "error") -> None:
        if len(self.issues) < MAX_ISSUES and severity in self._seen:
            self.issues.append(Issue(severity, code, path, diagnostics))

    def resource(self, value: Any, *, path: str, is_contained: bool) -> None:
        if type(value) is not dict:
            self.add(path, "structure", "expected a resource as a JSON object")
            return
        name = value.get("resourceType")
        if type(name) is not str or not is_resource(name):
            self.add(f"{path}.resourceType" if path else "resourceType", "structure", "unknown resource type")
            return
        path = path or name
        if is_contained and "contained" in value:
            self.add(f"{path}.contained", "invariant", "a contained resource cannot contain another (dom-2)")
        if is_contained and "id" not in value:
            self.add(path, "required", "a contained resource needs an id")
        with entered(value, is_contained=is_contained) as frame:
            self.object(value, shape=structure(name), path=path)
        self._put_off(frame)

    def _put_off(self, frame: Frame) -> None:
        """Look at references into the document: now all of it is known."""
        known = places_in(frame) if frame.inside else {}
        for later in frame.inside or ():
            fault = fault_inside(later, known)
            if fault is not None:
                self.add(later.path, *fault)

    def object(self, value: Any, *, shape: Structure, path: str) -> None:
        if type(value) is not dict:
            self.add(path, "structure", "expected a JSON object")
            return
        if not value.keys() - {"id"} and not shape.is_resource:
            self.add(path, "invariant", "an element has a value or children (ele-1)")
            return
        start = len(self.issues)
        self._unknown(value, shape=shape, path=path)
        for field in shape.fields.values():
            self._field(value, field=field, shape=shape, path=path)
        self._cardinality(value, shape=shape, path=path)
        if shape.path == "Extension":
            self._extension(value, shape=shape, path=path)
            note_extension(value)
        elif shape.path == "Meta":
            note_claims(value)
        self._rules(value, rules_of(shape.path), path=path, start=start)

    def _rules(self, value: Any, rules: Sequence[Rule], *, path: str, start: int) -> None:
        """Ask the invariants, but for those about elements that are broken anyway: issues from `start` on."""
        if not rules or len(self.issues) >= MAX_ISSUES:
            return
        broken = {_element_at(i.expression, path) for i in self.issues[start:] if i.severity == "error"}
        if "" in broken:
            return
        for rule in rules:
            severity = "error" if rule.is_error else "warning"
            is_known = broken if rule.about is None else not broken.isdisjoint(rule.about)
            if severity in self._seen and rule.may_be_broken(value) and not is_known:
                self._rule(value, rule, path=path, severity=severity)

    def _rule(self, value: Any, rule: Rule, *, path: str, severity: str) -> None:
        try:
            if not rule.holds(value):
                self.add(path, "invariant", rule.sentence, severity=severity)
        except TooCostly:
            self.add(path, "too-costly", f"too large to tell whether this holds: {rule.sentence}", severity=severity)
        except FhirPathError:
            self.add(path, "invariant", f"it cannot be told whether this holds: {rule.sentence}", severity="warning")

    def _unknown(self, value: dict[str, Any], *, shape: Structure, path: str) -> None:
        for key in value:
            if key == "resourceType" and shape.is_resource:
                continue
            field = shape.fields.get(key.removeprefix("_"))
            if field is None or (key.startswith("_") and not has_twin(shape, field)):
                place = f"{path}.{key}" if _NAME(key) else path
                self.add(place, "structure", f"unknown element: {shape.path} has none of this name")

    def _cardinality(self, value: dict[str, Any], *, shape: Structure, path: str) -> None:
        for field in shape.required:
            if not _given(value, field):
                self.add(f"{path}.{field.name}", "required", "this element is required")
        for name, fields in shape.required_choices.items():
            if not any(_given(value, f) for f in fields):
                self.add(f"{path}.{name}", "required", "one of this element's types is required")
        choices: dict[str, int] = {}
        for field in shape.fields.values():
            if field.choice and _given(value, field):
                choices[field.name] = choices.get(field.name, 0) + 1
        for name, count in choices.items():
            if count > 1:
                self.add(f"{path}.{name}", "structure", "only one of this element's types can be given")

    def _extension(self, value: dict[str, Any], *, shape: Structure, path: str) -> None:
        has_value = any(f.choice and _given(value, f) for f in shape.fields.values())
        if has_value == ("extension" in value):
            self.add(path, "invariant", "an extension has either a value or extensions of its own (ext-1)")

    def _field(self, value: dict[str, Any], *, field: Field, shape: Structure, path: str) -> None:
        path = f"{path}.{field.name}"
        if is_primitive(field.type) and "_" + field.key in value:
            self._extended(value, field=field, path=path)
        elif field.key in value:
            self._values(value[field.key], field=field, rules=rules_at(shape.path, field), path=path)

    def _values(self, value: Any, *, field: Field, rules: Sequence[Rule], path: str) -> None:
        if field.many and (type(value) is not list or not value):
            self.add(path, "structure", "expected a list that is not empty")
            return
        places = [(one, f"{path}[{i}]") for i, one in enumerate(value)] if field.many else [(value, path)]
        for one, place in places:
            start = len(self.issues)
            self._item(one, field=field, path=place)
            if rules and one is not None:
                self._rules(one, rules, path=place, start=start)

    def _extended(self, value: dict[str, Any], *, field: Field, path: str) -> None:
        """Check a primitive with extensions: two objects, or two lists of equal length with nulls as
        fillers.
        """
        parts = value["_" + field.key]
        if not field.many:
            if field.key in value:
                self._item(value[field.key], field=field, path=path)
            self._twin(parts, beside=value.get(field.key), path=path)
            return
        items = value.get(field.key, [None] * len(parts) if type(parts) is list else None)
        if type(parts) is not list or type(items) is not list or len(parts) != len(items) or not parts:
            self.add(path, "structure", "expected two lists of equal length, with null where one has no item")
            return
        for i, (item, part) in enumerate(zip(items, parts, strict=True)):
            self._pair(item, part, field=field, path=f"{path}[{i}]")

    def _pair(self, item: Any, part: Any, *, field: Field, path: str) -> None:
        if item is None and part is None:
            self.add(path, "structure", "a value, an extension or both are needed, not two nulls")
            return
        if item is not None:
            self._item(item, field=field, path=path)
        if part is not None:
            self._twin(part, beside=item, path=path)

    def _twin(self, part: Any, *, beside: Any, path: str) -> None:
        """Check the id and extensions of a primitive; an id alone is enough beside a value."""
        shape = structure("Element")
        if beside is not None and type(part) is dict and part.keys() == {"id"}:
            self._item(part["id"], field=shape.fields["id"], path=f"{path}.id")
        else:
            self.object(part, shape=shape, path=path)

    def _item(self, item: Any, *, field: Field, path: str) -> None:
        if item is None:
            self.add(path, "structure", "null is not a value")
        elif field.type == "Resource":
            self.resource(item, path=path, is_contained=field.key == "contained")
        elif is_primitive(field.type):
            self._primitive(item, field=field, path=path)
        elif field.type == "Reference":
            self._reference(item, targets=field.targets, path=path)
        else:
            before = len(self.issues)
            self.object(item, shape=structure(field.type), path=path)
            if field.binding and type(item) is dict:
                self._concept(item, value_set=field.binding, path=path)
            if field.limit and len(self.issues) == before and not LIMITS[field.limit](item):
                self.add(path, "code-invalid", f"expected a code of {field.limit}")

    def _reference(self, item: Any, *, targets: frozenset[str], path: str) -> None:
        start = len(self.issues)
        self.object(item, shape=structure("Reference"), path=path)
        if len(self.issues) > start or len(self.issues) >= MAX_ISSUES:
            return
        fault = fault_of(item, targets)
        text = item.get("reference")
        if fault is not None:
            self.add(path, *fault)
        elif type(text) is str and is_inside(text):
            current().put_off(Later(text, targets, path))

    def _primitive(self, item: Any, *, field: Field, path: str) -> None:
        if type(item) is dict or type(item) is list:
            self.add(path, "structure", "expected a single value")
            return
        if not _passes(item, type_name=field.type):
            self.add(path, "value", f"expected {EXPECTED[field.type]}")
            return
        if field.binding and not _is_bound(item, field.binding):
            self.add(path, "code-invalid", f"expected a code of {field.binding}")

    def _concept(self, item: dict[str, Any], *, value_set: str, path: str) -> None:
        codings = item.get("coding")
        named = (
            [(c.get("system"), c.get("code")) for c in codings if type(c) is dict]
            if type(codings) is list
            else []
        )
        allowed = [(system, code) for system, codes in bound_codes(value_set) for code in codes]
        if not any(pair in allowed for pair in named):
            self.add(path, "code-invalid", f"expected a coding of {value_set}")


def _is_bound(code: str, value_set: str) -> bool:
    rule = RULES.get(value_set)
    return rule(code) if rule else any(code in codes for _, codes in bound_codes(value_set))


def _given(value: dict[str, Any], field: Field) -> bool:
    return field.key in value or (is_primitive(field.type) and "_" + field.key in value)


def _element_at(expression: str, path: str) -> str:
    """Name the element of an object that an issue is about, "" for itself."""
    match = _FIRST(expression, len(path))
    return match[1] if match else ""


def _passes(item: Any, *, type_name: str) -> bool:
    try:
        return bool(CHECKS[type_name](item))
    except TypeError:
        return False
