"""What one controller answers for, taken out whole in a sealed file, for another system or for an archive.

Public: `take_out` writes the file, `read_archive` and `unpack` read one; what is in it: `docs/operations/takeout.md`.
"""

from fellesjournal.onboarding.takeout.actions import TAKEOUT, NotTakenOut, Wish, take_out
from fellesjournal.onboarding.takeout.archive import BadArchive, Manifest, Part, read_archive, unpack

__all__ = ["TAKEOUT", "BadArchive", "Manifest", "NotTakenOut", "Part", "Wish", "read_archive", "take_out", "unpack"]
