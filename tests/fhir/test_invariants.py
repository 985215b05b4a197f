"""R4's invariants: what they refuse, that the compiled ones say what the FHIRPath engine says, and what they cost."""

from __future__ import annotations

import copy
import random
import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fellesjournal.fhir import parse, validate
from fellesjournal.fhir.compile_validator import accepts
from fellesjournal.fhir.fhirpath import FhirPathError, compile_expression
from fellesjournal.fhir.invariants import Rule, rules_at, rules_of
from fellesjournal.fhir.invariants.rules import by_engine
from fellesjournal.fhir.scope import entered
from fellesjournal.fhir.structures import catalogue, is_resource, structure
from fellesjournal.fhir.walker import examine, find_faults
from tests.fhir.generated import objects, resources
from tests.fhir.samples import Json, mmhg, observation, patient, without
from tests.needs import SHARED

EXAMPLES = SHARED / "data/fhir-r4-examples-dev"
OFFICE: Json = {"resourceType": "Organization", "id": "o", "name": "Legekontoret"}
NAMELESS: Json = {"resourceType": "Organization", "active": True}
EMPLOYED = {"managingOrganization": {"reference": "#o"}}
PLACES = [path for path in catalogue().rules if path != "DomainResource" and structure(path).fields]
ABSENT = {"extension": [{"url": "http://x.no/absent", "valueCode": "unknown"}]}


def broken(resource: Json) -> list[tuple[str, str]]:
    """(key, place) of each invariant that is broken."""
    issues = validate(resource)
    assert accepts(resource) == (not issues)
    assert {issue.code for issue in issues} <= {"invariant"}, issues
    return [(issue.diagnostics.rpartition("(")[2].rstrip(")"), issue.expression) for issue in issues]


def lasting(start: str, end: str) -> Json:
    return without(observation(effectivePeriod={"start": start, "end": end}), "effectiveDateTime")


def appointment(**more: Any) -> Json:
    participant = [{"actor": {"reference": "Patient/1"}, "status": "accepted"}]
    return {"resourceType": "Appointment", "status": "booked", "participant": participant, **more}


def bundle(kind: str, *entries: Json, **more: Any) -> Json:
    return {"resourceType": "Bundle", "type": kind, "entry": list(entries), **more}


def ranged(**reference_range: Any) -> Json:
    return observation(referenceRange=[{"text": "x"}, reference_range])


def task(**more: Any) -> Json:
    return {"resourceType": "Task", "status": "ready", "intent": "order", **more}


def code_system(*concept: Json) -> Json:
    return {"resourceType": "CodeSystem", "status": "draft", "content": "complete", "concept": list(concept)}


HERE = {"resource": patient()}
THERE = {"fullUrl": "http://x.no/Patient/1", **HERE}
CODES: list[Json] = [{"code": "a"}, {"code": "b", "concept": [{"code": "a"}]}]


