"""Index rows of a resource, in one pass: every search parameter of its type, and whose resource it is.

The routes of all parameters are laid into one tree for each type, so that a property is visited once
however many
parameters look at it. Trees are built on first use.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from functools import cache
from typing import Any

from fellesjournal.fhir.added import write_added
from fellesjournal.fhir.emitters import MIXED, boolean_emitter, emitter
from fellesjournal.fhir.groups import group_emitter, group_routes
from fellesjournal.fhir.index_rows import IndexRows, Sink
from fellesjournal.fhir.keys import Hash64
from fellesjournal.fhir.ownership import Owner, owner_of, patient_rank
from fellesjournal.fhir.paths import Key, Presence, Route, Where
from fellesjournal.fhir.registry import OFFICIAL, AddedParam, Registry
from fellesjournal.fhir.search_params import SearchParam, implied_systems, param_routes, search_params
from fellesjournal.fhir.spans import Emit


def extract(
    resource: dict[str, Any], *, into: IndexRows, n: int, hash64: Hash64, registry: Registry = OFFICIAL
) -> Owner:
    """Add the index rows of a validated resource, as number `n` of the batch, and say whose it is.

    References to this server must be relative (`Patient/1`): the caller has resolved absolute ones,
    conditional ones
    and a bundle's placeholders. Set `meta` before, so that `_lastUpdated`, `_tag` and the like are found.
    `_id` has no rows (the key serves it), nor have `_text` and `_content`.
    Raises KeyError for an unknown type.
    """
    sink = Sink(into, hash64, [], resource)
    for write in _writers(resource["resourceType"]):
        write(resource, sink)
    for added in registry.of(resource["resourceType"]):
        write_added(added, resource, sink)
    into.number(n)
    return owner_of(resource, named=sink.named)


def extract_added(
    resource: dict[str, Any], added: AddedParam, *, into: IndexRows, n: int, hash64: Hash64
) -> bool:
    """Add the rows of one added parameter alone, as number `n`; whether its expression could be evaluated."""
    is_read = write_added(added, resource, Sink(into, hash64, [], resource))
    into.number(n)
    return is_read


@cache
def _writers(rtype: str) -> tuple[Emit, ...]:
    """Return what has to run over a resource of this type: its tree, and its yes-or-no parameters."""
    tree = _Node()
    presences: list[Emit] = []
    for param in search_params(rtype).values():
        for group in group_routes(rtype, param):
            tree.add_group(group, group_emitter(rtype, param, group.type))
        for route in param_routes(rtype, param.code) if param.code != "_id" else ():
            if isinstance(route, Presence):
                presences.append(_presence(route.keys, param))
            else:
                tree.add(route, kind=_kind(rtype, param), param=param, rank=patient_rank(rtype, param.code))
    return (tree.compile(), *presences)


def _kind(rtype: str, param: SearchParam) -> str:
    is_mixed = param.type == "token" and implied_systems(rtype, param.code) is None
    return MIXED if is_mixed else param.type


def _presence(keys: tuple[str, ...], param: SearchParam) -> Emit:
    emit = boolean_emitter((param.id,))

    def write(resource: Any, sink: Sink) -> None:
        emit(any(resource.get(key, False) is not False for key in keys), sink)

    return write


class _Node:
    """A place in a resource: what is written of the values there, and where to go on."""

    def __init__(self) -> None:
        self.leaves: dict[tuple[str, str], dict[int, int | None]] = {}
        self.groups: list[Emit] = []
        self.below: dict[Key | Where, _Node] = {}

    def add_group(self, route: Route, emit: Emit) -> None:
        """Lay the way to a composite's group below this place."""
        self._at(route).groups.append(emit)

    def add(self, route: Route, *, kind: str, param: SearchParam, rank: int | None) -> None:
        """Lay one route below this place."""
        if emitter(kind, type_name=route.type, params=(param.id,)) is None:
            return
        self._at(route).leaves.setdefault((kind, route.type), {})[param.id] = rank

    def _at(self, route: Route) -> _Node:
        node = self
        for step in route.steps:
            node = node.below.setdefault(step, _Node())
        return node

    def compile(self) -> Emit:
        """Return one closure for this place and all below it."""
        keys = {step: node.compile() for step, node in self.below.items() if isinstance(step, Key)}
        wheres = [
            _filtered(step, node.compile()) for step, node in self.below.items() if isinstance(step, Where)
        ]
        inside = [_into(keys)] if keys else []
        return _all([*self._emits(), *self.groups, *wheres, *inside])

    def _emits(self) -> list[Emit]:
        found = [
            emitter(kind, type_name=name, params=tuple(params), rank=_lowest(params.values()))
            for (kind, name), params in self.leaves.items()
        ]
        return [emit for emit in found if emit is not None]


def _lowest(ranks: Any) -> int | None:
    return min((r for r in ranks if r is not None), default=None)


def _all(emits: list[Emit]) -> Emit:
    if len(emits) == 1:
        return emits[0]

    def emit(value: Any, sink: Sink) -> None:
        for one in emits:
            one(value, sink)

    return emit


def _into(steps: dict[Key, Emit]) -> Emit:
    grouped: defaultdict[str, list[Emit]] = defaultdict(list)
    for step, emit in steps.items():
        grouped[step.key].append(_each(step, emit))
    table = {key: _all(emits) for key, emits in grouped.items()}
    if len(table) == 1:
        return _only(*next(iter(table.items())))
    find = table.get

    def go(value: Any, sink: Sink) -> None:
        for key, item in value.items():
            emit = find(key)
            if emit is not None:
                emit(item, sink)

    return go


def _only(key: str, emit: Emit) -> Emit:
    def go(value: Any, sink: Sink) -> None:
        item = value.get(key)
        if item is not None:
            emit(item, sink)

    return go


def _each(step: Key, emit: Emit) -> Emit:
    if not step.many:
        return emit
    if step.index is not None:
        return _at(step.index, emit)

    def each(value: Any, sink: Sink) -> None:
        for item in value:
            if item is not None:
                emit(item, sink)

    return each


def _at(index: int, emit: Emit) -> Emit:
    def one(value: Any, sink: Sink) -> None:
        if len(value) > index and value[index] is not None:
            emit(value[index], sink)

    return one


def _filtered(where: Where, emit: Emit) -> Emit:
    fits = _PREDICATES[where.kind](where)

    def filtered(value: Any, sink: Sink) -> None:
        if fits(value):
            emit(value, sink)

    return filtered


def _is_target(where: Where) -> Callable[[Any], bool]:
    """`resolve() is Patient`: told by the reference itself; nothing is fetched."""
    start, middle, name = f"{where.value}/", f"/{where.value}/", where.value

    def fits(value: Any) -> bool:
        text = value.get("reference", "")
        return text.startswith(start) or middle in text or value.get("type") == name

    return fits


def _equals(where: Where) -> Callable[[Any], bool]:
    name, expected = where.name, where.value
    return lambda value: bool(value.get(name) == expected)


def _has_extension(where: Where) -> Callable[[Any], bool]:
    url = where.value
    return lambda value: any(e.get("url") == url for e in value.get("extension", ()))


_PREDICATES = {"target": _is_target, "equals": _equals, "has_extension": _has_extension}
