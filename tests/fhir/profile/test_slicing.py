"""Slices: every discriminator, every rule, slices in slices."""

from __future__ import annotations

from fellesjournal.fhir.profile import Profiles
from tests.fhir.profile.definitions import (
    CORE,
    DNR,
    FNR,
    URL,
    Held,
    Json,
    asked,
    coded,
    element,
    extension,
    identifier,
    observation,
    patient,
    places,
    profile,
    sliced,
    told,
)


def by_system(*, rules: str = "open", ordered: bool = False, kind: str = "value") -> Json:
    return profile(
        "identified",
        element("Patient.identifier", slicing=sliced((kind, "system"), rules=rules, ordered=ordered), min=1),
        element("Patient.identifier:FNR", max_="1"),
        element("Patient.identifier:FNR.system", min=1, fixedUri=FNR),
        element("Patient.identifier:FNR.value", min=1, maxLength=11),
        element("Patient.identifier:DNR", max_="1"),
        element("Patient.identifier:DNR.system", min=1, patternUri=DNR),
    )


def test_each_slice_asks_its_own_of_its_items() -> None:
    good = patient(identifier=[identifier(FNR), identifier(DNR), identifier("urn:other")])
    bad = patient(identifier=[{"system": DNR}, {"system": FNR}])
    assert told(good, by_system()) == []
    assert told(bad, by_system()) == [
        "error Patient.identifier[1].value: Patient.identifier.value in the slice 'FNR' must be given"
    ]


def test_the_items_of_a_slice_are_counted_and_so_are_all_items() -> None:
    assert told(patient(identifier=[identifier(FNR, "1"), identifier(FNR, "2")]), by_system()) == [
        "error Patient.identifier: Patient.identifier in the slice 'FNR' must be given at most once, not 2 times"
    ]
    assert places(patient(), by_system()) == ["Patient.identifier"]


def test_a_slice_that_must_be_there_is_missed() -> None:
    needed = profile(
        "needed",
        element("Patient.identifier", slicing=sliced(("value", "system"))),
        element("Patient.identifier:FNR", min=1),
        element("Patient.identifier:FNR.system", fixedUri=FNR),
    )
    assert told(patient(identifier=[identifier(DNR)]), needed) == [
        "error Patient.identifier: Patient.identifier in the slice 'FNR' must be given"
    ]


def test_closed_slicing_allows_nothing_beside_its_slices() -> None:
    resource = patient(identifier=[identifier(FNR), identifier("urn:other")])
    assert told(resource, by_system(rules="closed")) == [
        "error Patient.identifier[1]: Patient.identifier must fit one of the slices 'FNR', 'DNR'"
    ]


def test_open_at_end_allows_others_after_the_slices_only() -> None:
    late = patient(identifier=[identifier(FNR), identifier("urn:other")])
    early = patient(identifier=[identifier("urn:other"), identifier(FNR)])
    assert places(late, by_system(rules="openAtEnd")) == []
    assert places(early, by_system(rules="openAtEnd")) == ["Patient.identifier[0]"]


def test_ordered_slices_stand_in_their_order() -> None:
    right = patient(identifier=[identifier(FNR), identifier("urn:other"), identifier(DNR)])
    wrong = patient(identifier=[identifier(DNR), identifier(FNR)])
    assert places(right, by_system(ordered=True)) == []
    assert places(wrong, by_system(ordered=True)) == ["Patient.identifier[1]"]
    assert places(wrong, by_system()) == []


def test_default_slice_takes_what_no_other_takes() -> None:
    default = profile(
        "default",
        element("Patient.identifier", slicing=sliced(("value", "system"), rules="closed")),
        element("Patient.identifier:FNR", max_="1"),
        element("Patient.identifier:FNR.system", min=1, fixedUri=FNR),
        element("Patient.identifier:@default", max_="*"),
        element("Patient.identifier:@default.assigner", min=1),
    )
    assert places(patient(identifier=[identifier(FNR), identifier("urn:x")]), default) == [
        "Patient.identifier[1].assigner"
    ]


