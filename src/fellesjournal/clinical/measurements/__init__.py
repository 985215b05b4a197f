"""Measurements: what is measured, in which unit, how far it is believed; and NEWS2, the score of seven of them.

`model.py` and `news2.py` are pure. Numbers are Decimal from the form to the body: no digit is lost or added.
"""

from fellesjournal.clinical.measurements.actions import read_latest, record
from fellesjournal.clinical.measurements.assessment import (
    Basis,
    assess,
    order_scale_2,
    read_basis,
    record_news2,
    record_pregnancy,
    stop_scale_2,
)
from fellesjournal.clinical.measurements.model import (
    KINDS,
    VITALS,
    BadValue,
    Measurement,
    doubts,
    measurement_types,
    parse,
    shown,
)

__all__ = [
    "KINDS",
    "VITALS",
    "BadValue",
    "Basis",
    "Measurement",
    "assess",
    "doubts",
    "measurement_types",
    "order_scale_2",
    "parse",
    "read_basis",
    "read_latest",
    "record",
    "record_news2",
    "record_pregnancy",
    "shown",
    "stop_scale_2",
]
