"""The groups of composite parameters, and what each component finds in them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any, NamedTuple

from fellesjournal.fhir.composite import Part, Reader, reader, write_rows
from fellesjournal.fhir.index_rows import Sink
from fellesjournal.fhir.keys import Hash64
from fellesjournal.fhir.paths import Key, Presence, Route, Unsupported, routes
from fellesjournal.fhir.search_params import COMBINED, SearchParam, param_routes, search_params
from fellesjournal.fhir.spans import Emit

_ROOT = "%resource."


class _Way(NamedTuple):
    """From a group to values of one type, or from the resource itself."""

    keys: tuple[Key, ...]
    read: Reader
    is_from_root: bool


def group_routes(rtype: str, param: SearchParam) -> tuple[Route, ...]:
    """Return where the groups of a composite stand; none for one whose groups are kept under others."""
    if param.type != "composite" or (rtype == "Observation" and param.code in COMBINED):
        return ()
    return tuple(r for r in param_routes(rtype, param.code) if isinstance(r, Route))


def group_emitter(rtype: str, param: SearchParam, group: str) -> Emit:
    """Return the closure that writes the rows of a group, if it has a value of every component."""
    components = [_ways(rtype, group, component) for component in param.components]

    # The last component is the one that differs: most groups are told by its keys alone to have no row.
    tell = frozenset(way.keys[0].key for way in components[-1])

    def emit(value: Any, sink: Sink) -> None:
        if tell.isdisjoint(value):
            return
        found: list[list[Part]] = []
        for ways in reversed(components):
            parts = [part for way in ways for part in _parts(way, value, sink)]
            if not parts:
                return
            found.append(parts)
        write_rows(param.id, found[::-1], sink)

    return emit


@cache
def _ways(rtype: str, group: str, component: tuple[str, str]) -> tuple[_Way, ...]:
    code, expression = component
    kind = search_params(rtype)[code].type
    is_from_root = expression.startswith(_ROOT)
    found = routes(expression.removeprefix(_ROOT), rtype=rtype if is_from_root else group)
    return tuple(
        _Way(_keys(route), read, is_from_root) for route in found if (read := reader(kind, _type(route))) is not None
    )


def _type(route: Route | Presence) -> str:
    return route.type if isinstance(route, Route) else ""


def _keys(route: Route | Presence) -> tuple[Key, ...]:
    keys = tuple(step for step in route.steps if isinstance(step, Key)) if isinstance(route, Route) else ()
    if not isinstance(route, Route) or len(keys) != len(route.steps) or any(key.index is not None for key in keys):
        raise Unsupported(str(route))
    return keys


def _parts(way: _Way, value: Any, sink: Sink) -> Iterator[Part]:
    hash64: Hash64 = sink.hash64
    for item in _follow(sink.resource if way.is_from_root else value, way.keys):
        yield from way.read(item, hash64)


def _follow(value: Any, keys: tuple[Key, ...]) -> Iterator[Any]:
    found = value.get(keys[0].key)
    if found is None:
        return
    for item in found if keys[0].many else (found,):
        if item is None:
            continue
        if len(keys) == 1:
            yield item
        else:
            yield from _follow(item, keys[1:])
