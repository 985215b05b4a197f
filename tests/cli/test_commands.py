"""The commands as a whole."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import sys
from fellesjournal.cli import main
try:
    main([sys.argv[1], "--help"])
finally:
    print("reads FHIR:", "fellesjournal.fhir" in sys.modules)
"""


def said(word: str) -> str:
    return subprocess.run([sys.executable, "-c", PROGRAM, word], capture_output=True, text=True, check=True).stdout


def test_a_command_that_reads_no_fhir_does_not_wait_for_it() -> None:
    assert "reads FHIR: False" in said("token")
    assert "reads FHIR: True" in said("packages")
