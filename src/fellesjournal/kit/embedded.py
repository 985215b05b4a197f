"""The embedded PostgreSQL: start it for a data folder, find it, stop it.

One server for each data folder, kept by a lock that our process, the guard and the server hold together: the
folder is free when the last of them is gone. Reached by a unix socket alone, with a password for every role.

Three ways, chosen by `choose_identity`: a plain user runs it as themselves; root runs it in a user
namespace; and where namespaces are forbidden, root runs it as an unprivileged account, with programs and
data where that account can reach.
"""

import fcntl
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from fellesjournal.kit import postgres_guard
from fellesjournal.kit.dsn import Dsn
from fellesjournal.kit.keys import Keys
from fellesjournal.kit.postgres_account import Identity, choose_identity, own, place_for
from fellesjournal.kit.postgres_programs import EmbeddedError, find_programs, server_options

ADMIN = "fj_admin"
START_TIMEOUT_S = 120.0
STOP_TIMEOUT_S = 50.0
_LOCK_WAIT_S = 30.0
_SOCKET_PREFIX = "fj-"
_LOG_LIMIT_BYTES = 5_000_000

__all__ = ["ADMIN", "Embedded", "EmbeddedError", "find_running", "remove_data"]


@dataclass(frozen=True)
class _Place:
    """Where things are while the server runs."""

    data: Path
    bin: Path
    socket: Path


