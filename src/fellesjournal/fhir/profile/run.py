"""One check of one resource: what was found, what was looked at already, and how much work is left."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from fellesjournal.fhir.fhirpath import Expression, FhirPathError, Node, Services, TooCostly, Work, element_node
from fellesjournal.fhir.outcome import Issue
from fellesjournal.fhir.profile.model import BindingQuestion, MemberOf, codes_in
from fellesjournal.fhir.profile.references import Targets
from fellesjournal.fhir.profile.spots import Label, expression_of, holder_of, is_resource_node

MAX_ISSUES: Final = 200
MAX_QUESTIONS: Final = 2_000
_MAX_TRIALS: Final = 12

Checked = Callable[[Node, "Run"], None]
"""What a compiled profile is to a run: checks one node, and tells the run."""


class Findings:
    """Issues and questions of one part of a run, each once. However much else is said, there is room for errors."""

    def __init__(self) -> None:
        self.errors = 0
        self._issues: dict[Issue, None] = {}
        self._questions: dict[BindingQuestion, None] = {}

    @property
    def issues(self) -> tuple[Issue, ...]:
        """At most 200, in the order met; where there are more, errors stay and others go."""
        others = [issue for issue in self._issues if issue.severity != "error"]
        kept = set(others[: MAX_ISSUES - self.errors])
        return tuple(issue for issue in self._issues if issue.severity == "error" or issue in kept)

    @property
    def questions(self) -> tuple[BindingQuestion, ...]:
        """In the order met."""
        return tuple(self._questions)

    def has_room(self, severity: str) -> bool:
        """Tell whether one more issue of this kind would be kept."""
        return (self.errors if severity == "error" else len(self._issues) - self.errors) < MAX_ISSUES

    def add(self, issue: Issue) -> None:
        """Add an issue, if there is room."""
        if issue not in self._issues and self.has_room(issue.severity):
            self._issues[issue] = None
            self.errors += issue.severity == "error"

    def ask(self, question: BindingQuestion) -> None:
        """Add a question, if there is room."""
        if len(self._questions) < MAX_QUESTIONS:
            self._questions[question] = None

    def take(self, other: Findings) -> None:
        """Add what another part found."""
        for issue in other._issues:
            self.add(issue)
        for question in other._questions:
            self.ask(question)


class Run:
    """The state of one check. `profile_of` compiles a canonical, or gives None where it is not installed.

    A profile is tried on an element once: what came of it is remembered, so that slices, types and references
    that ask for the same cost nothing more, and resources that refer to each other come to an end.
    """

    def __init__(
        self,
        root: Node,
        *,
        profile_of: Callable[[str], Checked | None],
        member_of: MemberOf,
        now: datetime | None,
        work: Work,
    ) -> None:
        self.root = root
        self.member_of = member_of
        self.findings = Findings()
        self.targets = Targets()
        self.work = work
        self._profile_of = profile_of
        self._now = now
        self._known: dict[tuple[int, bool, str], Findings | None] = {}
        self._later: deque[tuple[Node, str]] = deque()
        self._trials = 0
        self._services = Services(member_of=self._is_member, conforms_to=self._conforms_json)

    def add(self, severity: str, code: str, place: Node | str, told: str, *, profile: str = "") -> None:
        """Note an issue, at a node or at an expression. `told` is a sentence, `profile` the canonical it is from."""
        if self.findings.has_room(severity):
            path = place if isinstance(place, str) else expression_of(place)
            self.findings.add(Issue(severity, code, path, f"{told} (profile {profile})" if profile else told))

    def add_below(self, node: Node, below: str, severity: str, code: str, told: str) -> None:
        """Note an issue at a place below a node."""
        self.add(severity, code, f"{expression_of(node)}.{below}", told)

    def fault(self, label: Label, code: str, place: Node | str, told: str, *, severity: str = "error") -> None:
        """Note that an element of a profile is not as it must be. `told` goes on after the element's name."""
        self.add(severity, code, place, f"{label} {told}", profile=label.profile)

    def ask(self, question: BindingQuestion) -> None:
        """Note a question for terminology."""
        self.findings.ask(question)

    def require(self, node: Node, canonical: str) -> bool | None:
        """Check a node against a profile and keep what is found; None where the profile is not installed."""
        found = self._outcome(node, canonical)
        if found is None:
            return None
        self.findings.take(found)
        return not found.errors

    def conforms(self, node: Node, canonical: str) -> bool | None:
        """Tell whether a node conforms to a profile; None where that cannot be told."""
        if self._trials >= _MAX_TRIALS:
            return None
        self._trials += 1
        try:
            found = self._outcome(node, canonical)
        finally:
            self._trials -= 1
        return None if found is None else not found.errors

    def nearest(self, node: Node, canonicals: Sequence[str]) -> str:
        """Say which of several profiles a node comes nearest to, and the first thing that it lacks."""
        found = {one: self._outcome(node, one) or Findings() for one in canonicals}
        best = min(found, key=lambda one: found[one].errors)
        first = next((issue for issue in found[best].issues if issue.severity == "error"), None)
        return f"it comes nearest to {best}, but: {first.diagnostics}" if first is not None else "it conforms to none"

    def later(self, node: Node, canonical: str) -> None:
        """Check a resource that is referred to when this one is done: chains of references are not nested."""
        self._later.append((node, canonical))

    def finish(self) -> None:
        """Check what was put off."""
        while self._later:
            self.require(*self._later.popleft())

    def holds(self, expression: Expression, node: Node, *, variables: Mapping[str, Any] | None = None) -> bool | None:
        """Tell whether an invariant holds for a node; None where it cannot be evaluated. Raises TooCostly."""
        resource = holder_of(node)
        try:
            return expression.holds(
                node,
                resource=resource,
                root=self._root_of(resource),
                variables=variables,
                services=self._services,
                now=self._now,
                work=self.work,
            )
        except TooCostly:
            raise
        except FhirPathError:
            return None

    def selected(self, expression: Expression, node: Node) -> list[Any]:
        """Return the nodes that an expression selects; none where it cannot be evaluated. Raises TooCostly."""
        try:
            return expression.nodes(node, services=self._services, now=self._now, work=self.work)
        except TooCostly:
            raise
        except FhirPathError:
            return []

    def _outcome(self, node: Node, canonical: str) -> Findings | None:
        check = self._profile_of(canonical)
        if check is None:
            return None
        key = (id(node.value), node.owner is None, canonical)
        if type(node.value) is dict and key in self._known:
            return self._known[key] or Findings()
        self._known[key] = None  # being tried: what asks for it in turn may take it as done
        outer, self.findings = self.findings, Findings()
        try:
            check(node, self)
            found = self.findings
        finally:
            self.findings = outer
        self._known[key] = found
        return found

    def _root_of(self, resource: Node | None) -> Node | None:
        """A contained resource's root is the one that holds it; an entry of a Bundle is a root of its own."""
        if resource is None or resource.key != "contained" or resource.owner is None:
            return resource
        return resource.owner if is_resource_node(resource.owner) else resource

    def _conforms_json(self, value: Any, type_name: str, canonical: str) -> bool | None:
        return self.conforms(element_node(value, type_name=type_name), canonical)

    def _is_member(self, value: Any, value_set: str) -> bool | None:
        told = self.member_of(value_set, codes_in(value))
        if told is None:
            raise FhirPathError("whether a code is in the value set cannot be told here")
        return told