@pytest.mark.parametrize(
    ("resource", "key", "place"),
    [
        (observation(dataAbsentReason={"text": "x"}, valueString="y"), "obs-6", "Observation"),
        (observation(valueString="y", component=[{"code": observation()["code"]}]), "obs-7", "Observation"),
        (ranged(appliesTo=[{"text": "x"}]), "obs-3", "Observation.referenceRange[1]"),
        (ranged(low={**mmhg("1"), "comparator": "<"}), "sqty-1", "Observation.referenceRange[1].low"),
        (ranged(text="x", age={"low": mmhg("80"), "high": mmhg("70")}), "rng-2", "Observation.referenceRange[1].age"),
        (observation(valueQuantity={"value": Decimal(1), "code": "mg"}), "qty-3", "Observation.value"),
        (lasting("2026-02-01", "2026-01-01"), "per-1", "Observation.effective"),
        (lasting("2026-01-01T12:00:00+01:00", "2026-01-01T10:59:59Z"), "per-1", "Observation.effective"),
        (patient(contact=[{"gender": "male"}]), "pat-1", "Patient.contact[0]"),
        (patient(telecom=[{"value": "99"}]), "cpt-2", "Patient.telecom[0]"),
        (patient(photo=[{"data": "QQ=="}]), "att-1", "Patient.photo[0]"),
        (patient(contained=[OFFICE]), "dom-3", "Patient"),
        (patient(contained=[{**OFFICE, "meta": {"versionId": "1"}}], **EMPLOYED), "dom-4", "Patient"),
        (patient(contained=[{**OFFICE, "meta": {"security": [{"code": "R"}]}}], **EMPLOYED), "dom-5", "Patient"),
        (patient(contained=[{**NAMELESS, "id": "o"}], **EMPLOYED), "org-1", "Patient.contained[0]"),
        (NAMELESS, "org-1", "Organization"),
        ({**OFFICE, "telecom": [{"use": "work"}, {"use": "home"}]}, "org-3", "Organization.telecom[1]"),
        ({**OFFICE, "address": [{"use": "home"}]}, "org-2", "Organization.address[0]"),
        (appointment(), "app-3", "Appointment"),
        (appointment(status="proposed", start="2026-01-01T10:00:00Z"), "app-2", "Appointment"),
        (bundle("collection", HERE, {"link": [{"relation": "self", "url": "x"}]}), "bdl-5", "Bundle.entry[1]"),
        (bundle("collection", {"resource": NAMELESS}), "org-1", "Bundle.entry[0].resource"),
        (bundle("batch", HERE), "bdl-3", "Bundle"),
        (bundle("history", HERE), "bdl-4", "Bundle"),
        (bundle("searchset", THERE, THERE), "bdl-7", "Bundle"),
        (bundle("message", HERE), "bdl-12", "Bundle"),
        (bundle("document", HERE), "bdl-11", "Bundle"),
        (
            {"resourceType": "Parameters", "parameter": [{"name": "x", "part": [{"name": "y"}]}]},
            "inv-1", "Parameters.parameter[0].part[0]",
        ),
        (code_system(*CODES), "csd-1", "CodeSystem"),
        (task(authoredOn="2026-02", lastModified="2026-01"), "inv-1", "Task"),
    ],
)  # fmt: skip
def test_broken_invariant_is_named_with_its_place(resource: Json, key: str, place: str) -> None:
    assert (key, place) in broken(resource)


@pytest.mark.parametrize(
    "resource",
    [
        observation(valueString="y"),
        observation(valueString="y", component=[{"code": {"text": "x"}}, {"code": {"coding": [{"code": "85354-9"}]}}]),
        ranged(low=mmhg("1")),
        ranged(text="x", age={"low": mmhg("80"), "high": {"value": Decimal(7), "unit": "ukjent"}}),
        ranged(text="x", age={"low": mmhg("80"), "high": {"extension": [{"url": "u", "valueCode": "x"}]}}),
        lasting("2026-01-01", "2026"),
        lasting("2026-01-01T12:00:00+01:00", "2026-01-01T11:00:00Z"),
        patient(contained=[OFFICE], **EMPLOYED),
        patient(contained=[OFFICE], extension=[{"url": "u", "valueUri": "#o"}]),
        patient(contained=[{"resourceType": "Person", "id": "p", "link": [{"target": {"reference": "#"}}]}]),
        {**NAMELESS, "_name": ABSENT},
        task(authoredOn="2026-01-02", lastModified="2026"),
        appointment(start="2026-01-01T10:00:00Z", end="2026-01-01T10:20:00Z"),
        bundle("history", *[{**THERE, "request": {"method": "PUT", "url": "x"}, "response": {"status": "200"}}] * 2),
    ],
)
def test_invariant_that_holds_is_passed_over(resource: Json) -> None:
    assert broken(resource) == []


def test_ranges_in_other_units_of_the_same_kind_are_compared() -> None:
    grams = {"value": Decimal(70), "unit": "g", "system": "http://unitsofmeasure.org", "code": "g"}
    milligrams = {**grams, "value": Decimal(71_000), "code": "mg"}
    assert broken(ranged(text="x", age={"low": grams, "high": milligrams})) == []
    assert broken(ranged(text="x", age={"low": milligrams, "high": grams}))[0][0] == "rng-2"


