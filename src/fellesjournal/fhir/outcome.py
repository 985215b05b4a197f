"""Issues, and the OperationOutcome that carries them to the client."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec


class Issue(msgspec.Struct, frozen=True):
    """One fault. `code` is an R4 issue type, `expression` a FHIRPath place, `diagnostics` never quotes a
    value.
    """

    severity: str
    code: str
    expression: str
    diagnostics: str


def outcome(issues: Iterable[Issue]) -> dict[str, Any]:
    """Build the OperationOutcome of these issues; without any it says that all is well."""
    found = [_entry(issue) for issue in issues]
    return {"resourceType": "OperationOutcome", "issue": found or [_ALL_OK]}


def _entry(issue: Issue) -> dict[str, Any]:
    entry: dict[str, Any] = {"severity": issue.severity, "code": issue.code, "diagnostics": issue.diagnostics}
    if issue.expression:
        entry["expression"] = [issue.expression]
    return entry


_ALL_OK = {"severity": "information", "code": "informational", "diagnostics": "All OK"}
