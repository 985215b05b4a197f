"""Make the vendored ICPC-2 table from the npm package `@navikt/diagnosekoder`.

Usage: python tools/vendor_diagnoses.py PATH/ICPC2.json VERSION

The input is the package's own list of `{"code", "text"}`.
The output is byte-for-byte the same for the same input, so that a changed file means changed codes.
"""

from __future__ import annotations

import gzip
import json
import sys
from pathlib import Path

TARGET = Path(__file__).parents[1] / "src/fellesjournal/terminology/data/icpc2.json.gz"


def main(source: Path, version: str) -> None:
    """Write the table beside the code that reads it."""
    rows = json.loads(source.read_text("utf-8"))
    codes = {row["code"]: row["text"] for row in sorted(rows, key=lambda row: row["code"])}
    document = {
        "source": f"npm @navikt/diagnosekoder {version} (MIT)",
        "owner": "ICPC-2: WONCA International Classification Committee",
        "system": "urn:oid:2.16.578.1.12.4.1.1.7170",
        "codes": codes,
    }
    body = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
    TARGET.write_bytes(gzip.compress(body, 9, mtime=0))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
