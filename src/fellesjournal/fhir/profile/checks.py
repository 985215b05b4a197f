"""A profile's tree, compiled: a check for each element that adds something to what R4 asks for itself.

Where a subtree adds nothing it has no check, so that running one visits only what the profile is about.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from fellesjournal.fhir.fhirpath import Node
from fellesjournal.fhir.fhirpath.nodes import step
from fellesjournal.fhir.profile.base import base_type, type_tree
from fellesjournal.fhir.profile.elements import BY_TYPE, BY_URL, Element, Slicing, TypeRef
from fellesjournal.fhir.profile.library import Library
from fellesjournal.fhir.profile.matchers import asked_of, matcher
from fellesjournal.fhir.profile.model import ProfileError
from fellesjournal.fhir.profile.places import choice_of
from fellesjournal.fhir.profile.rules import rules_of, type_rule
from fellesjournal.fhir.profile.run import Checked, Run
from fellesjournal.fhir.profile.sentences import too_few, too_many
from fellesjournal.fhir.profile.slices import DEFAULT, Slice, SliceCheck
from fellesjournal.fhir.profile.spots import Label, expression_of


@dataclass(slots=True)
class Check:
    """The check of one element: of its type, then of the rules on it, then of its children."""

    fits: Callable[[Node, Run], bool] | None = None
    rules: tuple[Checked, ...] = ()
    fields: tuple[FieldCheck, ...] = ()

    def __call__(self, node: Node, run: Run) -> None:
        """Check a node."""
        run.work.spend(1)
        if self.fits is not None and not self.fits(node, run):
            return
        for rule in self.rules:
            rule(node, run)
        for one in self.fields:
            one(node, run)


@dataclass(slots=True)
class FieldCheck:
    """The check of all elements of one name: how many, each of them, and their slices."""

    name: str
    label: Label
    least: int = 0
    most: int | None = None
    each: Checked | None = None
    slicing: SliceCheck | None = None
    may_be_skipped: bool = False
    """Nothing is asked where the element is not there, and its name alone says whether it is."""

    def __call__(self, owner: Node, run: Run) -> None:
        """Check the elements of this name in their owner."""
        if self.may_be_skipped and not _has(owner.value, self.name):
            return
        items = step([owner], self.name)
        run.work.spend(len(items))
        self._count(owner, len(items), run)
        if self.each is not None:
            for item in items:
                self.each(item, run)
        if self.slicing is not None:
            self.slicing(owner, items, run)

    def _count(self, owner: Node, count: int, run: Run) -> None:
        if count < self.least:
            run.fault(self.label, "required", f"{expression_of(owner)}.{self.name}", too_few(self.least, count))
        elif self.most is not None and count > self.most:
            run.fault(self.label, "structure", f"{expression_of(owner)}.{self.name}", too_many(self.most, count))


@dataclass(slots=True)
class _Later:
    """The check of an element that refers to another one (`Questionnaire.item.item`): known when all is compiled."""

    path: str
    known: dict[str, Check]

    def __call__(self, node: Node, run: Run) -> None:
        found = self.known.get(self.path)
        if found is not None:
            found(node, run)


class Compiler:
    """Compiles one profile. `problems` are sentences on what of it cannot be checked."""

    def __init__(self, canonical: str, *, type_name: str, library: Library) -> None:
        self.problems: list[str] = []
        self._library = library
        self._root = library.tree(canonical)
        self._base = type_tree(type_name)
        self._label = Label(canonical.partition("|")[0], type_name)
        self._known: dict[str, Check] = {}

    def compiled(self) -> Check:
        """Compile the whole profile, on top of R4's own type."""
        return self._check(self._root, self._base, self._label) or Check()

    def _check(self, element: Element, given: Element, label: Label) -> Check | None:
        rules = tuple(rules_of(element, given=given, label=label, library=self._library))
        fits = type_rule(element, given=given, label=label)
        made = Check(fits, rules, tuple(self._fields(element, given, label)))
        if not label.slices:
            self._known[label.path] = made
        return made if fits or made.rules or made.fields else None

    def _fields(self, element: Element, given: Element, label: Label) -> list[FieldCheck]:
        if not element.children:
            return []
        known = self._given_children(element, given)
        made = [self._field(child, known, label) for child in _normal(element.children, known).values()]
        return [one for one in made if one is not None]

    def _given_children(self, element: Element, given: Element) -> dict[str, Element]:
        """Return the children that were checked already: by the one profile of the type, by what is given, by R4."""
        codes = {t.code for t in element.types}
        options = [_leaf(element)] if len({p for t in element.types for p in t.profiles}) == 1 else []
        if given.children or given.content_reference or codes == {t.code for t in given.types}:
            options.append(given)
        for option in (*options, _plain(element)):
            try:
                return self._library.unfolded(option, root=self._base)
            except ProfileError:
                continue
        return type_tree("Element").children

    def _field(self, element: Element, known: dict[str, Element], label: Label) -> FieldCheck | None:
        given = known.get(element.name) or Element(name=element.name, types=element.types)
        if element == given and not element.content_reference:
            return None
        label = label.of(element.name)
        made = FieldCheck(element.name.removesuffix("[x]"), label)
        made.least = element.least if element.least > given.least else 0
        is_tighter = element.most is not None and (given.most is None or element.most < given.most)
        made.most = element.most if is_tighter else None
        made.each = self._each(element, given, label)
        if element.slices and (element.slices != given.slices or element.slicing != given.slicing):
            made.slicing = self._slicing(element, label)
        is_required = made.least > 0 or (made.slicing is not None and made.slicing.is_required)
        made.may_be_skipped = not is_required and not element.name.endswith("[x]")
        is_idle = made.least == 0 and made.most is None and made.each is None and made.slicing is None
        return None if is_idle else made

    def _each(self, element: Element, given: Element, label: Label) -> Checked | None:
        check = self._check(element, given, label)
        if not element.content_reference or element.children:
            return check
        later = _Later(element.content_reference, self._known)
        return later if check is None else _both(check, later)

    def _slicing(self, element: Element, label: Label) -> SliceCheck:
        slicing = element.slicing or _implied(element)
        parts = [self._slice(part, element, slicing, label) for part in element.slices.values()]
        return SliceCheck(label, tuple(parts), slicing.rules, slicing.ordered)

    def _slice(self, part: Element, whole: Element, slicing: Slicing, label: Label) -> Slice:
        name = part.slice_name or ""
        mine = label.part(name)
        match = matcher(part, whole, slicing, library=self._library, root=self._root)
        if match is None and name != DEFAULT:
            self.problems.append(f"{mine}: the profile does not say what tells it from other slices; it is not checked")
        inner = self._slicing(part, label) if part.slices else None
        check = self._check(part, whole, mine)
        asked = asked_of(part, slicing, library=self._library, root=self._root)
        return Slice(name, mine, part.least, part.most, match, asked, check, inner)


