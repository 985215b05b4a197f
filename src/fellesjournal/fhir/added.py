"""Index rows of search parameters that were added: what their FHIRPath expressions find, written as any other value.

An expression that fails on a resource, or takes too much work, finds nothing in it.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final

from fellesjournal.fhir.emitters import MIXED, emitter
from fellesjournal.fhir.fhirpath import FhirPathError, Node, Work
from fellesjournal.fhir.fhirpath.functions.tree import as_json
from fellesjournal.fhir.fhirpath.nodes import step
from fellesjournal.fhir.fhirpath.types import system_name
from fellesjournal.fhir.index_rows import Sink
from fellesjournal.fhir.registry import AddedParam
from fellesjournal.fhir.spans import Emit

MAX_WORK: Final = 20_000
MAX_SECONDS: Final = 0.25
MAX_VALUES: Final = 1_000

_SYSTEM_TYPES: Final = {
    "Boolean": "boolean", "Integer": "integer", "Decimal": "decimal", "String": "string", "Date": "date",
    "DateTime": "dateTime", "Quantity": "Quantity",
}  # fmt: skip


def write_added(added: AddedParam, resource: dict[str, Any], sink: Sink) -> bool:
    """Write the rows of one added parameter; whether its expression could be evaluated."""
    try:
        found = added.expression.nodes(resource, work=Work(most=MAX_WORK, seconds=MAX_SECONDS))
    except FhirPathError:
        return False
    if len(found) > MAX_VALUES:
        return False
    kind = MIXED if added.param.type == "token" else added.param.type
    for type_name, value in _values(found):
        emit = _emit(kind, type_name, added.param.id)
        if emit is not None:
            emit(value, sink)
    return True


def _values(items: list[Any]) -> list[tuple[str, Any]]:
    """(type, JSON value) of what was found; an extension stands for its value."""
    found: list[tuple[str, Any]] = []
    for item in items:
        if type(item) is not Node:
            found.append((_SYSTEM_TYPES.get(system_name(item), ""), as_json(item)))
        elif item.type.name == "Extension":
            found += _values(step([item], "value"))
        elif item.value is not None:
            found.append((item.type.name, item.value))
    return found


@lru_cache(maxsize=512)
def _emit(kind: str, type_name: str, param: int) -> Emit | None:
    return emitter(kind, type_name=type_name, params=(param,))
