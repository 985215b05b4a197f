"""The board as it is shown, and what the legevakt's pages refuse."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from fellesjournal.access.model import AccessError
from fellesjournal.clinical.encounters import Contact, Level, Scale, Stage, Wait, wait_of
from fellesjournal.clinical.encounters.model import STAGES
from fellesjournal.record.errors import RecordError
from fellesjournal.web import _


class NotLegevakt(AccessError):
    """The page is for those who act at a legevakt now."""

    text = _("Denne siden er for legevakt. Bytt til rollen din ved legevakten for å bruke den.")


class NoUrgency(RecordError):
    """A contact at the legevakt has an urgency from the start."""

    status = 422
    code = "required"
    text = _("Velg hastegrad.")
    english = "An urgency is needed."


@dataclass(frozen=True, slots=True)
class Card:
    """One contact on the board. `level` None: the urgency was never judged."""

    contact: Contact
    name: str
    age: str
    sex: str
    level: Level | None
    wait: Wait

    @property
    def url(self) -> str:
        """The contact's page."""
        return f"/legevakt/kontakt/{self.contact.patient}/{self.contact.id}"


@dataclass(frozen=True, slots=True)
class Column:
    """One stage of the board with its contacts, the most urgent first, then who has waited longest."""

    stage: Stage
    label: str
    cards: tuple[Card, ...]


@dataclass(frozen=True, slots=True)
class Person:
    """Who a contact is with, as the board tells it."""

    name: str
    age: str
    sex: str


def card(contact: Contact, person: Person, *, scale: Scale, now: datetime) -> Card:
    """A contact with its clocks; a contact that is over waits no more."""
    wait = wait_of(
        began_at=contact.began_at, triaged_at=contact.triaged_at, urgency=contact.urgency,
        now=contact.ended_at or now, scale=scale,
    )  # fmt: skip
    return Card(contact, person.name, person.age, person.sex, scale.level(contact.urgency), wait)


def board(cards: Sequence[Card], scale: Scale) -> tuple[Column, ...]:
    """Cards by stage. What is over comes newest first."""
    return tuple(
        Column(stage, label, _ordered([one for one in cards if one.contact.stage == stage], stage, scale))
        for stage, label in STAGES
    )


def _ordered(cards: list[Card], stage: Stage, scale: Scale) -> tuple[Card, ...]:
    if stage == "done":
        return tuple(sorted(cards, key=lambda one: one.contact.ended_at or one.contact.began_at, reverse=True))
    return tuple(sorted(cards, key=lambda one: (scale.rank(one.contact.urgency), one.contact.began_at)))
