"""Volven: the code sets of Norwegian messages and records, each with an OID of its own.

The list has no names of the sets: those that are most used have one in the FHIR package `hl7.fhir.no.kodeverk`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from fellesjournal.packages.files import File
from fellesjournal.packages.lists.rows import by_code, code_system, csv_rows
from fellesjournal.packages.model import BadPackage

COLUMNS: Final = ("volven", "oid", "code", "display")
_MAX_SETS: Final = 20_000
_oid = re.compile(r"[0-2](\.(0|[1-9][0-9]*))+").fullmatch
_number = re.compile(r"[0-9A-Za-z.\-]{1,20}").fullmatch


def volven(file: File, *, version: str) -> Iterator[dict[str, Any]]:
    """A CodeSystem for each set, in the order of their numbers. Raises BadPackage."""
    sets: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for row in csv_rows(file, columns=COLUMNS):
        if not _oid(row["oid"]) or not _number(row["volven"]):
            raise BadPackage(f"{file.path}: {row['oid'][:60]!r} is no OID or {row['volven'][:20]!r} no set's number")
        sets.setdefault((row["volven"], row["oid"]), []).append((row["code"], row["display"]))
    if len(sets) > _MAX_SETS:
        raise BadPackage(f"{file.path}: more than {_MAX_SETS} code sets")
    for (number, oid), rows in sorted(sets.items()):
        yield code_system(
            id=f"volven-{number}", url=f"urn:oid:{oid}", oid=oid, version=version, name=f"Volven{number}",
            title=f"Volven {number}", copyright="Helsedirektoratet", concepts=by_code(file, rows).values(),
        )  # fmt: skip
