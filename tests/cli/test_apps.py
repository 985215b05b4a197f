"""An operator registers an app by a file, approves it and takes it away; and makes somebody an administrator."""

from __future__ import annotations

import json
from pathlib import Path

import httpx
import pytest

from fellesjournal.identity.apps import BadRegistration, read_registration
from tests.cli.conftest import Cli

GP, UNIT = "Kari Elise Nordhaug", "Tindvåg legesenter"
APP = {
    "client_id": "fra-fil", "name": "Fra fil", "type": "confidential-symmetric", "scope": "openid patient/Patient.rs",
    "redirect_uris": ["https://app.example.no/"],
}  # fmt: skip


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"redirect_uris": ["http://a.no/"]}, "redirect_uris"), ({"unknown": 1}, "unknown"),
        ({"scope": "system/*.rs"}, "redirect_uris"), ({"type": "secret"}, "type"),
        ({"jwks_uri": "https://keys.example.no/", "type": "confidential-asymmetric"}, "jwks_uri"),
    ],
)  # fmt: skip
def test_a_file_with_a_fault_is_refused_by_the_name_of_what_is_wrong(change: dict[str, object], word: str) -> None:
    with pytest.raises(BadRegistration, match=word):
        read_registration(json.dumps(APP | change).encode(), key_hosts=())


def test_an_app_goes_from_a_file_to_running_and_away(cli: Cli, tmp_path: Path) -> None:
    cli.ensure_up()
    file = tmp_path / "app.json"
    file.write_text(json.dumps(APP | {"scope": "patient/Rubbish.rs"}))
    refused = cli.run("apps", "add", str(file))
    assert (refused.returncode, refused.stderr.count("\n")) == (1, 1), refused.stderr
    assert "no such resource type" in refused.stderr
    file.write_text(json.dumps(APP))
    added = cli.run("apps", "add", str(file))
    assert added.returncode == 0, added.stderr
    secret = added.stdout.rpartition(": ")[2].strip()
    assert "fra-fil\tpending" in cli.run("apps", "list").stdout
    form = {"grant_type": "refresh_token", "refresh_token": "x"}

    def ask() -> str:
        answer = httpx.post(f"{cli.url}/oauth/token", data=form, auth=("fra-fil", secret), timeout=20)
        return str(answer.json()["error"])

    assert ask() == "invalid_client"
    assert cli.run("apps", "approve", "fra-fil").returncode == 0
    assert ask() == "invalid_grant"
    assert cli.run("apps", "suspend", "fra-fil").returncode == 0
    assert ask() == "invalid_client"
    assert cli.run("apps", "remove", "fra-fil").returncode == 0
    assert "fra-fil" not in cli.run("apps", "list").stdout
    assert cli.run("apps", "approve", "fra-fil").returncode == 1


def test_a_demo_person_is_made_administrator(cli: Cli) -> None:
    cli.ensure_up()
    assert cli.run("apps", "appoint", "Nobody", "--unit", UNIT).returncode == 1
    done = cli.run("apps", "appoint", GP, "--unit", UNIT)
    assert done.returncode == 0, done.stderr