def test_an_item_that_fits_two_slices_is_a_fault() -> None:
    overlapping = profile(
        "overlapping",
        element("Observation.category", slicing=sliced(("pattern", "$this"))),
        element("Observation.category:a", max_="1", patternCodeableConcept=coded("urn:c", "a")),
        element("Observation.category:b", max_="1", patternCodeableConcept=coded("urn:c", "b")),
        of="Observation",
    )
    both = observation(category=[{"coding": [{"system": "urn:c", "code": "a"}, {"system": "urn:c", "code": "b"}]}])
    assert told(both, overlapping) == [
        "error Observation.category[0]: Observation.category must fit only one slice, and fits 'a', 'b'"
    ]


def test_pattern_of_the_whole_is_a_pattern_of_its_parts() -> None:
    """HAPI and Firely disagree here (firely-validator-api #336); what is said of the whole is said of its parts."""
    parts = profile(
        "parts",
        element("Observation.component", slicing=sliced(("value", "code.coding.code"))),
        element("Observation.component:a", min=1),
        element("Observation.component:a.code", patternCodeableConcept=coded("urn:c", "a")),
        of="Observation",
    )
    held = [{"code": coded("urn:c", "b"), "valueInteger": 1}]
    assert places(observation(component=held), parts) == ["Observation.component"]
    held.append({"code": coded("urn:c", "a"), "valueInteger": 1})
    assert places(observation(component=held), parts) == []


def test_a_pattern_leaves_room_for_what_the_parts_say() -> None:
    both = profile(
        "both",
        element("Patient.identifier", slicing=sliced(("value", "use"))),
        element("Patient.identifier:old", min=1, patternIdentifier={"system": FNR}),
        element("Patient.identifier:old.use", fixedCode="old"),
    )
    assert places(patient(identifier=[identifier(FNR) | {"use": "old"}]), both) == []
    assert places(patient(identifier=[identifier(DNR) | {"use": "old"}]), both) == ["Patient.identifier[0]"]
    assert places(patient(identifier=[identifier(FNR)]), both) == ["Patient.identifier"]


def test_slices_are_told_apart_by_values_in_slices_below() -> None:
    """The blood pressure of R4 itself is sliced so: by `code.coding.code`, fixed in a slice of the codings."""
    deep = profile(
        "deep",
        element(
            "Observation.component", slicing=sliced(("value", "code.coding.code"), ("value", "code.coding.system"))
        ),
        element("Observation.component:sys", min=1),
        element("Observation.component:sys.code.coding", slicing=sliced(("value", "code"), ("value", "system"))),
        element("Observation.component:sys.code.coding:loinc", min=1),
        element("Observation.component:sys.code.coding:loinc.system", min=1, fixedUri="http://loinc.org"),
        element("Observation.component:sys.code.coding:loinc.code", min=1, fixedCode="8480-6"),
        of="Observation",
    )
    more = {"coding": [{"system": "urn:own", "code": "x"}, {"system": "http://loinc.org", "code": "8480-6"}]}
    assert places(observation(component=[{"code": more, "valueInteger": 1}]), deep) == []
    assert places(observation(component=[{"code": coded("urn:own", "x"), "valueInteger": 1}]), deep) == [
        "Observation.component"
    ]


def test_exists_tells_slices_apart_by_what_is_there() -> None:
    present = profile(
        "present",
        element("Patient.contact", slicing=sliced(("exists", "organization"), rules="closed")),
        element("Patient.contact:work", max_="*"),
        element("Patient.contact:work.organization", min=1),
        element("Patient.contact:work.telecom", min=1),
        element("Patient.contact:home", max_="*"),
        element("Patient.contact:home.organization", max_="0"),
        element("Patient.contact:home.name", min=1),
    )
    at_work = {"organization": {"display": "A"}}
    at_home = {"telecom": [{"value": "1"}]}
    assert places(patient(contact=[at_work, at_home]), present) == [
        "Patient.contact[0].telecom",
        "Patient.contact[1].name",
    ]


