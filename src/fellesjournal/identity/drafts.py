"""The key of what a person has begun to write and not saved; it never leaves the person."""

from __future__ import annotations

import base64
import hashlib
import hmac

from fellesjournal.identity.model import Reader
from fellesjournal.kit.keys import Keys


def draft_key(keys: Keys, reader: Reader) -> str:
    """256 bits as base64: the same for the same person in every session, so that only they read a kept draft."""
    label = f"fellesjournal draft {reader.kind} {reader.person}".encode()
    return base64.b64encode(hmac.digest(keys.current("draft"), label, hashlib.sha256)).decode()
