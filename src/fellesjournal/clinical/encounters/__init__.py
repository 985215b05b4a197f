"""Contacts between a patient and a service: begun, moved on, ended. Registering one is the fact that gives access.

Waits and urgencies are pure (`urgency.py`); `fhir.py` turns a contact into an Encounter and back.
"""

from fellesjournal.clinical.encounters.actions import (
    close_contact,
    code_contact,
    move_contact,
    read_contact,
    register_contact,
    set_urgency,
    tell_contact,
)
from fellesjournal.clinical.encounters.fhir import contact_from
from fellesjournal.clinical.encounters.model import CONTACT_KINDS, Contact, NotThisContact, Stage
from fellesjournal.clinical.encounters.urgency import DEFAULT_SCALE, Level, Scale, Wait, wait_of

__all__ = [
    "CONTACT_KINDS",
    "DEFAULT_SCALE",
    "Contact",
    "Level",
    "NotThisContact",
    "Scale",
    "Stage",
    "Wait",
    "close_contact",
    "code_contact",
    "contact_from",
    "move_contact",
    "read_contact",
    "register_contact",
    "set_urgency",
    "tell_contact",
    "wait_of",
]
