"""A legevakt's own scale of urgency: `urgency.toml` in the data folder, read again when it changes.

    ["Tindvåg og Øvreskog legevakt".yellow]
    max_wait_minutes = 45
    retriage_minutes = 30

The table's name is the unit's name or its Organization id. A unit that is not named has the default scale.
"""

from __future__ import annotations

import tomllib
from functools import lru_cache
from pathlib import Path

from fellesjournal.clinical.encounters import DEFAULT_SCALE, Scale
from fellesjournal.clinical.encounters.urgency import BadScale, scale_from
from fellesjournal.identity.model import Reader
from fellesjournal.kit import ids
from fellesjournal.kit.log import get_logger

FILE = "urgency.toml"
_log = get_logger("legevakt.scales")


def scale_of(reader: Reader, *, data_dir: Path) -> Scale:
    """The scale of the reader's unit. A file that can't be used is logged and the default holds."""
    path = data_dir / FILE
    try:
        changed = path.stat().st_mtime_ns
    except OSError:
        return DEFAULT_SCALE
    found = _read(path, changed)
    id_ = ids.encode(0, reader.unit) if reader.unit else ""
    return found.get(reader.unit_name) or found.get(id_) or DEFAULT_SCALE


@lru_cache(maxsize=4)
def _read(path: Path, _changed: int) -> dict[str, Scale]:
    try:
        return {unit: scale_from(table) for unit, table in tomllib.loads(path.read_text("utf-8")).items()}
    except (BadScale, tomllib.TOMLDecodeError, UnicodeDecodeError, AttributeError, TypeError) as error:
        _log.warning("the urgency file can't be used; the default scale holds", fault=str(error))
        return {}
