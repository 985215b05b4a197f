"""How a function is described to the compiler."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from fellesjournal.fhir.fhirpath.environment import Environment
from fellesjournal.fhir.fhirpath.nodes import Items

# Compiled expressions: one gives a collection, the other a truth (None is the empty collection).
Listed = Callable[[Environment], Items]
Decided = Callable[[Environment], bool | None]
TypeCheck = Callable[[Any], bool]


@dataclass(frozen=True, slots=True)
class Function:
    """One function: `run(items, env, *arguments)`.

    `takes` says how its arguments come: as evaluated collections (in the scope outside of the function), as conditions
    or expressions that it evaluates itself for each item, or as a check of types. One that `decides` returns a truth.
    """

    run: Callable[..., Any]
    least: int = 0
    most: int = 0
    takes: Literal["values", "conditions", "expressions", "type"] = "values"
    decides: bool = False
