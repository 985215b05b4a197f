"""What a `_filter` asks for: its tree with every parameter looked up, as conditions like any other.

`ne` of tokens and references: there is a value, and none is equal. Comparisons are those of the prefixes of the same
name; texts are compared folded, as in any search; `in`, `ni`, `sb` and `ss` are the modifiers `:in`, `:not-in`,
`:below` and `:above`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from fellesjournal import fhir
from fellesjournal.record.search.dialect import MAX_HOPS
from fellesjournal.record.search.error import Unknown, Unready, refusal
from fellesjournal.record.search.filter_syntax import Step, Test, Tree, parse_filter
from fellesjournal.record.search.model import Chain, Clause, Condition, Group, TextValue
from fellesjournal.record.search.values import parse_values
from fellesjournal.record.search.words import READ_BY_WORDS, parse_words

Known = Callable[[str, str, str], fhir.SearchParam]
"""The parameter of a type with a code, for an error's name: (type, name, code). Raises Unknown."""

_COMPARED: Final = ("eq", "ne", "gt", "lt", "ge", "le", "ap", "sa", "eb")
_OPERATORS: Final[dict[str, tuple[str, ...]]] = {
    "id": ("eq", "ne"), "token": ("eq", "ne", "pr", "in", "ni", "sb", "ss"), "reference": ("eq", "ne", "re", "pr"),
    "string": ("eq", "ne", "co", "sw", "ew", "pr"), "uri": ("eq", "ne", "co", "sw", "ew", "pr"),
    "date": (*_COMPARED, "po", "pr"), "number": (*_COMPARED, "pr"), "quantity": (*_COMPARED, "pr"),
}  # fmt: skip
_BY_TERMINOLOGY: Final = {"in": "in", "sb": "below", "ss": "above"}


def read_filter(text: str, *, rtype: str, known: Known, base: str) -> tuple[Condition, ...]:
    """Conditions that must all be fulfilled. Raises SearchError; a name that isn't known is a fault, whatever the
    client prefers: without its part a filter would mean something else.
    """
    try:
        found = _Meaning(known, base).condition(parse_filter(text), rtype, 0)
    except Unknown as unknown:
        code = "incomplete" if isinstance(unknown, Unready) else "not-supported"
        raise refusal("_filter", f"{unknown.name}: {unknown.why}", code=code) from None
    return found.parts if isinstance(found, Group) and found.op == "and" else (found,)


