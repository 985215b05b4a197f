"""A whole installation in a temporary folder: its own durable server, a demo municipality, web processes."""

import asyncio
import contextlib
import http.client
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncGenerator, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from bench.processes import Processes, tree_of
from fellesjournal.demo.load import load_first, load_rest, open_loader
from fellesjournal.demo.people import INTEGRATION
from fellesjournal.identity import Sessions, issue_demo_token
from fellesjournal.kit import db
from fellesjournal.kit.clock import OSLO
from fellesjournal.kit.dsn import Dsn
from fellesjournal.kit.embedded import Embedded
from fellesjournal.kit.ids import encode
from fellesjournal.kit.keys import Keys, open_or_create_keys
from fellesjournal.kit.migrate import migrate
from fellesjournal.kit.settings import Settings

DURABLE = ("fsync", "full_page_writes", "synchronous_commit")
GP = "Kari Elise Nordhaug"
HEAVY_PERSON = "Borghild Ulvestad"
_UP_S = 60


@dataclass
class Site:
    """The installation under measurement."""

    settings: Settings
    keys: Keys
    server: Embedded

    @property
    def dsn(self) -> Dsn:
        """Where the administrator reaches the database."""
        return db.admin_dsn(self.settings, self.keys)

    async def token(self, name: str = INTEGRATION) -> str:
        """A bearer token for a demo person or system, made as `fellesjournal token` makes it."""
        async with self.sessions() as sessions:
            return await issue_demo_token(sessions, name)

    @contextlib.asynccontextmanager
    async def sessions(self) -> AsyncGenerator[Sessions, None]:
        """Sign-in's own door."""
        async with (
            await db.Database.connect(self.settings, self.keys, "fj_signin", max_size=1) as signin,
            await db.Database.connect(self.settings, self.keys, "fj_web", max_size=1) as web,
        ):
            yield Sessions(signin=signin, web=web, settings=self.settings, keys=self.keys)

    @contextlib.asynccontextmanager
    async def admin(self) -> AsyncGenerator[Any, None]:
        """A connection as the administrator."""
        connection = await db.connect(self.dsn)
        try:
            yield connection
        finally:
            await connection.close()

    @contextlib.contextmanager
    def web(self, *, count: int = 1) -> Iterator["Web"]:
        """Web processes on a free port, up and answering: `python -m fellesjournal serve`."""
        port = free_port()
        argv = [sys.executable, "-m", "fellesjournal", "serve", "--port", str(port), "--workers", str(count)]
        process = subprocess.Popen(argv, env=self.environment(), start_new_session=True)
        try:
            await_200(port, "/health/live", process=process)
            yield Web(port, process.pid, count)
        finally:
            process.terminate()
            process.wait(30)

    def environment(self) -> dict[str, str]:
        """What a process of this installation needs to find it."""
        ours = {"FELLESJOURNAL_DATA": str(self.settings.data_dir), "FELLESJOURNAL_LOG_LEVEL": "warning"}
        size = {"FELLESJOURNAL_DEMO_SIZE": str(self.settings.demo_size)}
        return {k: v for k, v in os.environ.items() if not k.startswith("FELLESJOURNAL_")} | ours | size

    def postgres(self) -> Processes:
        """Every process of the database server."""
        for path in self.settings.data_dir.rglob("postmaster.pid"):
            return Processes(int(path.read_text().split()[0]))
        raise FileNotFoundError("postmaster.pid")


@dataclass(frozen=True)
class Web:
    """Running web processes."""

    port: int
    pid: int
    count: int

    @property
    def url(self) -> str:
        """The address."""
        return f"http://127.0.0.1:{self.port}"

    def processes(self) -> Processes:
        """The processes, with the one that watches them when there are several."""
        return Processes(self.pid)

    def resident_mb(self) -> float:
        """Memory of the largest web process."""
        pids = tree_of(self.pid) if self.count == 1 else tree_of(self.pid)[1:]
        return max(_status_kb(pid, "VmRSS") for pid in pids) / 1024


@contextlib.contextmanager
def open_site(*, demo_size: int, keep: Path | None = None) -> Iterator[Site]:
    """A fresh installation with a loaded demo, thrown away at the end; `keep` names a folder to be used again."""
    folder = keep or Path(tempfile.mkdtemp(prefix="fj-bench-"))
    folder.mkdir(parents=True, exist_ok=True)
    keys = open_or_create_keys(folder)
    settings = replace(Settings(), data_dir=folder, demo_size=demo_size)
    server = Embedded(data_dir=folder, keys=keys)
    server.start()
    try:
        site = Site(settings, keys, server)
        asyncio.run(_load(site))
        yield site
    finally:
        server.stop()
        if keep is None:
            shutil.rmtree(folder, ignore_errors=True)


async def check_durable(site: Site) -> dict[str, str]:
    """The server's settings that make an acknowledged write durable. Raises RuntimeError if one is off."""
    async with site.admin() as admin:
        found = {name: str(await admin.fetchval(f"SHOW {name}")) for name in DURABLE}
        off = [name for name, value in found.items() if value != "on"]
        if off:
            raise RuntimeError(f"not durable: {', '.join(off)} is off")
        return found | {"PostgreSQL": str(await admin.fetchval("SHOW server_version"))}


async def patient_id(site: Site, name: str) -> str:
    """The FHIR id of a demo person's own Patient."""
    async with site.admin() as admin:
        row = await admin.fetchrow(
            "SELECT patient, patient_slot FROM identity.person WHERE name = $1 AND patient IS NOT NULL", name
        )
    return encode(row["patient_slot"], row["patient"])


def await_200(
    port: int, path: str, *, process: "subprocess.Popen[bytes] | None" = None, within_s: float = _UP_S
) -> float:
    """Seconds until an address answers 200. Raises TimeoutError."""
    began = time.perf_counter()
    while time.perf_counter() - began < within_s:
        with contextlib.suppress(OSError, http.client.HTTPException):
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=within_s)
            connection.request("GET", path)
            if connection.getresponse().status == 200:
                return time.perf_counter() - began
        if process is not None and process.poll() is not None:
            raise TimeoutError(f"the process ended with {process.returncode}")
        time.sleep(0.01)
    raise TimeoutError(f"{path} did not answer 200 within {within_s} s")


def await_listening(port: int, *, process: "subprocess.Popen[bytes]") -> None:
    """Wait until somebody listens there. Raises TimeoutError."""
    deadline = time.monotonic() + _UP_S
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.05)
    raise TimeoutError("nobody listens there")


async def _load(site: Site) -> None:
    await migrate(site.dsn, site.keys, demo=True)
    today = datetime.now(OSLO).date()
    async with open_loader(site.settings, site.keys, today=today, progress=lambda *_: None) as loader:
        await load_first(loader)
        await load_rest(loader)


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _status_kb(pid: int, name: str) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1])
    return 0
