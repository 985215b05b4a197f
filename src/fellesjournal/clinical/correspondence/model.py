"""Which notes are carried on, to whom, and the number that makes a copy the same copy when it is made again."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from typing import Final

from fellesjournal.record.feed import Entry
from fellesjournal.web import _

READ_NOTE: Final = "read-note"
NOTE: Final = "Composition"
NO_GP: Final = "no-gp"
CARRIED: Final = ("final", "amended", "entered-in-error")
_NOT_FROM: Final = ("LOAD", "DISTRIBUTE")


@dataclass(frozen=True, slots=True)
class Destination:
    """Whose inbox gets the task: a unit's Organization id. `kind` is read-note, or no-gp at the sender itself."""

    kind: str
    unit_id: str
    unit_name: str
    why: str = ""


def is_carried(entry: Entry) -> bool:
    """Whether an entry of the feed may be a note for the GP: written by people, not by a loader or by ourselves."""
    return entry.rtype == NOTE and entry.op in ("C", "U") and entry.purpose not in _NOT_FROM


def task_pid(note_id: str, version: int) -> int:
    """The number of the task about a note's version: the same at every try, so a second one is seen as there."""
    digest = blake2b(f"fellesjournal copy {note_id} {version}".encode(), digest_size=8).digest()
    return 1 << 61 | int.from_bytes(digest, "big") >> 3


def told(status: str, sender: str) -> str:
    """What the GP's inbox says of a note."""
    text = {
        "amended": _("Rettet notat fra %(sender)s"),
        "entered-in-error": _("Notat fra %(sender)s er trukket tilbake"),
    }.get(status, _("Notat fra %(sender)s"))
    return text % {"sender": sender}
