"""The embedded server: its ways to run, one start at a time, and ends of every kind."""

import asyncio
import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fellesjournal.kit import db
from fellesjournal.kit.dsn import Dsn
from fellesjournal.kit.embedded import Embedded, EmbeddedError, find_running, remove_data
from fellesjournal.kit.keys import Keys, create_keys, open_keys
from fellesjournal.kit.migrate import MigrationError, migrate
from fellesjournal.kit.postgres_account import Identity
from fellesjournal.kit.postgres_programs import find_programs

ROOT = Path(__file__).resolve().parents[2]
PG_BIN = os.environ.get("FELLESJOURNAL_TEST_PG_BIN") or os.environ.get("FELLESJOURNAL_PG_BIN") or ""

_NOBODY = 65534
_AS_NOBODY: dict[str, Any] = {
    "user": _NOBODY, "group": _NOBODY, "extra_groups": [],
    "capture_output": True, "text": True, "check": False,
}  # fmt: skip
_START = """
import signal, sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from fellesjournal.kit.keys import {keys}
from fellesjournal.kit.embedded import Embedded
folder = Path(sys.argv[1])
server = Embedded(data_dir=folder, keys={keys}(folder), shared_buffers_mb=64, pg_bin={pg_bin!r})
server.start()
{then}
"""

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root has a choice of ways")


@contextlib.contextmanager
def _folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="fj-emb-"))
    try:
        yield folder
    finally:
        with contextlib.suppress(EmbeddedError):
            remove_data(folder)
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def used_once() -> Iterator[Path]:
    """A data folder after its first start and stop."""
    with _folder() as folder:
        with _server(folder, create_keys(folder)):
            pass
        yield folder


@pytest.fixture
def data_dir(used_once: Path) -> Iterator[Path]:
    """A copy of a data folder that was used once: what a first start makes takes longer than most tests."""
    with _folder() as folder:
        shutil.copytree(used_once, folder, symlinks=True, dirs_exist_ok=True)
        yield folder


@pytest.fixture
def keys(data_dir: Path) -> Keys:
    return open_keys(data_dir)


@pytest.fixture
def new_dir() -> Iterator[Path]:
    """An empty folder, for a first start."""
    with _folder() as folder:
        yield folder


@pytest.fixture
def new_keys(new_dir: Path) -> Keys:
    return create_keys(new_dir)


def _server(data_dir: Path, keys: Keys, **more: Any) -> Embedded:
    return Embedded(data_dir=data_dir, keys=keys, pg_bin=PG_BIN, shared_buffers_mb=64, **more)


def _ask(dsn: Dsn, query: str) -> Any:
    async def ask() -> Any:
        connection = await db.connect(dsn)
        try:
            return await connection.fetchval(query)
        finally:
            await connection.close()

    return asyncio.run(ask())


def _nobody_can_run(python: str) -> bool:
    try:
        return subprocess.run([python, "-c", "import tomllib, ctypes"], **_AS_NOBODY).returncode == 0
    except OSError:
        return False


def _gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def _await(condition: Any, seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.02)


def _server_pid(data_dir: Path) -> int:
    return int((data_dir / "postgres" / "postmaster.pid").read_text().split()[0])


def test_rows_are_there_after_a_stop_and_a_start(new_dir: Path, new_keys: Keys) -> None:
    with _server(new_dir, new_keys) as dsn:
        _ask(dsn, "CREATE TABLE public.t AS SELECT 7 AS x")
        socket = Path(dsn.host)
        assert socket.stat().st_mode & 0o777 == 0o700
        assert len(str(socket / ".s.PGSQL.5432")) < 107
    assert not socket.exists()
    start = time.monotonic()
    with _server(new_dir, new_keys) as dsn:
        assert time.monotonic() - start < 5
        assert _ask(dsn, "SELECT x FROM public.t") == 7
        assert _ask(dsn, "SHOW listen_addresses") == ""
        assert _ask(dsn, "SHOW data_directory_mode") == "0700"


def test_socket_needs_the_password(data_dir: Path, keys: Keys) -> None:
    with _server(data_dir, keys) as dsn, pytest.raises(db.DbError):
        _ask(dsn.as_role(user=dsn.user, password="wrong"), "SELECT 1")


@as_root
@pytest.mark.parametrize("forbid_namespaces", [False, True])
def test_root_runs_it_as_another_account_with_and_without_namespaces(
    new_dir: Path, new_keys: Keys, forbid_namespaces: bool
) -> None:
    server = _server(new_dir, new_keys, forbid_namespaces=forbid_namespaces)
    with server as dsn:
        assert _ask(dsn, "SELECT 1") == 1
        status = Path(f"/proc/{_server_pid(new_dir)}/status").read_text()
        uid = int(status.partition("Uid:")[2].split()[0])
        effective = int(status.partition("CapEff:")[2].split()[0], 16)
    if forbid_namespaces:
        assert server.way == "setuid"
        assert uid != 0
    assert effective == 0


