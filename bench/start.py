"""Cold start with data in place: from the command to the first page, and what a web process weighs."""

import subprocess
import sys
import time

from bench.site import Site, await_200, free_port


def start_demo(site: Site) -> float:
    """Seconds from `fellesjournal demo` on a stopped installation to the first 200 on the front page."""
    port = free_port()
    argv = [sys.executable, "-m", "fellesjournal", "demo", "--port", str(port)]
    began = time.perf_counter()
    process = subprocess.Popen(
        argv, env=site.environment(), start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        await_200(port, "/", process=process, within_s=60)
        return time.perf_counter() - began
    finally:
        process.terminate()
        process.wait(60)