@dataclass(frozen=True)
class _Meaning:
    known: Known
    base: str

    def condition(self, tree: Tree, rtype: str, hops: int) -> Condition:
        """The condition on a resource of a type."""
        if isinstance(tree, Test):
            return self._path(tree, tree.path, rtype, hops)
        parts = [self.condition(part, rtype, hops) for part in tree.parts]
        return _any_of(rtype, parts) if tree.op == "or" else Group(rtype, tree.op, tuple(parts))

    def _path(self, test: Test, path: tuple[Step, ...], rtype: str, hops: int) -> Condition:
        step, rest = path[0], path[1:]
        code, _, wanted = step.name.partition(":")
        if not rest:
            if wanted:
                raise Unknown(step.name, "a type is named only where a reference is followed")
            return self._test(test, rtype, code)
        param = self.known(rtype, step.name, code)
        if param.type != "reference":
            raise Unknown(step.name, f"only a reference can be followed, and this is a {param.type}")
        if hops >= MAX_HOPS:
            raise refusal("_filter", f"at most {MAX_HOPS} references may be followed", code="too-costly")
        types = self._types(step.name, param, wanted)
        links = [link for t in types if (link := self._link(test, step, rest, t, hops, alone=len(types) == 1))]
        if not links:
            raise Unknown(step.name, "no type that it may refer to has such a parameter")
        return Chain(rtype, code, param.id, tuple(links))

    def _types(self, name: str, param: fhir.SearchParam, wanted: str) -> tuple[str, ...]:
        if wanted and wanted not in (param.targets or fhir.TYPE_NUMBER):
            raise Unknown(name, "it never refers to that type")
        return (wanted,) if wanted else param.targets

    def _link(
        self, test: Test, step: Step, rest: tuple[Step, ...], rtype: str, hops: int, *, alone: bool
    ) -> Condition | None:
        """What the resource that is referred to must be like; None when its type has no such parameter."""
        try:
            link = self._path(test, rest, rtype, hops + 1)
            if step.inner is None:
                return link
            return Group(rtype, "and", (self.condition(step.inner, rtype, hops + 1), link))
        except Unknown as unknown:
            if alone or isinstance(unknown, Unready):
                raise
            return None

    def _test(self, test: Test, rtype: str, code: str) -> Condition:
        if code == "_id":
            return self._id(test, rtype)
        param = self.known(rtype, code, code)
        if code in READ_BY_WORDS:
            if test.operator not in ("eq", "co"):
                raise refusal("_filter", f"{code} goes with eq and co", code="not-supported")
            return Clause(rtype, code, "text", 0, "", (parse_words("_filter", test.value),))
        if test.operator not in _OPERATORS.get(param.type, ()):
            raise refusal("_filter", f"{test.operator} does not go with a {param.type}", code="not-supported")
        if test.operator == "pr":
            return self._present(rtype, param, test.value)
        if test.operator == "ni":
            return Group(rtype, "not", (self._clause(rtype, param, "in", test.value),))
        if test.operator == "ne" and param.type in ("token", "reference"):
            equal = Group(rtype, "not", (self._clause(rtype, param, "eq", test.value),))
            return Group(rtype, "and", (self._present(rtype, param, "true"), equal))
        return self._clause(rtype, param, test.operator, test.value)

    def _id(self, test: Test, rtype: str) -> Condition:
        if test.operator not in _OPERATORS["id"]:
            raise refusal("_filter", f"{test.operator} does not go with an id", code="not-supported")
        found = Clause(rtype, "_id", "id", 0, "", (TextValue(test.value.removeprefix(f"{rtype}/")),))
        return found if test.operator == "eq" else Group(rtype, "not", (found,))

    def _present(self, rtype: str, param: fhir.SearchParam, value: str) -> Clause:
        if value not in ("true", "false"):
            raise refusal("_filter", "pr is followed by true or false")
        missing = TextValue("false" if value == "true" else "true")
        return Clause(rtype, param.code, param.type, param.id, "missing", (missing,))

    def _clause(self, rtype: str, param: fhir.SearchParam, operator: str, value: str) -> Clause:
        """A clause of one value, which is no list whatever stands in it."""
        text = value.replace("\\", "\\\\").replace(",", "\\,")
        modifier = ""
        if param.type in ("date", "number", "quantity"):
            text = ("ap" if operator == "po" else operator) + text
        elif param.type in ("string", "uri"):
            modifier = operator
        elif param.type == "token":
            modifier = _BY_TERMINOLOGY.get(operator, "")
        values = parse_values("_filter", text, param=param, modifier=modifier, base=self.base)
        return Clause(rtype, param.code, param.type, param.id, modifier, values)


def _any_of(rtype: str, parts: list[Condition]) -> Condition:
    """Alternatives; values of the same parameter become one clause, which an index serves best."""
    merged: list[Condition] = []
    for key, same in groupby(sorted(parts, key=_kind), _kind):
        clauses = [one for one in same if isinstance(one, Clause)] if key else []
        if clauses:
            values = tuple(dict.fromkeys(value for clause in clauses for value in clause.values))
            first = clauses[0]
            merged.append(Clause(first.rtype, first.code, first.type, first.param, first.modifier, values))
    merged += [part for part in parts if not _kind(part)]
    return merged[0] if len(merged) == 1 else Group(rtype, "or", tuple(merged))


def _kind(part: Condition) -> str:
    """The same for clauses whose values are alternatives of each other; '' for all else."""
    is_listed = isinstance(part, Clause) and part.modifier != "missing" and part.type != "text"
    return f"{part.code}:{part.modifier}" if isinstance(part, Clause) and is_listed else ""
