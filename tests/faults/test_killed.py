# ruff: noqa: E501 - SQL reads best a line each
"""`kill -9` of the web process and of PostgreSQL in the middle of writes: what was acknowledged is there, whole."""

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from fellesjournal.kit import db, ids
from fellesjournal.kit.embedded import Embedded
from fellesjournal.kit.keys import Keys, open_or_create_keys
from fellesjournal.kit.settings import Settings
from tests.record.samples import JSON, make_person, weight
from tests.site import Site, load_demo

pytestmark = pytest.mark.slow


@dataclass
class Machine:
    """A data folder with a real server and a real web process on it."""

    settings: Settings
    keys: Keys
    server: Embedded
    web: subprocess.Popen[bytes] | None = None

    def start_database(self) -> None:
        self.server = Embedded(
            data_dir=self.settings.data_dir, keys=self.keys, pg_bin=self.settings.pg_bin, shared_buffers_mb=64
        )
        self.server.start()

    def start_web(self) -> None:
        environment = os.environ | {
            "FELLESJOURNAL_DATA": str(self.settings.data_dir), "FELLESJOURNAL_PORT": str(self.settings.port),
            "FELLESJOURNAL_LOG_LEVEL": "error",
        }  # fmt: skip
        self.web = subprocess.Popen([sys.executable, "-m", "fellesjournal", "serve"], env=environment)
        for _ in range(300):
            with contextlib.suppress(httpx.TransportError):
                if httpx.get(f"{self.settings.base_url}/health/ready").status_code == 200:
                    return
            time.sleep(0.1)
        raise TimeoutError("the web process did not come up")

    def kill_web(self) -> None:
        assert self.web is not None
        self.web.kill()
        self.web.wait()

    def kill_database(self) -> None:
        os.kill(int((self.settings.data_dir / "postgres" / "postmaster.pid").read_text().split()[0]), signal.SIGKILL)
        for _ in range(200):
            if not self.server.is_running:
                break
            time.sleep(0.05)
        self.server.stop()

    def stop(self) -> None:
        if self.web is not None and self.web.poll() is None:
            self.web.terminate()
            self.web.wait(20)
        self.server.stop()

    def fetch(self, query: str, *args: Any) -> list[Any]:
        async def ask() -> list[Any]:
            connection = await db.connect(db.admin_dsn(self.settings, self.keys))
            try:
                return list(await connection.fetch(query, *args))
            finally:
                await connection.close()

        return asyncio.run(ask())


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    folder = tmp_path_factory.mktemp("killed")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    chosen = os.environ.get("FELLESJOURNAL_TEST_PG_BIN") or os.environ.get("FELLESJOURNAL_PG_BIN") or ""
    settings = replace(Settings(), data_dir=Path(folder), port=port, demo_size=5, pg_bin=chosen)
    keys = open_or_create_keys(settings.data_dir)
    made = Machine(settings, keys, Embedded(data_dir=settings.data_dir, keys=keys, pg_bin=chosen))
    made.start_database()
    asyncio.run(load_demo(settings, keys))
    made.start_web()
    try:
        yield made
    finally:
        made.stop()


@dataclass
class Load:
    """Clients that write pairs and read single ones until the connection breaks; what was acknowledged to them."""

    machine: Machine
    token: str
    patient: str
    pairs: list[tuple[str, str]] = field(default_factory=list)
    updates: dict[str, int] = field(default_factory=dict)
    shown: list[str] = field(default_factory=list)
    stopped: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        with httpx.Client(
            base_url=f"{self.machine.settings.base_url}/fhir",
            timeout=20,
            headers={"Authorization": f"Bearer {self.token}", **JSON},
        ) as client:
            while not self.stopped.is_set():
                try:
                    self._round(client)
                except httpx.TransportError:
                    return

    def _round(self, client: httpx.Client) -> None:
        body = weight(self.patient).decode()
        entry = f'{{"resource":{body},"request":{{"method":"POST","url":"Observation"}}}}'
        answer = client.post("", content=f'{{"resourceType":"Bundle","type":"transaction","entry":[{entry},{entry}]}}')
        if answer.status_code != 200:
            return
        made = [e["response"]["location"].split("/")[1] for e in answer.json()["entry"]]
        self.pairs.append((made[0], made[1]))
        if client.get(f"/Observation/{made[0]}").status_code == 200:
            self.shown.append(made[0])
        again = client.put(f"/Observation/{made[1]}", content=body.replace('"status"', f'"id":"{made[1]}","status"', 1))
        if again.status_code == 200:
            self.updates[made[1]] = 2


def check(load: Load) -> None:
    """Every acknowledged write and log row is there, and no transaction is there by half."""
    machine = load.machine
    assert len(load.pairs) > 5 and len(load.shown) > 5
    patient = ids.decode(load.patient)
    assert patient
    rows = machine.fetch(
        "SELECT slot, pid, version FROM vault.resource WHERE patient = $1 AND pid <> patient", patient[1]
    )
    kept = {ids.encode(row["slot"], row["pid"]): row["version"] for row in rows}
    for pair in load.pairs:
        assert set(pair) <= kept.keys()
    for id_, version in load.updates.items():
        assert kept[id_] >= version
    assert len(kept) % 2 == 0
    odd = machine.fetch(
        "SELECT session, xid FROM vault.history WHERE patient = $1 AND pid <> patient AND op = 'C' GROUP BY session, xid HAVING count(*) % 2 = 1",
        patient[1],
    )
    assert odd == []
    unlike = machine.fetch(
        "SELECT r.pid FROM vault.resource r JOIN vault.history h ON h.slot = r.slot AND h.pid = r.pid AND h.version = r.version"
        " WHERE r.patient = $1 AND r.body IS DISTINCT FROM h.body", patient[1],
    )  # fmt: skip
    assert unlike == []
    indexed = machine.fetch("SELECT DISTINCT pid FROM vault.sp_token WHERE patient = $1 AND pid <> patient", patient[1])
    assert len(indexed) == len(kept)
    logged = {
        pid
        for row in machine.fetch(
            "SELECT what FROM access.log WHERE action = 'read' AND patient = $1 AND outcome = 0", patient[1]
        )
        for pid in row["what"]
    }
    for id_ in load.shown:
        key = ids.decode(id_)
        assert key and key[1] in logged


@pytest.mark.parametrize("victim", ["web", "database", "both"])
def test_what_was_acknowledged_is_there_after_a_kill(machine: Machine, victim: str) -> None:
    site = Site(machine.settings, machine.keys)
    token = site.token("integration")
    with httpx.Client(base_url=f"{site.url}/fhir", headers={"Authorization": f"Bearer {token}"}) as client:
        patient = make_person(client, "Stabil")
    load = Load(machine, token, patient)
    threads = [threading.Thread(target=load.run) for _ in range(3)]
    for thread in threads:
        thread.start()
    time.sleep(2.5)
    if victim != "web":
        machine.kill_database()
    if victim != "database":
        machine.kill_web()
    load.stopped.set()
    for thread in threads:
        thread.join(30)
    if victim != "web":
        machine.start_database()
    if victim != "database":
        machine.start_web()
    check(load)
    with httpx.Client(base_url=f"{site.url}/fhir", timeout=30, headers={"Authorization": f"Bearer {token}"}) as client:
        for _ in range(40):  # the pool finds out by itself that its connections have died
            if client.get(f"/Patient/{patient}").status_code == 200:
                break
            time.sleep(0.25)
        assert make_person(client, "Etterpå")
