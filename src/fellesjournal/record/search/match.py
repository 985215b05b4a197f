"""What a row of a search table must be like to match a clause: fixed pieces of SQL over one alias."""

from collections.abc import Callable
from typing import Final, cast

from fellesjournal import fhir
from fellesjournal.fhir.keys import TEXT_LIMIT, Hash64, fold, token_query_key, uri_key
from fellesjournal.record.search.model import Clause, DateValue, NumberValue, ReferenceValue, TextValue
from fellesjournal.record.search.sql import Params
from fellesjournal.record.search.words import ENTITY, Term, WordsValue, contained, spoken

TABLES: Final = {
    "token": "vault.sp_token", "reference": "vault.sp_reference", "date": "vault.sp_date",
    "uri": "vault.sp_uri",
    "quantity": "vault.sp_quantity", "number": "vault.sp_quantity", "string": "vault.sp_string",
}  # fmt: skip
NEAR: Final = 1e-12
"""Share of a number that two readings of the same decimal may differ by as floats."""
_LAST: Final = "\U0010ffff"


def hashes(clause: Clause, hash64: Hash64) -> list[int]:
    """Every hash that a token or reference of this clause may have, in order, none twice."""
    if clause.type == "token":
        implied = fhir.implied_systems(clause.rtype, clause.code)
        keys = [token_query_key(clause.param, cast(TextValue, v).text, implied=implied) for v in clause.values]
    else:
        keys = [key for v in clause.values for key in cast(ReferenceValue, v).keys]
    return list(dict.fromkeys(hash64(key) for key in keys))


def matches(clause: Clause, a: str, params: Params, hash64: Hash64) -> str:
    """The predicate over alias `a` of the clause's table, its parameter included."""
    param = f"{a}.param = {params.number(clause.param)}"
    if clause.modifier == "missing":
        return param
    if clause.type in ("token", "reference"):
        return f"{param} AND {one_of(a, hashes(clause, hash64), params)}"
    write = _WRITERS[clause.type]
    return f"{param} AND ({' OR '.join(write(clause, value, a, params, hash64) for value in clause.values)})"


def one_of(a: str, found: list[int], params: Params) -> str:
    """Equality with one hash or with any of several."""
    if len(found) == 1:
        return f"{a}.h = {params.number(found[0])}"
    return f"{a}.h = ANY ({params.numbers(found)})"


def _date(_clause: Clause, value: object, a: str, params: Params, _hash64: Hash64) -> str:
    wanted = cast(DateValue, value)
    lo, hi = params.date(wanted.lo), params.date(wanted.hi)
    inside = f"({a}.lo >= {lo} AND {a}.lo < {hi} AND {a}.hi <= {hi})"
    return {
        "eq": inside, "ne": f"({a}.lo < {lo} OR {a}.hi > {hi})",
        "gt": f"{a}.hi > {hi}", "lt": f"{a}.lo < {lo}",
        "ge": f"({a}.hi > {hi} OR {inside})", "le": f"({a}.lo < {lo} OR {inside})",
        "sa": f"{a}.lo >= {hi}", "eb": f"{a}.hi <= {lo}",
        "ap": f"({a}.lo < {hi} AND {a}.hi > {lo})",
    }[wanted.prefix]  # fmt: skip


def _number(clause: Clause, value: object, a: str, params: Params, hash64: Hash64) -> str:
    wanted = cast(NumberValue, value)
    if clause.type == "number":
        unit = f"{a}.unit = 0 AND "
    else:
        unit = "" if wanted.unit is None else f"{a}.unit = {params.number(hash64(wanted.unit))} AND "
    write = _within if wanted.prefix in ("eq", "ne", "ap") else _beside
    return f"({unit}{write(wanted, a, params)})"


def _within(wanted: NumberValue, a: str, params: Params) -> str:
    if wanted.prefix == "ap":
        # Ranges that only touch do not overlap: no slack here.
        return f"{a}.lo < {params.real(wanted.hi)} AND {a}.hi > {params.real(wanted.lo)}"
    slack = (wanted.hi - wanted.lo) * NEAR
    lo, hi = params.real(wanted.lo - slack), params.real(wanted.hi + slack)
    return {
        "eq": f"{a}.lo >= {lo} AND {a}.lo < {hi} AND {a}.hi <= {hi}",
        "ne": f"({a}.lo < {lo} OR {a}.hi > {hi})",
    }[wanted.prefix]  # fmt: skip


def _beside(wanted: NumberValue, a: str, params: Params) -> str:
    """A stored number is the middle of its range; one that is open at an end is the range itself."""
    slack = abs(wanted.value) * NEAR
    exact = params.real(wanted.value)
    below, above = params.real(wanted.value - slack), params.real(wanted.value + slack)
    middle, is_open = f"({a}.lo + {a}.hi) / 2", f"({a}.lo = '-Infinity' OR {a}.hi = 'Infinity')"
    return {
        "gt": f"{a}.hi > {exact} AND ({is_open} OR {middle} > {above})",
        "ge": f"{a}.hi > {exact} AND ({is_open} OR {middle} >= {below})",
        "lt": f"{a}.lo < {exact} AND ({is_open} OR {middle} < {below})",
        "le": f"{a}.lo < {above} AND ({is_open} OR {middle} <= {above})",
        "sa": f"{a}.hi > {exact} AND ({a}.lo >= {exact} OR (NOT {is_open} AND {middle} > {above}))",
        "eb": f"{a}.lo < {exact} AND ({a}.hi <= {exact} OR (NOT {is_open} AND {middle} < {below}))",
    }[wanted.prefix]


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
        folded_end, end = _ends(f"{a}.v", folded, params), _ends(f"{a}.exact", text, params)
        return f"CASE WHEN pg_catalog.length({a}.v) < {TEXT_LIMIT} THEN {folded_end} ELSE {end} END"
    return prefix(a, folded, params)


def _ends(column: str, text: str, params: Params) -> str:
    return f"pg_catalog.right({column}, {params.number(len(text))}::integer) = {params.text(text)}"


def prefix(a: str, text: str, params: Params) -> str:
    """Starts with: as a range, which an index serves also when the plan is made before the value is known."""
    return f"({a}.v >= {params.text(text)} AND {a}.v < {params.text(text + _LAST)})"


def _uri(clause: Clause, value: object, a: str, params: Params, _hash64: Hash64) -> str:
    uri = cast(TextValue, value).text
    if clause.modifier == "below":
        return f"({a}.v = {params.text(uri_key(uri))} OR {prefix(a, uri.rstrip('/') + '/', params)})"
    if clause.modifier == "above":
        pieces = uri.split("/")
        above = [uri_key("/".join(pieces[:n])) for n in range(1, len(pieces) + 1)]
        return f"{a}.v = ANY ({params.texts(above)})"
    if clause.modifier in ("co", "ew"):
        found = f"pg_catalog.strpos({a}.v, {params.text(uri)}) > 0"
        return found if clause.modifier == "co" else _ends(f"{a}.v", uri, params)
    if clause.modifier == "sw":
        return prefix(a, uri, params)
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
}  # fmt: skip
