"""`_sort` by what no index has in order: one expression or two for each key, over the row `d`.

A concept is sorted by what it is called (its folded texts, its codes where it has none), a plain code by the code, a
reference by its display and then by what it refers to. Of several values the one that comes first counts.
"""

# ruff: noqa: S608 - SQL is composed here from fixed pieces; every value is a parameter

from typing import Final

from fellesjournal import fhir
from fellesjournal.fhir.keys import Hash64, code_key
from fellesjournal.record.search.match import one_param
from fellesjournal.record.search.model import SortKey
from fellesjournal.record.search.sql import Params

SORTABLE: Final = ("date", "string", "number", "quantity", "uri", "token", "reference")
_COLUMNS: Final = {
    "date": ("vault.sp_date", "lo"), "string": ("vault.sp_string", "v"), "uri": ("vault.sp_uri", "v"),
    "number": ("vault.sp_quantity", "lo"), "quantity": ("vault.sp_quantity", "lo"),
}  # fmt: skip


def is_sortable(rtype: str, param: fhir.SearchParam) -> bool:
    """Whether rows tell the order: identifiers are hashed, so that nobody reads them out of an index."""
    if param.type == "token" and param.code in fhir.search_params(rtype):
        return fhir.has_texts(rtype, param.code) or bool(fhir.plain_codes(rtype, param.code))
    return param.type in SORTABLE


def sort_sql(rtype: str, key: SortKey, params: Params, hash64: Hash64) -> str:
    """The ORDER BY of one key; rows without a value come last."""
    return ", ".join(f"{sql} {_way(key)}" for sql in _expressions(rtype, key, params, hash64))


def _way(key: SortKey) -> str:
    return "DESC NULLS LAST" if key.descending else "ASC NULLS LAST"


def _expressions(rtype: str, key: SortKey, params: Params, hash64: Hash64) -> list[str]:
    best = "max" if key.descending else "min"
    if not key.type:
        return ["d.pid"]
    if key.type in ("token", "reference"):
        codes = () if key.type == "reference" else _codes(rtype, key)
        if codes:
            place = f"pg_catalog.array_position({params.numbers(hash64(code_key(key.param, c)) for c in codes)}, x.h)"
            return [_best(f"{best}({place})", "vault.sp_token", (key.param,), params)]
        texts = _best(f"{best}(x.v)", "vault.sp_string", fhir.kept_as(rtype, key.code, key.param), params)
        if key.type == "token":
            return [texts]
        return [texts, _best(f"{best}(x.tpid)", "vault.sp_reference", (key.param,), params)]
    table, column = _COLUMNS[key.type]
    return [_best(f"{best}(x.{column})", table, (key.param,), params)]


def _codes(rtype: str, key: SortKey) -> tuple[str, ...]:
    return fhir.plain_codes(rtype, key.code) if key.code in fhir.search_params(rtype) else ()


def _best(value: str, table: str, rows: tuple[int, ...], params: Params) -> str:
    return f"(SELECT {value} FROM {table} x WHERE x.pid = d.pid AND {one_param('x', rows, params)})"
