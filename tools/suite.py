"""The whole of `./test`: which steps there are, how they are run, and what is said about them."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests import needs
from tools import machine, venv
from tools.junit import Counts, read_counts, read_failures

_LOGS = venv.ROOT / "build" / "test"
# These meet no database, or only through rooms whose own tests run on both versions (and take minutes doing so).
_ON_ONE_VERSION = frozenset(
    {
        "architecture", "assets", "care", "citizen", "cli", "clients", "clinical", "demo", "faults", "fhir", "journeys",
        "terminology", "tools", "web",
    }
)  # fmt: skip
_WITH_SQL_OF_THEIR_OWN = ("tests/clinical/correspondence",)
_MEMORY = Path("/dev/shm")  # noqa: S108 - a fresh folder that nobody else can list
_ROOM_BYTES = 6 << 30
_TIME_LIMIT_S = 30 * 60
_DOTS = re.compile(r"[.sxFE]+ +\[ *\d+%\]")
_GAP = 3

USAGE = """./test                            everything
./test STEP…                      only these: lint types contracts unit pg15 journeys
./test unit tests/fhir -k paging  what follows goes to pytest
./test --strict                   what the machine lacks is a failure (as with CI=true)"""


@dataclass(frozen=True)
class Step:
    """One command of the suite, and the need without which it can't be run at all."""

    name: str
    says: str
    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    need: str | None = None

    @property
    def is_pytest(self) -> bool:
        """Pytest's steps write a report that is counted."""
        return "pytest" in self.command


@dataclass(frozen=True)
class Outcome:
    """How a step went; `has_run` is false when its need was missing."""

    step: Step
    has_passed: bool
    seconds: float
    counts: Counts
    has_run: bool = True

    @property
    def line(self) -> str:
        """The one line that is shown for it."""
        word = ("ok" if self.has_passed else "FAILED") if self.has_run else "missing"
        counts = f"  {self.counts}" if self.step.is_pytest and self.has_run else ""
        return f"{word:<8}{self.step.says:<46}{self.seconds:7.1f} s{counts}"


def main(arguments: Sequence[str]) -> int:
    """Run the chosen steps: 0 when all is well, 1 on a failure, 3 when the machine lacks something."""
    if {"-h", "--help"} & set(arguments[:1]):
        print(USAGE)
        return 0
    is_strict = "--strict" in arguments or os.environ.get("CI") == "true"
    names, extra = _parse([word for word in arguments if word != "--strict"])
    _prepare(wants_machine=not extra and (not names or bool(set(names) & {"unit", "pg15", "journeys"})))
    steps = [step for step in _all_steps(extra) if not names or step.name in names]
    with _scratch() as environment:
        outcomes = [_run(step, environment, shows_output=bool(extra)) for step in steps]
    return _conclude(outcomes, is_strict=is_strict)


def _parse(words: Sequence[str]) -> tuple[list[str], list[str]]:
    """Leading step names, then pytest's own arguments; those alone mean the unit step."""
    known = {step.name for step in _all_steps([])}
    count = next((place for place, word in enumerate(words) if word not in known), len(words))
    names, extra = list(words[:count]), list(words[count:])
    return (names or ["unit"] if extra else names), extra


def _prepare(*, wants_machine: bool) -> None:
    if not venv.has_pip() and machine.can_install():
        machine.install_pip()
    venv.ensure(lock=venv.DEVELOPER_LOCK)
    if wants_machine and machine.can_install():
        machine.install(needs=needs.missing())


@contextlib.contextmanager
def _scratch() -> Iterator[Mapping[str, str]]:
    """Where the steps put their databases: in memory where there is ample room; else where a disk may be busy."""
    if not _has_room(_MEMORY):
        yield {}
        return
    folder = tempfile.mkdtemp(prefix="fj-suite-", dir=_MEMORY)
    # A test runs the database as another user, in a folder of its own below.
    Path(folder).chmod(0o711)
    try:
        yield {"TMPDIR": folder}
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _has_room(memory: Path) -> bool:
    """Programs are copied there too, and must be allowed to run."""
    if not os.access(memory, os.W_OK):
        return False
    found = os.statvfs(memory)
    return found.f_bavail * found.f_frsize >= _ROOM_BYTES and not found.f_flag & os.ST_NOEXEC


def _all_steps(extra: Sequence[str]) -> list[Step]:
    python, programs = str(venv.PYTHON), venv.PYTHON.parent
    return [
        Step("lint", "ruff", [str(programs / "ruff"), "check", "--quiet", "."]),
        Step("types", "mypy --strict", [python, "-m", "mypy", "--no-error-summary"]),
        Step("contracts", "import contracts", [str(programs / "lint-imports")]),
        _pytest("unit", "unit, integration and law", ["tests", "--ignore=tests/journeys"], extra),
        _pytest("pg15", "the same against Debian's PostgreSQL 15", _database_folders(), extra),
        _pytest("journeys", "journeys in a browser", ["tests/journeys"], extra),
    ]


