"""The Norwegian map from ICPC-2 to ICD-10 (KITH, 2008): the ICD-10 codes that a GP may choose among for each diagnosis.

The list does not say how near each of them is: `relatedto`. Source: http://www.kith.no/ICPC2e (V01-2008-09-22).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from fellesjournal.packages.files import File
from fellesjournal.packages.lists.diagnoses import ICD_10, ICPC_2
from fellesjournal.packages.model import BadPackage

HEADING: Final = b"--ICPC-2n"
_COLUMNS: Final = 6
_icpc_2 = re.compile(r"[A-Z]\d{2,3}").fullmatch
_icd_10 = re.compile(r"[A-Z]\d\d[0-9A-Za-z]{0,2}").fullmatch


def icpc2_map(file: File, *, version: str) -> Iterator[dict[str, Any]]:
    """The one ConceptMap. Raises BadPackage."""
    elements: dict[str, dict[str, Any]] = {}
    for icpc_2, title, _, icd_10, text, _ in _rows(file):
        if not _icpc_2(icpc_2) or not _icd_10(icd_10):
            raise BadPackage(f"{file.path}: {icpc_2[:20]!r} → {icd_10[:20]!r} is no row of the map")
        element = elements.setdefault(icpc_2, _named(icpc_2, title) | {"target": []})
        element["target"].append(_named(icd_10, text) | {"equivalence": "relatedto"})
    if not elements:
        raise BadPackage(f"{file.path}: no row in it")
    yield {
        "resourceType": "ConceptMap", "id": "icpc-2-icd-10", "language": "nb",
        "url": "https://fellesjournal.no/fhir/ConceptMap/icpc-2-icd-10", "version": version, "name": "ICPC2ICD10",
        "title": "ICPC-2 til ICD-10", "status": "active", "experimental": False, "publisher": "KITH",
        "copyright": "ICPC-2 © WONCA. ICD-10 © World Health Organization.",
        "group": [{"source": f"urn:oid:{ICPC_2}", "target": f"urn:oid:{ICD_10}", "element": list(elements.values())}],
    }  # fmt: skip


def _rows(file: File) -> Iterator[list[str]]:
    """Six values a row, each in quotation marks; those within a value are not doubled."""
    try:
        lines = file.content.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError:
        raise BadPackage(f"{file.path}: not UTF-8") from None
    for number, line in enumerate(lines, 1):
        if line.startswith("--") or not line.strip():
            continue
        values = line.strip().removeprefix('"').removesuffix('"').split('","')
        if len(values) != _COLUMNS:
            raise BadPackage(f"{file.path}: line {number} has not {_COLUMNS} values in quotation marks")
        yield [value.strip() for value in values]


def _named(code: str, display: str) -> dict[str, Any]:
    return {"code": code, "display": display} if display else {"code": code}
