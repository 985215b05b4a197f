"""A ground that can be chosen, what the rules say of a reader and a patient, and what the patient is told."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from fellesjournal.access.model import AccessError, PatientId
from fellesjournal.access.words import Words
from fellesjournal.web import _

Kind = Literal["chosen", "gap", "emergency", "override", "relative"]
Relation = Literal["partner", "child", "parent", "sibling", "household"]
SUPPORT: Final = "brukerstotte"
"""The role of those who see a record for one case, when it is opened for them."""
LEAST_REASON: Final = 10
"""Signs that a reason must have; the database asks for them too."""


class ReasonTooShort(AccessError):
    """A reason is a sentence, not a word."""

    status = 422
    code = "required"
    text = _("Skriv en begrunnelse med egne ord, minst ti tegn.")


class CannotChoose(AccessError):
    """The ground is not this reader's to choose for this patient, or they don't know of any such patient."""

    text = _("Denne grunnen kan du ikke velge for denne journalen. Velg en annen, eller be om hjelp fra lederen din.")


class NoTicket(AccessError):
    """Support is for a case that stands somewhere."""

    status = 422
    code = "required"
    text = _("Skriv saksnummeret som tilgangen gjelder.")


@dataclass(frozen=True, slots=True)
class Choice:
    """A ground that this reader can choose now. `source` is the law that it stands on; `max_min` how long it lasts."""

    code: str
    kind: Kind
    name: Words
    hint: Words
    max_min: int
    may_write: bool
    source: str


@dataclass(frozen=True, slots=True)
class Reason:
    """What one rule says. `ground` names the fact, or the refusal; from and until are None when there is no end."""

    rule: str
    allow: bool
    ground: str
    kind: str
    name: Words
    source: str
    from_at: datetime | None
    until_at: datetime | None
    may_write: bool


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a reader has access, or why not: denies first, then the facts by rank."""

    reasons: tuple[Reason, ...]

    @property
    def is_open(self) -> bool:
        """Whether the record is open: something allows, nothing denies."""
        return bool(self.facts) and not self.denials

    @property
    def facts(self) -> tuple[Reason, ...]:
        """What gives a need; the first is the one that is named and logged."""
        return tuple(one for one in self.reasons if one.allow)

    @property
    def denials(self) -> tuple[Reason, ...]:
        """What refuses it all the same. Off duty, emergency access is left."""
        has_emergency = any(one.kind == "emergency" for one in self.facts)
        return tuple(
            one for one in self.reasons if not one.allow and not (one.ground == "IKKE_PA_VAKT" and has_emergency)
        )


@dataclass(frozen=True, slots=True)
class Relative:
    """One of the reader's close family whose record waits for a reason, and what they are to the reader."""

    patient: PatientId
    relation: Relation


@dataclass(frozen=True, slots=True)
class Supported:
    """A record that is open to a member of support for one case, until when."""

    patient: PatientId
    ticket: str
    until_at: datetime


@dataclass(frozen=True, slots=True)
class Notice:
    """What a citizen is told: somebody opened the record by exception. Never the reader's own words."""

    at: datetime
    until_at: datetime
    kind: str
    name: Words
    reader: str
    role: str
    unit: str
    judged_at: datetime | None
