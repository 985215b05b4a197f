"""Administration: units, people, their posts, rights and controllers, by an administrator, a file or a system.

What is wished goes to the database one wish at a time, in one transaction: all of it or nothing. The database decides
who may wish what, refuses whoever would give something to themselves, and writes every change down.
"""

from __future__ import annotations

from fellesjournal.identity.administration.file import BadFile, read_file
from fellesjournal.identity.administration.ledger import Administrator, By, Operator, carry_out
from fellesjournal.identity.administration.model import (
    REFUSALS,
    Change,
    Refused,
    Report,
    RightWish,
    ScimClient,
    Staff,
    StaffPost,
    UnitRow,
    Wish,
    last_day,
    midnight,
    midnight_after,
)

__all__ = [
    "REFUSALS",
    "Administrator",
    "BadFile",
    "By",
    "Change",
    "Operator",
    "Refused",
    "Report",
    "RightWish",
    "ScimClient",
    "Staff",
    "StaffPost",
    "UnitRow",
    "Wish",
    "carry_out",
    "last_day",
    "midnight",
    "midnight_after",
    "read_file",
]
