"""The clause that names the chart which is searched: every row there nearly always fulfils it."""

# ruff: noqa: S608 - SQL is composed here from fixed pieces; every value is a parameter

from fellesjournal import fhir
from fellesjournal.fhir.keys import Hash64
from fellesjournal.kit.ids import decode
from fellesjournal.record.search.match import hashes
from fellesjournal.record.search.model import Clause, Condition, ReferenceValue
from fellesjournal.record.search.scope import Chart, Scope
from fellesjournal.record.search.sql import Params


def holds_for_all(wanted: Condition, scope: Scope, params: Params, hash64: Hash64) -> str | None:
    """SQL that is true when every row of the clause's type in the chart fulfils it; None when that can't be said.

    A row stands in the chart of the patient whom `patient` or `subject` names, or else of one named by another
    parameter (who measured, who is to do it): true when the chart has no row of the second kind.
    """
    chart = scope.patients[0] if isinstance(scope, Chart) and len(scope.patients) == 1 else None
    if chart is None or not isinstance(wanted, Clause) or not _names(wanted, chart):
        return None
    others = fhir.other_owner_params(wanted.rtype, wanted.code)
    if others is None:
        return None
    if not others:
        return "true"
    found = params.numbers(hashes(wanted, hash64))
    return (
        f"NOT EXISTS (SELECT 1 FROM vault.sp_reference o WHERE o.patient = {params.number(chart)}"
        f" AND o.param = ANY ({params.numbers(others)}) AND o.h = ANY ({found}) OFFSET 0)"
    )


def _names(clause: Clause, chart: int) -> bool:
    if clause.type != "reference" or clause.modifier or len(clause.values) != 1:
        return False
    value = clause.values[0]
    local = value.local if isinstance(value, ReferenceValue) else None
    if local is None or local[0] not in ("Patient", "" if clause.code == "patient" else "Patient"):
        return False
    key = decode(local[1])
    return key is not None and key[1] == chart
