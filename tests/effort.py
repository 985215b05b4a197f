"""How many examples a property test tries."""

import os


def examples(count: int) -> int:
    """`count`; a quarter where all of them were tried already, on another version of PostgreSQL."""
    return count // 4 if os.environ.get("FELLESJOURNAL_TEST_AGAIN") == "true" else count