def test_warnings_are_told_by_examine_and_refuse_nothing() -> None:
    assert validate(patient()) == []
    issues = examine(patient(telecom=[{"value": "1"}]))
    assert [(issue.severity, issue.expression) for issue in issues] == [
        ("error", "Patient.telecom[0]"),
        ("warning", "Patient"),
    ]
    assert issues[1].diagnostics.endswith("(dom-6)")


def test_an_invariant_is_not_asked_about_what_is_broken_anyway() -> None:
    issues = validate(observation(effectivePeriod={"start": "2026-02-31", "end": "2026-01-01"}, dataAbsentReason=5))
    assert {issue.code for issue in issues} == {"value", "structure"}
    both = validate(patient(birthDate="x", telecom=[{"value": "1"}]))
    assert [issue.code for issue in both] == ["invariant", "value"]


def test_every_sentence_ends_with_its_key() -> None:
    rules = [rule for path in PLACES for rule in rules_of(path)]
    assert len(rules) > 200
    assert all(rule.sentence.endswith(f" ({rule.key})") for rule in rules)


# ── As the engine says ───────────────────────────────────────────────────────────────────────────────────────────────


def asked(value: Json, path: str) -> Iterator[tuple[Rule, Any, str]]:
    """Every rule with each element of a resource that it is asked on, inside the frame of its resource."""
    shape = structure(path)
    yield from ((rule, value, path) for rule in rules_of(path))
    for key, item in value.items():
        field = shape.fields.get(key)
        for one in (item if type(item) is list else [item]) if field is not None else ():
            if field is None or one is None:
                continue
            yield from ((rule, one, field.type) for rule in rules_at(path, field))
            if type(one) is dict and field.type == "Resource":
                with entered(one, is_contained=key == "contained"):
                    yield from asked(one, one["resourceType"])
            elif type(one) is dict:
                yield from asked(one, field.type)


def answer(ask: Callable[[Any], bool], value: Any) -> bool | None:
    """None where it can't be told."""
    try:
        return ask(value)
    except FhirPathError:
        return None


def check_rules(resource: Json) -> int:
    count = 0
    with entered(resource, is_contained=False):
        for rule, value, path in asked(resource, resource["resourceType"]):
            check_rule(rule, value, path)
            count += 1
    return count


def check_rule(rule: Rule, value: Any, path: str) -> None:
    official = answer(by_engine(compile_expression(rule.expression), path), value)
    ours = answer(rule.holds, value) if rule.may_be_broken(value) else True
    # The one amendment by hand: what can't be compared is no fault.
    assert ours is (True if rule.key == "rng-2" and official is None else official), (rule.key, path)


def is_sound(resource: Json) -> bool:
    """Whether nothing but invariants is broken."""
    return all(issue.code == "invariant" for issue in find_faults(resource))


@given(st.sampled_from(PLACES), st.data())
@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
def test_compiled_invariants_say_what_the_engine_says_of_any_element(path: str, data: st.DataObject) -> None:
    element = data.draw(objects(structure(path), depth=2, inner=0))
    owner = {"resourceType": path, **element} if is_resource(path) else {"resourceType": "Basic"}
    with entered(owner, is_contained=False):
        for rule in rules_of(path):
            check_rule(rule, owner if is_resource(path) else element, path)


@pytest.mark.needs("shared")
def test_compiled_invariants_say_what_the_engine_says_of_examples_and_changed_ones() -> None:
    chance = random.Random(7)
    checked = 0
    for path in sorted(EXAMPLES.glob("*.json")):
        example = parse(path.read_bytes())
        for resource in (example, *(changed(example, chance) for _ in range(40))):
            if is_sound(resource):
                checked += check_rules(resource)
    assert checked > 20_000


def changed(example: Json, chance: random.Random) -> Json:
    """A copy with some elements gone, doubled, taken from elsewhere in it, or without a plain value."""
    resource = copy.deepcopy(example)
    for _ in range(chance.randint(1, 4)):
        all_places = list(places(resource))
        holder, key = chance.choice(all_places)
        if key == "resourceType":
            continue
        value = holder.pop(key)
        match chance.randint(0, 3):
            case 0:
                other, name = chance.choice([place for place in all_places if place[0] is not holder] or [({}, "")])
                if name in other:
                    holder[key] = copy.deepcopy(other[name])
            case 1 if type(value) in (str, bool):
                holder[f"_{key}"] = copy.deepcopy(ABSENT)
            case 2 if type(value) is list:
                holder[key] = value + copy.deepcopy(value)
    return resource


