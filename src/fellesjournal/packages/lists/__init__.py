"""Norwegian code lists that are not published as FHIR, made into CodeSystems and a ConceptMap.

| format | what | where it comes from |
|---|---|---|
| `diagnosekoder` | ICD-10, ICPC-2: JSON lists of code and text | npm `@navikt/diagnosekoder`, or a file of it |
| `icpc2-icd10-csv` | the map from ICPC-2 to ICD-10, quoted values under lines of remarks | KITH, 2008 |
| `atc-csv` | ATC with Norwegian names: code, level, display_no | |
| `volven-csv` | Volven's code sets: volven, oid, code, display | |

Nothing is added to what a list says but what its numbers mean: the chapters of ICD-10 and ICPC-2, and the groups that
codes stand in, which are without a text when the list has none for them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

from fellesjournal.packages.artifact import Unfit, artifact_of
from fellesjournal.packages.files import File
from fellesjournal.packages.lists.atc import COLUMNS as ATC
from fellesjournal.packages.lists.atc import atc
from fellesjournal.packages.lists.diagnoses import diagnoses
from fellesjournal.packages.lists.icpc2_map import HEADING, icpc2_map
from fellesjournal.packages.lists.rows import csv_header
from fellesjournal.packages.lists.volven import COLUMNS as VOLVEN
from fellesjournal.packages.lists.volven import volven
from fellesjournal.packages.model import Artifact, BadPackage

DIAGNOSES_PACKAGE: Final = "@navikt/diagnosekoder"
"""The npm package that holds both classifications of diagnoses."""

_READERS: Final[dict[str, Callable[[File, str], Iterable[dict[str, Any]]]]] = {
    "diagnosekoder": lambda file, version: [diagnoses(file, version=version)],
    "icpc2-icd10-csv": lambda file, version: icpc2_map(file, version=version),
    "atc-csv": lambda file, version: atc(file, version=version),
    "volven-csv": lambda file, version: volven(file, version=version),
}
FORMATS: Final = tuple(_READERS)
_BOM: Final = b"\xef\xbb\xbf"
_HEADERS: Final = {ATC: "atc-csv", VOLVEN: "volven-csv"}


def format_of(file: File) -> str | None:
    """The format of a list, by its content; None for what is none."""
    if file.path.endswith(".csv"):
        is_map = file.content.removeprefix(_BOM).startswith(HEADING)
        return "icpc2-icd10-csv" if is_map else _HEADERS.get(csv_header(file))
    return "diagnosekoder" if file.content.removeprefix(_BOM).lstrip()[:1] == b"[" else None


def read_list(file: File, *, format: str, version: str) -> list[Artifact]:
    """What a list becomes: CodeSystems, or a ConceptMap. Raises BadPackage."""
    systems = _READERS[format](file, version)
    made = [artifact_of(file.path, system) for system in systems]
    for one in made:
        if isinstance(one, Unfit):
            raise BadPackage(f"{file.path}: {one.reason}")
    return [one for one in made if isinstance(one, Artifact)]


def name_of(artifacts: list[Artifact], *, format: str) -> str:
    """The name that a package of one list has when nobody gives it another: `no.icd-10`, `no.atc`, `no.volven`."""
    return "no.volven" if format == "volven-csv" else f"no.{artifacts[0].id}"
