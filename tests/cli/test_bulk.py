"""An operator lets a system export and import, and takes it back."""

from __future__ import annotations

import httpx
import pytest

from tests.cli.conftest import Cli


@pytest.mark.parametrize("command", ["exports", "imports"])
def test_system_is_let_and_no_longer_let(cli: Cli, command: str) -> None:
    cli.ensure_up()
    token = cli.run("token", "--as", "integration").stdout.strip()
    headers = {"Authorization": f"Bearer {token}", "Prefer": "respond-async", "Content-Type": "application/fhir+ndjson"}
    with httpx.Client(base_url=f"{cli.url}/fhir", headers=headers, timeout=20) as client:

        def asked() -> int:
            answer = client.get("/$export") if command == "exports" else client.post("/$import", content=b"")
            if answer.status_code == 202:
                client.delete(answer.headers["content-location"])
            return answer.status_code

        assert "may not" in cli.run(command, "forbid", "integration").stdout
        assert asked() == 403
        assert "until" in cli.run(command, "allow", "integration").stdout
        assert asked() == 202
    unknown = cli.run(command, "allow", "nobody")
    assert (unknown.returncode, unknown.stderr.count("\n")) == (1, 1)