def test_type_tells_choices_apart() -> None:
    typed = profile(
        "typed",
        element("Observation.value[x]", slicing=sliced(("type", "$this"), rules="closed")),
        element("Observation.value[x]:valueQuantity", type=[{"code": "Quantity"}]),
        element("Observation.value[x]:valueQuantity.unit", min=1),
        element("Observation.value[x]:valueString", type=[{"code": "string"}], maxLength=3),
        of="Observation",
    )
    assert places(observation(valueQuantity={"value": 1}), typed) == ["Observation.value.unit"]
    assert places(observation(valueString="abcd"), typed) == ["Observation.value"]
    assert places(observation(valueString="abc"), typed) == []
    assert places(observation(valueInteger=1), typed) == ["Observation.value"]


def test_short_form_of_a_choice_allows_no_other_type() -> None:
    short = profile(
        "short",
        {"id": "Observation.valueQuantity", "path": "Observation.valueQuantity", "min": 1},
        {"id": "Observation.valueQuantity.code", "path": "Observation.valueQuantity.code", "fixedCode": "mm"},
        of="Observation",
    )
    assert places(observation(valueQuantity={"value": 1, "code": "mm"}), short) == []
    assert places(observation(valueQuantity={"value": 1, "code": "cm"}), short) == ["Observation.value.code"]
    assert "Observation.value" in places(observation(valueString="a"), short)


def test_type_of_what_a_reference_resolves_to_tells_slices_apart() -> None:
    targets = profile(
        "targets",
        element("Observation.performer", slicing=sliced(("type", "resolve()"), rules="closed")),
        element(
            "Observation.performer:who",
            max_="1",
            type=[{"code": "Reference", "targetProfile": [CORE + "Practitioner"]}],
        ),
        element(
            "Observation.performer:where",
            max_="1",
            type=[{"code": "Reference", "targetProfile": [CORE + "Organization"]}],
        ),
        of="Observation",
    )
    who, where, other = ({"reference": f"{name}/1"} for name in ("Practitioner", "Organization", "CareTeam"))
    contained = observation(
        contained=[{"resourceType": "Organization", "id": "o"}], performer=[who, {"reference": "#o"}]
    )
    assert places(contained, targets) == []
    assert places(observation(performer=[who, where, other]), targets) == ["Observation.performer[2]"]
    assert places(observation(performer=[where, where]), targets) == ["Observation.performer"]
    assert places(observation(performer=[{"display": "unknown"}]), targets) == []


def test_profile_tells_slices_apart() -> None:
    adult = profile("adult", element("Patient.birthDate", min=1))
    group = profile(
        "group",
        element("Bundle.entry", slicing=sliced(("profile", "resource"), rules="closed")),
        element("Bundle.entry:adult", min=1, max_="1"),
        element("Bundle.entry:adult.resource", min=1, type=[{"code": "Patient", "profile": [URL + "adult"]}]),
        element("Bundle.entry:note", max_="1"),
        element("Bundle.entry:note.resource", min=1, type=[{"code": "Observation"}]),
        of="Bundle",
    )
    one, two = patient(birthDate="2000"), patient()
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": one}]}
    assert places(bundle, group, adult) == []
    bundle["entry"] = [{"resource": two}, {"resource": observation()}]
    assert places(bundle, group, adult) == ["Bundle.entry[0]", "Bundle.entry"]


