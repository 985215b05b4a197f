"""`./test` itself: it counts truly, and a gap is never taken for a success."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools import suite, venv
from tools.junit import Counts, read_counts, read_failures

REPORT = """<testsuites><testsuite>
<testcase name="a"/>
<testcase name="b"><failure message="no"/></testcase>
<testcase name="c"><error message="no"/></testcase>
<testcase name="d"><skipped message="needs chromium: apt install chromium"/></testcase>
<testcase name="e"><skipped message="only in summer time"/></testcase>
</testsuite></testsuites>"""

STEP = suite.Step("unit", "unit", ["python", "-m", "pytest"])


def outcome(counts: Counts, *, has_passed: bool = True) -> suite.Outcome:
    return suite.Outcome(STEP, has_passed, 1.0, counts)


def test_report_is_counted_with_errors_as_failures(tmp_path: Path) -> None:
    report = tmp_path / "report.xml"
    report.write_text(REPORT)
    assert read_counts(report) == Counts(passed=1, failed=2, skipped=2, gaps=frozenset({"chromium"}))


def test_what_failed_is_named_with_the_first_line_of_why(tmp_path: Path) -> None:
    report = tmp_path / "report.xml"
    report.write_text(REPORT.replace('name="b"', 'classname="tests.test_x" name="b"').replace('"no"', '"no&#10;more"'))
    assert read_failures(report)[0] == "tests.test_x::b: no"
    assert read_failures(tmp_path / "none.xml") == []


def test_missing_report_counts_nothing(tmp_path: Path) -> None:
    assert read_counts(tmp_path / "none.xml") == Counts()


def test_success_is_0_and_ends_with_the_counts(capsys: pytest.CaptureFixture[str]) -> None:
    assert suite._conclude([outcome(Counts(passed=3)), outcome(Counts(passed=2))], is_strict=True) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "5 passed, 0 failed, 0 skipped"


def test_failure_is_1_even_with_a_gap() -> None:
    gap = Counts(passed=1, skipped=1, gaps=frozenset({"node"}))
    assert suite._conclude([outcome(gap, has_passed=False)], is_strict=False) == 1


def test_gap_is_3_and_one_line_says_how_to_fill_it(capsys: pytest.CaptureFixture[str]) -> None:
    gaps = Counts(skipped=2, gaps=frozenset({"node", "shared"}))
    assert suite._conclude([outcome(gaps)], is_strict=False) == 3
    (line,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("Missing")]
    assert "apt install nodejs" in line
    assert "`shared`" in line


def test_gap_is_a_failure_where_nothing_may_be_missing() -> None:
    assert suite._conclude([outcome(Counts(gaps=frozenset({"shared"})))], is_strict=True) == 1


def test_arguments_after_the_steps_go_to_pytest() -> None:
    assert suite._parse(["lint", "unit", "-k", "blocked"]) == (["lint", "unit"], ["-k", "blocked"])
    assert suite._parse(["tests/kit"]) == (["unit"], ["tests/kit"])
    assert suite._parse([]) == ([], [])


def test_runtime_packages_have_the_same_versions_for_developers() -> None:
    runtime, developer = _pins(venv.RUNTIME_LOCK), _pins(venv.DEVELOPER_LOCK)
    assert runtime.items() <= developer.items()


def test_every_pinned_package_has_a_hash() -> None:
    for lock in (venv.RUNTIME_LOCK, venv.DEVELOPER_LOCK):
        blocks = lock.read_text().replace("\\\n", " ").splitlines()
        assert [block[:40] for block in blocks if block and "--hash=sha256:" not in block] == []


def _pins(lock: Path) -> dict[str, str]:
    lines = (line.split(" ")[0] for line in lock.read_text().splitlines() if "==" in line)
    return dict(line.split("==", 1) for line in lines)
