"""Expressions checked against the definitions, before there is a resource."""

from __future__ import annotations

import pytest

from fellesjournal.fhir.fhirpath import FhirPathError, check_expression


@pytest.mark.parametrize(
    ("expression", "type_name"),
    [
        ("Patient.name.given", "Patient"),
        ("name.where(use = 'official').given.first()", "Patient"),
        ("name.select(given | family).count()", "Patient"),
        ("value.unit", "Observation"),
        ("(value as Period).start", "Observation"),
        ("value.ofType(Range).low.value", "Observation"),
        ("component.value.coding", "Observation"),
        ("code.text", "Observation.component"),
        ("subject.resolve().anything", "Observation"),
        ("contained.anything", "Patient"),
        ("descendants().anything", "Patient"),
        ("birthDate.extension('urn:a').value.start", "Patient"),
        ("iif(active, name.first(), contact.name).family", "Patient"),
        ("item.repeat(item).linkId", "Questionnaire"),
        ("name.exists(family.exists() and $this.use = 'x')", "Patient"),
        ("Patient.name", "Resource"),
        ("DomainResource.text", "Patient"),
        ("name.all($this is HumanName)", "Patient"),
        ("(1 'mg').value > 1", "Patient"),
        ("-multipleBirth", "Patient"),
    ],
)
def test_expression_that_leads_somewhere(expression: str, type_name: str) -> None:
    check_expression(expression, type_name=type_name)


@pytest.mark.parametrize(
    ("expression", "type_name", "position"),
    [
        ("Patient.name.given1", "Patient", 13),
        ("Encounter.name", "Patient", 0),
        ("name.where(used = 'x')", "Patient", 11),
        ("valueQuantity.unit", "Observation", 0),
        ("value.ofType(Period).low", "Observation", 21),
        ("name.exists() and nme.exists()", "Patient", 18),
        ("name.first().given[0].length", "Patient", 22),
        ("'a'.length", "Patient", 4),
        ("children().skip(1)", "Patient", 11),
        ("descendants()[0]", "Patient", 13),
        ("name.select(given).family", "Patient", 19),
        ("telecom.sort(valu)", "Patient", 13),
        ("name.whre(true)", "Patient", 5),
        ("iif('text', 1, 2)", "Patient", 4),
        ("name.where(1 | 2)", "Patient", 13),
        ("1 +", "Patient", 3),
    ],
)
def test_expression_that_leads_nowhere_is_refused_with_its_position(
    expression: str, type_name: str, position: int
) -> None:
    with pytest.raises(FhirPathError) as refused:
        check_expression(expression, type_name=type_name)
    assert refused.value.position == position
