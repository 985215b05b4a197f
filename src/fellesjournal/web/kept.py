"""What a person typed in a form that could not be taken: given back with the fields' own labels.

A room says which of its fields a person types in; all else in a form (tokens, versions, sealed values) stays out, and
so do identity numbers: whom a context asks about is no other context's matter.
"""

from __future__ import annotations

from fellesjournal.web.forms import Form
from fellesjournal.web.i18n import _

_LABELS: dict[str, str] = {}


def keep_typed(**labels: str) -> None:
    """Let these fields be given back. A name that several rooms use may have a label of each; the first holds."""
    for name, label in labels.items():
        _LABELS.setdefault(name, label)


def kept_of(form: Form) -> tuple[tuple[str, str], ...]:
    """(label, text) of each field that somebody typed in, in the rooms' order; what comes twice is there twice."""
    found = ((label, text) for name, label in _LABELS.items() for text in form.texts(name))
    return tuple((label, text.replace("|", " ")) for label, text in found)


# What the note's menu put in stands in the note's own words too; a measurement has nothing but a code beside them.
keep_typed(
    tekst=_("Notat"),
    diagnosis=_("Diagnose"),
    diagnosis_plain=_("Diagnose"),
    measurement_value_plain=_("Måling"),
)
