"""`_list`: the members of a List, or R4's functional lists, which are conditions on the resources themselves.

Source: https://hl7.org/fhir/R4/lifecycle.html#lists
"""

from collections.abc import Callable
from typing import Final

from fellesjournal import fhir
from fellesjournal.record.search.error import refusal
from fellesjournal.record.search.model import Clause, Condition, Has, TextValue
from fellesjournal.record.search.values import split_values

_ITEM: Final = "item"
_REFUTED: Final = ("verification-status:not", "refuted,entered-in-error")
_ALLERGIES: Final = (("clinical-status", "active"), _REFUTED)
_CURRENT: Final[dict[str, dict[str, tuple[tuple[str, str], ...]]]] = {
    "$current-problems": {
        "Condition": (
            ("category", "problem-list-item"), ("clinical-status", "active,recurrence,relapse"), _REFUTED,
        )
    },
    "$current-allergies": {"AllergyIntolerance": _ALLERGIES},
    "$current-drug-allergies": {"AllergyIntolerance": (("category", "medication"), *_ALLERGIES)},
    "$current-medications": {
        "MedicationRequest": (("status", "active"),),
        "MedicationStatement": (("status", "active,intended"),),
    },
}  # fmt: skip
"""What is current of each type that a functional list may be asked for."""


def read_list(
    rtype: str, name: str, value: str, parse: Callable[[str, str, str], Condition]
) -> tuple[Condition, ...]:
    """The conditions of `_list`; `parse` reads a parameter of a type. Raises SearchError."""
    if value.startswith("$"):
        return tuple(parse(rtype, code, wanted) for code, wanted in _current(rtype, name, value))
    ids = [part.strip().removeprefix("List/") for part in split_values(name, value)]
    lists = Clause("List", "_id", "id", 0, "", tuple(map(TextValue, ids)))
    return (Has("List", _ITEM, fhir.search_params("List")[_ITEM].id, lists),)


def _current(rtype: str, name: str, value: str) -> tuple[tuple[str, str], ...]:
    if value not in _CURRENT:
        raise refusal(name, "the functional lists are " + ", ".join(_CURRENT), code="not-supported")
    if rtype not in _CURRENT[value]:
        raise refusal(name, f"{value} is a list of {' and '.join(_CURRENT[value])}")
    return _CURRENT[value][rtype]
