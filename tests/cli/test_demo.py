"""One command brings the demo up, Ctrl+C takes all of it down, and the next start finds it as it was."""

from __future__ import annotations

import socket

import httpx

from tests.cli.conftest import Cli

EVENING = "Henrik Sætervik"


def is_free(port: int) -> bool:
    with socket.socket() as one:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            one.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def test_ctrl_c_stops_everything_and_the_next_start_finds_the_same_data(cli: Cli) -> None:
    cli.ensure_up()
    page = httpx.get(cli.url, follow_redirects=True, timeout=20)
    assert page.status_code == 200
    assert EVENING in page.text
    token = cli.run("token", "--as", "Kari Elise Nordhaug").stdout.strip()
    before = listed(cli, token)
    assert cli.interrupt() == 0
    assert cli.left_behind() == []
    assert cli.is_unlocked()
    assert is_free(cli.port)
    cli.start()
    assert cli.await_up() < 20
    assert listed(cli, token) == before
    assert "Skriver innbyggerne" not in cli.said


def listed(cli: Cli, token: str) -> list[str]:
    """Ids of the unit's appointments, by FHIR."""
    answer = httpx.get(
        f"{cli.url}/fhir/Appointment?_count=100&_sort=date",
        headers={"Authorization": f"Bearer {token}"}, timeout=20,
    )  # fmt: skip
    found = [entry["resource"]["id"] for entry in answer.json()["entry"]]
    assert found
    return found


def test_an_occupied_port_is_one_clear_line(cli: Cli) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        done = cli.run("demo", "--port", str(port))
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert str(port) in done.stderr


def test_a_second_start_on_the_same_folder_is_one_clear_line(cli: Cli) -> None:
    cli.ensure_up()
    done = cli.run("demo", "--port", "0")
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "Traceback" not in done.stderr
    assert httpx.get(f"{cli.url}/health/live", timeout=20).status_code == 200


def test_listening_to_the_world_without_tls_is_refused(cli: Cli) -> None:
    done = cli.run("demo", "--host", "0.0.0.0", "--port", "0")
    assert done.returncode == 1
    assert "TLS" in done.stderr


def test_reset_starts_anew_and_a_start_that_was_interrupted_goes_on(cli: Cli) -> None:
    cli.ensure_up()
    token = cli.run("token", "--as", "Kari Elise Nordhaug").stdout.strip()
    assert status_with(cli, token) == 200
    assert cli.interrupt() == 0
    cli.start("--reset")
    cli.await_told("Skriver innbyggerne")
    assert cli.interrupt() == 0
    assert cli.left_behind() == []
    cli.start()
    cli.await_up()
    assert "Skriver de første journalene" in cli.said
    assert status_with(cli, token) == 401


def status_with(cli: Cli, token: str) -> int:
    headers = {"Authorization": f"Bearer {token}"}
    return httpx.get(f"{cli.url}/fhir/Appointment?_count=1", headers=headers, timeout=20).status_code
