"""An expression, compiled once and evaluated many times."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any, Final

from fellesjournal.fhir.fhirpath.compiler import decided, listed
from fellesjournal.fhir.fhirpath.environment import NO_SERVICES, Environment, Services, Work
from fellesjournal.fhir.fhirpath.errors import TooCostly
from fellesjournal.fhir.fhirpath.functions.model import Decided, Listed
from fellesjournal.fhir.fhirpath.functions.tree import as_json
from fellesjournal.fhir.fhirpath.nodes import Items, Node, resource_node
from fellesjournal.fhir.fhirpath.parser import parse_expression
from fellesjournal.fhir.fhirpath.syntax import Tree

_MAX_CACHED: Final = 4_000

Focus = dict[str, Any] | Node | None


class Expression:
    """A compiled expression. Safe to share between threads; holds nothing of what it was evaluated on."""

    def __init__(self, text: str, tree: Tree) -> None:
        self.text = text
        self.tree = tree
        self._listed: Listed = listed(tree)
        self._decided: Decided = decided(tree)

    def __repr__(self) -> str:
        return f"Expression({self.text!r})"

    def evaluate(
        self,
        focus: Focus,
        *,
        resource: Focus = None,
        root: Focus = None,
        variables: Mapping[str, Any] | None = None,
        services: Services = NO_SERVICES,
        now: datetime | None = None,
        work: Work | None = None,
    ) -> list[Any]:
        """Return the result as JSON values, in order; an empty list for nothing.

        `focus` is a parsed resource, or a node of an element (`element_node`). `resource` (`%resource`) is by
        default the focus where that is a resource, `root` (`%rootResource`) the resource. `variables` are `%name`s:
        JSON values, nodes, or lists of them. `now` is aware; times without a zone are taken to be in its zone.
        `work` bounds several evaluations together.
        Dates come as text, quantities as value and unit, primitives with extensions alone as None.
        Raises FhirPathError, and TooCostly for too much work.
        """
        found = self.nodes(
            focus, resource=resource, root=root, variables=variables, services=services, now=now, work=work
        )
        return [as_json(item) for item in found]

    def nodes(
        self,
        focus: Focus,
        *,
        resource: Focus = None,
        root: Focus = None,
        variables: Mapping[str, Any] | None = None,
        services: Services = NO_SERVICES,
        now: datetime | None = None,
        work: Work | None = None,
    ) -> Items:
        """Evaluate as `evaluate` does, and return nodes and FHIRPath's own values, with their types and places."""
        env = _environment(focus, resource, root, variables, services, now, work)
        try:
            return list(self._listed(env))
        except RecursionError:
            raise TooCostly("the expression nests too deep") from None

    def is_true(
        self,
        focus: Focus,
        *,
        resource: Focus = None,
        root: Focus = None,
        variables: Mapping[str, Any] | None = None,
        services: Services = NO_SERVICES,
        now: datetime | None = None,
        work: Work | None = None,
    ) -> bool:
        """Tell whether the result is true; an empty one is not. Arguments and errors as for `evaluate`."""
        return self.decide(_environment(focus, resource, root, variables, services, now, work)) is True

    def holds(
        self,
        focus: Focus,
        *,
        resource: Focus = None,
        root: Focus = None,
        variables: Mapping[str, Any] | None = None,
        services: Services = NO_SERVICES,
        now: datetime | None = None,
        work: Work | None = None,
    ) -> bool:
        """Tell whether an invariant holds: unless the result is false.

        R4's own invariants are empty where they have nothing to say (ref-1 of a reference that is an identifier alone).
        Arguments and errors as for `evaluate`.
        """
        return self.decide(_environment(focus, resource, root, variables, services, now, work)) is not False

    def decide(self, env: Environment) -> bool | None:
        """Evaluate as a condition in an environment that stands already; None for the empty collection."""
        try:
            return self._decided(env)
        except RecursionError:
            raise TooCostly("the expression nests too deep") from None


class Evaluation:
    """Many expressions on the elements of one resource, with one bound on all their work."""

    def __init__(
        self,
        root: dict[str, Any] | Node,
        *,
        services: Services = NO_SERVICES,
        now: datetime | None = None,
        work: Work | None = None,
    ) -> None:
        self.root = resource_node(root) if isinstance(root, dict) else root
        self._env = _environment(self.root, None, None, None, services, now, work)

    def holds(self, expression: Expression, node: Node, *, resource: Node | None = None) -> bool:
        """Tell whether an invariant holds for an element, as `Expression.holds` does.

        `resource` is the one that the element stands in, where that is not the root (a contained one, a Bundle's).
        """
        env = self._env
        env.this = env.context = [node]
        env.resource = resource or self.root
        env.variables, env.index, env.total = {}, None, []
        return expression.decide(env) is not False


def compile_expression(text: str) -> Expression:
    """Compile an expression; the same text is compiled once.

    Raises FhirPathError with the position: for syntax, unknown functions, unknown types, wrong numbers of arguments.
    """
    return _compiled(text) if len(text) <= _MAX_CACHED else Expression(text, parse_expression(text))


@lru_cache(maxsize=2048)
def _compiled(text: str) -> Expression:
    return Expression(text, parse_expression(text))


def _environment(
    focus: Focus,
    resource: Focus,
    root: Focus,
    variables: Mapping[str, Any] | None,
    services: Services,
    now: datetime | None,
    work: Work | None,
) -> Environment:
    start = _node(focus)
    inside = _node(resource) or (start if start is not None and "Resource" in start.type.ancestors else None)
    this: Items = [] if start is None else [start]
    given = {name: _items(value) for name, value in variables.items()} if variables else {}
    spend = (work or Work()).spend
    return Environment(this, this, inside, _node(root) or inside, given, services, now, spend, zone=_zone(now))


def _zone(now: datetime | None) -> int:
    offset = None if now is None else now.utcoffset()
    return int(offset.total_seconds()) // 60 if offset else 0


def _node(focus: Focus) -> Node | None:
    return resource_node(focus) if isinstance(focus, dict) else focus


def _items(value: Any) -> Items:
    values = value if type(value) is list else [value]
    return [
        resource_node(item) if type(item) is dict and "resourceType" in item else item
        for item in values
        if item is not None
    ]
