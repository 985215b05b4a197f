"""Turns a syntax tree into closures, once, so that running it only calls functions.

Every tree compiles in two ways: `listed` gives a collection, `decided` a truth (None for the empty collection);
conditions never build collections that are only looked at for being there.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from fellesjournal.fhir.fhirpath import shapes
from fellesjournal.fhir.fhirpath.arithmetic import OPERATORS, joined, negate
from fellesjournal.fhir.fhirpath.conditions import TESTS, logic
from fellesjournal.fhir.fhirpath.constants import constant
from fellesjournal.fhir.fhirpath.environment import Environment
from fellesjournal.fhir.fhirpath.errors import FhirPathError
from fellesjournal.fhir.fhirpath.functions import FUNCTIONS, Function
from fellesjournal.fhir.fhirpath.functions.model import Decided, Listed, TypeCheck
from fellesjournal.fhir.fhirpath.functions.subsetting import at_index, only, sort, union
from fellesjournal.fhir.fhirpath.functions.tree import is_of_type
from fellesjournal.fhir.fhirpath.nodes import Items, Node, step
from fellesjournal.fhir.fhirpath.references import refers_to
from fellesjournal.fhir.fhirpath.singles import NOTHING, boxed, one, one_text, truth
from fellesjournal.fhir.fhirpath.syntax import (
    Binary,
    Call,
    Empty,
    External,
    Indexer,
    Literal,
    Member,
    Sign,
    Special,
    Tree,
    TypeTest,
    parts,
)
from fellesjournal.fhir.fhirpath.types import SYSTEM_NAMES, resolve_type
from fellesjournal.fhir.structures import catalogue

_LOGIC: Final = {"and", "or", "xor", "implies"}
_TRUTHS: Final = {*_LOGIC, *TESTS}


def listed(tree: Tree) -> Listed:
    """Compile to a closure that gives a collection. Raises FhirPathError for unknown functions and types."""
    if _is_truth(tree):
        decide = decided(tree)
        return lambda env: boxed(decide(env))
    match tree:
        case Literal(value=value):
            return _always([value])
        case Empty():
            return _always(NOTHING)
        case Special(name=name):
            return _special(name)
        case External(name=name, at=at):
            return constant(name, at=at)
        case Member():
            return _member(tree)
        case Call():
            return _call(tree)
        case Indexer(target=target, index=index, at=at):
            return _index(listed(target), _scoped(index), at)
        case Sign():
            return _sign(tree)
        case TypeTest(left=left, type_name=name, at=at):
            inner, check = _scoped(left), type_check(name, at=at)
            return lambda env: only(inner(env), env, check)
        case Binary():
            return _binary(tree)


def decided(tree: Tree) -> Decided:
    """Compile to a closure that gives a truth."""
    short = shapes.decided(tree)
    if short is not None:
        return short
    match tree:
        case Binary(operator=operator) if operator in _LOGIC:
            return _logic(tree)
        case Binary(operator=operator) if operator in _TRUTHS:
            return _comparison(tree)
        case TypeTest(operator="is"):
            return _is_type(tree)
        case Call(name=name) if name in FUNCTIONS and FUNCTIONS[name].decides:
            return _invoked(tree, FUNCTIONS[name])
        case _:
            inner = listed(tree)
            at = tree.at
            return lambda env: _placed(truth, at, inner(env))


def _is_truth(tree: Tree) -> bool:
    match tree:
        case Binary(operator=operator):
            return operator in _TRUTHS
        case TypeTest(operator=operator):
            return operator == "is"
        case Call(name=name):
            return name in FUNCTIONS and FUNCTIONS[name].decides
        case _:
            return False


def _placed(act: Callable[..., Any], at: int, *arguments: Any) -> Any:
    """Act, and let an error say where in the expression it comes from."""
    try:
        return act(*arguments)
    except FhirPathError as error:
        if error.position is None:
            error.position = at
        raise


def _always(items: Items) -> Listed:
    return lambda _env: items


def _special(name: str) -> Listed:
    match name:
        case "this":
            return lambda env: env.this
        case "index":
            return lambda env: [] if env.index is None else [env.index]
        case _:
            return lambda env: env.total


def _member(tree: Member) -> Listed:
    name = tree.name
    if tree.target is not None:
        target = listed(tree.target)
        return lambda env: _stepped(target(env), name, env)
    if not name[:1].isupper() or name not in catalogue().types:
        return lambda env: _stepped(env.this, name, env)

    def start(env: Environment) -> Items:
        """The name of a type at the start keeps what is of that type."""
        typed = [item for item in env.this if type(item) is Node and name in item.type.ancestors]
        return typed or step(env.this, name)

    return start


def _stepped(items: Items, name: str, env: Environment) -> Items:
    found = step(items, name)
    env.spend(len(found) + 1)
    return env.bound(found) if len(found) > 1 else found


def _index(target: Listed, index: Listed, at: int) -> Listed:
    return lambda env: _placed(at_index, at, target(env), index(env))


def _sign(tree: Sign) -> Listed:
    inner, at, is_minus = _scoped(tree.operand), tree.at, tree.operator == "-"

    def sign(items: Items) -> Items:
        value = one(items)
        if value is None:
            return NOTHING
        turned = negate(value)
        return [turned if is_minus else value]

    return lambda env: _placed(sign, at, inner(env))


def _binary(tree: Binary) -> Listed:
    left, right, at = _scoped(tree.left), _scoped(tree.right), tree.at
    if tree.operator == "|":
        return lambda env: union(left(env), right(env), env)
    if tree.operator == "&":
        return lambda env: _placed(_concatenate, at, left(env), right(env), env)
    calculate = OPERATORS[tree.operator]

    def run(first: Items, second: Items, env: Environment) -> Items:
        a, b = one(first), one(second)
        if a is None or b is None:
            return NOTHING
        env.spend(len(a) // 64 if type(a) is str else 1)
        found = calculate(a, b)
        return NOTHING if found is None else [found]

    return lambda env: _placed(run, at, left(env), right(env), env)


def _concatenate(left: Items, right: Items, env: Environment) -> Items:
    text = joined((one_text(left) or "") + (one_text(right) or ""))
    env.spend(len(text) // 64 + 1)
    return [text]


def _logic(tree: Binary) -> Decided:
    return logic(tree.operator, _scoped_truth(tree.left), _scoped_truth(tree.right))


def _comparison(tree: Binary) -> Decided:
    left, right, at = _scoped(tree.left), _scoped(tree.right), tree.at
    act = TESTS[tree.operator]
    return lambda env: _placed(act, at, left(env), right(env), env)


def _is_type(tree: TypeTest) -> Decided:
    at, check = tree.at, type_check(tree.type_name, at=tree.at)
    if isinstance(tree.left, Call) and tree.left.name == "resolve":
        # What cannot be fetched still says its type.
        name = tree.type_name.removeprefix("FHIR.")
        source = _always_this if tree.left.target is None else _scoped(tree.left.target)
        return lambda env: _placed(_refers, at, source(env), name, env)
    inner = _scoped(tree.left)
    return lambda env: _placed(is_of_type, at, inner(env), env, check)


def _refers(items: Items, name: str, env: Environment) -> bool | None:
    return is_of_type(items, env, lambda item: refers_to(item, name, env))


def type_check(name: str, *, at: int) -> TypeCheck:
    """Compile a type specifier to a test of one item: is it of this type, or of one that derives from it?"""
    resolved = resolve_type(name)
    if resolved is None:
        raise FhirPathError(f"unknown type {name[:60]}", position=at)
    namespace, bare = resolved

    def check(item: Any) -> bool:
        if type(item) is Node:
            return namespace != "System" and bare in item.type.ancestors
        return namespace != "FHIR" and (bare == "Any" or SYSTEM_NAMES.get(type(item)) == bare)

    return check


def _call(tree: Call) -> Listed:
    if tree.name == "sort":
        return _sort(tree)
    function = FUNCTIONS.get(tree.name)
    if function is None:
        raise FhirPathError(f"unknown function {tree.name[:60]}", position=tree.at)
    invoked: Listed = _invoked(tree, function)
    return invoked


def _invoked(tree: Call, function: Function) -> Callable[[Environment], Any]:
    if not function.least <= len(tree.arguments) <= function.most:
        raise FhirPathError(f"{tree.name}() does not take {len(tree.arguments)} arguments", position=tree.at)
    source = _always_this if tree.target is None else listed(tree.target)
    run, at = function.run, tree.at
    if function.takes == "values":
        return _with_values(run, source, [_scoped(argument) for argument in tree.arguments], at)
    given = _arguments(tree, function)

    def invoke(env: Environment) -> Any:
        items = source(env)
        try:
            return run(items, env, *given)
        except FhirPathError as error:
            if error.position is None:
                error.position = at
            raise

    return invoke


def _with_values(run: Callable[..., Any], source: Listed, given: list[Listed], at: int) -> Callable[[Environment], Any]:
    def invoke(env: Environment) -> Any:
        items = source(env)
        values = [argument(env) for argument in given]
        try:
            return run(items, env, *values)
        except FhirPathError as error:
            if error.position is None:
                error.position = at
            raise

    return invoke


def _arguments(tree: Call, function: Function) -> list[Any]:
    match function.takes:
        case "conditions":
            return [_scoped_truth(argument) for argument in tree.arguments]
        case "type":
            return [type_check(_type_name(argument), at=argument.at) for argument in tree.arguments]
        case _:
            return [_scoped(argument) for argument in tree.arguments]


def _always_this(env: Environment) -> Items:
    return env.this


def _type_name(tree: Tree) -> str:
    if isinstance(tree, Member):
        return tree.name if tree.target is None else f"{_type_name(tree.target)}.{tree.name}"
    if isinstance(tree, Literal) and type(tree.value) is str:
        return tree.value
    raise FhirPathError("expected the name of a type", position=tree.at)


def _sort(tree: Call) -> Listed:
    """A minus before a key means descending, for texts too."""
    source = _always_this if tree.target is None else listed(tree.target)
    keys: list[tuple[Listed, int]] = []
    for argument in tree.arguments:
        is_down = isinstance(argument, Sign) and argument.operator == "-"
        inner = argument.operand if isinstance(argument, Sign) and is_down else argument
        keys.append((_scoped(inner), -1 if is_down else 1))
    at = tree.at
    return lambda env: _placed(sort, at, source(env), env, keys)


def _scoped(tree: Tree) -> Listed:
    """Compile an operand or argument: variables that it defines end with it."""
    inner = listed(tree)
    return _closing(inner) if _defines(tree) else inner


def _scoped_truth(tree: Tree) -> Decided:
    inner = decided(tree)
    return _closing(inner) if _defines(tree) else inner


def _closing(inner: Callable[[Environment], Any]) -> Callable[[Environment], Any]:
    def run(env: Environment) -> Any:
        variables = env.variables
        found = inner(env)
        env.variables = variables
        return found

    return run


def _defines(tree: Tree) -> bool:
    if isinstance(tree, Call) and tree.name == "defineVariable":
        return True
    return any(_defines(inner) for inner in parts(tree))
