"""Every expression that R4 itself publishes compiles, and its invariants hold for its examples."""

from __future__ import annotations

import json
import tarfile
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from fellesjournal.fhir import parse
from fellesjournal.fhir.fhirpath import Evaluation, Node, check_expression, compile_expression, resource_node
from fellesjournal.fhir.fhirpath.nodes import children
from fellesjournal.fhir.structures import catalogue, is_resource, structure
from tests.needs import SHARED

PACKAGE = SHARED / "data" / "fhir-r4-core" / "hl7.fhir.r4.core-4.0.1.tgz"
EXAMPLES = SHARED / "data" / "fhir-r4-examples-dev"

# The narrative has nothing in it but white space, which txt-2 forbids: the example is wrong.
WRONG_EXAMPLES = {("EventDefinition-example.json", "txt-1"), ("EventDefinition-example.json", "txt-2")}


def test_every_search_parameter_compiles_and_leads_somewhere() -> None:
    checked = 0
    for param in catalogue().params:
        for base in param.base:
            if param.expression and is_resource(base):
                parts = [part.strip() for part in param.expression.split(" | ")]
                own = [part for part in parts if part.lstrip("(").startswith(base + ".")]
                compile_expression(param.expression)
                for part in own:
                    check_expression(part, type_name=base)
                    checked += 1
    assert checked > 1500


@pytest.mark.needs("shared")
def test_every_invariant_of_the_core_package_compiles() -> None:
    expressions = {rule["expression"] for _, rule in _constraints(of_profiles=True)}
    assert len(expressions) > 200
    for expression in expressions:
        compile_expression(expression)


@pytest.mark.needs("shared")
@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.json")), ids=lambda path: path.stem)
def test_every_invariant_holds_for_the_example(path: Path) -> None:
    resource = parse(path.read_bytes())
    if "resourceType" not in resource:
        pytest.skip("no resource")
    root = resource_node(resource)
    evaluation = Evaluation(root)
    broken = {
        rule["key"]
        for node, place in _elements(root, root.type.name)
        for rule in _rules_for(node, place)
        if not evaluation.holds(compile_expression(rule["expression"]), node, resource=_resource_of(node))
    }
    assert {key for key in broken if (path.name, key) not in WRONG_EXAMPLES} == set()


def _rules_for(node: Node, place: str) -> list[dict[str, Any]]:
    rules = _rules()
    found = {rule["key"]: rule for name in (place, node.type.name) for rule in rules.get(name, [])}
    return list(found.values())


def _elements(node: Node, place: str) -> Iterator[tuple[Node, str]]:
    yield node, place
    for child in children([node]):
        field = structure(node.type.name).fields[child.key]
        yield from _elements(child, f"{node.type.name}.{field.name}")


def _resource_of(node: Node) -> Node:
    while "Resource" not in node.type.ancestors and node.owner is not None:
        node = node.owner
    return node


@cache
def _rules() -> dict[str, list[dict[str, Any]]]:
    found = defaultdict(list)
    for place, rule in _constraints(of_profiles=False):
        if rule["severity"] == "error":
            found[place.replace("[x]", "")].append(rule)
    return dict(found)


def _constraints(*, of_profiles: bool) -> Iterator[tuple[str, dict[str, Any]]]:
    for definition in _definitions():
        if definition.get("derivation") == "constraint" and not of_profiles:
            continue
        for element in definition.get("snapshot", {}).get("element", []):
            for rule in element.get("constraint", []):
                if "expression" in rule:
                    yield element["path"], rule


@cache
def _definitions() -> list[dict[str, Any]]:
    with tarfile.open(PACKAGE) as tar:
        names = [m for m in tar if m.name.startswith("package/StructureDefinition-")]
        return [json.load(file) for member in names if (file := tar.extractfile(member))]
