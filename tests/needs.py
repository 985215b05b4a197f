"""What a test may need beyond Python and the lock file, and how to get it.

`@pytest.mark.needs("chromium")` skips a test where that is missing; `./test` counts these gaps and exits 3.
Standard library only, because `./test` reads it before anything is installed.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared"
DEBIAN_POSTGRES = Path("/usr/lib/postgresql/15/bin")

_CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


@dataclass(frozen=True)
class Need:
    """One thing that a machine may lack; without Debian packages it can't be installed."""

    name: str
    is_present: Callable[[], bool]
    how: str
    packages: tuple[str, ...] = ()


def find_chromium() -> str | None:
    """The browser's program: `FELLESJOURNAL_CHROMIUM`, or the first one found on the path."""
    chosen = os.environ.get("FELLESJOURNAL_CHROMIUM")
    return chosen or next(filter(None, map(shutil.which, _CHROMIUM_NAMES)), None)


def find_node() -> str | None:
    """The Node program, for the tests that meet a foreign implementation; its packages come by npm."""
    return shutil.which("node") or shutil.which("nodejs")


NEEDS = {
    need.name: need
    for need in (
        Need(
            "shared",
            lambda: (SHARED / "data").is_dir(),
            "lay the folder `shared` (data for development and tests) beside the project",
        ),
        Need(
            "chromium",
            lambda: find_chromium() is not None,
            "apt install chromium",
            packages=("chromium", "fonts-liberation"),
        ),
        Need(
            "pg15",
            lambda: (DEBIAN_POSTGRES / "postgres").exists(),
            "apt install postgresql-15",
            packages=("postgresql-common", "postgresql-15"),
        ),
        Need(
            "node",
            lambda: find_node() is not None and shutil.which("npm") is not None,
            "apt install nodejs npm",
            packages=("nodejs", "npm"),
        ),
    )
}


def missing() -> list[Need]:
    """The needs that this machine does not meet."""
    return [need for need in NEEDS.values() if not need.is_present()]


def skip_missing(items: Iterable[pytest.Item]) -> None:
    """Skip every collected test that needs what this machine lacks; `browser` implies `needs("chromium")`."""
    import pytest

    absent = {need.name: need for need in missing()}
    for item in items:
        for name in _needed_by(item):
            if name in absent:
                item.add_marker(pytest.mark.skip(reason=f"needs {name}: {absent[name].how}"))


def _needed_by(item: pytest.Item) -> list[str]:
    named = [str(name) for mark in item.iter_markers("needs") for name in mark.args]
    unknown = [name for name in named if name not in NEEDS]
    if unknown:
        raise ValueError(f"{item.nodeid} needs {unknown}, which tests/needs.py does not know")
    return named + ["chromium"] * (item.get_closest_marker("browser") is not None)
