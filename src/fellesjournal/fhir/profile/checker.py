"""Profiles ready for use: compiled when they are first asked for, and kept."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Final

from fellesjournal.fhir.fhirpath import Node, TooCostly, Work, resource_node
from fellesjournal.fhir.profile.base import base_type
from fellesjournal.fhir.profile.checks import Check, Compiler
from fellesjournal.fhir.profile.elements import Element
from fellesjournal.fhir.profile.extensions import ExtensionRules, check_part, check_place, read_rules
from fellesjournal.fhir.profile.library import UNREADABLE, Library
from fellesjournal.fhir.profile.model import Json, MemberOf, ProfileError, Report, Source
from fellesjournal.fhir.profile.run import Run
from fellesjournal.fhir.profile.spots import part_of
from fellesjournal.fhir.profile.survey import claims_of, named_by, surveyed, url_of

MAX_NAMED: Final = 500
"""How many definitions a resource may name; the largest official example names 20."""
_MOST_REFUSED: Final = 2_000
_LONGEST: Final = 1_000
_COMPILING: Final = 5_000
_MOST_WORK: Final = 5_000_000
_MOST_SECONDS: Final = 10.0


@dataclass(frozen=True, slots=True)
class Profile:
    """One profile, compiled. `problems` are sentences on what of it cannot be checked."""

    canonical: str
    type_name: str
    check: Check
    problems: tuple[str, ...]
    extension: ExtensionRules | None

    def __call__(self, node: Node, run: Run) -> None:
        """Check a node, which must be of the type that the profile constrains."""
        if self.type_name not in node.type.ancestors:
            told = f"the profile is for {self.type_name}, not for {node.type.shown_name}"
            run.add("error", "structure", node, told, profile=self.canonical)
            return
        for told in self.problems:
            run.add("information", "not-supported", node, told, profile=self.canonical)
        self.check(node, run)


class Profiles:
    """The profiles of one source. Another state of the source needs another one: what is compiled is kept.

    `required` names the profiles that every resource of a type must conform to, by type.
    Not for several threads at once.
    """

    def __init__(self, source: Source, *, required: Mapping[str, Sequence[str]] | None = None) -> None:
        self._library = Library(source)
        self._required = dict(required or {})
        self._compiled: dict[str, Profile] = {}
        self._refused: dict[str, str] = {}

    def check(
        self,
        resource: Json,
        *,
        profiles: Iterable[str] = (),
        now: datetime | None = None,
        seconds: float = _MOST_SECONDS,
        member_of: MemberOf = lambda _value_set, _codes: None,
    ) -> Report:
        """Check a resource that `fhir.validate` accepts against profiles, and everything in it that names its own.

        Checked are: `profiles`, those that are required of its type, and those in `meta.profile` of it and of the
        resources within it; and every extension against its definition, and whether it may stand where it stands.
        A profile in `profiles` or required that is not installed is an error, one in `meta.profile` a warning.
        An extension that is not defined here is an information, one that modifies a warning. At most 200 issues.
        `member_of` answers what invariants and slices ask of terminology; bindings go out as questions.
        """
        root, work = resource_node(resource), Work(most=_MOST_WORK, seconds=seconds)
        run = Run(root, profile_of=partial(self._known, work=work), member_of=member_of, now=now, work=work)
        try:
            self._check(root, run, profiles)
        except (TooCostly, RecursionError) as refused:
            why = str(refused) if isinstance(refused, TooCostly) else "nested too deep"
            run.add("error", "too-costly", root, f"the profiles cannot be checked: {why}")
        return Report(run.findings.issues, run.findings.questions)

    def profile(self, canonical: str) -> Profile:
        """Return a profile, compiled. Raises ProfileError where it is unknown or cannot be used."""
        known = self._compiled.get(canonical)
        if known is not None:
            return known
        if "#" in canonical or len(canonical) > _LONGEST:
            raise ProfileError("its canonical is too long, or has a fragment")
        if canonical not in self._refused:
            try:
                return self._compiled.setdefault(canonical, self._compile(canonical))
            except ProfileError as error:
                self._refuse(canonical, str(error))
        raise ProfileError(self._refused[canonical])

    def _refuse(self, canonical: str, why: str) -> None:
        """Remember what is not there, within a bound: anybody can name what nobody has installed."""
        if len(self._refused) >= _MOST_REFUSED:
            self._refused.clear()
            self._library.forget_unknown()
        self._refused[canonical] = why

    def _check(self, root: Node, run: Run, profiles: Iterable[str]) -> None:
        for canonical in dict.fromkeys((*profiles, *self._required.get(root.type.name, ()))):
            if base_type(canonical) != root.type.name and run.require(root, canonical) is None:
                run.add("error", "not-found", root, f"a profile cannot be used: {self._why(canonical)}")
        nodes = list(surveyed(root))
        if len(named_by(nodes)) > MAX_NAMED:
            raise TooCostly(f"more than {MAX_NAMED} profiles and extensions are named")
        for node in nodes:
            if node.type.name == "Extension":
                self._check_extension(node, run)
            else:
                self._check_claims(node, run)
        run.finish()

    def _check_claims(self, node: Node, run: Run) -> None:
        """A resource says which profiles it conforms to: it must then conform to those that are known."""
        for i, canonical in claims_of(node):
            if run.require(node, canonical) is None:
                told = "this profile is not installed or cannot be used: the resource was not checked against it"
                run.add_below(node, f"meta.profile[{i}]", "warning", "not-found", told)

    def _check_extension(self, node: Node, run: Run) -> None:
        outer, url = self._outer(node, run), url_of(node)
        if url is None:
            if outer is not None:
                check_part(node, outer, run)
            elif node.owner is None or node.owner.type.name != "Extension":
                run.add("error", "extension", node, "the url of an extension must be absolute")
            return
        known = self._known(url, work=run.work)
        if known is None or known.extension is None:
            _tell_unknown(node, outer, run)
            return
        check_place(node, known.extension, run)
        run.require(node, url)

    def _outer(self, node: Node, run: Run) -> ExtensionRules | None:
        """Return the rules of the extension that an extension stands in, if that one is defined here."""
        url = url_of(node.owner) if node.owner is not None else None
        known = self._known(url, work=run.work) if url is not None else None
        return known.extension if known is not None else None

    def _known(self, canonical: str, *, work: Work) -> Profile | None:
        """Return a profile, or None where it cannot be used. What is compiled for a run is counted as its work."""
        if canonical not in self._compiled and canonical not in self._refused:
            work.spend(_COMPILING)
        try:
            return self.profile(canonical)
        except ProfileError:
            return None

    def _why(self, canonical: str) -> str:
        try:
            self.profile(canonical)
        except ProfileError as error:
            return str(error)
        return ""

    def _compile(self, canonical: str) -> Profile:
        tree = self._library.tree(canonical)
        type_name = self._library.constrained_type(canonical)
        if type_name is None:
            raise ProfileError(f"the profile {canonical} constrains no type of R4")
        compiler = Compiler(canonical, type_name=type_name, library=self._library)
        try:
            check = compiler.compiled()
            rules = self._extension_rules(canonical, tree) if type_name == "Extension" else None
        except UNREADABLE as error:
            raise ProfileError(f"the profile {canonical} cannot be read ({type(error).__name__})") from error
        problems = (*self._library.problems(canonical), *compiler.problems)
        return Profile(canonical.partition("|")[0], type_name, check, problems, rules)

    def _extension_rules(self, canonical: str, tree: Element) -> ExtensionRules | None:
        header = self._library.header(canonical)
        return read_rules(header, tree) if header is not None else None


def _tell_unknown(node: Node, outer: ExtensionRules | None, run: Run) -> None:
    if outer is not None and part_of(node, "url") in outer.parts:
        return
    if node.key == "modifierExtension":
        told = "this modifier extension is not defined here: what it changes is unknown"
        run.add("warning", "extension", node, told)
    else:
        run.add("information", "extension", node, "this extension is not defined here: its content was not checked")