class Embedded:
    """An embedded server of one data folder. `start` and `stop` block; call them outside the event loop."""

    def __init__(
        self,
        *,
        data_dir: Path,
        keys: Keys,
        pg_bin: str = "",
        shared_buffers_mb: int | None = None,
        forbid_namespaces: bool = False,
    ) -> None:
        self._data_dir = data_dir.absolute()
        self._keys = keys
        self._pg_bin = pg_bin
        self._shared_buffers_mb = shared_buffers_mb
        self._forbid_namespaces = forbid_namespaces
        self._guard: subprocess.Popen[str] | None = None
        self._lock: int | None = None
        self.way = ""

    def start(self) -> Dsn:
        """Start the server and return where its administrator reaches it, when it accepts connections.

        Makes the data folder at the first start. Raises EmbeddedError: another process runs this folder, no
        suitable programs, or the server didn't come up (with the end of its log).
        """
        self._data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._lock = _take_lock(self._data_dir)
        try:
            return self._start_locked(self._lock)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop the server: open transactions are rolled back, everything committed is on disk.

        Safe to call twice.
        """
        guard_process, self._guard = self._guard, None
        if guard_process and guard_process.stdin:
            guard_process.stdin.close()
            try:
                guard_process.wait(STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                guard_process.kill()
                guard_process.wait()
        lock, self._lock = self._lock, None
        if lock is not None:
            os.ftruncate(lock, 0)
            os.close(lock)

    @property
    def is_running(self) -> bool:
        """Whether the server that `start` started is still there."""
        return self._guard is not None and self._guard.poll() is None

    def __enter__(self) -> Dsn:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _start_locked(self, lock: int) -> Dsn:
        identity = choose_identity(forbid_namespaces=self._forbid_namespaces)
        self.way = identity.way
        data = place_for(self._data_dir, identity)
        place = _Place(
            data=data,
            bin=find_programs(self._pg_bin, data=data, identity=identity, near=data.parent),
            socket=_fresh_socket_folder(identity),
        )
        _write_lock(lock, place.socket)
        try:
            self._initialise(place, identity)
            _remove_foreign_pid_file(place.data)
            self._launch(place, identity, lock)
            self._await_ready(place)
        except BaseException:
            if self._guard is None:
                shutil.rmtree(place.socket, ignore_errors=True)
            raise
        _write_lock(lock, place.socket, state="ready")
        return _dsn(place.socket, self._keys)

    def _initialise(self, place: _Place, identity: Identity) -> None:
        if (place.data / "PG_VERSION").exists():
            own(place.data, identity)
            return
        # What a first start that was broken off left behind has no database in it.
        fresh = place.data.with_name(place.data.name + ".new")
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(mode=0o700)
        password = place.socket / "password"
        password.write_text(self._keys.role_password(ADMIN))
        password.chmod(0o600)
        own(fresh, identity)
        own(password, identity)
        argv: list[Path | str] = [
            place.bin / "initdb",
            f"--pgdata={fresh}",
            f"--username={ADMIN}",
            f"--pwfile={password}",
            *_INITDB,
        ]
        done = subprocess.run(_guard_argv("run", identity, argv), capture_output=True, text=True, check=False)
        password.unlink()
        if done.returncode:
            raise EmbeddedError(f"initdb failed:\n{_tail(done.stderr)}")
        fresh.rename(place.data)

    def _launch(self, place: _Place, identity: Identity, lock: int) -> None:
        options = server_options(
            place.bin, data=place.data, socket=place.socket, shared_buffers_mb=self._shared_buffers_mb
        )
        argv: list[Path | str] = [
            place.bin / "postgres",
            "-D",
            place.data,
            *(f"--{name}={value}" for name, value in options.items()),
        ]
        with _open_log(self._data_dir) as log:
            self._guard = subprocess.Popen(
                _guard_argv(
                    "serve", identity, argv, keep=[lock], parent=os.getpid(), socket=str(place.socket)
                ),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                pass_fds=[lock],
                start_new_session=True,
                text=True,
            )

    def _await_ready(self, place: _Place) -> None:
        """The server writes `ready` in its pid file when it accepts connections."""
        process = self._guard
        if process is None or process.stdout is None:
            raise EmbeddedError("the database server was not launched")
        server_pid = process.stdout.readline().strip()
        deadline = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < deadline:
            lines = _lines(place.data / "postmaster.pid")
            if len(lines) >= 8 and lines[0] == server_pid and lines[7].strip() == "ready":
                return
            if process.poll() is not None:
                raise EmbeddedError(f"the database server did not start:\n{_log_tail(self._data_dir)}")
            time.sleep(0.01)
        raise EmbeddedError(f"the database server was not ready after {START_TIMEOUT_S:.0f} s")


def find_running(data_dir: Path, keys: Keys) -> Dsn | None:
    """The administrator's way to the server that another process runs on this data folder; None if none runs."""
    owner = _read_lock(data_dir.absolute())
    if owner is None or owner.get("state") != "ready" or not _is_locked(data_dir.absolute()):
        return None
    return _dsn(Path(owner["socket"]), keys)


def remove_data(data_dir: Path) -> None:
    """Delete the database of a data folder, wherever it is.

    Raises EmbeddedError while a server runs on it.
    """
    if not data_dir.exists():
        return
    lock = _take_lock(data_dir.absolute())
    try:
        data = data_dir / "postgres"
        if data.is_symlink():
            shutil.rmtree(data.resolve().parent, ignore_errors=True)
            data.unlink()
        shutil.rmtree(data, ignore_errors=True)
    finally:
        os.close(lock)


# The order of characters is that of their bytes (no ICU; Norwegian sort keys are made in Python), while
# upper and lower case know all of Unicode. Collation C is also what lets a plain index serve prefixes.
_INITDB = (
    "--encoding=UTF8", "--locale=C.UTF-8", "--lc-collate=C", "--auth=scram-sha-256", "--no-instructions",
)  # fmt: skip


def _dsn(socket: Path, keys: Keys) -> Dsn:
    return Dsn(
        host=str(socket), port=5432, user=ADMIN, password=keys.role_password(ADMIN), database="postgres"
    )


def _guard_argv(mode: str, identity: Identity, argv: Sequence[Path | str], **more: object) -> list[str]:
    spec = {
        "mode": mode, "way": identity.way, "uid": identity.uid, "gid": identity.gid,
        "argv": [str(part) for part in argv],
    } | more  # fmt: skip
    return [sys.executable, "-I", "-S", postgres_guard.__file__, json.dumps(spec)]


