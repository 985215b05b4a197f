"""Composite parameters: `code-value-quantity=8480-6$gt140`. Rows and their columns: `fhir.composite`."""

from collections.abc import Callable, Mapping
from typing import Final, cast

from fellesjournal import fhir
from fellesjournal.fhir.composite import ANY_PARAM
from fellesjournal.fhir.keys import Hash64, code_key, fold, split_token, token_query_key
from fellesjournal.record.search.compare import dated, numbered, starts
from fellesjournal.record.search.error import refusal
from fellesjournal.record.search.model import (
    Clause,
    CompositeValue,
    DateValue,
    NumberValue,
    ReferenceValue,
    TextValue,
    unescaped_split,
)
from fellesjournal.record.search.sql import Params
from fellesjournal.record.search.values import parse_values, split_values


def parse_composites(
    rtype: str, name: str, text: str, *, param: fhir.SearchParam, params: Mapping[str, fhir.SearchParam], base: str
) -> tuple[CompositeValue, ...]:
    """The values of a composite parameter: groups at commas, their parts at dollar signs. Raises SearchError."""
    components = [params[code] for code, _ in param.components]
    return tuple(_value(rtype, name, part, components, base) for part in split_values(name, text))


def _value(rtype: str, name: str, text: str, components: list[fhir.SearchParam], base: str) -> CompositeValue:
    pieces = unescaped_split(text, "$")
    if len(pieces) != len(components):
        raise refusal(name, "is " + "$".join(component.code for component in components))
    return CompositeValue(
        tuple(
            Clause(rtype, c.code, c.type, c.id, "", parse_values(name, piece, param=c, modifier="", base=base))
            for c, piece in zip(components, pieces, strict=True)
        )
    )


def key_of(value: CompositeValue) -> tuple[str, ...]:
    """The keys that column `h` of a matching row may have; none for a token that names its system alone."""
    first = value.parts[0]
    if first.type == "reference":
        return cast(ReferenceValue, first.values[0]).keys
    code = split_token(cast(TextValue, first.values[0]).text)[2]
    return (code_key(ANY_PARAM, code),) if code else ()


def matches(_clause: Clause, value: object, a: str, params: Params, hash64: Hash64) -> str:
    """The predicate over one row's columns, all but its parameter."""
    parts = cast(CompositeValue, value).parts
    columns = _Columns(a)
    return " AND ".join(_WRITERS[part.type](part, columns, params, hash64) for part in parts)


class _Columns:
    """The columns of a row, handed out in the order of the components."""

    def __init__(self, a: str) -> None:
        self.a = a
        self._hashed = [("h", "hs", "hy"), ("h2", "h2s", "h2y")]
        self._numbers = [("lo", "hi"), ("lo2", "hi2")]

    def hashed(self) -> tuple[str, str, str]:
        """Code, code in its system, system; of a unit the last is its text."""
        one, two, three = self._hashed.pop(0)
        return f"{self.a}.{one}", f"{self.a}.{two}", f"{self.a}.{three}"

    def numbers(self) -> tuple[str, str]:
        """Low and high."""
        low, high = self._numbers.pop(0)
        return f"{self.a}.{low}", f"{self.a}.{high}"


def _token(part: Clause, columns: _Columns, params: Params, hash64: Hash64) -> str:
    code_column, own_column, system_column = columns.hashed()
    text = cast(TextValue, part.values[0]).text
    _, bar, code = split_token(text)
    key = token_query_key(ANY_PARAM, text, implied=fhir.implied_systems(part.rtype, part.code))
    if not code and bar:
        return f"{system_column} = {params.number(hash64(key))}"
    any_system = code_key(ANY_PARAM, code)
    wanted = f"{code_column} = {params.number(hash64(any_system))}"
    return wanted if key == any_system else f"{wanted} AND {own_column} = {params.number(hash64(key))}"


def _reference(part: Clause, columns: _Columns, params: Params, hash64: Hash64) -> str:
    keys = cast(ReferenceValue, part.values[0]).keys
    return f"{columns.hashed()[0]} = ANY ({params.numbers(hash64(key) for key in keys)})"


def _quantity(part: Clause, columns: _Columns, params: Params, hash64: Hash64) -> str:
    code, own, text = columns.hashed()
    wanted = cast(NumberValue, part.values[0])
    fits = numbered(wanted, *columns.numbers(), params)
    if wanted.unit is None:
        return fits
    unit = params.number(hash64(wanted.unit))
    if wanted.is_base:
        return f"{code} = {unit} AND {fits}"
    return f"({code} = {unit} OR {own} = {unit} OR {text} = {unit}) AND {fits}"


def _number(part: Clause, columns: _Columns, params: Params, _hash64: Hash64) -> str:
    return numbered(cast(NumberValue, part.values[0]), *columns.numbers(), params)


def _date(part: Clause, columns: _Columns, params: Params, _hash64: Hash64) -> str:
    return dated(cast(DateValue, part.values[0]), f"{columns.a}.dlo", f"{columns.a}.dhi", params)


def _string(part: Clause, columns: _Columns, params: Params, _hash64: Hash64) -> str:
    return starts(f"{columns.a}.v", fold(cast(TextValue, part.values[0]).text), params)


_WRITERS: Final[dict[str, Callable[[Clause, _Columns, Params, Hash64], str]]] = {
    "token": _token, "reference": _reference, "quantity": _quantity, "number": _number, "date": _date,
    "string": _string,
}  # fmt: skip
