"""The project's virtual environment, made with Python's standard library and pip alone.

`run` and `test` share it.
Nothing is built here: the packages come as wheels whose hashes stand in the lock file, and the project itself
is a path file that points at `src`.
So it needs no compiler, no build backend and no `python3-venv` package.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
COMMAND = VENV / "bin" / "fellesjournal"
RUNTIME_LOCK = ROOT / "requirements.lock"
DEVELOPER_LOCK = ROOT / "requirements-dev.lock"

_STAMP = VENV / "fellesjournal-locks.json"
_NEEDED_MB = 600
_NETWORK_SIGNS = (
    "NewConnectionError",
    "name resolution",
    "Network is unreachable",
    "ConnectTimeout",
    "ProxyError",
)
_TAKEN_UP = re.compile(
    r"^\s*(?:Collecting |Requirement already satisfied: |Processing \S*/)"
    r"([A-Za-z0-9_.]+(?:-[A-Za-z][A-Za-z0-9_.]*)*)"
)


class CannotPrepareError(Exception):
    """The environment can't be made; the text says what to do about it."""


def ensure(*, lock: Path) -> None:
    """Make `.venv` hold what the lock file says; returns at once when it already does.

    Raises `CannotPrepareError` with a text for people when pip, disk, rights or network are missing.
    """
    if _is_current(lock) and _is_linked():
        return
    try:
        with _only_one():
            if not _is_current(lock):
                _install(lock)
            _link_project()
    except OSError as fault:
        raise CannotPrepareError(_explain(fault)) from fault


def has_pip() -> bool:
    """Tell whether this Python can run pip."""
    return _succeeds([sys.executable, "-m", "pip", "--version"])


def _is_current(lock: Path) -> bool:
    return _stamps().get(lock.name) == _digest(lock) and _succeeds([str(PYTHON), "-c", "import msgspec"])


def _is_linked() -> bool:
    """Compare with what is there, so that a moved folder mends itself."""
    try:
        path_file = next(VENV.glob("lib/python3*/site-packages")) / "fellesjournal.pth"
        return path_file.read_text() == _path_line() and COMMAND.read_text() == _launcher()
    except (StopIteration, OSError):
        return False


