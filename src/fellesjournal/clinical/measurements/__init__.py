"""Measurements: what is measured, in which unit, how far it is believed; and NEWS2, the score of seven of
them.

`model.py` and `news2.py` are pure. Numbers are Decimal from the form to the body: no digit is lost or added.
"""

from fellesjournal.clinical.measurements.actions import read_latest, record
from fellesjournal.clinical.measurements.model import (
    KINDS,
    BadValue,
    Measurement,
    doubts,
    measurement_types,
    parse,
)

__all__ = [
    "KINDS",
    "BadValue",
    "Measurement",
    "doubts",
    "measurement_types",
    "parse",
    "read_latest",
    "record",
]
