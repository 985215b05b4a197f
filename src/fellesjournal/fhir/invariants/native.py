"""The common shapes of conditions, compiled to closures on plain JSON: no nodes, no environment.

They answer as the FHIRPath engine does (a property test compares them). Shapes that are not known here are left to the
engine (`Unsupported`), and so are single values that are not plain (`NotPlain`, while running).
The JSON must have the structure that R4 gives it: no nulls but beside extensions, no empty lists.
"""

from __future__ import annotations

import operator as python
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from fellesjournal.fhir.fhirpath.conditions import logic
from fellesjournal.fhir.fhirpath.patterns import found_in
from fellesjournal.fhir.fhirpath.syntax import Binary, Call, External, Literal, Member, Special, Tree
from fellesjournal.fhir.fhirpath.temporal import order
from fellesjournal.fhir.fhirpath.types import Slot, TypeInfo

Truth = Callable[[Any], bool | None]
Find = Callable[[Any], list[Any]]
Read = Callable[[Any], Any]

_UCUM: Final = "http://unitsofmeasure.org"
_ORDER: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "<": python.lt, ">": python.gt, "<=": python.le, ">=": python.ge, "=": python.eq, "!=": python.ne,
}  # fmt: skip
_TEXT_TESTS: Final[dict[str, Callable[[str, str], bool]]] = {
    "startsWith": str.startswith, "endsWith": str.endswith, "contains": str.__contains__,
}  # fmt: skip
_NUMBERS: Final = {"integer", "decimal", "positiveInt", "unsignedInt"}
_TIMES: Final = {"date", "dateTime", "instant"}


class Unsupported(Exception):
    """The condition has a shape that is not known here."""


class NotPlain(Exception):
    """A value has extensions alone, and the answer hangs on it."""


@dataclass(frozen=True)
class Source:
    """Where a collection comes from. `info` is the type of its items, None for several; `keys` are the properties that
    tell whether there is anything, where that is all it takes.
    """

    find: Find
    info: TypeInfo | None
    is_single: bool
    keys: frozenset[str] = frozenset()


def condition(tree: Tree, info: TypeInfo) -> Truth:
    """Compile a condition on an element of a type. Raises Unsupported."""
    match tree:
        case Binary(operator=("and" | "or" | "xor" | "implies") as sign, left=left, right=right):
            return logic(sign, condition(left, info), condition(right, info))
        case Binary(operator="in", left=left, right=right):
            return _membership(_single(left, info), _texts(right))
        case Binary(operator=sign, left=left, right=right) if sign in _ORDER:
            return _comparison(sign, left, right, info)
        case Call(target=inner, name="not") if inner is not None:
            return _negation(condition(inner, info))
        case Call(name="exists" | "empty" | "hasValue" | "all" | "startsWith" | "endsWith" | "contains" | "matches"):
            return _call(tree, info)
        case Member() | Special():
            return _flag(_single(tree, info))
        case _:
            raise Unsupported


def _call(tree: Call, info: TypeInfo) -> Truth:
    match tree:
        case Call(target=target, name="exists", arguments=arguments):
            source = collection(target, info)
            return _presence(_filtered(source, arguments[0]) if arguments else source)
        case Call(target=target, name="empty"):
            return _negation(_presence(collection(target, info)))
        case Call(target=target, name="hasValue"):
            return _has_value(collection(target, info))
        case Call(target=target, name="all", arguments=(test,)):
            return _every(collection(target, info), test)
        case Call(target=target, name=name, arguments=(Literal(value=str(text)),)):
            return _text_test(name, _single(target, info), text)
        case _:
            raise Unsupported


# ── Collections ──────────────────────────────────────────────────────────────────────────────────────────────────────


def collection(tree: Tree | None, info: TypeInfo) -> Source:
    """Compile a path, with filters in it. Raises Unsupported."""
    match tree:
        case None | Special(name="this"):
            return _this(info)
        case Member(target=None, name=name) if name == info.name:
            return _this(info)
        case Member(target=target, name=name):
            return _step(collection(target, info), name, is_first=_is_here(target, info))
        case Call(target=target, name="trace") if target is not None:
            return collection(target, info)
        case Call(target=target, name="where", arguments=(test,)):
            return _filtered(collection(target, info), test)
        case _:
            raise Unsupported


