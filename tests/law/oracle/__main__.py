"""The oracle with as many questions as you like: `python -m tests.law.oracle --cases 1000000 [--seed 7]`."""

import argparse
import os
import sys
from pathlib import Path

import pytest

from tests.law.oracle.stage import CASES, SEED


def main() -> int:
    """Runs the test of the oracle with so many questions; the status of pytest."""
    parser = argparse.ArgumentParser(prog="python -m tests.law.oracle", description=__doc__)
    parser.add_argument("--cases", type=int, default=1_000_000, help="how many questions (a million)")
    parser.add_argument("--seed", type=int, default=1, help="which questions")
    asked = parser.parse_args()
    os.environ |= {CASES: str(asked.cases), SEED: str(asked.seed)}
    test = Path(__file__).parents[1] / "test_oracle.py"
    return int(pytest.main([f"{test}::test_no_answer_holds_more_or_less_than_the_permitted_rows", "-q", "-s"]))


if __name__ == "__main__":
    sys.exit(main())