def test_profile_of_what_a_reference_resolves_to_tells_slices_apart() -> None:
    named = profile("named", element("Practitioner.name", min=1), of="Practitioner")
    slices = profile(
        "slices",
        element("Observation.performer", slicing=sliced(("profile", "resolve()"))),
        element("Observation.performer:named", min=1, type=[{"code": "Reference", "targetProfile": [URL + "named"]}]),
        of="Observation",
    )
    with_name = {"resourceType": "Practitioner", "id": "p", "name": [{"family": "Å"}]}
    without = {"resourceType": "Practitioner", "id": "p"}
    refers = [{"reference": "#p"}]
    assert places(observation(contained=[with_name], performer=refers), slices, named) == []
    assert places(observation(contained=[without], performer=refers), slices, named) == ["Observation.performer"]
    elsewhere = observation(performer=[{"reference": "Practitioner/9"}])
    assert places(elsewhere, slices, named) == []  # it may be the one: that cannot be told here


def test_value_behind_a_reference_tells_slices_apart() -> None:
    behind = profile(
        "behind",
        element("Observation.hasMember", slicing=sliced(("value", "resolve().code"))),
        element("Observation.hasMember:hdl", min=1, type=[{"code": "Reference", "targetProfile": [URL + "hdl"]}]),
        of="Observation",
    )
    hdl = profile("hdl", element("Observation.code", patternCodeableConcept=coded("urn:c", "hdl")), of="Observation")
    held = observation(id="m", code=coded("urn:c", "hdl"))
    refers = [{"reference": "#m"}]
    assert places(observation(contained=[held], hasMember=refers), behind, hdl) == []
    assert places(observation(hasMember=[{"reference": "Observation/1"}]), behind, hdl) == []
    held["code"] = coded("urn:c", "ldl")
    assert places(observation(contained=[held], hasMember=refers), behind, hdl) == ["Observation.hasMember"]


def test_value_of_an_extension_tells_slices_apart() -> None:
    kind = extension("kind", element("Extension.value[x]", min=1, type=[{"code": "code"}]))
    by_kind = profile(
        "by-kind",
        element("Patient.address", slicing=sliced(("value", f"extension('{URL}kind').value"))),
        element("Patient.address:official", min=1),
        element("Patient.address:official.extension", slicing=sliced(("value", "url"))),
        element(
            "Patient.address:official.extension:kind", min=1, type=[{"code": "Extension", "profile": [URL + "kind"]}]
        ),
        element("Patient.address:official.extension:kind.value[x]", fixedCode="official"),
        element("Patient.address:official.city", min=1),
    )
    marked: Json = {"extension": [{"url": URL + "kind", "valueCode": "official"}], "text": "A"}
    assert places(patient(address=[marked]), by_kind, kind) == ["Patient.address[0].city"]
    marked["extension"][0]["valueCode"] = "other"
    assert places(patient(address=[marked]), by_kind, kind) == ["Patient.address"]


def test_slices_are_sliced_again() -> None:
    again = profile(
        "again",
        element("Patient.identifier", slicing=sliced(("value", "system"))),
        element("Patient.identifier:FNR", slicing=sliced(("value", "use"))),
        element("Patient.identifier:FNR.system", min=1, fixedUri=FNR),
        element("Patient.identifier:FNR/old", max_="1"),
        element("Patient.identifier:FNR/old.use", min=1, fixedCode="old"),
        element("Patient.identifier:FNR/old.period", min=1),
    )
    old = identifier(FNR) | {"use": "old"}
    other = {"system": DNR, "use": "old"}
    assert places(patient(identifier=[identifier(FNR), old, other]), again) == ["Patient.identifier[1].period"]


def test_slices_stand_in_slices() -> None:
    nested = profile(
        "nested",
        element("Patient.contact", slicing=sliced(("value", "gender"))),
        element("Patient.contact:f", max_="*"),
        element("Patient.contact:f.gender", min=1, fixedCode="female"),
        element("Patient.contact:f.telecom", slicing=sliced(("value", "system"))),
        element("Patient.contact:f.telecom:phone", min=1),
        element("Patient.contact:f.telecom:phone.system", min=1, fixedCode="phone"),
    )
    email = {"telecom": [{"system": "email", "value": "a"}]}
    assert told(patient(contact=[{"gender": "female", **email}, {"gender": "male", **email}]), nested) == [
        "error Patient.contact[0].telecom: Patient.contact.telecom in the slice 'f', 'phone' must be given"
    ]


