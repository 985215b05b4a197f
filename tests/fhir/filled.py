"""Valid resources of every type with what search looks at: always the same, made from the definitions.

Every required element is there, and as many of those that a search parameter reads as R4's invariants allow together.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from functools import cache
from typing import Any, Final

from fellesjournal.fhir import search_params, validate
from fellesjournal.fhir.paths import Key, Presence, Where
from fellesjournal.fhir.search_params import param_routes
from fellesjournal.fhir.structures import Field, Structure, bound_codes, is_primitive, structure
from tests.fhir.samples import Json

VARIANTS: Final = 6
SYSTEM: Final = "http://eksempel.no/koder"
_UCUM: Final = {"system": "http://unitsofmeasure.org"}
_CODED: Final = {"system": SYSTEM, "code": "kode", "display": "Kodetekst"}
_AMOUNT: Final = {"value": Decimal("2.5"), "unit": "mg", **_UCUM, "code": "mg"}
PLAIN: Final[dict[str, Any]] = {
    "string": "Tekst", "markdown": "Tekst", "boolean": True, "integer": 2, "unsignedInt": 2, "positiveInt": 2,
    "decimal": Decimal("2.5"), "base64Binary": "QUJD", "code": "kode", "id": "navn",
    "uri": "http://eksempel.no/uri", "url": "http://eksempel.no/url", "canonical": "http://eksempel.no/kanonisk",
    "oid": "urn:oid:2.16.578", "uuid": "urn:uuid:6f1b2c1e-0b1a-4c52-9a51-0f9a2c3d4e5f", "date": "2026-01-02",
    "dateTime": "2026-01-02T03:04:05+01:00", "instant": "2026-01-02T03:04:05Z", "time": "03:04:05",
    "xhtml": '<div xmlns="http://www.w3.org/1999/xhtml">ord</div>',
}  # fmt: skip
DATA: Final[dict[str, Json]] = {
    "CodeableConcept": {"coding": [_CODED], "text": "Kodetekst"}, "Coding": _CODED,
    "Identifier": {"type": {"coding": [_CODED]}, "system": "http://eksempel.no/numre", "value": "N-1"},
    "Quantity": _AMOUNT, "Age": {"value": 2, "unit": "år", **_UCUM, "code": "a"},
    "Duration": {"value": 2, "unit": "min", **_UCUM, "code": "min"},
    "Distance": {"value": 2, "unit": "km", **_UCUM, "code": "km"}, "Count": {"value": 2, **_UCUM, "code": "1"},
    "Money": {"value": Decimal("2.5"), "currency": "NOK"}, "Period": {"start": "2026-01-02", "end": "2026-01-03"},
    "Range": {"low": _AMOUNT, "high": _AMOUNT}, "Ratio": {"numerator": _AMOUNT, "denominator": _AMOUNT},
    "HumanName": {"text": "Kari Prøve", "family": "Prøve", "given": ["Kari"], "prefix": ["Fru"], "suffix": ["d.e."]},
    "ContactPoint": {"system": "phone", "value": "99 99 99 99", "use": "work"},
    "Address": {"use": "work", "text": "Veien 1", "line": ["Veien 1"], "city": "Byen", "state": "Fylket",
                "postalCode": "0001", "country": "NO"},
    "Timing": {"event": ["2026-01-02"]}, "Dosage": {"text": "Tekst", "timing": {"event": ["2026-01-02"]}},
    "Annotation": {"text": "Tekst"},
    "Attachment": {"contentType": "text/plain", "url": "http://eksempel.no/fil", "title": "Tekst",
                   "creation": "2026-01-02", "language": "nb"},
    "Narrative": {"status": "generated", "div": PLAIN["xhtml"]},
    "Expression": {"language": "text/cql", "expression": "1"},
    "TriggerDefinition": {"type": "named-event", "name": "Tekst"},
    "SampledData": {"origin": _AMOUNT, "period": 1, "dimensions": 1, "data": "1 2"},
}  # fmt: skip
_OVER: Final = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/condition-clinical", "code": "resolved"}]}
_SUBJECT: Final = {
    "url": "http://hl7.org/fhir/StructureDefinition/questionnaireresponse-isSubject", "valueBoolean": True,
}  # fmt: skip
_CORE: Final = {"id": "Patient", "path": "Patient", "base": {"path": "Patient", "min": 0, "max": "*"}, "min": 0,
                "max": "*", "definition": "Tekst"}  # fmt: skip
_BOUND: Final = {"id": "Patient.gender", "path": "Patient.gender", "definition": "Tekst", "type": [{"code": "code"}],
                 "base": {"path": "Patient.gender", "min": 0, "max": "1"}, "min": 0, "max": "1",
                 "binding": {"strength": "required", "valueSet": "http://eksempel.no/verdier"}}  # fmt: skip
_DEFINED: Final = {"type": "Patient", "baseDefinition": "http://hl7.org/fhir/StructureDefinition/DomainResource",
                   "snapshot": {"element": [_CORE, _BOUND]}}  # fmt: skip
ASKED: Final[dict[str, tuple[Json, ...]]] = {
    "Appointment": ({"start": "2026-01-02T03:04:05Z", "end": "2026-01-02T04:04:05Z"},),
    "CarePlan": (
        {"activity": [{"detail": {"status": "completed", "code": {"coding": [_CODED]}, "scheduledPeriod":
            DATA["Period"], "performer": [{"reference": "Practitioner/en"}]}}]},
        {"activity": [{"reference": {"reference": "Task/en"}}]},
    ),
    "Condition": ({"clinicalStatus": _OVER}, {"clinicalStatus": _OVER, "abatementString": "Tekst"},
                  {"clinicalStatus": _OVER, "abatementAge": DATA["Age"]}),
    "Linkage": ({"item": [{"type": "source", "resource": {"reference": "Task/en"}},
                          {"type": "alternate", "resource": {"reference": "Task/to"}}]},),
    "List": ({}, {"emptyReason": DATA["CodeableConcept"]}),
    "MolecularSequence": (
        {"coordinateSystem": 0, "referenceSeq": {
            "genomeBuild": "GRCh38", "chromosome": DATA["CodeableConcept"], "windowStart": 1, "windowEnd": 2}},
        {"coordinateSystem": 0, "referenceSeq": {
            "referenceSeqId": DATA["CodeableConcept"], "windowStart": 1, "windowEnd": 2}},
    ),
    "Observation": (
        {}, {}, {},
        {"component": [{"code": DATA["CodeableConcept"], "valueCodeableConcept": DATA["CodeableConcept"]},
                       {"code": DATA["CodeableConcept"], "dataAbsentReason": DATA["CodeableConcept"]}]},
        {"component": [{"code": DATA["CodeableConcept"], "valueQuantity": _AMOUNT}]},
        {"valueDateTime": PLAIN["dateTime"]},
    ),
    "QuestionnaireResponse": ({"item": [
        {"extension": [_SUBJECT], "linkId": "1", "answer": [{"valueReference": {"reference": "Practitioner/en"}}]}]},),
    "RequestGroup": ({"action": [{"title": "Tekst", "participant": [{"reference": "Practitioner/en"}],
                                  "resource": {"reference": "Task/en"}}]},),
    "StructureDefinition": (_DEFINED,),
    # Kept as it is: no server tries to carry it out.
    "Subscription": ({"status": "off", "criteria": "Observation?status=final"},),
    "ValueSet": ({"expansion": {"identifier": PLAIN["uri"], "timestamp": "2026-01-02"}},),
}  # fmt: skip
"""What R4's invariants ask of these types beyond required elements, or want by itself."""
REFERENCE: Final[Json] = {"identifier": {"system": "http://eksempel.no/numre", "value": "R-1"}, "display": "Visning"}
META: Final[Json] = {
    "profile": ["http://eksempel.no/profil"], "source": "http://eksempel.no/kilde", "tag": [_CODED],
    "security": [{"system": SYSTEM, "code": "etikett"}],
}  # fmt: skip

