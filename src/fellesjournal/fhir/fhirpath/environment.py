"""What surrounds an expression while it runs: its constants, its services, the work that it may still do."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from fellesjournal.fhir.fhirpath.errors import TooCostly
from fellesjournal.fhir.fhirpath.nodes import Items, Node

MAX_WORK: Final = 2_000_000
MAX_SECONDS: Final = 5.0
MAX_ITEMS: Final = 200_000
_CLOCK_EVERY: Final = 5_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Services:
    """What an expression may ask of its surroundings; a function that is absent makes its FHIRPath function fail.

    `resolve` takes a literal reference and returns the resource or None; contained resources need none.
    `member_of` takes a code, Coding or CodeableConcept as JSON, and a value set's URL; None: unknown value set.
    `conforms_to` takes an element as JSON, its type and a profile's URL; None: unknown profile.
    `subsumes` takes two Codings as JSON, the wider one first; None: unknown.
    `trace` is told the name and the JSON values of each `trace()`.
    """

    resolve: Callable[[str], dict[str, Any] | None] | None = None
    member_of: Callable[[Any, str], bool | None] | None = None
    conforms_to: Callable[[Any, str, str], bool | None] | None = None
    subsumes: Callable[[Any, Any], bool | None] | None = None
    trace: Callable[[str, list[Any]], None] | None = None


NO_SERVICES: Final = Services()


class Work:
    """How much may still be done. One can be shared by many evaluations that belong together."""

    __slots__ = ("_left", "_look_at", "_seconds", "_until")

    def __init__(self, *, most: int = MAX_WORK, seconds: float = MAX_SECONDS) -> None:
        self._left = most
        self._look_at = most - _CLOCK_EVERY
        self._seconds = seconds
        self._until = 0.0

    def spend(self, amount: int) -> None:
        """Count work done: about one for each item looked at. Raises TooCostly."""
        self._left -= amount
        if self._left < self._look_at:
            self._look()

    def _look(self) -> None:
        now = time.monotonic()
        self._until = self._until or now + self._seconds
        self._look_at = self._left - _CLOCK_EVERY
        if self._left < 0 or now > self._until:
            raise TooCostly("the expression takes too much work")


@dataclass(slots=True)
class Environment:
    """One evaluation. `this`, `index` and `total` change as it goes; `variables` are replaced, never changed."""

    this: Items
    context: Items
    resource: Node | None
    root: Node | None
    variables: Mapping[str, Items]
    services: Services
    given_now: datetime | None
    spend: Callable[[int], None]
    index: int | None = None
    total: Items = field(default_factory=list)
    zone: int = 0

    def now(self) -> datetime:
        """Return the instant of this evaluation: the same however often it is asked for."""
        if self.given_now is None:
            self.given_now = datetime.now(UTC)
        return self.given_now

    def bound(self, items: Items) -> Items:
        """Pass a collection on, unless it is too large. Raises TooCostly."""
        if len(items) > MAX_ITEMS:
            raise TooCostly(f"a collection has more than {MAX_ITEMS} items")
        return items
