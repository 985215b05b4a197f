"""The keyed hash under which a national id is known to sign-in; the id itself stands nowhere here."""

from __future__ import annotations

import hashlib
import hmac
from typing import Any

from fellesjournal import fhir
from fellesjournal.kit.keys import Keys
from fellesjournal.national.identifiers import DNR, FNR, kind_of

_LABEL = b"fellesjournal national id\0"


def number_hash(keys: Keys, national_id: str) -> bytes:
    """32 bytes for `identity.person.number_hash`; the key is in the key file, not in the database."""
    return hmac.digest(keys.current("hash"), _LABEL + national_id.encode(), hashlib.sha256)


def number_keys(keys: Keys, national_id: str) -> list[int]:
    """The keyed hashes under which a Patient with this number stands in the record (`vault.identifier`)."""
    systems = (system for system in (FNR, DNR) if kind_of(system, national_id))
    return [keys.hash64(fhir.identifier_text(system, national_id)) for system in systems]


def named_by_number(keys: Keys, national_id: str) -> dict[str, Any]:
    """The fields of a wish (`identity.administration`) that say whom it is about by a national number."""
    return {"hash": number_hash(keys, national_id).hex(), "keys": number_keys(keys, national_id)}


def system_hash(keys: Keys, name: str) -> bytes:
    """The same for a system, by its name, so that a loader may be run again."""
    return hmac.digest(keys.current("hash"), b"fellesjournal system\0" + name.encode(), hashlib.sha256)