def _this(info: TypeInfo) -> Source:
    return Source(lambda value: [value], info, is_single=True)


def _is_here(target: Tree | None, info: TypeInfo) -> bool:
    return target is None or (isinstance(target, Member) and target.target is None and target.name == info.name)


def _step(source: Source, name: str, *, is_first: bool) -> Source:
    slots = source.info.members.get(name) if source.info and not source.info.is_primitive else None
    if slots is None:
        raise Unsupported
    if isinstance(slots, Slot):
        keys = frozenset({slots.key, slots.under} if slots.under else {slots.key})
        read, info, is_many = _reader(slots), slots.type, slots.many
    else:
        choices = list({slot.key: slot for slot in slots.values()}.values())
        readers = [_reader(slot) for slot in choices]
        keys, info, is_many = frozenset(slots), None, False
        read = lambda item: [x for one in readers for x in one(item)]  # noqa: E731
    if is_first:
        return Source(read, info, is_single=not is_many, keys=keys)
    find = source.find
    return Source(
        lambda value: [inner for item in find(value) for inner in read(item)],
        info, is_single=source.is_single and not is_many,
    )  # fmt: skip


def _reader(slot: Slot) -> Find:
    """Return what reads one property; a primitive with extensions alone is there, as None."""
    key, under = slot.key, slot.under

    def many(item: Any) -> list[Any]:
        found = item.get(key)
        if found is None and under is not None:
            return [None for _ in item.get(under, ())]
        return found or []

    def one(item: Any) -> list[Any]:
        found = item.get(key)
        return [found] if found is not None or under in item else []

    return many if slot.many else one


def _filtered(source: Source, test: Tree) -> Source:
    if source.info is None:
        raise Unsupported
    find, fits = source.find, condition(test, source.info)
    return Source(
        lambda value: [item for item in find(value) if fits(item) is True], source.info, is_single=source.is_single
    )


# ── Conditions ───────────────────────────────────────────────────────────────────────────────────────────────────────


def _presence(source: Source) -> Truth:
    find, keys = source.find, source.keys
    if len(keys) == 1:
        (key,) = keys
        return lambda value: key in value
    if keys:
        return lambda value: not keys.isdisjoint(value)
    return lambda value: bool(find(value))


def _negation(inner: Truth) -> Truth:
    def decide(value: Any) -> bool | None:
        answer = inner(value)
        return None if answer is None else not answer

    return decide


def _has_value(source: Source) -> Truth:
    if source.info is None or not source.info.is_primitive or not source.is_single:
        raise Unsupported
    find = source.find
    return lambda value: any(item is not None for item in find(value))


def _every(source: Source, test: Tree) -> Truth:
    if source.info is None:
        raise Unsupported
    find, fits = source.find, condition(test, source.info)
    return lambda value: all(fits(item) is True for item in find(value))


def _text_test(name: str, read: _Single, text: str) -> Truth:
    if not read.info.is_text:
        raise Unsupported
    inner = read.read
    test = found_in if name == "matches" else _TEXT_TESTS[name]

    def decide(value: Any) -> bool | None:
        found = inner(value)
        return None if found is None else test(found, text)

    return decide


def _flag(read: _Single) -> Truth:
    if read.info.name != "boolean":
        raise Unsupported
    return read.read


def _membership(read: _Single, texts: frozenset[str]) -> Truth:
    if not read.info.is_text:
        raise Unsupported
    inner = read.read

    def decide(value: Any) -> bool | None:
        found = inner(value)
        if found is None:
            if read.find(value):
                raise NotPlain
            return None
        return found in texts

    return decide


def _texts(tree: Tree) -> frozenset[str]:
    match tree:
        case Binary(operator="|", left=left, right=right):
            return _texts(left) | _texts(right)
        case Literal(value=str(text)):
            return frozenset({text})
        case _:
            raise Unsupported


