"""fhirclient and fhir-kit-client, as they come from npm. Their stories stand in `peer/`, one file a client."""

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from fellesjournal.demo.people import INTEGRATION
from tests import peers
from tests.needs import find_node
from tests.site import GP, TONIGHT, Site

PEER = Path(__file__).parent / "peer"
CLIENTS = ("fhirclient", "fhir-kit-client")

pytestmark = pytest.mark.needs("node")
Told = dict[tuple[str, str], str]
"""What went wrong by client and story, "" when nothing did; under the story "" what the program complained of."""


def _stories(client: str) -> list[str]:
    names = re.findall(r'^story\("(.+)",', (PEER / f"{client}.mjs").read_text("utf-8"), re.MULTILINE)
    assert len(names) > 5
    return names


@pytest.fixture(scope="module")
def told(demo_site: Site) -> Told:
    """Both clients run at the same time, each through all of its stories."""
    peers.install(PEER)
    given = {
        "url": f"{demo_site.url}/fhir",
        "token": demo_site.token(INTEGRATION),
        "gp": demo_site.token(GP),
        "hidden": demo_site.patient_id(TONIGHT),
    }
    environment = os.environ | {"GIVEN": json.dumps(given)}
    running = {client: _start(client, environment) for client in CLIENTS}
    return {(client, name): error for client, process in running.items() for name, error in _hear(process)}


@pytest.mark.parametrize(("client", "story"), [(client, name) for client in CLIENTS for name in _stories(client)])
def test_a_client_from_npm(told: Told, client: str, story: str) -> None:
    assert told.get((client, story), f"was not told: {told[client, '']}") == ""


def _start(client: str, environment: dict[str, str]) -> subprocess.Popen[str]:
    node = find_node()
    assert node
    return subprocess.Popen(
        [node, f"{client}.mjs"], cwd=PEER, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def _hear(process: subprocess.Popen[str]) -> list[tuple[str, str]]:
    said, complaint = process.communicate(timeout=120)
    return [*((one["name"], one["error"]) for one in map(json.loads, said.splitlines())), ("", complaint)]
