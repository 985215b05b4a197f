"""A problem on the list."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from fellesjournal.terminology.model import Diagnosis
from fellesjournal.web import _

Standing = Literal["active", "inactive", "resolved"]
STANDINGS: dict[Standing, str] = {
    "active": _("Aktivt"),
    "inactive": _("Ikke aktivt"),
    "resolved": _("Avsluttet"),
}


@dataclass(frozen=True, slots=True)
class Problem:
    """A lasting problem, as it stands now."""

    id: str
    version: int
    diagnosis: Diagnosis
    standing: Standing
    onset_on: date | None
    ended_on: date | None
    recorded_at: datetime | None
    recorder: str
    unit: int | None = None

    @property
    def is_active(self) -> bool:
        """Whether it belongs on the first screen."""
        return self.standing == "active"


class AlreadyListed(Exception):
    """The problem stands on the list already."""

    status = 422
    text = _("Dette står allerede på problemlisten.")


def missing_from(problems: tuple[Problem, ...], diagnoses: tuple[Diagnosis, ...]) -> tuple[Diagnosis, ...]:
    """The diagnoses that no active problem has."""
    listed = {one.diagnosis.code for one in problems if one.is_active}
    return tuple(one for one in diagnoses if one.code not in listed)
