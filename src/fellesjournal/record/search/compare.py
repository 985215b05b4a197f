"""Comparisons of a searched value with the columns of a row: fixed pieces of SQL, whatever the table.

`counted` says in Python what `numbered` says in SQL; a test holds them equal.
"""

from math import inf, nan
from typing import Final

from fellesjournal.record.search.model import DateValue, NumberValue
from fellesjournal.record.search.sql import Params

NEAR: Final = 1e-12
"""Share of a number that two readings of the same decimal may differ by as floats."""
_LAST: Final = "\U0010ffff"


def dated(wanted: DateValue, low: str, high: str, params: Params) -> str:
    """A stored range [low, high) against a date."""
    lo, hi = params.date(wanted.lo), params.date(wanted.hi)
    inside = f"({low} >= {lo} AND {low} < {hi} AND {high} <= {hi})"
    return {
        "eq": inside, "ne": f"({low} < {lo} OR {high} > {hi})",
        "gt": f"{high} > {hi}", "lt": f"{low} < {lo}",
        "ge": f"({high} > {hi} OR {inside})", "le": f"({low} < {lo} OR {inside})",
        "sa": f"{low} >= {hi}", "eb": f"{high} <= {lo}",
        "ap": f"({low} < {hi} AND {high} > {lo})",
    }[wanted.prefix]  # fmt: skip


def numbered(wanted: NumberValue, low: str, high: str, params: Params) -> str:
    """A stored range [low, high) against a number."""
    write = _within if wanted.prefix in ("eq", "ne", "ap") else _beside
    return write(wanted, low, high, params)


def counted(wanted: NumberValue, low: float, high: float) -> bool:
    """The same as `numbered`, of a range that is at hand."""
    if wanted.prefix == "ap":
        return low < wanted.hi and high > wanted.lo
    if wanted.prefix in ("eq", "ne"):
        slack = (wanted.hi - wanted.lo) * NEAR
        lo, hi = wanted.lo - slack, wanted.hi + slack
        return low >= lo and low < hi and high <= hi if wanted.prefix == "eq" else low < lo or high > hi
    slack, exact = abs(wanted.value) * NEAR, wanted.value
    is_open = low == -inf or high == inf
    middle = nan if is_open else (low + high) / 2
    return {
        "gt": high > exact and (is_open or middle > exact + slack),
        "ge": high > exact and (is_open or middle >= exact - slack),
        "lt": low < exact and (is_open or middle < exact - slack),
        "le": low < exact + slack and (is_open or middle <= exact + slack),
        "sa": high > exact and (low >= exact or (not is_open and middle > exact + slack)),
        "eb": low < exact and (high <= exact or (not is_open and middle < exact - slack)),
    }[wanted.prefix]


def starts(column: str, text: str, params: Params) -> str:
    """Starts with: as a range, which an index serves also when the plan is made before the value is known."""
    return f"({column} >= {params.text(text)} AND {column} < {params.text(text + _LAST)})"


def ends(column: str, text: str, params: Params) -> str:
    """Ends with."""
    return f"pg_catalog.right({column}, {params.number(len(text))}::integer) = {params.text(text)}"


def _within(wanted: NumberValue, low: str, high: str, params: Params) -> str:
    if wanted.prefix == "ap":
        # Ranges that only touch do not overlap: no slack here.
        return f"{low} < {params.real(wanted.hi)} AND {high} > {params.real(wanted.lo)}"
    slack = (wanted.hi - wanted.lo) * NEAR
    lo, hi = params.real(wanted.lo - slack), params.real(wanted.hi + slack)
    return {
        "eq": f"{low} >= {lo} AND {low} < {hi} AND {high} <= {hi}",
        "ne": f"({low} < {lo} OR {high} > {hi})",
    }[wanted.prefix]  # fmt: skip


def _beside(wanted: NumberValue, low: str, high: str, params: Params) -> str:
    """A stored number is the middle of its range; one that is open at an end is the range itself."""
    slack = abs(wanted.value) * NEAR
    exact = params.real(wanted.value)
    below, above = params.real(wanted.value - slack), params.real(wanted.value + slack)
    middle, is_open = f"({low} + {high}) / 2", f"({low} = '-Infinity' OR {high} = 'Infinity')"
    return {
        "gt": f"{high} > {exact} AND ({is_open} OR {middle} > {above})",
        "ge": f"{high} > {exact} AND ({is_open} OR {middle} >= {below})",
        "lt": f"{low} < {exact} AND ({is_open} OR {middle} < {below})",
        "le": f"{low} < {above} AND ({is_open} OR {middle} <= {above})",
        "sa": f"{high} > {exact} AND ({low} >= {exact} OR (NOT {is_open} AND {middle} > {above}))",
        "eb": f"{low} < {exact} AND ({high} <= {exact} OR (NOT {is_open} AND {middle} < {below}))",
    }[wanted.prefix]
