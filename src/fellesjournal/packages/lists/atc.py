"""ATC with Norwegian names: five levels, each the beginning of the next.

Source: https://atcddd.fhi.no/atc/structure_and_principles/
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from fellesjournal.packages.files import File
from fellesjournal.packages.lists.rows import Concept, by_code, code_system, csv_rows
from fellesjournal.packages.model import BadPackage

COLUMNS: Final = ("code", "level", "display_no")
_OID: Final = "2.16.578.1.12.4.1.1.7180"
_LENGTHS: Final = {"1": 1, "2": 3, "3": 4, "4": 5, "5": 7}


def atc(file: File, *, version: str) -> Iterator[dict[str, Any]]:
    """The one CodeSystem; each code stands in the nearest group that the list has. Raises BadPackage."""
    rows = list(csv_rows(file, columns=COLUMNS))
    for row in rows:
        if _LENGTHS.get(row["level"]) != len(row["code"]):
            raise BadPackage(f"{file.path}: {row['code'][:20]!r} is no code of level {row['level'][:5]!r}")
    listed = by_code(file, ((row["code"], row["display_no"]) for row in rows))
    tops: list[Concept] = []
    for code in sorted(listed):
        above = next((listed[code[:n]] for n in (5, 4, 3, 1) if n < len(code) and code[:n] in listed), None)
        (above.children if above else tops).append(listed[code])
    yield code_system(
        id="atc", url="http://www.whocc.no/atc", oid=_OID, version=version, name="ATC", title="ATC", has_levels=True,
        copyright="ATC © WHO Collaborating Centre for Drug Statistics Methodology. Norske navn: FHI / DMP.",
        concepts=tops,
    )  # fmt: skip
