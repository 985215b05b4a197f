"""Words that every code system shares."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """A diagnosis by its code system, with the text that stood there when it was chosen."""

    system: str
    code: str
    display: str
