"""Identifying a person before there is any need: by number, or by name and birth date, and nothing more.

`national_id.py` and `model.py` are pure. What was found is carried to the next page as a sealed ticket, good for as
long as the database lets the contact be registered.
"""

from fellesjournal.clinical.identification.actions import (
    Ticket,
    TicketOver,
    identify,
    open_ticket,
    ticket_for,
)
from fellesjournal.clinical.identification.model import CannotIdentify, parse_asked

__all__ = ["CannotIdentify", "Ticket", "TicketOver", "identify", "open_ticket", "parse_asked", "ticket_for"]
