"""A note as it is read, its versions, and what must hold before one is signed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from difflib import SequenceMatcher
from typing import Literal

from fellesjournal.terminology import icpc2
from fellesjournal.terminology.model import Diagnosis
from fellesjournal.web import _

JOURNAL_NOTE = "B02-2"
DISCHARGE_SUMMARY = "A03-2"
KINDS = {JOURNAL_NOTE: _("Journalnotat"), DISCHARGE_SUMMARY: _("Epikrise")}
"""Document types of Volven 9602 that are written here."""

Change = tuple[Literal["same", "added", "removed"], str]

_TOKENS = re.compile(r"\s+|[^\s]+")


@dataclass(frozen=True, slots=True)
class Note:
    """One version of a note. `signed_at` is when this version was signed; `at` when the contact was."""

    id: str
    version: int
    status: str
    title: str
    kind: str
    text: str
    at: datetime
    signed_at: datetime
    author: str
    author_id: str | None
    unit: str
    unit_id: str | None
    encounter: str | None
    conditions: tuple[str, ...] = ()
    copy_to_gp: bool = False

    @property
    def is_corrected(self) -> bool:
        """Whether this is a later version than the first signed one."""
        return self.status == "amended"


class NoteRefusal(Exception):
    """A note that can't be signed as it is; `field` is where the fault stands. All that was typed is kept."""

    status = 422
    field = "tekst"
    text = _("Notatet kan ikke signeres slik det er.")

    def __init__(self, code: str = "") -> None:
        super().__init__(self.__class__.__name__)
        self.about = code


class EmptyNote(NoteRefusal):
    """There is no text to sign."""

    text = _("Skriv noe i notatet før du signerer.")


class ProcessCode(NoteRefusal):
    """A process code (30–69) was given as a contact diagnosis."""

    text = _(
        "%(code)s er en prosesskode. Kodene 30–69 sier hva som ble gjort, ikke hva som feiler pasienten, "
        "og kan ikke være kontaktdiagnose. Velg en symptom- eller sykdomsdiagnose."
    )


class UnknownCode(NoteRefusal):
    """The code is not in ICPC-2."""

    text = _("%(code)s finnes ikke i ICPC-2. Sjekk koden, eller søk den opp med «/» i teksten.")


def contact_diagnosis(code: str) -> Diagnosis:
    """The ICPC-2 diagnosis of a contact. Raises ProcessCode or UnknownCode."""
    if icpc2.is_process(code):
        raise ProcessCode(code.strip().upper())
    found = icpc2.lookup(code)
    if found is None:
        raise UnknownCode(code.strip().upper()[:12])
    return Diagnosis(icpc2.SYSTEM, found.code, found.display)


def contact_diagnoses(codes: tuple[str, ...]) -> tuple[Diagnosis, ...]:
    """Each code once, in the order given. Raises ProcessCode or UnknownCode for the first that can't be."""
    return tuple(contact_diagnosis(code) for code in dict.fromkeys(c.strip().upper() for c in codes))


def changes(old: str, new: str) -> tuple[Change, ...]:
    """What was taken away and what came, word by word, in reading order."""
    before, after = _TOKENS.findall(old), _TOKENS.findall(new)
    found: list[Change] = []
    for kind, i, j, k, m in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if kind == "equal":
            found.append(("same", "".join(before[i:j])))
            continue
        found += [("removed", "".join(before[i:j]))] if j > i else []
        found += [("added", "".join(after[k:m]))] if m > k else []
    return tuple(found)
