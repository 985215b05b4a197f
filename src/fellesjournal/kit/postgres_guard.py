"""A small process between us and the embedded server, run as a script of its own (standard library only).

It starts PostgreSQL under the right identity and stops it when our process ends, however it ends: the pipe
on standard input closes, or the parent changes. If the guard itself is killed, the kernel sends the server
the same stop signal. Being a process of its own, in a session of its own, it isn't hit by the terminal's
Ctrl+C, which must reach the web processes first.
"""

import contextlib
import ctypes
import json
import os
import select
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

CLONE_NEWUSER = 0x10000000
PR_SET_PDEATHSIG = 1
FAST_STOP_S = 30.0
IMMEDIATE_STOP_S = 10.0

Spec = dict[str, Any]


def main() -> int:
    """Do what the one argument (JSON) says: `probe` namespaces, `run` a program, or `serve` until the parent ends."""
    spec: Spec = json.loads(sys.argv[1])
    return {"probe": _probe, "run": _run, "serve": _serve}[spec["mode"]](spec)


def _probe(spec: Spec) -> int:
    try:
        done = subprocess.run(["/bin/true"], preexec_fn=_prepare(spec), check=False, **_account(spec))
    except (OSError, subprocess.SubprocessError):
        return 1
    return done.returncode


def _run(spec: Spec) -> int:
    return subprocess.run(
        spec["argv"], preexec_fn=_prepare(spec), cwd="/", check=False, **_account(spec)
    ).returncode


def _serve(spec: Spec) -> int:
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    stop_asked, child_ended = os.pipe()
    os.set_blocking(child_ended, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.signal(signal.SIGTERM, lambda *_: None)
    signal.set_wakeup_fd(child_ended, warn_on_full_buffer=False)
    server = subprocess.Popen(
        spec["argv"],
        stdin=subprocess.DEVNULL,
        stdout=2,
        pass_fds=spec["keep"],
        cwd="/",
        preexec_fn=_prepare(spec),
        **_account(spec),
    )
    try:
        sys.stdout.write(f"{server.pid}\n")
        sys.stdout.flush()
        _wait(server, stop_asked, spec["parent"])
        return _stop(server)
    finally:
        shutil.rmtree(spec["socket"], ignore_errors=True)


def _wait(server: "subprocess.Popen[bytes]", wakeups: int, parent: int) -> None:
    """Return when the server has ended or must end."""
    while server.poll() is None and os.getppid() == parent:
        ready, _, _ = select.select([0, wakeups], [], [], 1.0)
        if 0 in ready and not os.read(0, 1):
            return
        if wakeups in ready and signal.SIGTERM in os.read(wakeups, 64):
            return


def _stop(server: "subprocess.Popen[bytes]") -> int:
    for number, patience_s in (
        (signal.SIGINT, FAST_STOP_S),
        (signal.SIGQUIT, IMMEDIATE_STOP_S),
        (signal.SIGKILL, 5.0),
    ):
        with contextlib.suppress(ProcessLookupError):
            server.send_signal(number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            return server.wait(patience_s)
    return 1


def _account(spec: Spec) -> dict[str, Any]:
    if spec["way"] != "setuid":
        return {}
    return {"user": spec["uid"], "group": spec["gid"], "extra_groups": []}


def _prepare(spec: Spec) -> Callable[[], None]:
    """What the child does between fork and exec; after Popen has changed the account, which would forget the signal."""
    libc = ctypes.CDLL(None, use_errno=True)
    parent = os.getpid()

    def prepare() -> None:
        os.umask(0o077)
        if spec["way"] == "namespace":
            _enter_namespace(libc, spec["uid"], spec["gid"])
        libc.prctl(PR_SET_PDEATHSIG, int(signal.SIGINT), 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)

    return prepare


def _enter_namespace(libc: ctypes.CDLL, uid: int, gid: int) -> None:
    """Be an ordinary user in a namespace of our own: the server refuses to run as uid 0."""
    outer_uid, outer_gid = os.geteuid(), os.getegid()
    if libc.unshare(CLONE_NEWUSER):
        raise OSError(ctypes.get_errno(), "user namespaces are not permitted")
    for name, text in (
        ("setgroups", "deny"),
        ("uid_map", f"{uid} {outer_uid} 1"),
        ("gid_map", f"{gid} {outer_gid} 1"),
    ):
        with Path(f"/proc/self/{name}").open("w", encoding="ascii") as file:
            file.write(text)


if __name__ == "__main__":
    sys.exit(main())
