"""Replaceable SQL: the rooms' views, functions and policies, run again as a whole when any of them has changed.

Tables change by numbered migrations alone; what can be replaced without touching a row stands in its room
(`access/rules.sql`), where whoever reads the room finds it.
"""

import hashlib
from importlib.resources import files
from pathlib import Path
from typing import Any

LIST = "programs.txt"
_TABLE = """
CREATE TABLE IF NOT EXISTS kit.program (
    only_one boolean PRIMARY KEY DEFAULT true CHECK (only_one),
    checksum text NOT NULL,
    run_at timestamptz NOT NULL DEFAULT now()
)
"""


def find_programs(folder: Path) -> list[tuple[str, str]]:
    """(name, text) of the files that `programs.txt` in the migrations' folder lists, in its order; none without it."""
    listing = folder / LIST
    if not listing.is_file():
        return []
    names = [line.strip() for line in listing.read_text("utf-8").splitlines()]
    wanted = [name for name in names if name and not name.startswith("#")]
    package = Path(str(files("fellesjournal")))
    return [(name, (package / name).read_text("utf-8")) for name in wanted]


async def run_programs(connection: Any, programs: list[tuple[str, str]]) -> bool:
    """Run them all in one transaction unless this very set was the last one run; True if they were run."""
    checksum = hashlib.sha256("\0".join(name + "\0" + text for name, text in programs).encode()).hexdigest()
    await connection.execute(_TABLE)
    if not programs or await connection.fetchval("SELECT checksum FROM kit.program") == checksum:
        return False
    async with connection.transaction():
        for _, text in programs:
            await connection.execute(text)
        await connection.execute(
            "INSERT INTO kit.program (checksum) VALUES ($1) "
            "ON CONFLICT (only_one) DO UPDATE SET checksum = excluded.checksum, run_at = now()",
            checksum,
        )
    return True
