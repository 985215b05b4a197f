"""No real person's number and no machine of ours stands anywhere in the project."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.architecture.source import ROOT

ELEVEN_DIGITS = re.compile(r"(?<![\w.])\d{11}(?![\w.])")
FIRST_WEIGHTS = (3, 7, 6, 1, 8, 9, 4, 5, 2)
SECOND_WEIGHTS = (5, 4, 3, 2, 7, 6, 5, 4, 3, 2)

# Places that only exist on the machine of whoever wrote the line.
MACHINE_SIGNS = re.compile(r"/work/|/home/\w+/|/root/|farm-\w|/opt/(?:wheels|pypi)")
SPEAKS_OF_SHARED = (
    "tests/",
    "docs/",
    "tools/",
    "bench/",
    ".ci/",
    "CONTRIBUTING.md",
    "README.md",
    "CHANGELOG.md",
)
BINARY = {
    ".woff2",
    ".woff",
    ".png",
    ".jpg",
    ".ico",
    ".gz",
    ".zip",
    ".pdf",
    ".wasm",
    ".webp",
    ".msgpack",
    ".zst",
}


def test_no_number_of_a_real_person_stands_in_the_project() -> None:
    found = [
        f"{path}: an 11-digit number of a real person's form"
        for path, text in _texts()
        for number in ELEVEN_DIGITS.findall(text)
        if _may_be_real_person(number)
    ]
    assert found == []


def test_no_file_names_the_machine_it_was_written_on() -> None:
    found = [
        f"{path}: {sign[0]}"
        for path, text in _texts()
        if path != "tests/architecture/test_privacy.py"
        for sign in MACHINE_SIGNS.finditer(text)
    ]
    assert found == []


def test_only_tests_and_documents_speak_of_the_shared_folder() -> None:
    found = [path for path, text in _texts() if "../shared" in text and not path.startswith(SPEAKS_OF_SHARED)]
    assert found == []


def test_locks_name_no_host() -> None:
    locks = [ROOT / "requirements.lock", ROOT / "requirements-dev.lock"]
    assert [lock.name for lock in locks if re.search(r"://|--index-url|--find-links", lock.read_text())] == []


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        ("01815000000", False),  # month + 80: synthetic, whatever its check digits
        ("12345678901", False),  # no such check digits
    ],
)
def test_synthetic_and_impossible_numbers_are_no_real_person(number: str, expected: bool) -> None:
    assert _may_be_real_person(number) is expected


def test_a_number_of_a_real_form_is_found() -> None:
    assert any(_may_be_real_person(f"010150{tail:05}") for tail in range(1000))


def _may_be_real_person(number: str) -> bool:
    """Right check digits and a day and month that the register uses: fødselsnummer or D-nummer."""
    digits = [int(digit) for digit in number]
    day, month = int(number[:2]) % 40, int(number[2:4])
    if not (1 <= day <= 31 and 1 <= month <= 12):
        return False
    return _check(digits, FIRST_WEIGHTS) == digits[9] and _check(digits, SECOND_WEIGHTS) == digits[10]


def _check(digits: list[int], weights: tuple[int, ...]) -> int:
    remainder = sum(digit * weight for digit, weight in zip(digits, weights, strict=False)) % 11
    return (11 - remainder) % 11


@cache
def _texts() -> tuple[tuple[str, str], ...]:
    return tuple(_read_all())


def _read_all() -> Iterator[tuple[str, str]]:
    for path in _project_files():
        if path.suffix in BINARY or not path.is_file():
            continue
        yield path.relative_to(ROOT).as_posix(), path.read_text("utf-8", errors="ignore")


def _project_files() -> list[Path]:
    """What git keeps, and what it would keep; without git, everything that is not hidden or built."""
    listed = subprocess.run(
        ["git", "-c", f"safe.directory={ROOT}", "ls-files", "-co", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode == 0:
        return [ROOT / name for name in listed.stdout.split("\0") if name]
    tops = [path for path in ROOT.iterdir() if path.name not in {".venv", ".git", "build", "var"}]
    return [path for top in tops for path in ([top] if top.is_file() else top.rglob("*"))]
