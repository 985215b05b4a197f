"""What pytest's report says: how many passed, failed and were skipped, and which needs were missing."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Counts:
    """The true numbers of one run, or of several added together."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0
    gaps: frozenset[str] = frozenset()

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            self.passed + other.passed,
            self.failed + other.failed,
            self.skipped + other.skipped,
            self.gaps | other.gaps,
        )

    def __str__(self) -> str:
        return f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped"


def read_failures(report: Path) -> list[str]:
    """Name each test that failed, with the first line of why."""
    if not report.exists():
        return []
    cases = ET.parse(report).iter("testcase")  # noqa: S314 – written by our own pytest a moment ago
    return [
        f"{case.get('classname')}::{case.get('name')}: {_first_line(fault.get('message'))}"
        for case in cases
        for fault in [*case.findall("failure"), *case.findall("error")]
    ]


def _first_line(message: str | None) -> str:
    return (message or "").partition("\n")[0][:300]


def read_counts(report: Path) -> Counts:
    """Count test cases; a report that is missing counts as nothing, for then pytest itself has failed."""
    if not report.exists():
        return Counts()
    cases = list(ET.parse(report).iter("testcase"))  # noqa: S314 – written by our own pytest a moment ago
    failed = sum(case.find("failure") is not None or case.find("error") is not None for case in cases)
    reasons = [skip.get("message", "") for case in cases for skip in case.iter("skipped")]
    gaps = (re.match(r"needs (\w+):", reason) for reason in reasons)
    return Counts(
        passed=len(cases) - failed - len(reasons),
        failed=failed,
        skipped=len(reasons),
        gaps=frozenset(gap[1] for gap in gaps if gap),
    )
