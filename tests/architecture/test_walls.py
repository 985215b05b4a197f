"""The walls of the house: who may import whom, and what only one place may do."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

from tests.architecture.source import ROOT, SOURCE, SourceFile, source_files

# What only `kit` may import: the driver, and everything that can open a connection by itself.
ONLY_IN_KIT = {"asyncpg", "psycopg", "httpx", "httpcore", "aiohttp", "requests", "urllib3"}
ONLY_IN_KIT_PARTS = {"urllib.request", "http.client", "smtplib", "ftplib", "pgqueuer.db"}

# A decision or an opened journal is made in one place each; anything else is a forged key.
ONLY_MADE_IN = {
    "Decision": {"access/decide.py", "access/decide/"},
    "Journal": {"record/journal.py", "record/journal/"},
}


def test_import_contracts_hold() -> None:
    linter = Path(sys.executable).parent / "lint-imports"
    path = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    command = [str(linter), "--no-cache"]
    checked = subprocess.run(command, cwd=ROOT, env=path, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_driver_and_http_client_are_imported_only_by_kit() -> None:
    strangers = [
        f"{file.path} imports {name}"
        for file in source_files()
        if file.room != "kit"
        for name in file.imports()
        if name.split(".")[0] in ONLY_IN_KIT or name in ONLY_IN_KIT_PARTS
    ]
    assert strangers == []


def test_store_is_imported_only_from_its_own_room() -> None:
    strangers = [
        f"{file.path} imports {name}"
        for file in source_files()
        for name in file.imports()
        if (room := _room_of_store(name)) and not f"fellesjournal.{_dotted(file)}".startswith(room)
    ]
    assert strangers == []


def test_decision_and_journal_are_never_made_by_hand() -> None:
    made_by_hand = [
        f"{file.path}:{call.lineno} makes a {name}"
        for file in source_files()
        for call, name in _constructions(file)
        if not any(file.path.startswith(place) for place in ONLY_MADE_IN[name])
    ]
    assert made_by_hand == []


def test_nothing_in_the_product_imports_tests_or_tools() -> None:
    roots = {"tests", "tools", "bench", "pytest", "hypothesis", "playwright"}
    strangers = [
        f"{file.path} imports {name}"
        for file in source_files()
        for name in file.imports()
        if name.split(".")[0] in roots
    ]
    assert strangers == []


def test_every_folder_with_modules_is_a_package() -> None:
    folders = {path.parent for path in SOURCE.rglob("*.py")}
    assert [str(folder) for folder in folders if not (folder / "__init__.py").exists()] == []


def _room_of_store(name: str) -> str | None:
    """`fellesjournal.record.store.read` belongs to `fellesjournal.record`."""
    parts = name.split(".")
    if parts[0] != "fellesjournal" or "store" not in parts[2:]:
        return None
    return ".".join(parts[: parts.index("store")])


def _dotted(file: SourceFile) -> str:
    return file.path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def _constructions(file: SourceFile) -> list[tuple[ast.Call, str]]:
    calls = [node for node in ast.walk(file.tree) if isinstance(node, ast.Call)]
    named = [(call, ast.unparse(call.func).split(".")[-1]) for call in calls]
    return [(call, name) for call, name in named if name in ONLY_MADE_IN]
