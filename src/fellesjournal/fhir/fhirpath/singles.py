"""A collection where one value is expected, and the truth of one (§ 4.5)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final

from fellesjournal.fhir.fhirpath.errors import FhirPathError
from fellesjournal.fhir.fhirpath.nodes import Items, Node, plain

TRUE: Final[Items] = [True]
FALSE: Final[Items] = [False]
NOTHING: Final[Items] = []


def boxed(answer: bool | None) -> Items:  # noqa: FBT001
    """Turn an answer into a collection; None is the empty one."""
    if answer is None:
        return NOTHING
    return TRUE if answer else FALSE


def truth(items: Items) -> bool | None:
    """Take a collection as a condition: empty is None, one item that is no Boolean is true."""
    if not items:
        return None
    if len(items) > 1:
        raise FhirPathError("expected one item, found several")
    item = items[0]
    value = item.value if type(item) is Node else item
    if value is None:
        return None
    return value if type(value) is bool else True


def one(items: Items) -> Any:
    """Return the only item's own value; None for an empty collection. Raises FhirPathError for several."""
    if not items:
        return None
    if len(items) > 1:
        raise FhirPathError("expected one item, found several")
    return plain(items[0])


def one_text(items: Items) -> str | None:
    """Return the only item's text; a date in a resource counts as the text that it is."""
    value = one(items)
    if value is None or type(value) is str:
        return value
    item = items[0]
    if type(item) is Node and type(item.value) is str:
        return item.value
    raise FhirPathError("expected a text")


def one_integer(items: Items) -> int | None:
    """Return the only item's whole number."""
    value = one(items)
    if value is None or type(value) is int:
        return value
    raise FhirPathError("expected a whole number")


def one_number(items: Items) -> int | Decimal | None:
    """Return the only item's number."""
    value = one(items)
    if value is None or type(value) is int or type(value) is Decimal:
        return value
    raise FhirPathError("expected a number")
