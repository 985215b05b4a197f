"""`kill -9` of the worker in the middle of an export or an import: it goes on, and nothing is there twice."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from fellesjournal.clinical.correspondence.actors import BULK, SystemSession
from fellesjournal.identity.sessions import Sessions
from fellesjournal.kit.db import Database
from fellesjournal.record import imports
from fellesjournal.record.bulk import Carrier
from fellesjournal.record.imports import lines
from fellesjournal.record.imports.load import Load
from fellesjournal.record.journal import Vault
from tests.record.samples import outcome, person
from tests.site import Site

PEOPLE = 300
PROGRAM = """
import asyncio, sys
from dataclasses import replace
from pathlib import Path
from fellesjournal.clinical.correspondence.worker import run
from fellesjournal.kit.keys import open_keys
from fellesjournal.kit.settings import Settings
from fellesjournal.record import bulk
from fellesjournal.record.imports import carrier
bulk._FIRST = bulk._MOST = carrier.LANES = 1
data = Path(sys.argv[1])
settings = replace(Settings(), data_dir=data, database_name=sys.argv[2])
asyncio.run(run(settings, open_keys(data), asyncio.Event()))
"""
ASYNC = {"Prefer": "respond-async"}


def test_killed_export_goes_on_from_where_it_was(demo_site: Site) -> None:
    entry = {"resource": person(), "request": {"method": "POST", "url": "Patient"}}
    with demo_site.fhir() as client:
        bundle = {"resourceType": "Bundle", "type": "transaction", "entry": [entry] * PEOPLE}
        assert client.post("/", json=bundle).status_code == 200
        begun = client.get("/Patient/$export?_type=Patient", headers=ASYNC)
        assert begun.status_code == 202, begun.text
        address = begun.headers["content-location"]
        _kill_in_the_middle(demo_site, lambda: _exported(demo_site) > 0)
        assert 0 < _exported(demo_site) < PEOPLE, "killed in the middle"
        assert client.get(address).status_code == 202
        asyncio.run(_go_on(demo_site))
        text = client.get(client.get(address).json()["output"][0]["url"]).text
    ids = [json.loads(line)["id"] for line in text.splitlines()]
    assert len(ids) == len(set(ids)) >= PEOPLE
    logged = demo_site.row(
        "SELECT count(*) AS n, count(DISTINCT patient) AS people FROM access.log"
        " WHERE action = 'export' AND patient > 0"
    )
    assert logged["n"] == logged["people"] == len(ids)


def test_killed_import_goes_on_from_where_it_was(demo_site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "PIECE_LINES", 2)
    content = "\n".join(json.dumps({**person(), "id": f"killed-{n}"}) for n in range(PEOPLE)).encode()
    headers = {**ASYNC, "Content-Type": "application/fhir+ndjson"}
    with demo_site.fhir() as client:
        begun = client.post("/$import", content=content, headers=headers)
        assert begun.status_code == 202, begun.text
        address = begun.headers["content-location"]
        _kill_in_the_middle(demo_site, lambda: _imported(demo_site) > 0)
        assert 0 < _imported(demo_site) < PEOPLE, "killed in the middle"
        assert client.get(address).status_code == 202
        asyncio.run(_go_on(demo_site))
        told = client.get(address).json()
    assert (told["output"][0]["extension"], told["error"]) == ({"written": PEOPLE, "unchanged": 0}, [])
    found = demo_site.row(
        "SELECT count(*) AS n, max(r.version) AS version FROM vault.chosen_id c"
        " JOIN vault.resource r ON r.slot = c.slot AND r.pid = c.pid WHERE c.id LIKE 'killed-%'"
    )
    assert (found["n"], found["version"]) == (PEOPLE, 1)


def test_import_that_fails_unforeseen_is_given_up_in_the_end(
    demo_site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(Load, "write", broken)
    with demo_site.fhir() as client:
        begun = client.post("/$import", content=b"{}", headers={**ASYNC, "Content-Type": "application/fhir+ndjson"})
        address = begun.headers["content-location"]
        asyncio.run(_fail(demo_site))
        outcome(client.get(address), 410)
        assert client.delete(address).status_code == 202
    assert demo_site.row("SELECT count(*) AS n FROM vault.import_piece")["n"] == 0


def _kill_in_the_middle(site: Site, is_under_way: Callable[[], bool]) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("FELLESJOURNAL_")}
    argv = [sys.executable, "-c", PROGRAM, str(Path(site.settings.data_dir)), site.settings.database_name]
    worker = subprocess.Popen(argv, env=environment, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 30
        while not is_under_way():
            assert time.monotonic() < deadline, "it took too long"
            time.sleep(0.02)
    finally:
        worker.send_signal(signal.SIGKILL)
        worker.wait()


async def _fail(site: Site) -> None:
    async with _importer(site) as importer:
        for _ in range(5):
            with pytest.raises(ExceptionGroup):
                await importer.work_on_all()
        await importer.work_on_all()


async def _go_on(site: Site) -> None:
    """What a worker does each minute with what another one has left."""
    async with _importer(site) as importer:
        carrier = Carrier(importer.vault, base_url=site.url, secret=importer.secret, stop=importer.stop)
        await carrier.work_on_all()
        await importer.work_on_all()


@asynccontextmanager
async def _importer(site: Site) -> AsyncIterator[imports.Importer]:
    async with await Database.connect(site.settings, site.keys, "fj_worker", max_size=4) as db:
        sessions = Sessions(signin=db, web=db, settings=site.settings, keys=site.keys)
        system, vault, stop = SystemSession(sessions, actor=BULK), Vault(db, keys=site.keys), asyncio.Event()
        yield imports.Importer(vault, sessions, site.settings, secret=system.secret, stop=stop)
        await system.end()


def _exported(site: Site) -> int:
    return int(site.row("SELECT coalesce(max(resources), 0) AS n FROM vault.export")["n"])


def _imported(site: Site) -> int:
    return int(site.row("SELECT coalesce(max(written), 0) AS n FROM vault.import_input")["n"])