Named = Callable[[Sequence[str], int], str]
"""The text of a reference to one of these types (any, when there are none) in a variant."""


def filled(rtype: str, *, variant: int, named: Named) -> Json:
    """Return a resource; variants differ in the types of choices and in codes, and have the same required elements."""
    asked = ASKED.get(rtype, ({},))
    made: Json = {"resourceType": rtype, "meta": META, **asked[variant % len(asked)]}
    if "text" in structure(rtype).fields:
        made["text"] = DATA["Narrative"]
    _Filling(made, variant, named).fill(made, structure(rtype), ())
    if faults := validate(made):
        raise AssertionError(f"{rtype}: {faults}")
    return made


class _Filling:
    """One resource being filled: what R4 refuses beside the rest is taken out again."""

    def __init__(self, top: Json, variant: int, named: Named) -> None:
        self._top, self._variant, self._named = top, variant, named
        self._read = _read_by_search(str(top["resourceType"]))

    def fill(self, holder: Json, shape: Structure, place: tuple[str, ...]) -> None:
        """Give an object its required elements, then what search reads."""
        for field in (*shape.required, *(self._turn(fields) for fields in shape.required_choices.values())):
            if field.key not in holder:
                holder[field.key] = self._value(field, (*place, field.key))
        names = {field.name for field in shape.fields.values() if field.key in holder}
        faults = len(validate(self._top))
        for field in self._wished(shape, place):
            if field.name in names or field.key in holder:
                continue
            holder[field.key] = self._value(field, (*place, field.key))
            after = len(validate(self._top))
            if after > faults:
                del holder[field.key]
            else:
                names.add(field.name)
                faults = after

    def _wished(self, shape: Structure, place: tuple[str, ...]) -> Sequence[Field]:
        """What search reads of an object, or all of a resource that is not valid yet; a choice's types in turn."""
        fields = [field for field in shape.fields.values() if (*place, field.key) in self._read]
        others = [f for f in shape.fields.values() if f not in fields and f.key not in _NEVER] if not place else []
        needed = others if validate(self._top) else []
        return [*self._in_turn(fields), *needed]

    def _in_turn(self, fields: Sequence[Field]) -> list[Field]:
        """Another order for each variant, of the elements and of the types of each."""
        groups: dict[str, list[Field]] = {}
        for field in fields:
            groups.setdefault(field.name, []).append(field)
        turned = [[*g[self._variant % len(g) :], *g[: self._variant % len(g)]] for g in groups.values()]
        turn = self._variant * len(turned) // VARIANTS
        return [field for group in (*turned[turn:], *turned[:turn]) for field in group]

    def _turn(self, fields: Sequence[Field]) -> Field:
        return fields[self._variant % len(fields)]

    def _value(self, field: Field, place: tuple[str, ...]) -> Any:
        if not field.many:
            return self._one(field, place, {})
        asked = self._read.get(place) or [{}]
        return [self._one(field, place, one) for one in asked]

    def _one(self, field: Field, place: tuple[str, ...], asked: Json) -> Any:
        if is_primitive(field.type):
            return self._code(field) or PLAIN[field.type]
        if field.type == "Reference":
            return {"reference": self._named(sorted(field.targets), self._variant), **REFERENCE}
        if field.type == "Resource":
            return {"resourceType": "Basic", "id": "i", "code": {"text": "Tekst"}}
        if field.binding and field.type == "CodeableConcept":
            system, codes = next(pair for pair in bound_codes(field.binding) if pair[1])
            return {"coding": [{"system": system, "code": min(codes)}]}
        if field.limit in _LIMITED:
            return {**_LIMITED[field.limit], **asked}
        if field.type in DATA:
            return {**DATA[field.type], **asked}
        holder = dict(asked)
        self._nested(holder, structure(field.type), place)
        return holder

    def _nested(self, holder: Json, shape: Structure, place: tuple[str, ...]) -> None:
        """Required elements, and of those that search reads the first of each name: it is tried as a whole."""
        chosen = [self._turn(fields) for fields in shape.required_choices.values()]
        read = [field for field in shape.fields.values() if (*place, field.key) in self._read]
        names = {field.name for field in shape.fields.values() if field.key in holder}
        for field in (*shape.required, *self._in_turn(read), *chosen):
            if field.name not in names:
                names.add(field.name)
                holder[field.key] = self._value(field, (*place, field.key))
        if not holder:
            holder["extension"] = [{"url": "http://eksempel.no/utvidelse", "valueCode": "kode"}]

    def _code(self, field: Field) -> str:
        if field.binding in _BY_RULE:
            return _BY_RULE[field.binding]
        codes = sorted({code for _, some in bound_codes(field.binding or "") for code in some})
        return codes[self._variant % len(codes)] if codes else ""