@as_root
def test_data_follows_from_one_way_to_the_other(data_dir: Path, keys: Keys) -> None:
    with _server(data_dir, keys) as dsn:
        _ask(dsn, "CREATE TABLE public.t AS SELECT 7 AS x")
    for forbid in (True, False, True):
        with _server(data_dir, keys, forbid_namespaces=forbid) as dsn:
            assert _ask(dsn, "SELECT x FROM public.t") == 7
    elsewhere = (data_dir / "postgres").resolve()
    assert elsewhere != data_dir / "postgres"
    remove_data(data_dir)
    assert not elsewhere.parent.exists()


@as_root
def test_programs_out_of_the_account_s_reach_are_copied(new_dir: Path, new_keys: Keys) -> None:
    """Those of the installed package: a distribution's are within everybody's reach."""
    programs = find_programs("", data=new_dir / "none", identity=Identity("plain", 0, 0), near=new_dir)
    hidden = new_dir / "hidden"
    package = programs.parent.parent
    shutil.copytree(programs.parent, hidden / package.name / "pginstall", symlinks=True)
    shutil.copytree(package.with_name(f"{package.name}.libs"), hidden / f"{package.name}.libs")
    hidden.chmod(0o700)
    pg_bin = str(hidden / package.name / "pginstall" / "bin")
    server = Embedded(data_dir=new_dir, keys=new_keys, pg_bin=pg_bin, forbid_namespaces=True)
    with server as dsn:
        assert _ask(dsn, "SELECT 1") == 1
    assert server.way == "setuid"


def test_rotated_password_is_adopted_and_a_foreign_key_file_is_named(
    data_dir: Path, keys: Keys, tmp_path: Path
) -> None:
    with _server(data_dir, keys):
        pass
    keys.rotate("fj_admin")
    with _server(data_dir, keys) as dsn:
        asyncio.run(migrate(dsn.to("fj"), keys, migrations=[]))
        assert _ask(dsn, "SELECT 1") == 1
        foreign = create_keys(tmp_path / "foreign")
        with pytest.raises(MigrationError, match="key file does not belong"):
            asyncio.run(migrate(dsn.to("fj"), foreign, migrations=[]))


def test_roles_get_the_passwords_of_the_key_file(data_dir: Path, keys: Keys) -> None:
    """Here, on a server of its own: roles belong to the whole server, and other tests sign in to the shared one."""
    with _server(data_dir, keys) as dsn:
        asyncio.run(migrate(dsn.to("fj"), keys, migrations=[]))
        before = dsn.as_role(user="fj_web", password=keys.role_password("fj_web"))
        assert _ask(before, "SELECT 1") == 1
        keys.rotate("fj_web")
        asyncio.run(migrate(dsn.to("fj"), keys, migrations=[]))
        assert _ask(before.as_role(user="fj_web", password=keys.role_password("fj_web")), "SELECT 1") == 1
        with pytest.raises(db.InvalidPassword):
            _ask(before, "SELECT 1")


@as_root
def test_plain_user_runs_it(new_dir: Path) -> None:
    folder = new_dir / "plain"
    folder.mkdir()
    os.chown(folder, _NOBODY, _NOBODY)
    new_dir.chmod(0o755)
    python = next((path for path in (sys.executable, "/usr/bin/python3") if _nobody_can_run(path)), None)
    if python is None:
        pytest.skip("no interpreter within a plain user's reach")
    data, identity = folder / "postgres", Identity("plain", _NOBODY, _NOBODY)
    programs = find_programs(PG_BIN, data=data, identity=identity, near=folder)
    script = _START.format(keys="create_keys", pg_bin=str(programs), then="print(server.way); server.stop()")
    done = subprocess.run([python, "-c", script, str(folder), str(ROOT / "src")], **_AS_NOBODY)
    assert done.stdout.strip() == "plain", done.stderr
    assert (folder / "keys.json").stat().st_uid == _NOBODY


def test_second_start_on_the_same_folder_names_the_first(data_dir: Path, keys: Keys) -> None:
    with _server(data_dir, keys) as dsn:
        start = time.monotonic()
        with pytest.raises(EmbeddedError, match=rf"process {os.getpid()}\) is running on"):
            _server(data_dir, keys).start()
        assert time.monotonic() - start < 1
        with pytest.raises(EmbeddedError, match="is running"):
            remove_data(data_dir)
        assert _ask(dsn, "SELECT 1") == 1