def places(value: Any) -> Iterator[tuple[Json, str]]:
    """Every (object, property) of a document."""
    if type(value) is dict:
        yield from ((value, key) for key in list(value))
    for item in list(value.values()) if type(value) is dict else value:
        if type(item) in (dict, list):
            yield from places(item)


@given(resource=resources(), seed=st.integers(0, 1000))
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
def test_whatever_the_fast_path_accepts_has_no_faults(resource: Json, seed: int) -> None:
    other = changed(resource, random.Random(seed))
    assert not (accepts(other) and find_faults(other))


# ── What it costs ────────────────────────────────────────────────────────────────────────────────────────────────────

MANY = 20_000


def many_contained() -> Json:
    """Each refers to the next, the last to the first."""
    ring = [
        {"resourceType": "Device", "id": f"d{n}", "parent": {"reference": f"#d{(n + 1) % MANY}"}} for n in range(MANY)
    ]
    return patient(contained=ring)


def many_components() -> Json:
    own = [{"system": "http://x.no", "code": str(n)} for n in range(MANY)]
    return observation(
        code={"coding": own}, valueString="x",
        component=[{"code": {"coding": [{"system": "http://y.no", "code": "1"}]}}] * MANY,
    )  # fmt: skip


def many_entries() -> Json:
    return bundle("collection", *({"fullUrl": f"http://x.no/{n}", **HERE} for n in range(MANY)))


def many_codes() -> Json:
    return code_system(*({"code": str(n)} for n in range(MANY)))


def deep_questions() -> Json:
    item: Json = {"linkId": "0", "type": "group", "item": [{"linkId": "x", "type": "string"}]}
    for n in range(1, 40):
        item = {"linkId": str(n), "type": "group", "item": [item]}
    return {"resourceType": "Questionnaire", "status": "draft", "item": [item]}


def many_elements() -> Json:
    paths = ["Patient", *(f"Patient.x{n}" for n in range(MANY // 20))]
    element = [{"id": path, "path": path, "min": 0, "max": "1"} for path in paths]
    return {
        "resourceType": "StructureDefinition", "url": "http://x.no/s", "name": "S", "status": "draft",
        "kind": "resource", "abstract": False, "type": "Patient", "derivation": "constraint",
        "baseDefinition": "http://hl7.org/fhir/StructureDefinition/Patient", "differential": {"element": element},
    }  # fmt: skip


@pytest.mark.parametrize(
    "make", [many_contained, many_components, many_entries, many_codes, deep_questions, many_elements]
)
def test_large_resource_is_checked_in_linear_time(make: Callable[[], Json]) -> None:
    resource = make()
    start = time.process_time()
    assert validate(resource) == []
    assert time.process_time() - start < 5


def test_what_takes_too_much_work_is_refused_in_time() -> None:
    """ig-1 asks for each resource whether its grouping is among all groupings."""
    groups = [{"id": str(n), "name": "x"} for n in range(5_000)]
    content = [{"reference": {"reference": "Patient/1"}, "groupingId": str(n)} for n in range(5_000)]
    guide: Json = {
        "resourceType": "ImplementationGuide", "url": "http://x.no/ig", "name": "X", "status": "draft",
        "packageId": "x", "fhirVersion": ["4.0.1"], "definition": {"grouping": groups, "resource": content},
    }  # fmt: skip
    start = time.process_time()
    issues = validate(guide)
    assert time.process_time() - start < 10
    assert [(issue.code, issue.expression) for issue in issues] == [("too-costly", "ImplementationGuide.definition")]


def test_invariants_are_compiled_type_by_type_on_first_use() -> None:
    rules_of.cache_clear()
    start = time.process_time()
    for path in ("Patient", "Observation", "Encounter", "HumanName", "Period", "Quantity", "Reference"):
        rules_of(path)
    assert time.process_time() - start < 0.1