@contextlib.contextmanager
def _only_one() -> Iterator[None]:
    """Hold back a second `./run` or `./test` that was started while the first one installs."""
    folder = os.open(ROOT, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def _install(lock: Path) -> None:
    if not has_pip():
        raise CannotPrepareError("Python has no pip here. Install it:  apt install python3-pip")
    _require_rights()
    _require_space()
    if not _succeeds([str(PYTHON), "-c", "import sys"]):
        _make()
    _pip_install(lock)
    _STAMP.write_text(json.dumps(_stamps() | {name: _digest(ROOT / name) for name in _covered(lock)}))


def _require_rights() -> None:
    place = VENV if VENV.exists() else ROOT
    if not os.access(place, os.W_OK):
        raise PermissionError(errno.EACCES, "not ours to write in", str(place))


def _require_space() -> None:
    free_mb = shutil.disk_usage(ROOT).free // 2**20
    if free_mb < _NEEDED_MB and not VENV.exists():
        raise CannotPrepareError(f"Too little disk space in {ROOT}: {free_mb} MB free, {_NEEDED_MB} needed.")


def _make() -> None:
    print(f"Making {VENV} with Python {sys.version.split()[0]}", flush=True)
    made = subprocess.run(
        [sys.executable, "-m", "venv", "--clear", "--without-pip", str(VENV)],
        capture_output=True,
        text=True,
        check=False,
    )
    if made.returncode != 0:
        raise CannotPrepareError(_reason(made.stdout + made.stderr))


def _pip_install(lock: Path) -> None:
    command = [sys.executable, "-m", "pip", "--python", str(PYTHON), "install", "--require-hashes"]
    command += ["--only-binary=:all:", "--progress-bar=off", "--no-input", "-r", str(lock)]
    quiet = {"PYTHONUNBUFFERED": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_ROOT_USER_ACTION": "ignore"}
    with subprocess.Popen(
        command, env=os.environ | quiet, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as pip:
        said = _follow(pip, total=_packages(lock))
    if pip.returncode != 0:
        raise CannotPrepareError(_reason(said))


def _follow(pip: subprocess.Popen[str], *, total: int) -> str:
    """Show how far pip has come, and return all that it said."""
    said: list[str] = []
    seen: set[str] = set()
    for line in pip.stdout or ():
        said.append(line)
        if found := _TAKEN_UP.match(line):
            seen.add(found[1])
            _show(f"Fetching packages {min(len(seen), total)}/{total}  {found[1]}", often=len(seen))
        elif line.startswith("Installing collected"):
            _show("Installing the packages", often=0)
    if sys.stdout.isatty():
        print(flush=True)
    return "".join(said)


def _show(text: str, *, often: int) -> None:
    """Rewrite one line on a terminal; elsewhere print every tenth, so that a log stays short."""
    if sys.stdout.isatty():
        print(f"\r\033[K{text}", end="", flush=True)
    elif often % 10 == 0:
        print(text, flush=True)


def _link_project() -> None:
    site_packages = next(VENV.glob("lib/python3*/site-packages"))
    (site_packages / "fellesjournal.pth").write_text(_path_line())
    COMMAND.write_text(_launcher())
    COMMAND.chmod(0o755)


def _path_line() -> str:
    return f"{ROOT / 'src'}\n"


def _launcher() -> str:
    """Start through sh, because a `#!` line allows neither spaces nor more than 127 bytes."""
    return (
        "#!/bin/sh\n"
        f"'''exec' {shlex.quote(str(PYTHON))} \"$0\" \"$@\"\n"
        "' '''\n"
        "import sys\n\n"
        "from fellesjournal.cli import main\n\n"
        "sys.exit(main())\n"
    )


def _covered(lock: Path) -> list[str]:
    """The developers' lock holds the runtime's packages in the same versions."""
    return [RUNTIME_LOCK.name, DEVELOPER_LOCK.name] if lock == DEVELOPER_LOCK else [lock.name]


def _packages(lock: Path) -> int:
    pinned = [line for line in lock.read_text().splitlines() if re.match(r"[a-z0-9]", line)]
    return sum("win32" not in line for line in pinned)


def _stamps() -> dict[str, str]:
    try:
        stamps: dict[str, str] = json.loads(_STAMP.read_text())
    except (OSError, ValueError):
        return {}
    return stamps


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _succeeds(command: list[str]) -> bool:
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def _reason(said: str) -> str:
    """What pip or venv means, with what to do; their own last words when it is none of these."""
    if "No space left" in said:
        return f"The disk is full. {_NEEDED_MB} MB are needed in {ROOT} and for temporary files."
    if "Permission denied" in said:
        return _explain(PermissionError(errno.EACCES, "", str(VENV)))
    if any(sign in said for sign in _NETWORK_SIGNS):
        return "The package index can't be reached. The first start needs the network; later ones don't."
    if "DO NOT MATCH THE HASHES" in said:
        return "A package is not the one that the lock file names.\n" + _tail(said)
    if "No matching distribution" in said:
        version = ".".join(map(str, sys.version_info[:2]))
        return f"A package has no ready-made wheel for Python {version} on this machine.\n" + _tail(said)
    return "The packages could not be installed:\n" + _tail(said)


def _tail(said: str) -> str:
    return "\n".join(said.strip().splitlines()[-8:])


def _explain(fault: OSError) -> str:
    if fault.errno == errno.ENOSPC:
        return _reason("No space left")
    if fault.errno in {errno.EACCES, errno.EPERM, errno.EROFS}:
        return f"No right to write in {ROOT}. Copy the project to a folder of your own, or change the owner."
    return f"The environment could not be made: {fault}"
