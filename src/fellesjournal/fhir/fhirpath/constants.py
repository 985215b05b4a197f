"""Constants from outside: `%resource`, `%ucum`, `%`vs-…``, and what the caller gives."""

from __future__ import annotations

from typing import Final

from fellesjournal.fhir.fhirpath.environment import Environment
from fellesjournal.fhir.fhirpath.errors import FhirPathError
from fellesjournal.fhir.fhirpath.functions.model import Listed
from fellesjournal.fhir.fhirpath.nodes import Items, Node

_FIXED: Final = {
    "ucum": "http://unitsofmeasure.org",
    "sct": "http://snomed.info/sct",
    "loinc": "http://loinc.org",
}
_PREFIXES: Final = {
    "vs-": "http://hl7.org/fhir/ValueSet/",
    "ext-": "http://hl7.org/fhir/StructureDefinition/",
}


def constant(name: str, *, at: int) -> Listed:
    """Compile `%name`; one that nobody gave is an error when it is asked for."""
    if name == "resource":
        return lambda env: _present(env.resource)
    if name == "context":
        return lambda env: env.context
    if name == "rootResource":
        return lambda env: _present(env.root)
    fixed = _fixed(name)
    if fixed is not None:
        items: Items = [fixed]
        return lambda _env: items

    def given(env: Environment) -> Items:
        try:
            return env.variables[name]
        except KeyError:
            raise FhirPathError(f"there is no %{name[:60]}", position=at) from None

    return given


def _fixed(name: str) -> str | None:
    if name in _FIXED:
        return _FIXED[name]
    for prefix, url in _PREFIXES.items():
        if name.startswith(prefix):
            return url + name.removeprefix(prefix)
    return None


def _present(node: Node | None) -> Items:
    return [] if node is None else [node]
