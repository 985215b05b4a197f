"""All functions that an expression may call, by name."""

from __future__ import annotations

from typing import Final

from fellesjournal.fhir.fhirpath.functions import (
    boundaries,
    conversion,
    existence,
    fhir,
    maths,
    subsetting,
    texts,
    tree,
)
from fellesjournal.fhir.fhirpath.functions.model import Function

FUNCTIONS: Final[dict[str, Function]] = {
    **existence.FUNCTIONS,
    **subsetting.FUNCTIONS,
    **conversion.FUNCTIONS,
    **texts.FUNCTIONS,
    **maths.FUNCTIONS,
    **tree.FUNCTIONS,
    **boundaries.FUNCTIONS,
    **fhir.FUNCTIONS,
}

__all__ = ["FUNCTIONS", "Function"]
