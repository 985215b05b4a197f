"""Whether few rows of the acting unit fulfil a condition: a count in an index, up to a cap, before a plan is chosen."""

from datetime import datetime
from typing import Final

from fellesjournal.record.search.condition import Writer
from fellesjournal.record.search.match import hashes, rows_of, unit_of
from fellesjournal.record.search.model import Clause
from fellesjournal.record.search.rank import COUNTED, beyond, cap_of, is_open

Probe = tuple[int, int, int, int, int]
"""What `vault.run_list` counts: `compile.Compiled` tells the five numbers."""
_BEYOND: Final = 2
"""The first kind of `vault.is_few_beyond`: dates that begin before a place, that end after it, numbers likewise."""


def probe(clause: Clause, writer: Writer) -> Probe:
    """The numbers for the database to count by; their parameters are stored."""
    param, cap, start = rows_of(clause)[0], cap_of(clause), len(writer.params.i) + 1
    if not is_open(clause):
        writer.params.numbers(hashes(clause, writer.hash64))
        return COUNTED[clause.type], param, start, len(writer.params.i), cap
    unit, _ = _unit(clause, writer), _place(clause, writer)
    at = len(writer.params.d if clause.type == "date" else writer.params.f)
    return _kind(clause), param, at, start if unit != "NULL" else 0, cap


def few(clause: Clause, writer: Writer) -> str:
    """The same as a condition inside of a plan."""
    params = writer.params
    param, cap = f"{params.number(rows_of(clause)[0])}::integer", f"{params.number(cap_of(clause))}::integer"
    if not is_open(clause):
        found = params.numbers(hashes(clause, writer.hash64))
        return f"(SELECT vault.is_few({COUNTED[clause.type]}, {param}, {found}, {cap}))"
    unit, place = _unit(clause, writer), _place(clause, writer)
    at, number = (place, "NULL") if clause.type == "date" else ("NULL", place)
    return f"(SELECT vault.is_few_beyond({_kind(clause)}, {param}, {unit}, {at}, {number}, {cap}))"


def bound(clause: Clause, a: str, writer: Writer) -> str:
    """What every row that lies beyond fulfils, as an index has it."""
    is_up, _ = beyond(clause)
    return f"{a}.hi > {_place(clause, writer)}" if is_up else f"{a}.lo < {_place(clause, writer)}"


def _kind(clause: Clause) -> int:
    return _BEYOND + 2 * (clause.type != "date") + beyond(clause)[0]


def _place(clause: Clause, writer: Writer) -> str:
    _, at = beyond(clause)
    return writer.params.date(at) if isinstance(at, datetime) else writer.params.real(at)


def _unit(clause: Clause, writer: Writer) -> str:
    unit = None if clause.type == "date" else unit_of(clause, writer.hash64)
    return "NULL" if unit is None else writer.params.number(unit)
