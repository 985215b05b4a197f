"""Who there is in the oracle's world, and what was planted there: the facts that its rules speak of, no more."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["staff", "citizen", "system"]


@dataclass(frozen=True)
class Reader:
    """One session. `own` is the record of the person behind it, `patient` the record that a citizen has open."""

    name: str
    kind: Kind
    secret: bytes
    person: int
    unit: int = 0
    unit_kind: str = ""
    role: str = "innbygger"
    own: int = 0
    patient: int = 0
    areas: str = ""

    @property
    def acts_for_another(self) -> bool:
        """Whether a citizen has somebody else's record open."""
        return self.kind == "citizen" and self.patient != self.own


@dataclass(frozen=True)
class Need:
    """A fact that gives a unit, or one person there, a need for a patient's record."""

    patient: int
    unit: int
    ground: str
    person: int | None = None
    is_live: bool = True


@dataclass(frozen=True)
class Against:
    """Whom a block is against; nobody named is everybody."""

    unit: int | None = None
    person: int | None = None
    service: str | None = None

    def meets(self, reader: Reader) -> bool:
        """Whether the block is against this member of staff."""
        if (self.unit, self.person, self.service) == (None, None, None):
            return True
        return reader.unit == self.unit or reader.person == self.person or reader.unit_kind == self.service


@dataclass(frozen=True)
class Part:
    """A block of a part of a record: a document, a kind of data, what a unit or a service wrote."""

    patient: int
    against: Against
    row: int | None = None
    types: frozenset[str] = frozenset()
    units: frozenset[int] = frozenset()


@dataclass
class Facts:
    """All that was planted."""

    needs: list[Need] = field(default_factory=list)
    whole: list[tuple[int, Against]] = field(default_factory=list)
    """Blocks of whole records."""
    parts: list[Part] = field(default_factory=list)
    born: dict[int, int] = field(default_factory=dict)
    """Age in years of each patient."""
    strict: set[int] = field(default_factory=set)
    sheltered: set[int] = field(default_factory=set)
    """People whose address is protected, strictly or not."""
    named: set[tuple[int, int]] = field(default_factory=set)
    """(patient, person): named personnel of a strictly protected person."""
    opened: set[tuple[int, bytes]] = field(default_factory=set)
    """(patient, session's secret): chose with a reason to see what is sensitive."""
    parents: set[tuple[int, int]] = field(default_factory=set)
    """(child, person): has parental responsibility for a child who lives with one who has it."""
    cut: set[tuple[int, int]] = field(default_factory=set)
    guardians: set[tuple[int, int]] = field(default_factory=set)
    proxies: dict[tuple[int, int], tuple[str, ...]] = field(default_factory=dict)
    """(giver, person) and the types of resource that the fullmakt is for; empty: all."""
