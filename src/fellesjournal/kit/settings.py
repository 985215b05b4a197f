"""What an operator can set, by a TOML file and by environment; the environment wins.

Every setting is a field of `Settings` with its own description, and `settings_table()` makes the operator's
page of them, so that no setting exists without words.
"""

import dataclasses
import ipaddress
import os
import sys
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_type_hints

PREFIX = "FELLESJOURNAL_"
CONFIG_VARIABLE = "FELLESJOURNAL_CONFIG"
DEFAULT_FILE = "fellesjournal.toml"
_NOT_SETTINGS = frozenset({CONFIG_VARIABLE, "FELLESJOURNAL_CHROMIUM"})
_TEST_PREFIX = "FELLESJOURNAL_TEST_"


class SettingsError(Exception):
    """A setting is unknown, has a value that can't be read, or breaks a rule."""


def setting(default: Any, doc: str, *, env: str = "") -> Any:
    """A field of Settings with its description, and its own environment variable where the name differs."""
    return field(default=default, metadata={"doc": doc, "env": env})


@dataclass(frozen=True, kw_only=True)
class Settings:
    """All settings of one installation."""

    data_dir: Path = setting(
        Path("var"), "Folder for keys, the embedded database and working files.", env="FELLESJOURNAL_DATA"
    )
    database_url: str = setting(
        "",
        "PostgreSQL 15 or newer, as `postgresql://admin:password@host:port/name`; "
        "the user must be able to create roles. Empty: the embedded server in the data folder.",
    )
    database_name: str = setting("fellesjournal", "Name of the database in the embedded server.")
    pg_bin: str = setting(
        "",
        "Folder with the PostgreSQL programs for the embedded server. "
        "Empty: the installed package, then the system's.",
    )
    host: str = setting(
        "127.0.0.1", "Address to listen on. Beyond loopback TLS or a declared proxy is required."
    )
    port: int = setting(8000, "Port to listen on.")
    public_url: str = setting(
        "", "The address that people use, as `https://journal.example.no`. Empty: host and port."
    )
    tls_cert: str = setting("", "File with the TLS certificate chain (PEM).")
    tls_key: str = setting("", "File with the TLS private key (PEM).")
    trusted_proxies: tuple[str, ...] = setting(
        (), "Addresses or networks of reverse proxies that end TLS and whose forwarded headers are believed."
    )
    workers: int = setting(1, "Number of web processes.")
    worker_port: int = setting(
        0, "Port on 127.0.0.1 where the worker answers `/metrics`, `/health/live` and `/health/ready`. 0: none."
    )
    log_level: str = setting("info", "debug, info, warning or error.")
    statement_timeout_ms: int = setting(15_000, "A database statement that runs longer is stopped.")
    idle_transaction_timeout_ms: int = setting(30_000, "A transaction that is left waiting longer is ended.")
    pool_max: int = setting(10, "Most database connections for each process and role.")
    max_body_mb: int = setting(32, "Largest request body accepted, in MB.")
    max_binary_mb: int = setting(50, "Largest content of a Binary accepted as raw bytes, in MB.")
    export_hours: int = setting(
        24, "The files of a bulk export, and what a bulk import tells, are thrown away after this time."
    )
    import_sources: tuple[str, ...] = setting(
        (), "Where the files of a bulk import may be fetched from, as `https://files.example.no`. None: nowhere."
    )
    max_import_mb: int = setting(1_000, "Largest file of a bulk import accepted, without its compression, in MB.")
    session_idle_minutes: int = setting(30, "A session without activity ends after this time.")
    session_max_hours: int = setting(12, "A session ends after this time in any case.")
    staff_issuer: str = setting("", "Issuer of the staff's sign-in service (HelseID), as `https://helseid-sts.nhn.no`.")
    staff_client_id: str = setting("", "Our client id there.")
    staff_client_key: str = setting("", "File with our private key there (PEM or JWK).")
    citizen_issuer: str = setting("", "Issuer of the citizens' sign-in service (ID-porten), as `https://idporten.no`.")
    citizen_client_id: str = setting("", "Our client id there.")
    citizen_client_key: str = setting("", "File with our private key there (PEM or JWK).")
    app_token_minutes: int = setting(
        10, "An app's access token ends after this time; it can be renewed while the grant lives."
    )
    app_offline_days: int = setting(
        90, "How long an app may go on after its user has signed out, when the user lets it."
    )
    app_key_hosts: tuple[str, ...] = setting(
        (), "Hosts (with their port, if any) that apps may publish their keys at (`jwks_uri`). Empty: none."
    )
    required_profiles: tuple[str, ...] = setting(
        (), "Profiles that every resource of a type must conform to, each as `Type=canonical`; they must be installed."
    )
    subscription_hosts: tuple[str, ...] = setting(
        (),
        "Hosts (`host` or `host:port`) that subscriptions may notify although they are not public, or over http. "
        "Public hosts are notified over https alone.",
    )
    subscription_topics: str = setting("", "File with topics of your own to subscribe to (FHIR R5 JSON).")
    demo_size: int = setting(3000, "Inhabitants of each municipality in the demo database.")

    @property
    def base_url(self) -> str:
        """The address that people use, without a slash at the end."""
        scheme = "https" if self.tls_cert else "http"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return self.public_url.rstrip("/") or f"{scheme}://{host}:{self.port}"


