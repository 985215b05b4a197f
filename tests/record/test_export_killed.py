"""`kill -9` of the worker in the middle of an export: it goes on from where it was, and each line is there once."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from tests.record.samples import person
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
bulk._FIRST = bulk._MOST = 1
data = Path(sys.argv[1])
settings = replace(Settings(), data_dir=data, database_name=sys.argv[2])
asyncio.run(run(settings, open_keys(data), asyncio.Event()))
"""


def test_killed_worker_goes_on_from_where_it_was(demo_site: Site) -> None:
    entry = {"resource": person(), "request": {"method": "POST", "url": "Patient"}}
    with demo_site.fhir() as client:
        bundle = {"resourceType": "Bundle", "type": "transaction", "entry": [entry] * PEOPLE}
        assert client.post("/", json=bundle).status_code == 200
        begun = client.get("/Patient/$export?_type=Patient", headers={"Prefer": "respond-async"})
        assert begun.status_code == 202, begun.text
        address = begun.headers["content-location"]
        worker = _start(demo_site)
        try:
            _wait(lambda: _at(demo_site) > 0)
        finally:
            worker.send_signal(signal.SIGKILL)
            worker.wait()
        assert 0 < _at(demo_site) < PEOPLE, "killed in the middle"
        assert client.get(address).status_code == 202
        demo_site.start_worker()
        # The next look at what a stopped worker has left comes within a minute.
        _wait(lambda: client.get(address).status_code == 200, seconds=90)
        text = client.get(client.get(address).json()["output"][0]["url"]).text
    ids = [json.loads(line)["id"] for line in text.splitlines()]
    assert len(ids) == len(set(ids)) >= PEOPLE
    logged = demo_site.row(
        "SELECT count(*) AS n, count(DISTINCT patient) AS people FROM access.log"
        " WHERE action = 'export' AND patient > 0"
    )
    assert logged["n"] == logged["people"] == len(ids)


def _at(site: Site) -> int:
    return int(site.row("SELECT coalesce(max(patients), 0) AS n FROM vault.export")["n"])


def _start(site: Site) -> subprocess.Popen[bytes]:
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(Path(__file__).parents[2] / "src")}
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(site.settings.data_dir), site.settings.database_name], env=environment
    )


def _wait(is_so: Callable[[], bool], *, seconds: float = 60) -> None:
    until = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < until
        time.sleep(0.02)
