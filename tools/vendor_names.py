"""Make the trimmed name table of the synthetic municipality from Statistics Norway's names.

Usage: python tools/vendor_names.py PATH/names.json.gz

The input holds first names by birth year and sex (SSB table 10467) and surnames (12891).
Kept: the 160 commonest first names for each five birth years and sex, and the 700 commonest surnames.
"""

from __future__ import annotations

import gzip
import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any

TARGET = Path(__file__).parents[1] / "src/fellesjournal/demo/data/names.json.gz"
SPAN = 5
FIRST_NAMES = 160
SURNAMES = 700


def main(source: Path) -> None:
    """Write the table beside the code that reads it."""
    names = json.loads(gzip.decompress(source.read_bytes()))
    latest = max(names["surnames"])
    document = {
        "attribution": names["attribution"],
        "license": names["license"],
        "license_url": names["license_url"],
        "changes": "Summed over five birth years and cut to the commonest names.",
        "first": _first_names(names["first_names"]),
        "surnames": dict(Counter(dict(names["surnames"][latest])).most_common(SURNAMES)),
    }
    body = json.dumps(document, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()
    TARGET.write_bytes(gzip.compress(body, 9, mtime=0))


def _first_names(tables: dict[str, list[list[Any]]]) -> dict[str, dict[str, int]]:
    sums: dict[str, Counter[str]] = {}
    for key, rows in tables.items():
        year, sex = key.split(":")
        bucket = sums.setdefault(f"{int(year) // SPAN * SPAN}:{sex}", Counter())
        for name, count in rows:
            bucket[name] += count
    return {key: dict(bucket.most_common(FIRST_NAMES)) for key, bucket in sums.items()}


if __name__ == "__main__":
    main(Path(sys.argv[1]))
