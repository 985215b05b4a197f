"""The targets that references may have: their type by what the reference says, and whole where they are at hand.

Source: https://hl7.org/fhir/R4/elementdefinition-definitions.html#ElementDefinition.type.targetProfile.
"""

from __future__ import annotations

from fellesjournal.fhir.fhirpath import Node
from fellesjournal.fhir.profile.base import base_type
from fellesjournal.fhir.profile.elements import TypeRef
from fellesjournal.fhir.profile.library import Library
from fellesjournal.fhir.profile.references import Target
from fellesjournal.fhir.profile.run import Checked, Run
from fellesjournal.fhir.profile.spots import Label
from fellesjournal.fhir.resource_types import RESOURCE_TYPES

_ANY = {"Resource", "DomainResource"}


def target_rule(types: tuple[TypeRef, ...], *, label: Label, library: Library) -> Checked:
    """Compile what the references of an element may point to."""
    allowed = tuple(dict.fromkeys(target for one in types for target in one.targets))
    named = {target: library.constrained_type(target) for target in allowed}
    modes = frozenset(mode for one in types for mode in one.aggregation)

    def check(node: Node, run: Run) -> None:
        if node.type.name not in {"Reference", "canonical", "uri"}:
            return
        target = run.targets.of(node)
        if modes and _says_something(node) and target.place not in modes:
            told = f"must be {' or '.join(sorted(modes))}, not {target.place}"
            run.fault(label, "structure", node, told)
        if allowed and node.type.name == "Reference":
            _check_target(node, target, named, label, run)

    return check


def _says_something(node: Node) -> bool:
    return type(node.value) is str or (type(node.value) is dict and "reference" in node.value)


def _check_target(node: Node, target: Target, named: dict[str, str | None], label: Label, run: Run) -> None:
    if target.type_name is None:
        return
    fitting = [url for url, type_name in named.items() if _fits(target.type_name, type_name)]
    if not fitting:
        run.fault(label, "structure", node, f"must refer to {_listed(named)}, not to {_article(target.type_name)}")
    elif target.node is not None and not any(base_type(url) for url in fitting):
        _check_resource(node, target.node, fitting, label, run)


def _fits(actual: str, wanted: str | None) -> bool:
    return wanted is None or wanted in _ANY or wanted == actual


def _check_resource(node: Node, resource: Node, profiles: list[str], label: Label, run: Run) -> None:
    if len(profiles) == 1:
        run.later(resource, profiles[0])
        return
    told = [run.conforms(resource, profile) for profile in profiles]
    if True in told:
        run.later(resource, profiles[told.index(True)])
    elif None not in told:
        text = f"must refer to a resource that conforms to one of {', '.join(profiles)}"
        run.fault(label, "structure", node, f"{text}; {run.nearest(resource, profiles)}")


def _listed(named: dict[str, str | None]) -> str:
    parts = ((_article(name or ""), "" if base_type(url) else f" ({url})") for url, name in named.items())
    return " or ".join(f"{what}{where}" for what, where in parts)


def _article(name: str) -> str:
    if name in RESOURCE_TYPES:
        return f"an {name}" if name[0] in "AEIO" else f"a {name}"
    return f"a resource {name}".strip()
