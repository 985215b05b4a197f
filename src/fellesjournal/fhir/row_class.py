"""What a row is closed for, as bits: a row is seen when none of its bits is closed to the reader.

The database keeps them in `sens` and decides with them (`access/classes.sql` says the same in SQL).
"""

from enum import IntFlag


class RowClass(IntFlag):
    """The bits of a row's class."""

    WITHHELD = 1
    """From the citizen."""
    NOT_PARENTS = 2
    NOT_AGENTS = 4
    """From other representatives than parents."""
    DELAYED = 8
    """For the citizen, until a job clears it."""
    BLOCKED = 16
    """By the patient, for everybody."""
    PSYCHIATRY = 32
    SUBSTANCE_USE = 64
    SEXUAL_HEALTH = 128
    CHILD_PROTECTION = 256
    PRISON = 512
    REMOVED = 1024
    """As a correction."""
    PLACE = 2048
    """A search row that leads to a unit of a strictly protected person: the unit's that wrote it alone."""
    BLOCKED_FOR_SOME = 4096
    """By the patient, against somebody in particular: decided row by row."""
    NAMES_OTHERS = 8192
    """Another patient too: decided row by row."""
    SHIELDED = 16384
    """A part of it lies apart, since its person is protected; never in a mask."""
