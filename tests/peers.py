"""Node packages that others wrote, which tests meet: installed by their lock, beside the test."""

import fcntl
import subprocess
from pathlib import Path

import pytest

from tests.needs import ROOT

_COMMAND = ("ci", "--ignore-scripts", "--omit=optional", "--no-audit", "--no-fund")
_STAMP = Path("node_modules") / ".package-lock.json"


def install(folder: Path) -> None:
    """Make `node_modules` in the folder hold what its lock says; at once when it does.

    For tests that are marked `needs("node")`. Skips them when the registry can't be had: `./test` counts that as a gap.
    """
    with (folder / "package.json").open() as held:
        # Tests in other processes may want the same at the same time.
        fcntl.flock(held, fcntl.LOCK_EX)
        if _is_installed(folder):
            return
        done = subprocess.run(["npm", *_COMMAND], cwd=folder, capture_output=True, text=True, timeout=300, check=False)
        if done.returncode:
            where = folder.relative_to(ROOT)
            pytest.skip(f"needs node: npm {' '.join(_COMMAND)} in {where} failed: {done.stderr.strip()[-300:]}")


def _is_installed(folder: Path) -> bool:
    """npm writes its own list last, so that what broke off does not count."""
    listed, lock = folder / _STAMP, folder / "package-lock.json"
    return listed.exists() and listed.stat().st_mtime >= lock.stat().st_mtime
