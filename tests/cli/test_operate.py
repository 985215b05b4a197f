"""What an operator does, by real commands over a running demo."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from pathlib import Path

import httpx

from fellesjournal.kit import db
from fellesjournal.kit.backup import row_hashes
from fellesjournal.kit.keys import open_keys
from fellesjournal.kit.settings import Settings
from tests.cli.conftest import Cli

CLINICAL = ("vault.resource", "vault.history", "access.relation", "identity.person")


def hashes(cli: Cli, name: str) -> dict[str, object]:
    """Row hashes of the tables that hold what matters."""

    async def read() -> dict[str, object]:
        settings = replace(Settings(), data_dir=cli.data, database_name=name)
        connection = await db.connect(db.admin_dsn(settings, open_keys(cli.data)))
        try:
            found = await row_hashes(connection)
        finally:
            await connection.close()
        return {table: found[table] for table in CLINICAL}

    return asyncio.run(read())


def test_a_token_opens_fhir_in_the_demo(cli: Cli) -> None:
    cli.ensure_up()
    done = cli.run("token", "--as", "Trude Aasmo")
    assert done.returncode == 0
    answer = httpx.get(
        f"{cli.url}/fhir/Encounter?status=arrived",
        headers={"Authorization": f"Bearer {done.stdout.strip()}"}, timeout=20,
    )  # fmt: skip
    assert answer.status_code == 200
    assert answer.json()["entry"]


def test_a_token_is_refused_for_an_unknown_name_and_in_a_database_that_is_no_demo(cli: Cli) -> None:
    cli.ensure_up()
    unknown = cli.run("token", "--as", "Ingen Som Finnes")
    assert cli.run("migrate", FELLESJOURNAL_DATABASE_NAME="plain").returncode == 0
    plain = cli.run("token", "--as", "Trude Aasmo", FELLESJOURNAL_DATABASE_NAME="plain")
    for done in (unknown, plain):
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr.startswith("fellesjournal: ")
        assert done.stderr.count("\n") == 1
    assert "demo" in plain.stderr


def test_a_backup_restores_to_equal_rows_and_never_over_data(cli: Cli) -> None:
    cli.ensure_up()
    file, copied = backup_of_a_still_moment(cli)
    assert b"Composition" not in file.read_bytes()
    refused = cli.run("restore", str(file))
    assert refused.returncode == 1
    assert refused.stderr.count("\n") == 1
    brought = cli.run("restore", str(file), FELLESJOURNAL_DATABASE_NAME="restored")
    assert brought.returncode == 0, brought.stderr
    assert "every table's hash is equal" in brought.stdout
    assert hashes(cli, "restored") == copied


def backup_of_a_still_moment(cli: Cli) -> tuple[Path, dict[str, object]]:
    """A backup while nothing was written, and the hashes then: the demo's worker writes when it has something to."""
    for attempt in range(10):
        file, before = cli.data / f"copy-{attempt}.fjb", hashes(cli, Settings().database_name)
        made = cli.run("backup", str(file))
        assert made.returncode == 0, made.stderr
        if hashes(cli, Settings().database_name) == before:
            return file, before
    raise TimeoutError("the demo never stood still")


def test_a_key_is_rotated_and_the_hashing_key_never(cli: Cli) -> None:
    cli.ensure_up()
    before = json.loads((cli.data / "keys.json").read_text())
    assert cli.run("keys", "rotate", "csrf").returncode == 0
    after = json.loads((cli.data / "keys.json").read_text())
    assert before != after
    assert (cli.data / "keys.json").stat().st_mode & 0o777 == 0o600
    fixed = cli.run("keys", "rotate", "hash")
    assert fixed.returncode == 1
    assert fixed.stderr.count("\n") == 1
