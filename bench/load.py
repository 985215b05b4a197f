"""Load by wrk: one thread, requests in turn from a list."""

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

CONNECTIONS = 16
_MISSING = "bench needs wrk: apt-get install wrk (Debian), or brew install wrk"


@dataclass(frozen=True)
class Result:
    """What one round of wrk saw. Milliseconds."""

    per_s: float
    requests: int
    errors: int
    p50: float
    p95: float
    p99: float


def require_wrk() -> None:
    """End with one line when wrk is missing."""
    if shutil.which("wrk") is None:
        sys.exit(_MISSING)


def drive(
    url: str, paths: Sequence[str], *, seconds: float, headers: Mapping[str, str] = {}, connections: int = CONNECTIONS
) -> Result:  # fmt: skip
    """Drive GETs of these paths in turn. Raises RuntimeError when wrk can't."""
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        script.write(_script(paths, headers))
        script.flush()
        lasting = f"-d{max(1, round(seconds))}s"
        argv = ["wrk", "-t1", f"-c{connections}", lasting, "--timeout", "30s", "-s", script.name, url]
        done = subprocess.run(argv, capture_output=True, text=True, check=False)
    lines = [line for line in done.stdout.splitlines() if line.startswith("RESULT ")]
    if not lines:
        raise RuntimeError(f"wrk: {done.stdout}{done.stderr}")
    count, micros, errors, p50, p95, p99 = map(int, lines[0].split()[1:])
    return Result((count - errors) / (micros / 1e6), count, errors, p50 / 1000, p95 / 1000, p99 / 1000)


_DONE = """
done = function(s, l, q)
  local e = s.errors
  local failed = e.status + e.connect + e.read + e.write + e.timeout
  io.write(string.format('RESULT %d %d %d %d %d %d\\n', s.requests, s.duration, failed,
                         l:percentile(50), l:percentile(95), l:percentile(99)))
end
"""


def _script(paths: Sequence[str], headers: Mapping[str, str]) -> str:
    listed = ",".join(json.dumps(path) for path in paths)
    named = ",".join(f"[{json.dumps(name)}]={json.dumps(value)}" for name, value in headers.items())
    return (
        f"local paths={{{listed}}}\nlocal headers={{{named}}}\nlocal i=0\n"
        f"request=function() i=i%#paths+1; return wrk.format('GET',paths[i],headers) end\n{_DONE}"
    )
