"""What a question is read with: this server's own address, and the search parameters that it has."""

from dataclasses import dataclass
from typing import Final

from fellesjournal import fhir


@dataclass(frozen=True)
class Dialect:
    """References under `base` are to this server; `registry` knows the parameters."""

    base: str = ""
    registry: fhir.Registry = fhir.OFFICIAL


PLAIN: Final = Dialect()
MAX_HOPS: Final = 3
"""References that a chain may follow."""