def test_other_processes_find_the_running_server(data_dir: Path, keys: Keys) -> None:
    assert find_running(data_dir, keys) is None
    with _server(data_dir, keys) as dsn:
        assert find_running(data_dir, open_keys(data_dir)) == dsn
    assert find_running(data_dir, keys) is None


def test_killed_server_comes_back_with_every_acknowledged_row(data_dir: Path, keys: Keys) -> None:
    server = _server(data_dir, keys)
    dsn = server.start()
    _ask(dsn, "CREATE TABLE public.t (x int)")
    for number in range(20):
        _ask(dsn, f"INSERT INTO public.t VALUES ({number})")
    os.kill(_server_pid(data_dir), signal.SIGKILL)
    _await(lambda: not server.is_running)
    server.stop()
    assert (data_dir / "postgres" / "postmaster.pid").exists()
    with _server(data_dir, keys) as dsn:
        assert _ask(dsn, "SELECT count(*) FROM public.t") == 20


@pytest.mark.parametrize("victims", ["parent", "parent and guard"])
def test_server_ends_when_those_above_it_are_killed(data_dir: Path, keys: Keys, victims: str) -> None:
    script = _START.format(
        keys="open_keys", pg_bin=PG_BIN, then="print(server._guard.pid, flush=True); signal.pause()"
    )
    argv = [sys.executable, "-c", script, str(data_dir), str(ROOT / "src")]
    parent = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    guard = int(parent.stdout.readline())
    server_pid = _server_pid(data_dir)
    if victims == "parent and guard":
        os.kill(guard, signal.SIGKILL)
    parent.kill()
    parent.wait()
    parent.stdout.close()
    _await(lambda: _gone(server_pid))
    socket = Path(json.loads((data_dir / "postgres.lock").read_text())["socket"])
    with _server(data_dir, keys) as dsn:
        assert not socket.exists()
        assert _ask(dsn, "SELECT 1") == 1


def test_start_right_after_a_kill_waits_for_the_old_server_to_end(data_dir: Path, keys: Keys) -> None:
    script = _START.format(keys="open_keys", pg_bin=PG_BIN, then="print('up', flush=True); signal.pause()")
    argv = [sys.executable, "-c", script, str(data_dir), str(ROOT / "src")]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == "up\n"
        parent.kill()
        parent.wait()
        with _server(data_dir, keys) as dsn:
            assert _ask(dsn, "SELECT 1") == 1


def test_pid_file_that_names_another_program_is_no_hindrance(data_dir: Path, keys: Keys) -> None:
    with _server(data_dir, keys):
        lines = (data_dir / "postgres" / "postmaster.pid").read_text().splitlines()
    stale = data_dir / "postgres" / "postmaster.pid"
    stale.write_text("\n".join([str(os.getppid()), *lines[1:]]) + "\n")
    with _server(data_dir, keys) as dsn:
        assert _ask(dsn, "SELECT 1") == 1


def test_first_start_that_was_broken_off_is_begun_anew(new_dir: Path, new_keys: Keys) -> None:
    half = new_dir / "postgres.new"
    half.mkdir()
    (half / "PG_VERSION").write_text("18\n")
    with _server(new_dir, new_keys) as dsn:
        assert _ask(dsn, "SELECT 1") == 1


def test_start_and_stop_in_a_thread_that_ends(data_dir: Path, keys: Keys) -> None:
    """The kernel's parent-death signal follows the thread that started a process: it must not be ours."""

    async def story() -> None:
        server = _server(data_dir, keys)
        dsn = await asyncio.to_thread(server.start)
        await asyncio.get_running_loop().shutdown_default_executor()
        await asyncio.sleep(0.3)
        connection = await db.connect(dsn)
        assert await connection.fetchval("SELECT 1") == 1
        await connection.close()
        server.stop()

    asyncio.run(story())


def test_programs_that_do_not_fit_are_named(data_dir: Path, keys: Keys, new_dir: Path, tmp_path: Path) -> None:
    with pytest.raises(EmbeddedError, match="no PostgreSQL 15 or newer"):
        Embedded(data_dir=new_dir, keys=keys, pg_bin=str(tmp_path)).start()
    (data_dir / "postgres").resolve().joinpath("PG_VERSION").write_text("14\n")
    with pytest.raises(EmbeddedError, match="was made by PostgreSQL 14"):
        _server(data_dir, keys).start()


def test_server_that_cannot_start_shows_the_end_of_its_log(data_dir: Path, keys: Keys) -> None:
    control = (data_dir / "postgres").resolve() / "global" / "pg_control"
    control.write_bytes(bytes(8192))
    with pytest.raises(EmbeddedError, match=r"did not start:\n.*FATAL"):
        _server(data_dir, keys).start()
