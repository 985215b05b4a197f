"""Settings from file and environment, and the rule about listening."""

from dataclasses import replace
from pathlib import Path

import pytest

from fellesjournal.kit.settings import Settings, SettingsError, check_listen, load_settings, settings_page

ROOT = Path(__file__).resolve().parents[2]


def test_defaults_need_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    settings = load_settings(environ={})
    assert (settings.port, settings.data_dir) == (8000, tmp_path / "var")


def test_environment_wins_over_file_and_command_line_over_both(tmp_path: Path) -> None:
    file = tmp_path / "f.toml"
    file.write_text('port = 9000\nworkers = 3\nhost = "::1"\ntrusted_proxies = ["10.0.0.0/8"]\n')
    env = {"FELLESJOURNAL_CONFIG": str(file), "FELLESJOURNAL_PORT": "9001", "FELLESJOURNAL_HOST": "127.0.0.2"}
    settings = load_settings(environ=env, host="127.0.0.3", workers=None)
    assert (settings.port, settings.workers, settings.host) == (9001, 3, "127.0.0.3")
    assert settings.trusted_proxies == ("10.0.0.0/8",)


def test_config_argument_wins_over_the_variable(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text("port = 1")
    (tmp_path / "b.toml").write_text("port = 2")
    settings = load_settings(
        config=tmp_path / "b.toml", environ={"FELLESJOURNAL_CONFIG": str(tmp_path / "a.toml")}
    )
    assert settings.port == 2


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("prot = 1", "unknown setting: prot"),
        ("port = true", "port: expected a whole number"),
        ('port = "x"', "port: expected a whole number"),
        ("port = 70000", "port: must be between"),
        ("workers = 0", "workers: must be at least 1"),
        ("host = 3", "host: expected text"),
        ('log_level = "loud"', "log_level"),
        ('trusted_proxies = ["proxy"]', "trusted_proxies"),
        ("port = ", "cannot read"),
    ],
)
def test_mistake_in_the_file_is_named(tmp_path: Path, text: str, words: str) -> None:
    file = tmp_path / "f.toml"
    file.write_text(text)
    with pytest.raises(SettingsError, match=words):
        load_settings(config=file, environ={})


def test_named_file_that_is_missing_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot read"):
        load_settings(config=tmp_path / "none.toml", environ={})


def test_unknown_variable_is_an_error_and_its_value_is_not_told() -> None:
    with pytest.raises(SettingsError, match="FELLESJOURNAL_DATABSE_URL") as caught:
        load_settings(environ={"FELLESJOURNAL_DATABSE_URL": "postgresql://u:hemmelig@h/d"})
    assert "hemmelig" not in str(caught.value)


def test_variables_of_the_tests_are_no_settings() -> None:
    assert load_settings(environ={"FELLESJOURNAL_TEST_PG_BIN": "/x", "HOME": "/y"}).pg_bin == ""


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "[::1]", "localhost"])
def test_loopback_may_be_listened_on(host: str) -> None:
    check_listen(replace(Settings(), host=host))


@pytest.mark.parametrize(
    "host", ["0.0.0.0", "::", "10.0.0.1", "journal.example.no", "", "127.0.0.1.example.no"]
)
def test_listening_beyond_loopback_needs_tls_or_a_declared_proxy(host: str) -> None:
    settings = replace(Settings(), host=host)
    with pytest.raises(SettingsError, match="refusing to listen"):
        check_listen(settings)
    check_listen(replace(settings, tls_cert="c", tls_key="k"))
    check_listen(replace(settings, trusted_proxies=("10.0.0.1",)))


def test_certificate_without_key_is_refused() -> None:
    with pytest.raises(SettingsError, match="together"):
        check_listen(replace(Settings(), tls_cert="c"))


def test_base_url() -> None:
    assert replace(Settings(), host="::1").base_url == "http://[::1]:8000"
    assert replace(Settings(), public_url="https://j.example.no/").base_url == "https://j.example.no"


def test_page_for_operators_is_up_to_date() -> None:
    assert (ROOT / "docs/operations/settings.md").read_text("utf-8") == settings_page()