def _fresh_socket_folder(identity: Identity) -> Path:
    """A new short folder that only the server's account may enter: socket paths over 107 bytes fail."""
    runtime = Path(os.environ.get("XDG_RUNTIME_DIR", ""))
    usable = (
        identity.way == "plain"
        and runtime.is_absolute()
        and len(str(runtime)) < 60
        and os.access(runtime, os.W_OK)
    )
    for parent in [runtime] * usable + [Path("/tmp"), Path("/var/tmp")]:  # noqa: S108 a fresh folder with mode 0700
        try:
            folder = Path(tempfile.mkdtemp(prefix=_SOCKET_PREFIX, dir=parent))
        except OSError:
            continue
        own(folder, identity)
        return folder
    raise EmbeddedError("no folder for the database socket: /tmp is not writable")


def _take_lock(data_dir: Path) -> int:
    """The lock of the folder. A live owner is an error at once; one that is just ending is waited for."""
    lock = os.open(data_dir / "postgres.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    deadline = time.monotonic() + _LOCK_WAIT_S
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            owner = _read_lock(data_dir)
            if owner is None or _is_alive(owner["pid"]) or time.monotonic() > deadline:
                os.close(lock)
                who = f" (process {owner['pid']})" if owner else ""
                raise EmbeddedError(f"another Fellesjournal{who} is running on {data_dir}") from None
            time.sleep(0.05)
        else:
            _clear_traces(data_dir)
            _write_lock(lock, None)
            return lock


def _clear_traces(data_dir: Path) -> None:
    """Remove the socket folder of a server whose guard was killed."""
    socket = Path((_read_lock(data_dir) or {}).get("socket", ""))
    if socket.name.startswith(_SOCKET_PREFIX) and socket.is_absolute() and not socket.is_symlink():
        shutil.rmtree(socket, ignore_errors=True)


def _write_lock(lock: int, socket: Path | None, *, state: str = "starting") -> None:
    owner = {"pid": os.getpid(), "socket": str(socket) if socket else "", "state": state}
    text = json.dumps(owner).encode()
    os.ftruncate(lock, 0)
    os.pwrite(lock, text, 0)


def _read_lock(data_dir: Path) -> dict[str, str] | None:
    try:
        owner = json.loads((data_dir / "postgres.lock").read_text())
    except (OSError, ValueError):
        return None
    return owner if isinstance(owner, dict) else None


def _is_locked(data_dir: Path) -> bool:
    with (data_dir / "postgres.lock").open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def _is_alive(pid: str | int) -> bool:
    return Path(f"/proc/{pid}").exists()


def _remove_foreign_pid_file(data: Path) -> None:
    """After kill -9 the pid file names a process that is gone, or whose number another program has got since."""
    pid = (_lines(data / "postmaster.pid") or [""])[0]
    if not pid or not _is_alive(pid):
        return
    name = (_lines(Path(f"/proc/{pid}/comm")) or [""])[0]
    if name.startswith(("postgres", "postmaster")):
        raise EmbeddedError(f"a database server (process {pid}) is running on {data}; stop it first")
    (data / "postmaster.pid").unlink()


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text().splitlines()
    except OSError:
        return []


def _open_log(data_dir: Path) -> BinaryIO:
    path = data_dir / "postgres.log"
    too_long = path.exists() and path.stat().st_size > _LOG_LIMIT_BYTES
    flags = os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | (os.O_TRUNC if too_long else os.O_APPEND)
    descriptor = os.open(path, flags, 0o600)
    return os.fdopen(descriptor, "wb")


def _log_tail(data_dir: Path) -> str:
    return _tail("\n".join(_lines(data_dir / "postgres.log")))


def _tail(text: str) -> str:
    return "\n".join(text.strip().splitlines()[-12:])
