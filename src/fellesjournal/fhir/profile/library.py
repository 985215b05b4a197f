"""Trees of profiles, grown once from what the source holds and kept."""

from __future__ import annotations

from fellesjournal.fhir.profile.base import CORE, base_type, quantity_profiles, type_tree
from fellesjournal.fhir.profile.elements import Element
from fellesjournal.fhir.profile.model import Json, ProfileError, Source
from fellesjournal.fhir.profile.snapshot import grown, read_snapshot

_TOO_DEEP = 30
_HEADER = {"url", "type", "context", "contextInvariant"}
UNREADABLE = (TypeError, ValueError, KeyError, AttributeError, RecursionError)
"""What reading a definition may come to that is not made as R4 says."""


class Library:
    """What the profiles of one source say. Not for several threads at once."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._headers: dict[str, Json | None] = {}
        self._composed: dict[str, Json | None] = {}
        self._trees: dict[str, Element] = {}
        self._growing: list[str] = []
        self._problems: dict[str, dict[str, None]] = {}

    def header(self, canonical: str) -> Json | None:
        """Return what a StructureDefinition says beside its elements, or None where none is installed."""
        if canonical not in self._headers:
            self._found(canonical)
        return self._headers[canonical]

    def composed(self, canonical: str) -> Json | None:
        """Return what a value set is composed of, or None where none is installed."""
        if canonical not in self._composed:
            found = self._source.find(canonical)
            is_one = found is not None and found.get("resourceType") == "ValueSet"
            self._composed[canonical] = found.get("compose") if found is not None and is_one else None
        return self._composed[canonical]

    def forget_unknown(self) -> None:
        """Forget which canonicals nothing is installed for."""
        self._headers = {canonical: known for canonical, known in self._headers.items() if known is not None}
        self._composed = {canonical: known for canonical, known in self._composed.items() if known is not None}

    def _found(self, canonical: str) -> Json | None:
        """Ask the source, and keep what is small: elements are needed once, to grow a tree."""
        found = self._source.find(canonical)
        if found is None or found.get("resourceType") != "StructureDefinition":
            found = None
        self._headers[canonical] = found and {key: value for key, value in found.items() if key in _HEADER}
        return found

    def constrained_type(self, canonical: str) -> str | None:
        """Name the R4 type that a profile constrains (that a base definition defines); None where it is unknown."""
        known = base_type(canonical)
        if known is not None:
            return known
        if canonical.partition("|")[0] in quantity_profiles():
            return "Quantity"
        found = self.header(canonical)
        return base_type(str(found.get("type", ""))) if found is not None else None

    def tree(self, canonical: str) -> Element:
        """Return the tree of a profile or a base type. Raises ProfileError for what is unknown or cannot be read."""
        known = base_type(canonical)
        if known is not None:
            return type_tree(known)
        fixed = quantity_profiles().get(canonical.partition("|")[0])
        if fixed is not None:
            return fixed
        if canonical not in self._trees:
            self._trees[canonical] = self._grow(canonical)
        return self._trees[canonical]

    def unfolded(self, element: Element, *, root: Element) -> dict[str, Element]:
        """Return the children of an element: its own, or else those of its profile, its type or what it refers to.

        What it returns is not to be changed. Of a profile that is unknown the type's children are taken: that is a
        problem of the profile which is read just now. Raises ProfileError for a reference to no element.
        """
        if element.children:
            return element.children
        if element.content_reference:
            return _referred(element.content_reference, root).children
        codes = {one.code for one in element.types}
        if len(codes) != 1:
            return type_tree("Element").children
        profiles = [p for one in element.types for p in one.profiles]
        if len(profiles) == 1:
            try:
                return self.tree(profiles[0]).children
            except ProfileError as error:
                self._note(str(error))
        return self.tree(CORE + next(iter(codes))).children

    def problems(self, canonical: str) -> tuple[str, ...]:
        """Say what of a profile could not be read, in sentences."""
        return tuple(self._problems.get(canonical, ()))

    def _note(self, told: str) -> None:
        if self._growing:
            self._problems.setdefault(self._growing[-1], {})[told] = None

    def _grow(self, canonical: str) -> Element:
        definition = self._found(canonical)
        if definition is None:
            raise ProfileError(f"the profile {canonical} is not installed")
        if canonical in self._growing or len(self._growing) > _TOO_DEEP:
            raise ProfileError(f"the profile {canonical} is built on itself")
        self._growing.append(canonical)
        try:
            return self._read(definition, canonical)
        except UNREADABLE as error:
            raise ProfileError(f"the profile {canonical} cannot be read ({type(error).__name__})") from error
        finally:
            self._growing.pop()

    def _read(self, definition: Json, canonical: str) -> Element:
        if definition.get("snapshot", {}).get("element"):
            return read_snapshot(definition)
        base = definition.get("baseDefinition")
        if type(base) is not str:
            raise ProfileError(f"the profile {canonical} has neither a snapshot nor a base")
        if base_type(str(definition.get("type", ""))) is None:
            raise ProfileError(f"the profile {canonical} constrains no type of R4")
        try:
            start = self.tree(base).copied()
        except ProfileError as error:
            raise ProfileError(f"the profile {canonical} has no snapshot, and {error}") from error
        for told in self.problems(base):
            self._note(told)
        return grown(definition, start=start, library=self)


def _referred(path: str, root: Element) -> Element:
    """Find the element that a content reference means: in the same tree, or in R4's own type."""
    names = path.split(".")
    for start in (root, type_tree(names[0])):
        found: Element | None = start
        for name in names[1:]:
            found = found.children.get(name) if found is not None else None
        if found is not None and found.children:
            return found
    raise ProfileError(f"the element {path} is not defined")
