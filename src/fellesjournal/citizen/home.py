"""Where each reader begins, and what the citizen's menu holds."""

from __future__ import annotations

from fellesjournal.identity.model import Reader
from fellesjournal.web import Entry, _

OWN = "/min-journal"
LOG = f"{OWN}/innsyn"
OTHER_UNIT = "/enhet"

_WORKPLACES = {"gp": "/fastlege", "legevakt": "/legevakt"}

CITIZEN_LINKS = (
    Entry(_("Oversikt"), OWN),
    Entry(_("Notater"), f"{OWN}/notater"),
    Entry(_("Målinger og prøver"), f"{OWN}/maalinger"),
    Entry(_("Legemidler"), f"{OWN}/legemidler"),
    Entry(_("Vaksiner"), f"{OWN}/vaksiner"),
    Entry(_("Timer og kontakter"), f"{OWN}/timer"),
    Entry(_("Hvem har sett journalen"), LOG),
)
"""The citizen's menu, in bokmål; the pages translate it."""


def home_url(reader: Reader) -> str:
    """The page that a reader comes to after sign-in."""
    if reader.kind == "citizen":
        return OWN
    if reader.kind == "staff":
        return _WORKPLACES.get(reader.unit_kind, OTHER_UNIT)
    return "/"


def menu_of(reader: Reader) -> tuple[Entry, ...]:
    """The citizen's menu; empty for others."""
    return CITIZEN_LINKS if reader.kind == "citizen" else ()
