"""The operator's commands: `fellesjournal COMMAND`."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from fellesjournal import __version__
from fellesjournal.cli import demo, log, operate, serve
from fellesjournal.kit.backup import BackupError
from fellesjournal.kit.db import DatabaseUnavailable
from fellesjournal.kit.embedded import EmbeddedError
from fellesjournal.kit.keys import KeysError
from fellesjournal.kit.log import configure_logging
from fellesjournal.kit.migrate import MigrationError
from fellesjournal.kit.settings import Settings, SettingsError, load_settings

_EXPECTED = (
    SettingsError, KeysError, EmbeddedError, DatabaseUnavailable, MigrationError, BackupError,
    serve.PortTaken, operate.OperatorError,
)  # fmt: skip


def main(argv: Sequence[str] | None = None) -> None:
    """Run one command; expected errors are one line on standard error and exit code 1."""
    words = list(sys.argv[1:] if argv is None else argv)
    arguments = _parser(words).parse_args(words)
    try:
        settings = _settings(arguments)
        configure_logging(settings.log_level)
        sys.exit(arguments.run(settings, arguments))
    except _EXPECTED as error:
        sys.exit(f"fellesjournal: {error}")
    except KeyboardInterrupt:
        sys.exit(130)


def _settings(arguments: argparse.Namespace) -> Settings:
    names = ("host", "port", "demo_size", "workers")
    overrides = {name: getattr(arguments, name, None) for name in names}
    return load_settings(config=arguments.config, **overrides)


def _parser(words: Sequence[str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="fellesjournal", description="One shared health record.")
    parser.add_argument("--version", action="version", version=__version__)
    parser.add_argument("--config", type=Path, help="settings file (TOML)")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    demo.add_command(commands)
    serve.add_commands(commands)
    operate.add_commands(commands)
    log.add_command(commands)
    if not words or words[0] not in commands.choices:
        # What reads FHIR takes longer to import than most commands to run.
        from fellesjournal.cli import (
            administration,
            apps,
            bulk,
            duty,
            packages,
            search_parameters,
            subscriptions,
            support,
        )

        search_parameters.add_command(commands)
        subscriptions.add_command(commands)
        packages.add_command(commands)
        bulk.add_commands(commands)
        support.add_command(commands)
        duty.add_command(commands)
        apps.add_command(commands)
        administration.add_commands(commands)
    return parser