def _has(value: object, name: str) -> bool:
    return type(value) is not dict or name in value or f"_{name}" in value


def _both(first: Checked, second: Checked) -> Checked:
    def check(node: Node, run: Run) -> None:
        first(node, run)
        second(node, run)

    return check


def _leaf(element: Element) -> Element:
    """Return an element without its own children, to see what its type and its profile say of them."""
    return Element(name=element.name, types=element.types)


def _plain(element: Element) -> Element:
    """Return an element without its own children, to see what its R4 type says of them."""
    known = tuple(TypeRef(t.code) for t in element.types if base_type(t.code) is not None)
    return Element(name=element.name, types=known)


def _implied(element: Element) -> Slicing:
    """Slices without a word on how they are told apart: by type for a choice, by url for extensions."""
    if element.name.endswith("[x]"):
        return BY_TYPE
    return BY_URL if any(t.code == "Extension" for t in element.types) else Slicing(())


def _normal(children: dict[str, Element], known: dict[str, Element]) -> dict[str, Element]:
    """Take `valueQuantity` in old snapshots for a slice of `value[x]`."""
    found = dict(children)
    for name, child in children.items():
        choice = None if name in known else choice_of(name, known)
        if choice is None:
            continue
        whole, one = choice
        del found[name]
        holder = found.get(whole.name) or whole.copied()
        part = child.copied()
        part.slice_name, part.types = name, child.types or (one,)
        holder.slices[name] = part
        holder.slicing = holder.slicing or BY_TYPE
        found[whole.name] = holder
    return found
