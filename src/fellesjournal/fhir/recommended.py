"""What R4 itself recommends to be coded by a value set, without insisting: its extensible bindings. And the one that it
requires from a list of somebody else's, of LOINC's answers, which is known where a package brings it.

Source: https://hl7.org/fhir/R4/terminologies.html#extensible
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from fellesjournal.fhir.profile.model import BindingQuestion, CodedKind, codes_in
from fellesjournal.fhir.structures import Field, catalogue, is_primitive, structure

MAX_QUESTIONS: Final = 500
ELSEWHERE: Final = frozenset({"MolecularSequence"})
"""Types with an element that is bound to such a list."""
_VARIANTS: Final = "http://loinc.org/vs/LL379-9"


def recommended_codes(resource: dict[str, Any]) -> list[BindingQuestion]:
    """Ask of each such element that has a code, 500 at most; text alone is as recommended. The resource is valid."""
    known, found = catalogue().extensible, list[BindingQuestion]()
    name = str(resource["resourceType"])
    todo = [(resource, name, name)]
    while todo and len(found) < MAX_QUESTIONS:
        value, shape, path = todo.pop()
        for field, item, place in _items(value, shape, path):
            value_set = known.get(f"{shape}.{field.name}")
            if value_set and codes_in(item):
                found.append(_question(value_set, field, item, place))
            if type(item) is dict:
                todo.append((item, str(item["resourceType"]) if field.type == "Resource" else field.type, place))
    return found[:MAX_QUESTIONS]


def codes_elsewhere(resource: dict[str, Any]) -> list[BindingQuestion]:
    """Ask of each code that must be of a list that is not R4's own, 500 at most. The resource is valid."""
    found = []
    given = resource.get("structureVariant", ()) if resource["resourceType"] in ELSEWHERE else ()
    for n, variant in enumerate(given[:MAX_QUESTIONS]):
        codings = codes_in(variant.get("variantType", {}))
        place = f"MolecularSequence.structureVariant[{n}].variantType"
        if codings:
            found.append(
                BindingQuestion(
                    value_set=_VARIANTS, strength="required", kind="CodeableConcept", codings=codings, path=place,
                    has_text=False, profile="",
                )
            )  # fmt: skip
    return found


def _items(value: dict[str, Any], shape: str, path: str) -> Iterator[tuple[Field, Any, str]]:
    """Every item in an object: its field, itself, its place."""
    fields = structure(shape).fields
    for key, given in value.items():
        field = fields.get(key)
        if field is not None:
            place = f"{path}.{field.name}"
            items = [(one, f"{place}[{n}]") for n, one in enumerate(given)] if field.many else [(given, place)]
            yield from ((field, one, where) for one, where in items)


def _question(value_set: str, field: Field, item: Any, place: str) -> BindingQuestion:
    kind: CodedKind = "CodeableConcept" if field.type == "CodeableConcept" else "Coding"
    return BindingQuestion(
        value_set=value_set,
        strength="extensible",
        kind="code" if is_primitive(field.type) else kind,
        codings=codes_in(item),
        path=place,
        has_text=type(item) is dict and bool(item.get("text")),
        profile="",
    )