def test_a_derived_profile_goes_on_with_the_slices_of_its_base() -> None:
    derived = profile(
        "derived",
        element("Patient.identifier:FNR", min=1),
        element("Patient.identifier:FNR.period", min=1),
        base=URL + "identified",
    )
    assert places(patient(identifier=[identifier(DNR)]), derived, by_system()) == ["Patient.identifier"]
    assert places(patient(identifier=[{"system": FNR}]), derived, by_system()) == [
        "Patient.identifier[0].value",
        "Patient.identifier[0].period",
    ]


def test_slices_that_nothing_tells_apart_are_said_not_to_be_checked() -> None:
    unclear = profile(
        "unclear",
        element("Patient.identifier", slicing=sliced(("value", "system"), rules="closed")),
        element("Patient.identifier:any", min=1, max_="1"),
    )
    report = Profiles(Held(unclear)).check(
        patient(identifier=[identifier(FNR), identifier(DNR)]), profiles=[unclear["url"]]
    )
    assert report.is_valid
    assert [(i.severity, i.code, i.expression) for i in report.issues] == [("information", "not-supported", "Patient")]
    assert "in the slice 'any'" in report.issues[0].diagnostics


def bound_to(value_set: str) -> Json:
    return profile(
        "bound",
        element("Observation.category", slicing=sliced(("value", "$this"))),
        element("Observation.category:known", min=1, binding={"strength": "required", "valueSet": value_set}),
        of="Observation",
    )


def test_a_value_set_that_holds_for_all_items_tells_none_apart() -> None:
    """R4 binds `use` of every identifier: a slice that says nothing of `use` takes items without one."""
    two = profile(
        "two",
        element("Patient.identifier", slicing=sliced(("value", "system"), ("value", "use"))),
        element("Patient.identifier:FNR", min=1),
        element("Patient.identifier:FNR.system", min=1, fixedUri=FNR),
    )
    assert places(patient(identifier=[identifier(FNR)]), two) == []
    assert places(patient(identifier=[identifier(FNR) | {"use": "old"}]), two) == []
    whole = profile(
        "whole",
        element("Patient.identifier", slicing=sliced(("value", "$this"))),
        element("Patient.identifier:FNR", min=1),
        element("Patient.identifier:FNR.system", fixedUri=FNR),
    )
    assert places(patient(identifier=[identifier(FNR)]), whole) == []


def test_a_discriminator_of_another_version_of_fhir_tells_nothing_apart() -> None:
    later = profile(
        "later",
        element("Patient.identifier", slicing=sliced(("position", "$this"))),
        element("Patient.identifier:first", min=1, patternIdentifier=identifier(FNR)),
    )
    assert places(patient(), later) == []


def test_a_value_set_that_lists_its_codes_tells_slices_apart() -> None:
    listed = {
        "resourceType": "ValueSet",
        "url": URL + "vs",
        "compose": {"include": [{"system": "urn:c", "concept": [{"code": "a"}]}, {"system": "urn:whole"}]},
    }
    for category, expected in [("urn:c|a", []), ("urn:whole|x", []), ("urn:c|b", ["Observation.category"])]:
        system, _, code = category.partition("|")
        resource = observation(category=[coded(system, code)])
        assert places(resource, bound_to(URL + "vs"), listed) == expected


def test_a_value_set_that_only_terminology_knows_becomes_a_question() -> None:
    resource = observation(category=[coded("urn:c", "a"), coded("urn:c", "b")])
    assert places(resource, bound_to(URL + "vs")) == []
    (question,) = asked(resource, bound_to(URL + "vs"))
    assert (question.value_set, question.strength, question.path) == (URL + "vs", "required", "Observation.category")
    assert [c.code for c in question.codings] == ["a", "b"]
