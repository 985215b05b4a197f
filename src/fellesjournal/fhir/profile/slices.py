"""Slices at work: which repetition is in which slice, how many each has, and what each asks of its own.

Source: https://hl7.org/fhir/R4/profiling.html#slicing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from fellesjournal.fhir.fhirpath import Node
from fellesjournal.fhir.profile.coded import ask_any
from fellesjournal.fhir.profile.routes import Way, follow
from fellesjournal.fhir.profile.run import Checked, Run
from fellesjournal.fhir.profile.sentences import too_few, too_many
from fellesjournal.fhir.profile.spots import Label, expression_of

Match = Callable[[Node, Run], bool | None]
"""Tells whether a node is in a slice; None where that cannot be told here."""

DEFAULT: Final = "@default"


@dataclass(frozen=True, slots=True)
class Asked:
    """The value set that alone tells a slice apart, and the path to the codes."""

    way: Way
    value_set: str


@dataclass(frozen=True, slots=True)
class Slice:
    """One slice. `match` is None where the profile does not say what is in it."""

    name: str
    label: Label
    least: int
    most: int | None
    match: Match | None
    asked: Asked | None
    each: Checked | None
    inner: SliceCheck | None


@dataclass(frozen=True, slots=True)
class SliceCheck:
    """All slices of one element."""

    label: Label
    slices: tuple[Slice, ...]
    rules: str
    ordered: bool

    @property
    def is_required(self) -> bool:
        """Tell whether one of the slices must be given, or one that it is sliced into again."""
        return any(one.least > 0 or (one.inner is not None and one.inner.is_required) for one in self.slices)

    def __call__(self, owner: Node, items: list[Node], run: Run) -> None:
        """Sort the items into slices, and check each slice."""
        sorting = _Sorting(self, run)
        for item in items:
            sorting.place(item)
        for part in self.slices:
            mine = sorting.members[part.name]
            if part.name not in sorting.unclear:
                _count(part, owner, len(mine), run)
            elif part.asked is not None and part.least > 0 and not mine:
                _ask(part, part.asked, owner, items, run)
            if part.each is not None:
                for item in mine:
                    part.each(item, run)
            if part.inner is not None:
                part.inner(owner, mine, run)


class _Sorting:
    """The items of one element on their way into slices, in their order."""

    def __init__(self, check: SliceCheck, run: Run) -> None:
        self.check = check
        self.run = run
        self.members: dict[str, list[Node]] = {part.name: [] for part in check.slices}
        self.unclear = {part.name for part in check.slices if part.match is None and part.name != DEFAULT}
        self._default = DEFAULT if DEFAULT in self.members else None
        self._last = -1
        self._stray: Node | None = None

    def place(self, item: Node) -> None:
        """Put an item into its slice, and say what is wrong with where it stands."""
        self.run.work.spend(len(self.check.slices))
        told = [(i, part.match(item, self.run)) for i, part in enumerate(self.check.slices) if part.match is not None]
        open_questions = {self.check.slices[i].name for i, answer in told if answer is None}
        self.unclear |= open_questions
        found = [i for i, answer in told if answer]
        if not found:
            if not open_questions:
                self._unmatched(item)
            return
        if len(found) > 1:
            names = ", ".join(repr(self.check.slices[i].name) for i in found)
            self._add(item, f"must fit only one slice, and fits {names}")
        self.members[self.check.slices[found[0]].name].append(item)
        self._in_order(item, found[0])

    def _in_order(self, item: Node, place: int) -> None:
        if self.check.ordered and place < self._last:
            late, early = self.check.slices[place].name, self.check.slices[self._last].name
            self._add(item, f"in the slice {late!r} must stand before those in the slice {early!r}")
        self._last = max(self._last, place)
        if self._stray is not None and self.check.rules == "openAtEnd":
            self._add(self._stray, "that is in no slice must stand after all that are in one")
            self._stray = None

    def _unmatched(self, item: Node) -> None:
        if self._default is not None:
            self.members[self._default].append(item)
        elif self.check.rules == "closed" and all(part.match is not None for part in self.check.slices):
            names = ", ".join(repr(part.name) for part in self.check.slices)
            self._add(item, f"must fit one of the slices {names}")
        elif self._stray is None:
            self._stray = item

    def _add(self, item: Node, told: str) -> None:
        self.run.fault(self.check.label, "structure", item, told)


def _ask(part: Slice, asked: Asked, owner: Node, items: list[Node], run: Run) -> None:
    """A slice must be given, and only terminology knows whether one of the items is in it."""
    found = [one for item in items for one in follow(item, asked.way, run) if isinstance(one, Node)]
    ask_any(found, value_set=asked.value_set, place=_place(part, owner), label=part.label, run=run)


def _place(part: Slice, owner: Node) -> str:
    return f"{expression_of(owner)}.{part.label.path.rpartition('.')[2]}"


def _count(part: Slice, owner: Node, count: int, run: Run) -> None:
    label = part.label
    place = _place(part, owner)
    if count < part.least:
        run.fault(label, "required", place, too_few(part.least, count))
    elif part.most is not None and count > part.most:
        run.fault(label, "structure", place, too_many(part.most, count))