# ── Comparisons ──────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class _Single:
    """A primitive that there is at most one of: `read` gives its JSON value, or None."""

    read: Read
    find: Find
    info: TypeInfo


def _single(tree: Tree | None, info: TypeInfo) -> _Single:
    source = collection(tree, info)
    if source.info is None or not source.info.is_primitive or not source.is_single:
        raise Unsupported
    if isinstance(tree, Special):
        return _Single(lambda value: value, source.find, source.info)
    if source.keys:
        key = min(source.keys, key=lambda name: name.startswith("_"))
        return _Single(lambda value: value.get(key), source.find, source.info)
    find = source.find
    return _Single(lambda value: next(iter(find(value)), None), find, source.info)


def _comparison(sign: str, left: Tree, right: Tree, info: TypeInfo) -> Truth:
    for compile_ in (_of_text, _of_numbers, _of_times, _of_truths):
        try:
            return compile_(sign, left, right, info)
        except Unsupported:
            continue
    raise Unsupported


def _of_text(sign: str, left: Tree, right: Tree, info: TypeInfo) -> Truth:
    """Compare an element with a literal: a text, or true and false."""
    read, wanted = _single(left, info), _literal(right)
    is_known = read.info.is_text if type(wanted) is str else read.info.name == "boolean" and type(wanted) is bool
    if sign not in ("=", "!=") or not is_known:
        raise Unsupported
    inner, is_same = read.read, sign == "="

    def decide(value: Any) -> bool | None:
        found = inner(value)
        return None if found is None else (found == wanted) is is_same

    return decide


def _literal(tree: Tree) -> Any:
    if isinstance(tree, Literal):
        return tree.value
    if isinstance(tree, External) and tree.name == "ucum":
        return _UCUM
    raise Unsupported


def _of_numbers(sign: str, left: Tree, right: Tree, info: TypeInfo) -> Truth:
    one, other, test = _number(left, info), _number(right, info), _ORDER[sign]

    def decide(value: Any) -> bool | None:
        a, b = one(value), other(value)
        return None if a is None or b is None else test(a, b)

    return decide


def _number(tree: Tree, info: TypeInfo) -> Read:
    match tree:
        case Literal(value=value) if type(value) is int or type(value) is Decimal:
            return lambda _value: value
        case Binary(operator="+", left=left, right=right):
            one, other = _number(left, info), _number(right, info)
            return lambda value: one(value) + other(value)
        case Call(target=target, name="count") if target is not None:
            find = collection(target, info).find
            return lambda value: len(find(value))
        case Member():
            read = _single(tree, info)
            if read.info.name in _NUMBERS:
                return read.read
    raise Unsupported


def _of_times(sign: str, left: Tree, right: Tree, info: TypeInfo) -> Truth:
    """Compare two dates. Those that are written alike are in the order of their texts."""
    one, other, test = _single(left, info), _single(right, info), _ORDER[sign]
    if sign in ("=", "!=") or one.info.name not in _TIMES or other.info.name not in _TIMES:
        raise Unsupported
    first, second, parse, parse_other = one.read, other.read, one.info.convert, other.info.convert

    def decide(value: Any) -> bool | None:
        a, b = first(value), second(value)
        if a is None or b is None:
            return None
        if len(a) == len(b) and a[19:] == b[19:]:
            return test(a, b)
        found = order(parse(a), parse_other(b), zone=0)
        return None if found is None else test(found, 0)

    return decide


def _of_truths(sign: str, left: Tree, right: Tree, info: TypeInfo) -> Truth:
    """Compare two conditions: `start.exists() = end.exists()`."""
    if sign not in ("=", "!=") or not isinstance(left, Call) or not isinstance(right, Call):
        raise Unsupported
    one, other, is_same = condition(left, info), condition(right, info), sign == "="

    def decide(value: Any) -> bool | None:
        a, b = one(value), other(value)
        return None if a is None or b is None else (a is b) is is_same

    return decide
