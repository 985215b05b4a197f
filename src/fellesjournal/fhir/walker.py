"""The slow path of validation: walks a resource beside its structure and names every fault."""

from __future__ import annotations

import re
from typing import Any, Final

from fellesjournal.fhir.compile_validator import accepts
from fellesjournal.fhir.outcome import Issue
from fellesjournal.fhir.primitives import CHECKS, EXPECTED
from fellesjournal.fhir.structures import Field, Structure, bound_codes, has_twin, is_primitive, is_resource, structure

MAX_ISSUES: Final = 200
_NAME = re.compile(r"_?[A-Za-z][A-Za-z]{0,39}").fullmatch


def validate(resource: dict[str, Any]) -> list[Issue]:
    """Return every fault of a resource against R4's base definitions; an empty list means that it is good.

    Checked: known type and elements, JSON kinds, cardinality, choices, formats, primitive extensions,
    the shape of
    extensions, contained and bundled resources, required bindings. At most 200 issues are returned.
    """
    return [] if accepts(resource) else find_faults(resource)


def find_faults(resource: dict[str, Any]) -> list[Issue]:
    """Walk a resource without trying the fast path first."""
    walk = _Walk()
    try:
        walk.resource(resource, path="", contained=False)
    except RecursionError:
        walk.add("", "too-costly", "nested too deep")
    return walk.issues


class _Walk:
    """One walk; gathers issues."""

    def __init__(self) -> None:
        self.issues: list[Issue] = []

    def add(self, path: str, code: str, diagnostics: str) -> None:
        if len(self.issues) < MAX_ISSUES:
            self.issues.append(Issue("error", code, path, diagnostics))

    def resource(self, value: Any, *, path: str, contained: bool) -> None:
        if type(value) is not dict:
            self.add(path, "structure", "expected a resource as a JSON object")
            return
        name = value.get("resourceType")
        if type(name) is not str or not is_resource(name):
            self.add(f"{path}.resourceType" if path else "resourceType", "structure", "unknown resource type")
            return
        path = path or name
        if contained and "contained" in value:
            self.add(f"{path}.contained", "invariant", "a contained resource cannot contain another (dom-2)")
        if contained and "id" not in value:
            self.add(path, "required", "a contained resource needs an id")
        self.object({k: v for k, v in value.items() if k != "resourceType"}, shape=structure(name), path=path)

    def object(self, value: Any, *, shape: Structure, path: str) -> None:
        if type(value) is not dict:
            self.add(path, "structure", "expected a JSON object")
            return
        if not value.keys() - {"id"} and not shape.is_resource:
            self.add(path, "invariant", "an element has a value or children (ele-1)")
            return
        self._unknown(value, shape=shape, path=path)
        for field in shape.fields.values():
            self._field(value, field=field, path=path)
        self._cardinality(value, shape=shape, path=path)
        if shape.path == "Extension":
            self._extension(value, shape=shape, path=path)

    def _unknown(self, value: dict[str, Any], *, shape: Structure, path: str) -> None:
        for key in value:
            field = shape.fields.get(key.removeprefix("_"))
            if field is None or (key.startswith("_") and not has_twin(shape, field)):
                place = f"{path}.{key}" if _NAME(key) else path
                self.add(place, "structure", f"unknown element: {shape.path} has none of this name")

    def _cardinality(self, value: dict[str, Any], *, shape: Structure, path: str) -> None:
        for field in shape.required:
            if not _given(value, field):
                self.add(f"{path}.{field.key}", "required", "this element is required")
        for name, fields in shape.required_choices.items():
            if not any(_given(value, f) for f in fields):
                self.add(f"{path}.{name}[x]", "required", "one of this element's types is required")
        choices: dict[str, int] = {}
        for field in shape.fields.values():
            if field.choice and _given(value, field):
                choices[field.name] = choices.get(field.name, 0) + 1
        for name, count in choices.items():
            if count > 1:
                self.add(f"{path}.{name}[x]", "structure", "only one of this element's types can be given")

    def _extension(self, value: dict[str, Any], *, shape: Structure, path: str) -> None:
        has_value = any(f.choice and _given(value, f) for f in shape.fields.values())
        if has_value == ("extension" in value):
            self.add(path, "invariant", "an extension has either a value or extensions of its own (ext-1)")

    def _field(self, value: dict[str, Any], *, field: Field, path: str) -> None:
        path = f"{path}.{field.key}"
        absent = field.key not in value
        if is_primitive(field.type) and "_" + field.key in value:
            self._extended(value, field=field, path=path)
            return
        if absent:
            return
        item = value[field.key]
        if not field.many:
            self._item(item, field=field, path=path)
            return
        if type(item) is not list or not item:
            self.add(path, "structure", "expected a list that is not empty")
            return
        for i, one in enumerate(item):
            self._item(one, field=field, path=f"{path}[{i}]")

    def _extended(self, value: dict[str, Any], *, field: Field, path: str) -> None:
        """Check a primitive with extensions: two objects, or two lists of equal length with nulls as
        fillers.
        """
        parts = value["_" + field.key]
        if not field.many:
            if field.key in value:
                self._item(value[field.key], field=field, path=path)
            self.object(parts, shape=structure("Element"), path=path)
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
            self.object(part, shape=structure("Element"), path=path)

    def _item(self, item: Any, *, field: Field, path: str) -> None:
        if item is None:
            self.add(path, "structure", "null is not a value")
        elif field.type == "Resource":
            self.resource(item, path=path, contained=field.key == "contained")
        elif is_primitive(field.type):
            self._primitive(item, field=field, path=path)
        else:
            self.object(item, shape=structure(field.type), path=path)
            if field.binding and type(item) is dict:
                self._concept(item, value_set=field.binding, path=path)

    def _primitive(self, item: Any, *, field: Field, path: str) -> None:
        if type(item) is dict or type(item) is list:
            self.add(path, "structure", "expected a single value")
            return
        if not _passes(item, type_name=field.type):
            self.add(path, "value", f"expected {EXPECTED[field.type]}")
            return
        if field.binding and not any(item in codes for _, codes in bound_codes(field.binding)):
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


def _given(value: dict[str, Any], field: Field) -> bool:
    return field.key in value or (is_primitive(field.type) and "_" + field.key in value)


def _passes(item: Any, *, type_name: str) -> bool:
    try:
        return bool(CHECKS[type_name](item))
    except TypeError:
        return False
