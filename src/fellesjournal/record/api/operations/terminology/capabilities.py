"""TerminologyCapabilities (https://hl7.org/fhir/R4/terminologycapabilities.html): what is here at this moment."""

from __future__ import annotations

from typing import Any

from fellesjournal import __version__, fhir
from fellesjournal.record.api.operations.terminology.expand import PARAMETERS
from fellesjournal.terminology import Terminology
from fellesjournal.terminology.concept import Head

Json = dict[str, Any]


async def terminology_capabilities(terminology: Terminology, *, base: str, date: str) -> bytes:
    """The resource, made from what is installed."""
    heads: dict[str, list[Head]] = {}
    for head in await terminology.systems():
        heads.setdefault(head.url, []).append(head)
    return fhir.encode(
        {
            "resourceType": "TerminologyCapabilities", "status": "active", "date": date, "kind": "instance",
            "software": {"name": "Fellesjournal", "version": __version__},
            "implementation": {"description": "Fellesjournal", "url": base},
            "codeSystem": [_system(url, versions) for url, versions in heads.items()],
            "expansion": {
                "hierarchical": True, "paging": True, "incomplete": False,
                "parameter": [{"name": name} for name in PARAMETERS],
                "textFilter": "Every word of the filter begins a word of the display or of a designation, or the code.",
            },
            "codeSearch": "all",
            "validateCode": {"translations": True},
            "translation": {"needsMap": False},
            "closure": {"translation": False},
        }
    )  # fmt: skip


def _system(url: str, versions: list[Head]) -> Json:
    named = [{"code": head.version} for head in versions if head.version]
    return {"uri": url, **({"version": named} if named else {}), "subsumption": True}