def load_settings(
    *, config: Path | None = None, environ: Mapping[str, str] | None = None, **overrides: Any
) -> Settings:
    """Settings from file, then environment, then the command line's own (`overrides`; None = not given).

    The file is `config`, else the one that FELLESJOURNAL_CONFIG names, else `fellesjournal.toml` if it is
    there. Raises SettingsError with the name of the setting, never with its value (it may be a password).
    """
    env = os.environ if environ is None else environ
    values = _from_file(config, env) | _from_environment(env)
    given = {name: value for name, value in overrides.items() if value is not None}
    unknown = sorted(set(given) - set(_fields()))
    if unknown:
        raise SettingsError(f"unknown setting: {', '.join(unknown)}")
    settings = Settings(**{name: _parsed(name, value) for name, value in (values | given).items()})
    _check_values(settings)
    return dataclasses.replace(settings, data_dir=settings.data_dir.expanduser().absolute())


def check_listen(settings: Settings) -> None:
    """Refuse to listen beyond loopback without TLS of our own or a declared reverse proxy.

    Raises SettingsError.
    """
    if bool(settings.tls_cert) != bool(settings.tls_key):
        raise SettingsError("tls_cert and tls_key must be given together")
    if _is_loopback(settings.host) or settings.tls_cert or settings.trusted_proxies:
        return
    raise SettingsError(
        f"refusing to listen on {settings.host}: set tls_cert and tls_key, "
        "or trusted_proxies if a reverse proxy ends TLS"
    )


def settings_table() -> list[tuple[str, str, str, str]]:
    """(name, environment variable, default, description) of every setting, in the order of the class."""
    return [
        (name, _env_name(name, spec), _shown(spec.default), str(spec.metadata["doc"]))
        for name, spec in _fields().items()
    ]


def settings_page() -> str:
    """The page docs/operations/settings.md; a test compares it with the file."""
    rows = "\n".join(f"| `{n}` | `{e}` | {d} | {doc} |" for n, e, d, doc in settings_table())
    return f"{_PAGE_HEAD}\n| setting | environment | default | what |\n|---|---|---|---|\n{rows}\n"


_PAGE_HEAD = """# Settings

Settings stand in a TOML file (`fellesjournal.toml` in the working folder, or the file that `--config` or
`FELLESJOURNAL_CONFIG` names) and in the environment; the environment wins. An unknown name is an error.
Lists are written as TOML lists, in the environment with commas between. Keys and passwords that the
product makes itself stand in `keys.json` in the data folder, not here.

This page is made from `fellesjournal.kit.settings` by `python -m fellesjournal.kit.settings`.
"""


def _from_file(config: Path | None, env: Mapping[str, str]) -> dict[str, Any]:
    named = config or (Path(env[CONFIG_VARIABLE]) if env.get(CONFIG_VARIABLE) else None)
    path = named or Path(DEFAULT_FILE)
    if named is None and not path.exists():
        return {}
    try:
        values = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"cannot read the settings file {path}: {error}") from error
    unknown = sorted(set(values) - set(_fields()))
    if unknown:
        raise SettingsError(f"{path}: unknown setting: {', '.join(unknown)}")
    return values


def _from_environment(env: Mapping[str, str]) -> dict[str, Any]:
    names = {_env_name(name, spec): name for name, spec in _fields().items()}
    ours = {key for key in env if key.startswith(PREFIX) and not key.startswith(_TEST_PREFIX)}
    unknown = sorted(ours - set(names) - _NOT_SETTINGS)
    if unknown:
        raise SettingsError(f"unknown setting in the environment: {', '.join(unknown)}")
    return {names[key]: env[key] for key in ours if key in names}


def _parsed(name: str, value: Any) -> Any:
    kind = _KINDS[name]
    try:
        return _PARSERS[kind](value)
    except (ValueError, TypeError) as error:
        raise SettingsError(f"setting {name}: expected {_KIND_WORDS[kind]}") from error


def _whole_number(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise TypeError
    return int(value)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _texts(value: Any) -> tuple[str, ...]:
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return tuple(_text(part) for part in value)


_PARSERS: dict[Any, Any] = {int: _whole_number, str: _text, Path: Path, tuple[str, ...]: _texts}
_KIND_WORDS: dict[Any, str] = {
    int: "a whole number",
    str: "text",
    Path: "a path",
    tuple[str, ...]: "a list of texts",
}
_KINDS: dict[str, Any] = get_type_hints(Settings)
_AT_LEAST_ONE = (
    "workers", "pool_max", "statement_timeout_ms", "idle_transaction_timeout_ms", "max_body_mb", "max_binary_mb",
    "export_hours", "max_import_mb", "session_idle_minutes", "session_max_hours", "app_token_minutes",
    "app_offline_days", "demo_size",
)  # fmt: skip


def _check_values(settings: Settings) -> None:
    for name in _AT_LEAST_ONE:
        if getattr(settings, name) < 1:
            raise SettingsError(f"setting {name}: must be at least 1")
    for name in ("port", "worker_port"):
        if not 0 <= getattr(settings, name) <= 65535:
            raise SettingsError(f"setting {name}: must be between 0 and 65535")
    if settings.log_level not in ("debug", "info", "warning", "error"):
        raise SettingsError("setting log_level: must be debug, info, warning or error")
    for network in settings.trusted_proxies:
        _check_network(network)


def _check_network(text: str) -> None:
    try:
        ipaddress.ip_network(text, strict=False)
    except ValueError as error:
        raise SettingsError("setting trusted_proxies: not an address or network") from error


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def _fields() -> dict[str, dataclasses.Field[Any]]:
    return {spec.name: spec for spec in dataclasses.fields(Settings)}


def _env_name(name: str, spec: dataclasses.Field[Any]) -> str:
    return str(spec.metadata["env"]) or PREFIX + name.upper()


def _shown(default: Any) -> str:
    if default in ("", ()):
        return "(empty)"
    return f"`{default}`"


if __name__ == "__main__":
    sys.stdout.write(settings_page())
