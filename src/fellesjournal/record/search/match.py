"""What a row of a search table must be like to match a clause: fixed pieces of SQL over one alias."""

from collections.abc import Callable
from typing import Final, cast

from fellesjournal import fhir
from fellesjournal.fhir.keys import TEXT_LIMIT, Hash64, canonical_param, fold, of_type_key, token_query_key, uri_key
from fellesjournal.record.search import composite, place
from fellesjournal.record.search.coded import by_terminology
from fellesjournal.record.search.compare import dated, ends, numbered, starts
from fellesjournal.record.search.model import Clause, CompositeValue, DateValue, NumberValue, ReferenceValue, TextValue
from fellesjournal.record.search.sql import Params
from fellesjournal.record.search.words import ENTITY, Term, WordsValue, contained, spoken

TABLES: Final = {
    "token": "vault.sp_token", "reference": "vault.sp_reference", "date": "vault.sp_date",
    "uri": "vault.sp_uri",
    "quantity": "vault.sp_quantity", "number": "vault.sp_quantity", "string": "vault.sp_string",
    "composite": "vault.sp_composite", "place": "vault.sp_composite",
}  # fmt: skip


def table_of(clause: Clause) -> str:
    """The table that a clause looks in."""
    return TABLES["string"] if clause.modifier == "text" else TABLES[clause.type]


def rows_of(clause: Clause) -> tuple[int, ...]:
    """The parameters under which a clause's rows are kept."""
    if clause.modifier == "missing":
        return _kept(clause)
    found = dict.fromkeys(number for value in clause.values for number in _rows_of(clause, value))
    return tuple(found)


def is_hashed(clause: Clause) -> bool:
    """Whether every row that matches has one of some hashes, so that an index on them leads there."""
    if clause.type == "composite":
        return clause.modifier == "" and all(composite.key_of(cast(CompositeValue, v)) for v in clause.values)
    return clause.type in ("token", "reference") and clause.modifier != "text"


def hashes(clause: Clause, hash64: Hash64) -> list[int]:
    """Every hash that a token, a reference or a composite's first part may have, in order, none twice."""
    if clause.type == "composite":
        keys = [key for v in clause.values for key in composite.key_of(cast(CompositeValue, v))]
    elif clause.modifier == "of-type":
        keys = [_of_type(clause, cast(TextValue, v).text) for v in clause.values]
    elif clause.type == "token":
        if by_terminology(clause):
            raise RuntimeError("the codes of a clause are asked for before it is compiled")
        implied = fhir.implied_systems(clause.rtype, clause.code)
        keys = [token_query_key(clause.param, cast(TextValue, v).text, implied=implied) for v in clause.values]
    else:
        keys = [key for v in clause.values for key in cast(ReferenceValue, v).keys]
    return list(dict.fromkeys(hash64(key) for key in keys))


def matches(clause: Clause, a: str, params: Params, hash64: Hash64) -> str:
    """The predicate over alias `a` of the clause's table, its parameter included."""
    rows = rows_of(clause)
    param = one_param(a, rows, params)
    if clause.modifier == "missing":
        return param
    if clause.type in ("token", "reference") and clause.modifier != "text":
        return f"{param} AND {one_of(a, hashes(clause, hash64), params)}"
    write = _text if clause.modifier == "text" else _WRITERS[clause.type]
    fits = []
    for value in clause.values:
        own = _rows_of(clause, value)
        mine = "" if own == rows else f"{one_param(a, own, params)} AND "
        fits.append(f"({mine}{write(clause, value, a, params, hash64)})")
    return f"{param} AND ({' OR '.join(fits)})"


def one_of(a: str, found: list[int], params: Params) -> str:
    """Equality with one hash or with any of several."""
    if len(found) == 1:
        return f"{a}.h = {params.number(found[0])}"
    return f"{a}.h = ANY ({params.numbers(found)})"


def one_param(a: str, rows: tuple[int, ...], params: Params) -> str:
    """Equality with one parameter's number or with any of several."""
    if len(rows) == 1:
        return f"{a}.param = {params.number(rows[0])}"
    return f"{a}.param = ANY ({params.numbers(rows)})"


def _rows_of(clause: Clause, value: object) -> tuple[int, ...]:
    kept = _kept(clause) if clause.type == "composite" or clause.modifier == "text" else (clause.param,)
    numbers = [part.values[0] for part in value.parts] if isinstance(value, CompositeValue) else [value]
    if any(isinstance(number, NumberValue) and number.is_base for number in numbers):
        return tuple(canonical_param(number) for number in kept)
    return kept


def _kept(clause: Clause) -> tuple[int, ...]:
    if clause.type == "composite" or clause.modifier == "text":
        return fhir.kept_as(clause.rtype, clause.code, clause.param)
    return (clause.param,)