def _pytest(name: str, says: str, targets: Sequence[str], extra: Sequence[str]) -> Step:
    chosen = [] if any((venv.ROOT / word.split("::")[0]).exists() for word in extra) else targets
    workers = ["-n", "2", "--dist", "loadfile" if name == "journeys" else "worksteal"]
    report = f"--junit-xml={_LOGS / name}.xml"
    command = [str(venv.PYTHON), "-m", "pytest", "-q", *workers, report, *chosen]
    if name == "pg15":
        environment = {"FELLESJOURNAL_PG_BIN": str(needs.DEBIAN_POSTGRES), "FELLESJOURNAL_TEST_AGAIN": "true"}
        return Step(name, says, [*command, "-m", "not browser", *extra], environment, need="pg15")
    return Step(name, says, [*command, *extra])


def _database_folders() -> list[str]:
    """Every folder of tests but those on one version alone, so that a new room is in from the start."""
    folders = sorted(path for path in (venv.ROOT / "tests").iterdir() if path.name not in _ON_ONE_VERSION)
    return [f"tests/{path.name}" for path in folders if any(path.rglob("test_*.py"))] + [*_WITH_SQL_OF_THEIR_OWN]


def _run(step: Step, environment: Mapping[str, str], *, shows_output: bool) -> Outcome:
    report = _LOGS / f"{step.name}.xml"
    report.unlink(missing_ok=True)
    began = time.monotonic()
    if step.need and not needs.NEEDS[step.need].is_present():
        outcome = Outcome(step, True, 0.0, Counts(gaps=frozenset({step.need})), has_run=False)
    else:
        status = _execute(step, environment, shows_output=shows_output)
        outcome = Outcome(step, status == 0, time.monotonic() - began, read_counts(report))
    print(outcome.line, flush=True)
    if not outcome.has_passed and not shows_output:
        # The names first: a reader of a long log may be shown its beginning alone.
        print(*read_failures(report), _tail(_log_of(step)), sep="\n", flush=True)
    return outcome


def _execute(step: Step, environment: Mapping[str, str], *, shows_output: bool) -> int:
    _LOGS.mkdir(parents=True, exist_ok=True)
    with _log_of(step).open("w") as log:
        process = subprocess.Popen(
            step.command,
            cwd=venv.ROOT,
            env={**os.environ, **environment, **step.environment},
            stdin=None if shows_output else subprocess.DEVNULL,
            stdout=None if shows_output else log,
            stderr=subprocess.STDOUT if not shows_output else None,
            start_new_session=not shows_output,
        )
        return _wait(process)


def _wait(process: subprocess.Popen[bytes]) -> int:
    """Nothing that a step started outlives it, neither at the time limit nor at Ctrl+C."""
    try:
        return process.wait(timeout=_TIME_LIMIT_S)
    except (subprocess.TimeoutExpired, KeyboardInterrupt) as stopped:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
        if isinstance(stopped, KeyboardInterrupt):
            raise
        return 124


def _log_of(step: Step) -> Path:
    return _LOGS / f"{step.name}.log"


def _tail(log: Path) -> str:
    lines = [line for line in log.read_text(errors="replace").splitlines() if not _DOTS.fullmatch(line)]
    return "\n".join([f"… the whole of it: {log.relative_to(venv.ROOT)}"] * (len(lines) > 400) + lines[-400:])


def _conclude(outcomes: Sequence[Outcome], *, is_strict: bool) -> int:
    total = sum((outcome.counts for outcome in outcomes), Counts())
    failed = [outcome.step.says for outcome in outcomes if not outcome.has_passed]
    print(f"\nSummary, {sum(outcome.seconds for outcome in outcomes):.0f} s in all")
    for outcome in outcomes:
        print(f"  {outcome.line}")
    if failed:
        print(f"FAILED: {', '.join(failed)}")
    if total.gaps:
        print(_how_to_fill(total.gaps, is_strict=is_strict))
    print(total, flush=True)
    if failed or (total.gaps and is_strict):
        return 1
    return _GAP if total.gaps else 0


def _how_to_fill(gaps: frozenset[str], *, is_strict: bool) -> str:
    """One line: what is missing, and the command to get it."""
    lacking = [needs.NEEDS[name] for name in sorted(gaps)]
    packages = " ".join(package for need in lacking for package in need.packages)
    ways = [f"apt install {packages}"] if packages else []
    ways += [need.how for need in lacking if not need.packages]
    word = "FAILED, for nothing may be missing here" if is_strict else "Missing"
    return f"{word}: {', '.join(sorted(gaps))}. To get it:  {';  '.join(ways)}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
