"""What happens to events when the worker is killed, and when the subscriber does not answer for long."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from fellesjournal.kit.ids import decode
from tests.record.samples import make, make_person, weight
from tests.record.subscriptions.receiver import Receiver, events_of, receiving, subscription, until
from tests.site import Site

PROGRAM = """
import asyncio, sys
from dataclasses import replace
from pathlib import Path
from fellesjournal.clinical.correspondence.worker import run
from fellesjournal.kit.keys import open_keys
from fellesjournal.kit.settings import Settings
data = Path(sys.argv[1])
here = {"data_dir": data, "database_name": sys.argv[2], "port": int(sys.argv[3]), "subscription_hosts": ("127.0.0.1",)}
settings = replace(Settings(), **here)
asyncio.run(run(settings, open_keys(data), asyncio.Event()))
"""


@pytest.fixture
def hook() -> Iterator[Receiver]:
    with receiving() as made:
        yield made


def start(site: Site) -> subprocess.Popen[bytes]:
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(Path(__file__).parents[3] / "src")}
    settings = site.settings
    words = [str(settings.data_dir), settings.database_name, str(settings.port)]
    return subprocess.Popen([sys.executable, "-c", PROGRAM, *words], env=environment)


def subscribe(client: httpx.Client, hook: Receiver, patient: str) -> str:
    body = subscription(hook.url, filters=[f"Observation?patient={patient}"], numbers={"max-count": 3})
    answer = client.post("/Subscription", json=body)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def test_a_killed_worker_loses_nothing_and_keeps_the_order(demo_site: Site, hook: Receiver) -> None:
    with demo_site.fhir() as client:
        patient = make_person(client)
        subscribe(client, hook, patient)
        made, worker = list[str](), start(demo_site)
        try:
            until(lambda: hook.of("handshake"), seconds=30)
            hook.pause_s = 0.3
            made += [f"Observation/{make(client, 'Observation', weight(patient))}" for _ in range(8)]
            until(hook.numbers)
        finally:
            worker.send_signal(signal.SIGKILL)
            worker.wait()
        assert len(set(hook.numbers())) < 8, "killed in the middle"
        made += [f"Observation/{make(client, 'Observation', weight(patient))}" for _ in range(3)]
        hook.pause_s = 0
        demo_site.start_worker()
        until(lambda: len(set(hook.numbers())) == 11, seconds=40)
    told = dict(zip(hook.numbers(), hook.focuses(), strict=True))
    assert [told[number] for number in sorted(told)] == made and sorted(told) == list(range(1, 12))
    first = [number for n, number in enumerate(hook.numbers()) if number not in hook.numbers()[:n]]
    assert first == sorted(first)


def test_what_is_given_up_is_kept_for_the_operator_and_sent_again(demo_site: Site, hook: Receiver) -> None:
    """410 is the endpoint's own word that it is gone: nothing more is tried until somebody asks."""
    from fellesjournal.cli.subscriptions import _all, _resend_one
    from tests.site import _run_apart

    demo_site.start_worker()
    with demo_site.fhir() as client:
        patient = make_person(client)
        id_ = subscribe(client, hook, patient)
        until(lambda: hook.of("handshake"))
        hook.status = 410
        made = [f"Observation/{make(client, 'Observation', weight(patient))}" for _ in range(4)]
        failed = until(lambda: (found := client.get(f"/Subscription/{id_}").json())["status"] == "error" and found)
        assert "answered-410" in failed["error"] and hook.url not in failed["error"]
        status = client.get(f"/Subscription/{id_}/$status").text
        assert "answered-410" in status and '"valueCode":"error"' in status
        until(lambda: events_of(client.get(f"/Subscription/{id_}/$events").json()) == list(enumerate(made, 1)))
        rows = {(row["slot"], row["pid"]): row for row in _run_apart(_all(demo_site.settings))}
        row = rows[decode(id_) or (0, 0)]
        assert (row["status"], row["events"], row["sent"]) == ("error", 4, 0)
        hook.status = 200
        assert _run_apart(_resend_one(demo_site.settings, (row["slot"], row["pid"]), None))
        until(lambda: len(hook.numbers()) == 4)
        assert hook.numbers() == [1, 2, 3, 4] and hook.focuses() == made and len(hook.of("handshake")) == 2
        assert _run_apart(_resend_one(demo_site.settings, (row["slot"], row["pid"]), 3))
        until(lambda: len(hook.numbers()) == 6)
        assert hook.numbers()[4:] == [3, 4]
        until(lambda: client.get(f"/Subscription/{id_}").json()["status"] == "active")


def test_it_ends_with_its_time_and_with_the_right_of_who_made_it(demo_site: Site, hook: Receiver) -> None:
    demo_site.start_worker()
    with demo_site.fhir() as client:
        ids = [subscribe(client, hook, make_person(client)) for _ in range(2)]
        until(lambda: len(hook.of("handshake")) == 2)
        (_, first), (_, second) = (decode(id_) or (0, 0) for id_ in ids)
        demo_site.row("UPDATE vault.subscription SET until_at = clock_timestamp() WHERE pid = $1 RETURNING pid", first)
        demo_site.row(
            "UPDATE identity.session SET ended_at = clock_timestamp() FROM vault.subscription x"
            " WHERE x.pid = $1 AND x.session = identity.session.id RETURNING pid", second,
        )  # fmt: skip
        until(lambda: all(client.get(f"/Subscription/{id_}").json()["status"] == "off" for id_ in ids))