def _of_type(clause: Clause, text: str) -> str:
    system, code, value = text.split("\x1f")
    return of_type_key(clause.param, system=system or None, code=code, value=value)


def unit_of(clause: Clause, hash64: Hash64) -> int | None:
    """The unit that a number's row must have; None for any."""
    return _unit_of(clause, cast(NumberValue, clause.values[0]), hash64)


def _unit_of(clause: Clause, wanted: NumberValue, hash64: Hash64) -> int | None:
    if clause.type == "number":
        return 0
    return None if wanted.unit is None else hash64(wanted.unit)


def _text(_clause: Clause, value: object, a: str, params: Params, _hash64: Hash64) -> str:
    """Codes that stand for a text where there is none are not looked at."""
    return f"{a}.exact = '' AND {starts(f'{a}.v', fold(cast(TextValue, value).text), params)}"


def _date(_clause: Clause, value: object, a: str, params: Params, _hash64: Hash64) -> str:
    return dated(cast(DateValue, value), f"{a}.lo", f"{a}.hi", params)


def _number(clause: Clause, value: object, a: str, params: Params, hash64: Hash64) -> str:
    wanted = cast(NumberValue, value)
    key = _unit_of(clause, wanted, hash64)
    unit = "" if key is None else f"{a}.unit = {params.number(key)} AND "
    return f"{unit}{numbered(wanted, f'{a}.lo', f'{a}.hi', params)}"


def _string(clause: Clause, value: object, a: str, params: Params, _hash64: Hash64) -> str:
    text = cast(TextValue, value).text
    folded = fold(text)
    if clause.modifier == "exact":
        return f"({a}.v = {params.text(folded)} AND {a}.exact = {params.text(text)})"
    if clause.modifier in ("contains", "co"):
        return f"pg_catalog.strpos({a}.v, {params.text(folded)}) > 0"
    if clause.modifier in ("eq", "ne"):
        return f"{a}.v {'=' if clause.modifier == 'eq' else '<>'} {params.text(folded)}"
    if clause.modifier == "ew":
        # Of a text that was cut the end is compared as it is written.
        folded_end, end = ends(f"{a}.v", folded, params), ends(f"{a}.exact", text, params)
        return f"CASE WHEN pg_catalog.length({a}.v) < {TEXT_LIMIT} THEN {folded_end} ELSE {end} END"
    return starts(f"{a}.v", folded, params)


def _uri(clause: Clause, value: object, a: str, params: Params, _hash64: Hash64) -> str:
    uri = cast(TextValue, value).text
    if clause.modifier == "below":
        return f"({a}.v = {params.text(uri_key(uri))} OR {starts(f'{a}.v', uri.rstrip('/') + '/', params)})"
    if clause.modifier == "above":
        pieces = uri.split("/")
        above = [uri_key("/".join(pieces[:n])) for n in range(1, len(pieces) + 1)]
        return f"{a}.v = ANY ({params.texts(above)})"
    if clause.modifier in ("co", "ew"):
        found = f"pg_catalog.strpos({a}.v, {params.text(uri)}) > 0"
        return found if clause.modifier == "co" else ends(f"{a}.v", uri, params)
    if clause.modifier == "sw":
        return starts(f"{a}.v", uri, params)
    return f"{a}.v {'<>' if clause.modifier == 'ne' else '='} {params.text(uri_key(uri))}"


def may_hold(wanted: WordsValue, body: str, params: Params) -> str:
    """True for every body that has the words, and for few others: letters that are written as entities hide them."""
    positive = [[term for term in terms if not term.is_negated] for terms in wanted.alternatives]
    any_of = [[like for term in terms for like in contained(term)] for terms in positive]
    if not all(any_of):
        return "true"
    found = " OR ".join(f"({_all_like(body, likes, params)})" for likes in any_of)
    hidden = f"pg_catalog.strpos({body}, '&') > 0 AND {_all_like(body, [ENTITY], params)}"
    return f"({found} OR ({hidden}))"


def holds(wanted: WordsValue, text: str, params: Params) -> str:
    """True for a readable text that has the words."""
    return "(" + " OR ".join(f"({_all_terms(text, terms, params)})" for terms in wanted.alternatives) + ")"


def _all_terms(text: str, terms: tuple[Term, ...], params: Params) -> str:
    return " AND ".join(
        f'{text} COLLATE "C" {"!~" if term.is_negated else "~"} {params.text(spoken(term))}' for term in terms
    )


def _all_like(body: str, likes: list[str], params: Params) -> str:
    return " AND ".join(f'{body} COLLATE "C" ~ {params.text(like)}' for like in likes)


_WRITERS: Final[dict[str, Callable[[Clause, object, str, Params, Hash64], str]]] = {
    "date": _date, "number": _number, "quantity": _number, "string": _string, "uri": _uri,
    "composite": composite.matches, "place": place.matches,
}  # fmt: skip
