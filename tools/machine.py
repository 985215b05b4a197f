"""Install what the tests need beyond Python, on a Debian machine where we are root."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

from tests.needs import Need

_CLUSTER_SETTINGS = Path("/etc/postgresql-common/createcluster.conf")


def can_install() -> bool:
    """Tell whether this is root on a machine with apt."""
    return os.geteuid() == 0 and shutil.which("apt-get") is not None


def install(*, needs: Iterable[Need]) -> None:
    """Install the packages of each need; one that fails stays missing, and the others go on."""
    wanted = [need for need in needs if need.packages]
    if not wanted or not _apt("update"):
        return
    for need in wanted:
        print(f"Installing {need.name} ({' '.join(need.packages)})", flush=True)
        _install_one(need)


def install_pip() -> None:
    """Install Debian's pip for the system's Python."""
    if _apt("update"):
        _apt("install", "python3-pip")


def _install_one(need: Need) -> None:
    if "postgresql-common" in need.packages and _apt("install", "postgresql-common"):
        _forbid_cluster()
    _apt("install", *need.packages)


def _forbid_cluster() -> None:
    """Debian makes and starts a server of its own with the package; the tests only want the programs."""
    settings = _CLUSTER_SETTINGS.read_text() if _CLUSTER_SETTINGS.exists() else ""
    if "\ncreate_main_cluster = false" not in settings:
        _CLUSTER_SETTINGS.write_text(settings + "\ncreate_main_cluster = false\n")


def _apt(verb: str, *packages: str) -> bool:
    command = ["apt-get", "-q", "-y", "-o", "Dpkg::Options::=--force-confold", verb]
    if packages:
        command += ["--no-install-recommends", *packages]
    done = subprocess.run(
        command,
        env=os.environ | {"DEBIAN_FRONTEND": "noninteractive"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        print("\n".join((done.stdout + done.stderr).strip().splitlines()[-3:]), flush=True)
    return done.returncode == 0
