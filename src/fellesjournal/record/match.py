"""How likely it is that somebody who was found is the one that was described. Pure.

A national number says who somebody is, unless name or birth date speak against it; without one, name, birth date
and sex are never certain. Source: https://hl7.org/fhir/R4/patient-operation-match.html, valueset-match-grade.html
"""

from dataclasses import dataclass
from datetime import date
from typing import Literal

from fellesjournal import fhir
from fellesjournal.record.identify import Identified

Grade = Literal["certain", "probable", "possible", "certainly-not"]


@dataclass(frozen=True)
class Described:
    """Somebody as a client describes them; `numbers` are national ones, by their system."""

    words: tuple[str, ...] = ()
    born_on: date | None = None
    sex: str = ""
    numbers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Graded:
    """Somebody who was found. score: 0 to 1, higher is likelier."""

    hit: Identified
    grade: Grade
    score: float


def graded(hit: Identified, described: Described) -> Graded:
    """The grade of one hit."""
    differs = _differing(hit, described)
    if hit.number and any(number == hit.number for _, number in described.numbers):
        return {0: Graded(hit, "certain", 1.0), 1: Graded(hit, "probable", 0.8)}.get(differs, _possible(hit))
    if hit.number and described.numbers:
        return Graded(hit, "certainly-not", 0.0)
    is_whole = described.born_on is not None and _folded(described.words) == _folded(hit.name.split())
    return Graded(hit, "probable", 0.7) if is_whole and not differs else _possible(hit)


def _possible(hit: Identified) -> Graded:
    return Graded(hit, "possible", 0.4)


def _differing(hit: Identified, described: Described) -> int:
    """How many of name, birth date and sex speak against it."""
    names = _folded(hit.name.split())
    other_name = bool(described.words) and not names & _folded(described.words)
    other_day = described.born_on is not None and hit.born_on is not None and described.born_on != hit.born_on
    other_sex = bool(described.sex) and hit.sex not in ("unknown", described.sex)
    return other_name + other_day + other_sex


def _folded(words: list[str] | tuple[str, ...]) -> set[str]:
    return {fhir.fold(word) for word in words}