_VALUE_SET: Final = "http://hl7.org/fhir/ValueSet/"
_BY_RULE: Final = {
    f"{_VALUE_SET}mimetypes": "text/plain", f"{_VALUE_SET}currencies": "NOK", f"{_VALUE_SET}all-languages": "nb",
    f"{_VALUE_SET}languages": "nb",
}  # fmt: skip
"""A code of each value set that is a rule, not a list."""
_LIMITED: Final[dict[str | None, Json]] = {
    f"{_VALUE_SET}all-languages": {"coding": [{**_CODED, "system": "urn:ietf:bcp:47", "code": "nb"}], "text": "Tekst"},
    f"{_VALUE_SET}ucum-units": {"coding": [{**_CODED, "system": "http://unitsofmeasure.org", "code": "mg"}]},
}  # fmt: skip
"""A concept within each value set that concepts may not go beyond."""
_NEVER: Final = frozenset({"id", "meta", "implicitRules", "contained", "extension", "modifierExtension", "language"})


@cache
def _read_by_search(rtype: str) -> dict[tuple[str, ...], list[Json]]:
    """Return the places (keys from the top) that a search parameter reads, and what its items must say for it."""
    found: dict[tuple[str, ...], list[Json]] = {}
    for code, param in search_params(rtype).items():
        if code.startswith("_") or param.type == "composite":
            continue
        for route in param_routes(rtype, code):
            if isinstance(route, Presence):
                found.update({(key,): found.get((key,), []) for key in route.keys})
                continue
            place: tuple[str, ...] = ()
            for step in route.steps:
                if isinstance(step, Key):
                    place = (*place, step.key)
                    found.setdefault(place, [])
                elif isinstance(step, Where):
                    _note(found[place], step, param.type)
    return found


_EXTENDED: Final[dict[str, Json]] = {
    "token": {"valueCodeableConcept": DATA["CodeableConcept"]}, "string": {"valueString": "Tekst"},
    "reference": {"valueReference": {"reference": "Condition/en"}},
}  # fmt: skip


def _note(items: list[Json], asked: Where, kind: str) -> None:
    if asked.kind == "equals":
        item: Json = {asked.name: asked.value}
    elif asked.kind == "has_extension":
        item = {"url": asked.value}
    else:
        return
    if "url" in item:
        item |= _EXTENDED[kind]
    if item not in items:
        items.append(item)
