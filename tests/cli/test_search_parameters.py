"""An operator adds a search parameter while the demo runs: every process knows it, and its answers are whole."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import httpx

from tests.cli.conftest import Cli

DEFINITION = {
    "resourceType": "SearchParameter", "url": "http://example.test/sp/first-name", "name": "FirstName",
    "status": "active", "description": "Det første fornavnet.", "code": "first-name", "base": ["Patient"],
    "type": "string", "expression": "Patient.name.first().given.first()",
}  # fmt: skip


def test_a_parameter_is_added_filled_in_by_the_worker_and_taken_back(cli: Cli, tmp_path: Path) -> None:
    cli.ensure_up()
    token = cli.run("token", "--as", "Kari Elise Nordhaug").stdout.strip()
    ask: dict[str, Any] = {"headers": {"Authorization": f"Bearer {token}"}, "timeout": 20}
    entries = httpx.get(f"{cli.url}/fhir/Patient?_count=200", **ask).json()["entry"]
    texts = {entry["resource"]["id"]: entry["resource"]["name"][0]["given"][0] for entry in entries}
    word = next(iter(texts.values()))
    file = tmp_path / "first-name.json"
    file.write_text(json.dumps(DEFINITION))
    done = cli.run("search-parameters", "add", str(file))
    assert done.returncode == 0, done.stderr
    answer = _when(lambda: httpx.get(f"{cli.url}/fhir/Patient", params={"first-name": word, "_count": "200"}, **ask))
    found = {entry["resource"]["id"] for entry in answer.json().get("entry", [])}
    assert found and found >= {one for one, text in texts.items() if text.lower().startswith(word.lower())}
    listed = httpx.get(f"{cli.url}/fhir/metadata", timeout=20).json()["rest"][0]["resource"]
    params = next(one for one in listed if one["type"] == "Patient")["searchParam"]
    assert {"name": "first-name", "definition": DEFINITION["url"], "type": "string"} in params
    assert "ready" in cli.run("search-parameters", "list").stdout
    again = cli.run("search-parameters", "add", str(file))
    assert (again.returncode, again.stderr.count("\n")) == (1, 1)
    assert cli.run("search-parameters", "remove", "first-name").returncode == 0
    refused = _when(lambda: httpx.get(f"{cli.url}/fhir/Patient?first-name=a", **ask), status=400)
    assert refused.json()["issue"][0]["code"] == "not-supported"
    for _ in range(240):
        if not cli.run("search-parameters", "list").stdout:
            return
        time.sleep(0.5)
    raise AssertionError("its rows never went")


def _when(ask: Any, *, status: int = 200) -> httpx.Response:
    """The first answer with this status; until then every one is a refusal."""
    for _ in range(480):
        answer: httpx.Response = ask()
        if answer.status_code == status:
            return answer
        assert answer.status_code in (400, 503), answer.text
        time.sleep(0.25)
    raise AssertionError(f"never {status}")
