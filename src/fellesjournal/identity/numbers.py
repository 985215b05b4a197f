"""The keyed hash under which a national id is known to sign-in; the id itself stands nowhere here."""

from __future__ import annotations

import hashlib
import hmac

from fellesjournal.kit.keys import Keys

_LABEL = b"fellesjournal national id\0"


def number_hash(keys: Keys, national_id: str) -> bytes:
    """32 bytes for `identity.person.number_hash`; the key is in the key file, not in the database."""
    return hmac.digest(keys.current("hash"), _LABEL + national_id.encode(), hashlib.sha256)


def system_hash(keys: Keys, name: str) -> bytes:
    """The same for a system, by its name, so that a loader may be run again."""
    return hmac.digest(keys.current("hash"), b"fellesjournal system\0" + name.encode(), hashlib.sha256)
