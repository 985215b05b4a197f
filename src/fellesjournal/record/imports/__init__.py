"""Bulk imports: NDJSON that is sent, or fetched from where the operator allows, written as every write is.

`asking` is the asker's part: taking files in, how far it is, giving it up, what was wrong. `lines` cuts files into
pieces that wait in the database, `carrier` is the worker's part, `load` writes one piece. A piece goes in the
transaction that writes what is in it: a worker that is killed goes on from there, and nothing is written twice.
"""

from fellesjournal.record.imports.asking import (
    Fault,
    File,
    Import,
    TooManyImports,
    begin,
    cancel,
    discard,
    faults,
    find,
    start,
    take_in,
)
from fellesjournal.record.imports.carrier import EVERY_MINUTE, JOB, Importer, sweep
from fellesjournal.record.imports.sources import is_allowed

__all__ = [
    "EVERY_MINUTE", "JOB", "Fault", "File", "Import", "Importer", "TooManyImports", "begin", "cancel", "discard",
    "faults", "find", "is_allowed", "start", "sweep", "take_in",
]  # fmt: skip
