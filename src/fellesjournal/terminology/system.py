"""What can be asked of a code system, wherever its concepts are: in the database, in memory, or given by a rule."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from fellesjournal.terminology.codes import Codes
from fellesjournal.terminology.concept import Concept, Head
from fellesjournal.terminology.value_set import Filter
from fellesjournal.terminology.words import Typed

Relation = Literal["equivalent", "subsumes", "subsumed-by", "not-subsumed"]


@dataclass(frozen=True, slots=True)
class Wish:
    """Which of a system's concepts are to be shown."""

    among: Codes
    is_active_only: bool = False
    is_selectable_only: bool = False


@dataclass(frozen=True, slots=True)
class Hit:
    """A concept that a filter has found; `rank` as `words.found` gives it."""

    rank: tuple[int, int]
    key: str
    concept: Concept


@dataclass(frozen=True, slots=True)
class Kin:
    """The nearest relatives of a concept: (code, display)."""

    parents: list[tuple[str, str]] = field(default_factory=list)
    children: list[tuple[str, str]] = field(default_factory=list)


class System(Protocol):
    """A code system."""

    @property
    def head(self) -> Head:
        """What it is."""

    @property
    def is_listed(self) -> bool:
        """Whether its concepts can be listed."""

    async def concepts(self, codes: Collection[str]) -> dict[str, Concept]:
        """Those of these codes that there are, by the code as it was asked for."""

    async def pick(self, test: Filter) -> Codes:
        """The codes that a filter picks. Raises BadDefinition for one that can't be understood."""

    async def page(self, wish: Wish, *, offset: int, limit: int) -> list[Concept]:
        """Some of the wished concepts, in the order of the system."""

    async def count(self, wish: Wish) -> int:
        """How many concepts are wished."""

    async def search(self, wish: Wish, asked: Typed, *, limit: int) -> list[Hit]:
        """The wished concepts that a filter finds, best first."""

    async def described(self, concepts: Sequence[Concept]) -> list[Concept]:
        """The same concepts with their designations, which a page or a search may leave out."""

    async def kin(self, code: str) -> Kin:
        """The concepts right above and right below one."""

    async def relation(self, one: str, other: str) -> Relation:
        """How `one` stands to `other`. Raises UnknownCode."""
